"""People, places, the composer, the hints, and the page's own defences."""

from __future__ import annotations

import re
import threading

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.page.driving import visit
from tests.browser.page.fake_server import CHANNEL, DIRECT, QUIET, Fake


def test_another_person_is_chosen_with_the_keyboard_and_survives_a_reload(page: Page, fake: Fake) -> None:
    visit(page, fake)
    switcher = page.get_by_role("button", name=re.compile("^You are: Maya Lindqvist"))
    switcher.press("Enter")
    expect(page.get_by_role("menuitemradio", name="Maya Lindqvist")).to_be_focused()
    expect(page.get_by_role("menuitemradio", name="Gus Vendor guest")).to_be_visible()
    page.get_by_role("menuitemradio", name="Maya Lindqvist").press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=re.compile("^You are: Tomás Okafor"))).to_be_visible()
    assert "user=U0TOMAS" in page.url
    page.reload()
    expect(page.get_by_role("button", name=re.compile("^You are: Tomás Okafor"))).to_be_visible()
    assert fake.of("/ui/state")[-1]["user"] == "U0TOMAS"


def test_two_tabs_play_two_people(context: BrowserContext, page: Page, fake: Fake) -> None:
    visit(page, fake, "user=U0MAYA")
    other = context.new_page()
    visit(other, fake, f"user=U0TOMAS&channel={QUIET}")
    expect(other.get_by_role("button", name=re.compile("^You are: Tomás"))).to_be_visible()
    expect(other.get_by_role("link", name="payments", exact=True)).to_have_attribute("aria-current", "page")
    expect(page.get_by_role("button", name=re.compile("^You are: Maya"))).to_be_visible()


def test_an_unknown_person_or_channel_in_the_address_falls_back(page: Page, fake: Fake) -> None:
    visit(page, fake, "user=U404&channel=C404")
    expect(page.get_by_role("button", name=re.compile("^You are: Maya"))).to_be_visible()
    expect(page.get_by_role("heading", name="prod-approvals", exact=True)).to_be_visible()


def test_the_bots_messages_stay_in_view_when_the_person_changes(page: Page, fake: Fake) -> None:
    visit(page, fake, f"user=U0MAYA&channel={DIRECT}")
    page.get_by_role("button", name=re.compile("^You are: Maya")).click()
    link = page.get_by_role("menuitemradio", name="Tomás Okafor")
    expect(link).to_have_attribute("href", "#user=U0TOMAS&channel=messages")
    link.click()
    expect(page.get_by_role("button", name=re.compile("^You are: Tomás"))).to_be_visible()
    expect(page.get_by_role("tab", name="Messages")).to_have_attribute("aria-selected", "true")
    page.wait_for_function("channel => location.hash.endsWith(channel)", arg=DIRECT)


def test_back_returns_to_the_channel_before(page: Page, fake: Fake) -> None:
    visit(page, fake)
    page.get_by_role("link", name="payments", exact=True).click()
    expect(page.get_by_label("Message #payments")).to_be_visible()
    page.go_back()
    expect(page.get_by_label("Message #prod-approvals")).to_be_visible()


def test_enter_sends_shift_enter_breaks_the_line_and_arrow_up_recalls(page: Page, fake: Fake) -> None:
    visit(page, fake)
    box = page.locator("#composer")
    box.press_sequentially("one")
    box.press("Shift+Enter")
    box.press_sequentially("two")
    box.press("Enter")
    assert fake.wait_for("/ui/send") == {"user": "U0MAYA", "channel": CHANNEL, "text": "one\ntwo"}
    expect(box).to_have_value("")
    box.press("ArrowUp")
    expect(box).to_have_value("one\ntwo")


def test_a_slash_suggests_commands_with_their_usage(page: Page, fake: Fake) -> None:
    visit(page, fake)
    box = page.locator("#composer")
    box.press_sequentially("/")
    suggestions = page.get_by_role("listbox", name="Commands")
    expect(suggestions.get_by_role("option")).to_have_count(8)
    expect(suggestions).to_contain_text("<role> <account>")
    for _ in range(3):
        box.press("ArrowDown")
    box.press("Enter")
    expect(box).to_have_value("/prodaccess status")
    expect(suggestions).not_to_be_visible()
    box.press("Enter")
    assert fake.wait_for("/ui/command")["text"] == "/prodaccess status"


