"""The same at a phone's width: an engineer asks, the manager decides, both on their phones."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.story.visiting import Visit

Open = Callable[[str, int, int], Visit]

ALLOWED, DENIED = "ALLOWED", "ACCESS DENIED"
READ = "Read a checkout log"
REASON = "Two orders hang in the queue since midnight; I read what the processor answered."


def test_the_manager_approves_on_the_phone(visit: Open) -> None:
    phone = visit("phone", 390, 844)
    phone.shoot("welcome")
    phone.become("ravi")
    phone.run(READ, DENIED)
    phone.shoot("terminal-denied")
    ask(phone)
    approve(phone)
    use(phone)
    revoke(phone)


def ask(phone: Visit) -> None:
    phone.open("prodaccess Home")
    phone.press(phone.page.locator(".home"), "Request access")
    form = phone.dialog("Request access")
    phone.choose(form, "Role", "Read objects in a bucket")
    phone.choose(form, "Bucket", "payments-logs")
    phone.choose(form, "Kind of work", "Incident")
    expect(form.get_by_text("for Incident")).to_be_visible()
    form.get_by_label("How long").fill("15m")
    form.get_by_label("Why").fill(REASON)
    phone.shoot("form", dark=True)
    phone.press(form, "Next")
    confirm = phone.dialog("Confirm with a code")
    confirm.get_by_role("textbox").fill("12345")
    phone.press(confirm, "Send request")
    expect(confirm.get_by_role("alert").filter(has_text="not accepted")).to_be_visible()
    phone.shoot("confirm-wrong-code")
    confirm.get_by_role("textbox").fill(phone.code())
    phone.press(confirm, "Send request")
    phone.press(phone.dialog("Request sent"), "Done")
    expect(phone.page.locator(".home")).to_contain_text("Lapses")
    phone.shoot("home-pending")


def approve(phone: Visit) -> None:
    phone.become("ines")
    phone.open("prodaccess Home")
    expect(phone.page.locator(".home")).to_contain_text("Waiting for me")
    phone.shoot("home-waiting-for-me")
    phone.open("prod-access")
    card = phone.card("asks for", REASON)
    phone.shoot("approval-card", dark=True)
    phone.press(card, "Approve")
    code = phone.dialog("Approve with a code")
    phone.shoot("approve-code")
    code.get_by_role("textbox").fill(phone.code())
    phone.press(code, "Approve")
    expect(code).to_have_count(0)
    expect(card).to_contain_text("Active")
    phone.shoot("approved-card")


def use(phone: Visit) -> None:
    phone.become("ravi")
    phone.until(READ, ALLOWED, 30)
    phone.shoot("terminal-allowed")
    phone.open("prodaccess Home")
    expect(phone.page.locator(".home")).to_contain_text("left")
    phone.shoot("home-active")


def revoke(phone: Visit) -> None:
    phone.become("ines")
    phone.open("prod-access")
    card = phone.card("asks for", REASON)
    phone.press(card, "Revoke")
    note = phone.dialog("Revoke access")
    note.get_by_label("Reason").fill("The queue is empty again.")
    phone.shoot("revoke")
    phone.press(note, "Revoke")
    expect(card).to_contain_text("Ended")
    expect(card).to_contain_text("revoked by")
    phone.shoot("revoked-card")
    phone.become("ravi")
    phone.until(READ, DENIED, 30)
