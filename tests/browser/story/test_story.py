"""The whole story in a browser: enrol, refused, ask, approve, allowed, done, refused; then time runs out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from playwright.sync_api import Locator, expect

from tests.browser.story.visiting import Visit

Open = Callable[[str, int, int], Visit]

READ = "Read a checkout log"
ROLE = "Read objects in a bucket"
ALLOWED, DENIED = "ALLOWED", "ACCESS DENIED"
A_GRANT = timedelta(hours=1)
PATIENCE = 60
"""Seconds in which a grant that is over is seen to be."""


def test_the_whole_story(visit: Open) -> None:
    desk = visit("desktop", 1280, 800)
    arrive(desk)
    enrol(desk)
    ask(desk, "1h", "Checkout fails for every tenth customer; I look for the stack trace.")
    approve(desk)
    use_and_release(desk)
    let_time_run_out(desk)
    be_denied(desk)


def arrive(desk: Visit) -> None:
    desk.shoot("welcome", dark=True)
    desk.run(READ, DENIED)
    desk.shoot("terminal-denied")
    desk.open("prodaccess Home")
    expect(desk.page.get_by_role("button", name="Set up")).to_be_visible()
    desk.shoot("home-before-enrolling")


def enrol(desk: Visit) -> None:
    desk.open("prod-access")
    desk.send("/prodaccess enrol")
    form = desk.dialog("Set up authenticator")
    desk.shoot("enrol-form")
    desk.press(form, "Ask them")
    expect(form).to_contain_text("Asked:")
    desk.shoot("enrol-asked")
    desk.press(form, "Close")

    desk.become("ines")
    desk.open("prodaccess")
    card = desk.card("wants to set up an authenticator")
    desk.shoot("vouch-card")
    desk.press(card, "I checked that this is really them")
    vouch = desk.dialog("Vouch for a colleague")
    vouch.get_by_role("textbox").fill(desk.code())
    desk.shoot("vouch-code")
    desk.press(vouch, "Vouch")
    expect(vouch).to_have_count(0)
    expect(desk.card("wants to set up an authenticator")).to_contain_text("vouched")

    desk.become("maya")
    desk.open("prodaccess")
    desk.press(desk.card("vouched for you"), "Set up my authenticator")
    secret = desk.dialog("Your authenticator")
    desk.shoot("enrol-secret")
    look_at_the_qr_code(desk, secret)
    desk.press(secret, "Scan with phone")
    expect(desk.page.locator("#phone .code")).to_be_visible()
    secret.get_by_role("textbox", name="First code").fill(desk.code())
    secret.get_by_role("textbox", name="The code after it").fill(desk.code())
    desk.shoot("enrol-two-codes")
    desk.press(secret, "Finish")
    desk.press(desk.dialog("Done"), "Close")
    desk.shoot("enrolled")


def look_at_the_qr_code(desk: Visit, secret: Locator) -> None:
    """On a page of its own, once."""
    with desk.page.expect_popup() as opened:
        desk.press(secret, "Show a QR code")
    once = opened.value
    once.get_by_role("button", name="Show my QR code").click()
    expect(once.get_by_role("img", name="QR code")).to_be_visible()
    desk.shoot("qr-code", page=once)
    once.goto(once.url)
    expect(once.get_by_role("heading")).to_have_text("This link is no longer good")
    once.close()


def ask(desk: Visit, duration: str, reason: str) -> None:
    desk.send("/prodaccess")
    form = desk.dialog("Request access")
    desk.shoot("form-empty")
    desk.choose(form, "Role", ROLE)
    expect(form.get_by_role("combobox", name="Account")).to_have_value("Payments (production)")
    desk.choose(form, "Bucket", "payments-logs")
    desk.choose(form, "Kind of work", "Bug fix")
    expect(form.get_by_text("2 h for Bug fix")).to_be_visible()
    form.get_by_label("How long").fill("3h")
    form.get_by_label("Why").fill(reason)
    desk.press(form, "Next")
    expect(form.get_by_role("alert").filter(has_text="2 h")).to_be_visible()
    desk.shoot("form-refused", dark=True)
    form.get_by_label("How long").fill(duration)
    desk.press(form, "Next")
    confirm = desk.dialog("Confirm with a code")
    desk.shoot("confirm")
    confirm.get_by_role("textbox").fill("000000")
    desk.press(confirm, "Send request")
    expect(confirm.get_by_role("alert")).not_to_be_empty()
    desk.shoot("confirm-wrong-code")
    confirm.get_by_role("textbox").fill(desk.code())
    desk.press(confirm, "Send request")
    sent = desk.dialog("Request sent")
    desk.shoot("sent")
    desk.press(sent, "Done")
    desk.open("prodaccess")
    desk.card("You asked for")
    desk.shoot("own-card-pending")


def approve(desk: Visit) -> None:
    desk.become("ines")
    desk.open("prod-access")
    card = desk.card("asks for", ROLE)
    desk.shoot("approval-card", dark=True)
    desk.press(card, "Show permissions")
    policy = desk.dialog("Exact permissions")
    expect(policy).to_contain_text("s3:GetObject")
    desk.shoot("permissions")
    desk.press(policy, "Close")
    # Vouching took her code a minute ago; within a quarter of an hour a click is enough.
    desk.press(card, "Approve")
    expect(card).to_contain_text("Active")
    desk.shoot("approved-card")


def use_and_release(desk: Visit) -> None:
    desk.become("maya")
    desk.run(READ, ALLOWED)
    desk.open("prodaccess")
    told = desk.card("You have access")
    desk.shoot("allowed")
    desk.open("prodaccess Home")
    expect(desk.page.locator(".home")).to_contain_text("left")
    desk.shoot("home-active", dark=True)
    desk.open("prodaccess")
    desk.press(told, "I'm done")
    desk.card("Your access has ended", "released by")
    desk.until(READ, DENIED, 30)
    desk.shoot("released")
    desk.open("prod-access")
    expect(desk.card("asks for", ROLE)).to_contain_text("released by")
    desk.shoot("card-after-release")


def let_time_run_out(desk: Visit) -> None:
    desk.send("/prodaccess s3-read payments-prod bucket=payments-logs 1h bug-fix once more, the trace was cut off")
    confirm = desk.dialog("Confirm with a code")
    confirm.get_by_role("textbox").fill(desk.code())
    desk.press(confirm, "Send request")
    desk.press(desk.dialog("Request sent"), "Done")
    desk.become("ines")
    desk.open("prod-access")
    card = desk.card("asks for", "the trace was cut off")
    desk.press(card, "Approve")
    expect(card).to_contain_text("Active")
    desk.become("maya")
    desk.run(READ, ALLOWED)
    desk.later(A_GRANT)
    desk.until(READ, DENIED, PATIENCE)
    desk.open("prod-access")
    expect(desk.card("asks for", "the trace was cut off")).to_contain_text("Ended", timeout=60_000)
    expect(desk.card("asks for", "the trace was cut off")).to_contain_text("time was up")
    desk.shoot("card-after-expiry")
    desk.open("prodaccess Home")
    desk.shoot("home-after")


def be_denied(desk: Visit) -> None:
    desk.open("prod-access")
    desk.send("/prodaccess s3-write payments-prod bucket=payments-logs 1h bug-fix PAY-7 delete the broken upload")
    confirm = desk.dialog("Confirm with a code")
    desk.shoot("confirm-typed")
    confirm.get_by_role("textbox").fill(desk.code())
    desk.press(confirm, "Send request")
    desk.press(desk.dialog("Request sent"), "Done")
    desk.become("ines")
    desk.open("prod-access")
    card = desk.card("asks for", "delete the broken upload")
    desk.press(card, "Deny")
    deny = desk.dialog("Deny request")
    deny.get_by_label("Reason").fill("The upload job cleans up by itself at 04:00.")
    desk.shoot("deny")
    desk.press(deny, "Deny")
    expect(card).to_contain_text("Denied")
    desk.shoot("denied-card")
    desk.become("maya")
    desk.open("prodaccess")
    desk.card("Your request was denied", "cleans up by itself")
    desk.shoot("denied-notice")