def test_a_typed_command_is_sent_by_one_enter_and_pends_until_the_ack(page: Page, fake: Fake) -> None:
    visit(page, fake)
    gate = fake.gates["/ui/command"] = threading.Event()
    box = page.locator("#composer")
    box.press_sequentially("/prodaccess")
    box.press("Enter")
    fake.wait_for("/ui/command")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    expect(box).to_have_value("/prodaccess")
    gate.set()
    expect(box).to_have_value("")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("operation_timeout", '/prodaccess failed with the error "operation_timeout"'),
        ("unknown command", "/prodaccess is not a valid command."),
    ],
)
def test_a_failed_command_is_worded_as_slack_does_and_stays_typed(
    page: Page, fake: Fake, error: str, words: str
) -> None:
    fake.answers["/ui/command"] = lambda body: {"ok": False, "error": error}
    visit(page, fake)
    page.locator("#composer").fill("/prodaccess help")
    page.locator("#composer").press("Enter")
    expect(page.locator(".toast.error")).to_have_text(words)
    expect(page.locator("#composer")).to_have_value("/prodaccess help")


def test_the_answer_and_the_live_notice_of_one_failure_make_one_toast(page: Page, fake: Fake) -> None:
    visit(page, fake)
    gate = fake.gates["/ui/command"] = threading.Event()
    fake.answers["/ui/command"] = lambda body: {"ok": False, "error": "dispatch_failed"}
    page.locator("#composer").fill("/prodaccess help")
    page.locator("#composer").press("Enter")
    fake.push({"type": "notice", "level": "error", "text": "The server's own words."})
    expect(page.locator(".toast")).to_have_text("The server's own words.")
    gate.set()
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_enabled()
    page.wait_for_timeout(400)
    expect(page.locator(".toast")).to_have_count(1)


def test_a_draft_is_kept_for_its_channel(page: Page, fake: Fake) -> None:
    visit(page, fake)
    page.locator("#composer").fill("half a thought")
    page.get_by_role("link", name="payments", exact=True).click()
    expect(page.get_by_label("Message #payments")).to_have_value("")
    page.get_by_role("link", name="prod-approvals").click()
    expect(page.get_by_label("Message #prod-approvals")).to_have_value("half a thought")


def test_the_hints_go_away_for_good(page: Page, fake: Fake) -> None:
    visit(page, fake)
    hints = page.get_by_role("region", name="What to try first")
    expect(hints.get_by_role("listitem")).to_have_count(3)
    hints.get_by_role("button", name="Dismiss these hints").click()
    expect(hints).to_have_count(0)
    page.reload()
    expect(page.locator("#app[data-ready]")).to_be_visible()
    expect(hints).to_have_count(0)


def test_at_phone_width_the_sidebar_is_a_drawer_and_the_panels_are_tabs(page: Page, fake: Fake) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    visit(page, fake)
    payments = page.get_by_role("link", name="payments", exact=True)
    expect(payments).not_to_be_visible()
    page.get_by_role("button", name="Open the menu").click()
    expect(page.get_by_role("button", name="Close the menu")).to_be_focused()
    page.keyboard.press("Escape")
    expect(payments).not_to_be_visible()
    page.get_by_role("button", name="Open the menu").click()
    payments.click()
    expect(payments).not_to_be_visible()
    expect(page.get_by_role("heading", name="payments", exact=True)).to_be_visible()
    panels = page.get_by_role("navigation", name="Panels")
    panels.get_by_role("button", name="Terminal").click()
    expect(page.get_by_role("region", name="Terminal", exact=True)).to_be_visible()
    expect(page.get_by_role("region", name="Phone")).not_to_be_visible()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390


def test_every_response_carries_a_strict_policy_and_nothing_is_inline(fake: Fake) -> None:
    for path in ("/", "/static/js/main.js", "/static/css/base.css", "/static/nowhere.js"):
        answer = httpx.get(fake.url + path)
        if answer.status_code == 404:
            continue
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert "trusted-types 'none'" in policy
    index = httpx.get(fake.url).text
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|style=|https?://", index) == []


def test_the_static_folder_cannot_be_left(fake: Fake) -> None:
    assert httpx.get(f"{fake.url}/static/..%2f__init__.py").status_code == 404
    assert httpx.get(f"{fake.url}/static/js/").status_code == 404
