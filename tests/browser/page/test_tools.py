"""The phone and the terminal beside the chat."""

from __future__ import annotations

import threading

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.page.driving import visit
from tests.browser.page.fake_server import CHANNEL, Fake, Json
from tests.browser.page.samples import OTPAUTH, SECRET, message, plain, section

TOKEN = {"label": "maya@harbourpay", "issuer": "prodaccess", "code": "492817", "seconds_left": 21}


def enrolment(text: str) -> Json:
    blocks = [section("Add this to your authenticator.", block_id="a"), section(text, block_id="b")]
    return {"id": "V1", "hash": "h", "type": "modal", "title": plain("Enrol"), "blocks": blocks}


def test_the_running_code_is_shown_and_copied_with_one_press(context: BrowserContext, page: Page, fake: Fake) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    fake.tokens = [TOKEN]
    visit(page, fake)
    phone = page.get_by_role("region", name="Phone")
    expect(phone.locator(".code")).to_have_text("492 817")
    phone.get_by_role("button", name="Copy code").click()
    expect(phone.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("() => navigator.clipboard.readText()") == "492817"


def test_the_next_code_is_fetched_when_the_ring_runs_out(page: Page, fake: Fake) -> None:
    fake.tokens = [{**TOKEN, "seconds_left": 1}]
    visit(page, fake)
    expect(page.locator(".code")).to_have_text("492 817")
    fake.tokens = [{**TOKEN, "code": "001234", "seconds_left": 30}]
    expect(page.locator(".code")).to_have_text("001 234")


def test_a_pasted_secret_is_added_and_a_bad_one_is_explained(page: Page, fake: Fake) -> None:
    visit(page, fake)
    phone = page.get_by_role("region", name="Phone")
    phone.get_by_role("button", name="Add").click()
    expect(phone.get_by_role("alert")).to_contain_text("Paste the otpauth:// link")
    phone.get_by_label("Paste a link or secret").fill("not!base32")
    phone.get_by_role("button", name="Add").click()
    expect(phone.get_by_role("alert")).to_contain_text("this is not Base32")
    phone.get_by_label("Paste a link or secret").fill(SECRET)
    phone.get_by_label("Paste a link or secret").press("Enter")
    expect(phone.locator(".code")).to_have_text("492 817")
    expect(phone.get_by_label("Paste a link or secret")).to_have_value("")


def test_an_otpauth_link_in_a_modal_is_scanned_by_click_while_the_modal_stays(page: Page, fake: Fake) -> None:
    visit(page, fake)
    fake.show_modals(
        enrolment(f"<{OTPAUTH.replace('&', '&amp;')}|open in your app>, or `JBSW Y3DP EHPK 3PXP JBSW Y3DP`")
    )
    dialog = page.get_by_role("dialog", name="Enrol")
    expect(dialog.get_by_role("link")).to_have_count(0)
    dialog.get_by_role("button", name="Scan with phone").click()
    expect(page.get_by_role("region", name="Phone").locator(".code")).to_have_text("492 817")
    posted = [body["secret"] for body in fake.of("/phone/U0MAYA") if "secret" in body]
    assert posted == [OTPAUTH]
    expect(dialog).to_be_visible()


def test_a_bare_secret_in_a_message_is_found_and_an_access_key_id_is_not(page: Page, fake: Fake) -> None:
    spaced = " ".join(SECRET[at : at + 4] for at in range(0, 32, 4))
    fake.messages[CHANNEL] = [
        message(60, "x", [section("Key `AKIAIOSFODNN7EXAMPLE` is yours", block_id="k")]),
        message(30, "x", [section(f"Or type it: `{spaced}`", block_id="s")]),
    ]
    visit(page, fake)
    scan = page.get_by_role("button", name="Scan with phone")
    expect(scan).to_have_count(1)
    scan.click()
    expect(page.locator(".code")).to_be_visible()
    assert [body["secret"] for body in fake.of("/phone/U0MAYA") if "secret" in body] == [SECRET]


def test_the_phone_is_wiped_only_after_a_question(page: Page, fake: Fake) -> None:
    fake.tokens = [TOKEN]
    visit(page, fake)
    page.get_by_role("button", name="Wipe this phone").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Keep").click()
    assert fake.tokens == [TOKEN]
    page.get_by_role("button", name="Wipe this phone").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Wipe").click()
    expect(page.get_by_text("No codes yet")).to_be_visible()
    assert fake.tokens == []


def test_a_call_shows_denied_then_allowed_in_plain_sight(page: Page, fake: Fake) -> None:
    visit(page, fake)
    terminal = page.get_by_role("region", name="Terminal", exact=True)
    call = terminal.get_by_role("button", name="List the payment logs")
    call.click()
    expect(terminal.locator(".outcome")).to_have_text("ACCESS DENIED")
    expect(terminal.get_by_role("log")).to_contain_text("AccessDenied")
    fake.answers["/terminal/U0MAYA/list"] = lambda body: {
        "ok": True,
        "outcome": "allowed",
        "command": "aws s3api list-objects-v2",
        "output": "<b>today.log</b>",
        "at": "2026-03-02T09:20:00Z",
    }
    call.click()
    expect(terminal.locator(".outcome")).to_have_text(["ACCESS DENIED", "ALLOWED"])
    expect(terminal.get_by_role("log")).to_contain_text("<b>today.log</b>")
    page.reload()
    expect(terminal.locator(".outcome")).to_have_text(["ACCESS DENIED", "ALLOWED"])
    visit(page, fake, "user=U0TOMAS")
    expect(page.get_by_text("Tomás Okafor's AWS keys")).to_be_visible()
    expect(terminal.locator(".outcome")).to_have_count(0)


def test_the_same_outcome_again_is_counted_not_repeated(page: Page, fake: Fake) -> None:
    visit(page, fake)
    call = page.get_by_role("button", name="List the payment logs")
    call.click()
    expect(page.locator(".ticks i")).to_have_count(1)
    call.click()
    expect(page.locator(".ticks i")).to_have_count(2)
    expect(page.locator(".outcome")).to_have_count(1)
    expect(page.locator(".run-result")).to_contain_text("(2 times)")


def test_repeating_runs_the_last_call_again_by_itself(page: Page, fake: Fake) -> None:
    visit(page, fake)
    page.get_by_role("button", name="Read one log file").click()
    page.get_by_label("Repeat every 2 s").check()
    fake.wait_for("/terminal/U0MAYA/get", 3)
    page.get_by_label("Repeat every 2 s").uncheck()
    expect(page.locator(".ticks")).to_have_accessible_name("Last run: ACCESS DENIED")


def test_a_call_that_gets_no_answer_says_so(page: Page, fake: Fake) -> None:
    visit(page, fake)
    fake.answers["/terminal/U0MAYA/list"] = lambda body: {"ok": False, "error": "unknown_call"}
    page.get_by_role("button", name="List the payment logs").click()
    expect(page.locator(".outcome")).to_have_text("ERROR")
    expect(page.get_by_role("log", name="Terminal output")).to_contain_text("Reload the page")


def test_the_phone_can_be_used_while_a_modal_waits_for_the_code(page: Page, fake: Fake) -> None:
    fake.tokens = [TOKEN]
    visit(page, fake)
    gate = fake.gates["/ui/submit"] = threading.Event()
    gate.set()
    fake.show_modals(enrolment("Type the code."))
    page.get_by_role("button", name="Copy code").click()
    expect(page.get_by_role("dialog", name="Enrol")).to_be_visible()
