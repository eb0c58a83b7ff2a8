"""Pictures of the page at desktop and phone width, for a person to look at, under test-output/page/."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.page.conftest import SHOTS
from tests.browser.page.driving import visit
from tests.browser.page.fake_server import CHANNEL, DIRECT, Fake
from tests.browser.page.samples import approval_blocks, home_view, input_block, message, option, request_view

SIZES = {"desktop": (1280, 800), "phone": (390, 844)}


def shoot(page: Page, name: str, size: str) -> None:
    """Takes the picture, and fails when something is cut off at the right edge."""
    expect(page.locator(".spinner")).to_have_count(0)
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}-{size}.png")


def fill(fake: Fake) -> None:
    fake.unread = {DIRECT: 2}
    fake.tokens = [{"label": "maya@harbourpay", "issuer": "prodaccess", "code": "492817", "seconds_left": 21}]
    fake.messages[CHANNEL] = [
        message(9000, "Morning! The deploy freeze ends at *noon*. :tada:"),
        message(600, "card", approval_blocks()),
        message(300, "Sent to <@U0TOMAS> and 1 more.", bot=True, ephemeral=True),
    ]


def pane(page: Page, size: str, name: str) -> None:
    if size == "phone":
        page.get_by_role("navigation", name="Panels").get_by_role("button", name=name).click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_page_can_be_shown_to_a_colleague(browser: Browser, fake: Fake, size: str, scheme: str) -> None:
    width, height = SIZES[size]
    look = f"{size}-{scheme}"
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    visit(page, fake)
    shoot(page, "empty-channel", look)
    fill(fake)
    fake.home = home_view()
    page.reload()
    expect(page.get_by_role("button", name="Approve")).to_be_visible()
    page.get_by_role("button", name="Dismiss these hints").click()
    shoot(page, "approval-card", look)
    page.evaluate("() => { location.hash = '#user=U0MAYA&channel=home'; }")
    expect(page.get_by_role("heading", name="Your access")).to_be_visible()
    shoot(page, "home", look)
    periods = [option("Bug fix", "a", "up to 2 h"), option("Incident", "b", "up to 24 h")]
    fake.show_modals(request_view(input_block("work", "Kind of work", {"type": "radio_buttons", "options": periods})))
    page.get_by_role("dialog").get_by_role("button", name="Continue").click()
    expect(page.get_by_role("dialog").get_by_role("alert").first).to_be_visible()
    shoot(page, "modal-errors", look)
    page.get_by_role("combobox", name="Account").click()
    expect(page.get_by_role("option")).to_have_count(3)
    shoot(page, "modal-select", look)
    page.keyboard.press("Escape")
    pane(page, size, "Phone")
    expect(page.locator(".code")).to_be_visible()
    shoot(page, "phone", look)
    pane(page, size, "Terminal")
    page.get_by_role("button", name="List the payment logs").click()
    expect(page.get_by_text("ACCESS DENIED")).to_be_visible()
    shoot(page, "terminal-denied", look)
    fake.answers["/terminal/U0MAYA/list"] = lambda body: {
        "ok": True,
        "outcome": "allowed",
        "command": "aws s3api list-objects-v2 --bucket payments-logs",
        "output": "2026-03-01  today.log    14 kB\n2026-03-01  refunds.log   3 kB",
        "at": "2026-03-02T09:20:00Z",
    }
    page.get_by_role("button", name="List the payment logs").click()
    expect(page.get_by_text("ALLOWED")).to_be_visible()
    shoot(page, "terminal-allowed", look)
    context.close()
