"""Modals: the state that they submit, what they keep, and how they fail."""

from __future__ import annotations

import threading

import pytest
from playwright.sync_api import Page, expect

from tests.browser.page.driving import visit
from tests.browser.page.fake_server import CHANNEL, Fake, Json
from tests.browser.page.samples import (
    NOW,
    approval_blocks,
    input_block,
    message,
    option,
    plain,
    request_view,
    text_input,
)

PERIODS = [option("Bug fix", "bug", "up to 2 h"), option("Incident", "incident", "up to 24 h")]


def view(*blocks: Json, **more: object) -> Json:
    base = {"id": "V1", "hash": "h1", "type": "modal", "title": plain("A form"), "submit": plain("Send")}
    return {**base, "blocks": list(blocks), **more}


def values(fake: Fake, count: int = 1) -> Json:
    state: Json = fake.wait_for("/ui/submit", count)["state"]["values"]
    return state


def test_untouched_inputs_submit_their_initial_values_in_slacks_shape(page: Page, fake: Fake) -> None:
    bug, incident = PERIODS
    blocks = [
        text_input("text", "Text", initial_value="typed"),
        text_input("none", "None", optional=True),
        input_block("number", "Number", {"type": "number_input", "is_decimal_allowed": False, "initial_value": "3"}),
        input_block("static", "Static", {"type": "static_select", "options": PERIODS, "initial_option": bug}),
        input_block("ext", "Ext", {"type": "external_select", "initial_option": bug}),
        input_block("exts", "Exts", {"type": "multi_external_select", "initial_options": [bug]}),
        input_block("many", "Many", {"type": "multi_static_select", "options": PERIODS, "initial_options": PERIODS}),
        input_block("user", "User", {"type": "users_select", "initial_user": "U0TOMAS"}),
        input_block("users", "Users", {"type": "multi_users_select", "initial_users": ["U0TOMAS"]}),
        input_block("conv", "Conv", {"type": "conversations_select", "initial_conversation": CHANNEL}),
        input_block("check", "Check", {"type": "checkboxes", "options": PERIODS, "initial_options": [incident]}),
        input_block("radio", "Radio", {"type": "radio_buttons", "options": PERIODS, "initial_option": incident}),
        input_block("date", "Date", {"type": "datepicker", "initial_date": "2026-03-02"}),
        input_block("time", "Time", {"type": "timepicker", "initial_time": "09:30"}),
        input_block("both", "Both", {"type": "datetimepicker", "initial_date_time": NOW}),
    ]
    visit(page, fake)
    fake.show_modals(view(*blocks))
    page.get_by_role("dialog").get_by_role("button", name="Send", exact=True).click()
    assert values(fake) == {
        "text": {"value": {"type": "plain_text_input", "value": "typed"}},
        "none": {"value": {"type": "plain_text_input", "value": None}},
        "number": {"value": {"type": "number_input", "value": "3"}},
        "static": {"value": {"type": "static_select", "selected_option": bug}},
        "ext": {"value": {"type": "external_select", "selected_option": bug}},
        "exts": {"value": {"type": "multi_external_select", "selected_options": [bug]}},
        "many": {"value": {"type": "multi_static_select", "selected_options": PERIODS}},
        "user": {"value": {"type": "users_select", "selected_user": "U0TOMAS"}},
        "users": {"value": {"type": "multi_users_select", "selected_users": ["U0TOMAS"]}},
        "conv": {"value": {"type": "conversations_select", "selected_conversation": CHANNEL}},
        "check": {"value": {"type": "checkboxes", "selected_options": [incident]}},
        "radio": {"value": {"type": "radio_buttons", "selected_option": incident}},
        "date": {"value": {"type": "datepicker", "selected_date": "2026-03-02"}},
        "time": {"value": {"type": "timepicker", "selected_time": "09:30"}},
        "both": {"value": {"type": "datetimepicker", "selected_date_time": NOW}},
    }


def test_what_is_typed_and_picked_is_what_is_submitted(page: Page, fake: Fake) -> None:
    visit(page, fake)
    fake.show_modals(
        view(
            text_input("why", "Why", multiline=True),
            input_block("work", "Kind of work", {"type": "radio_buttons", "options": PERIODS}),
            input_block("extras", "Extras", {"type": "checkboxes", "options": PERIODS}, optional=True),
            input_block("start", "Start", {"type": "datetimepicker"}),
            input_block("day", "Day", {"type": "datepicker"}),
        )
    )
    dialog = page.get_by_role("dialog", name="A form")
    dialog.get_by_label("Why").fill("one\ntwo & <three>")
    dialog.get_by_role("radio", name="Incident").check()
    dialog.get_by_role("checkbox", name="Bug fix").check()
    dialog.get_by_label("Start").fill("2026-03-02T10:15")
    dialog.get_by_label("Day").fill("2026-03-03")
    dialog.get_by_role("button", name="Send").click()
    sent = values(fake)
    assert sent["why"]["value"]["value"] == "one\ntwo & <three>"
    assert sent["work"]["value"]["selected_option"] == PERIODS[1]
    assert sent["extras"]["value"]["selected_options"] == [PERIODS[0]]
    local = page.evaluate("() => new Date('2026-03-02T10:15').getTime() / 1000")
    assert sent["start"]["value"]["selected_date_time"] == local
    assert sent["day"]["value"]["selected_date"] == "2026-03-03"


@pytest.mark.parametrize(
    ("element", "typed", "complaint"),
    [
        ({}, "", "Please complete this required field."),
        ({"min_length": 5}, "four", "Please use at least 5 characters."),
        ({"max_length": 6}, "1234567", "Please use at most 6 characters; this has 7."),
        ({"type": "number_input", "is_decimal_allowed": False}, "1.5", "Please enter a whole number."),
        ({"type": "number_input", "is_decimal_allowed": True, "max_value": "8"}, "8.5", "Please enter 8 or less."),
    ],
)
def test_what_slacks_client_refuses_is_never_sent(
    page: Page, fake: Fake, element: Json, typed: str, complaint: str
) -> None:
    visit(page, fake)
    fake.show_modals(view(text_input("field", "Field", **element)))
    box = page.get_by_role("textbox", name="Field")
    box.fill(typed)
    box.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("alert").filter(has_text=complaint)).to_be_visible()
    expect(box).to_be_focused()
    assert fake.of("/ui/submit") == []


def test_the_apps_errors_stand_under_their_fields_until_these_change(page: Page, fake: Fake) -> None:
    visit(page, fake)
    fake.answers["/ui/submit"] = lambda body: {
        "ok": True,
        "action": "errors",
        "errors": {"reason": "Say what is broken.", "nowhere": "And this."},
    }
    fake.show_modals(view(text_input("ticket", "Ticket"), text_input("reason", "Reason")))
    page.get_by_label("Ticket").fill("PAY-1")
    page.get_by_label("Reason").fill("because")
    page.get_by_label("Reason").press("Enter")
    reason = page.get_by_label("Reason")
    expect(reason).to_have_attribute("aria-invalid", "true")
    expect(reason).to_have_accessible_description("Say what is broken.")
    expect(reason).to_be_focused()
    expect(page.locator(".banner")).to_have_text("And this.")
    expect(page.get_by_label("Ticket")).to_have_value("PAY-1")
    reason.fill("because of the outage")
    expect(reason).not_to_have_attribute("aria-invalid", "true")


def test_a_failed_submit_says_so_and_loses_nothing(page: Page, fake: Fake) -> None:
    visit(page, fake)
    fake.answers["/ui/submit"] = lambda body: {"ok": False, "error": "operation_timeout"}
    gate = fake.gates["/ui/submit"] = threading.Event()
    fake.show_modals(view(text_input("why", "Why")))
    page.get_by_label("Why").fill("the gateway is down")
    submit = page.get_by_role("dialog").get_by_role("button", name="Send")
    submit.click()
    expect(submit).to_have_attribute("aria-busy", "true")
    gate.set()
    expect(page.get_by_text("We had some trouble connecting. Try again?")).to_be_visible()
    expect(page.get_by_label("Why")).to_have_value("the gateway is down")
    expect(submit).to_be_enabled()
    del fake.answers["/ui/submit"]
    submit.click()
    assert values(fake, 2)["why"]["value"]["value"] == "the gateway is down"


def test_an_updated_view_keeps_values_under_the_same_ids_focus_included(page: Page, fake: Fake) -> None:
    visit(page, fake)
    fake.show_modals(view(text_input("why", "Why"), text_input("ticket", "Ticket")))
    page.get_by_label("Ticket").fill("PAY-9")
    page.get_by_label("Why").fill("half a sent")
    updated = view(
        text_input("extra", "Bucket"),
        text_input("why", "Why, in full", hint="At least a sentence."),
        text_input("ticket", "Ticket"),
        hash="h2",
    )
    fake.show_modals(updated)
    why = page.get_by_label("Why, in full")
    expect(why).to_have_value("half a sent")
    expect(why).to_be_focused()
    page.keyboard.type("ence")
    expect(why).to_have_value("half a sentence")
    expect(page.get_by_label("Ticket")).to_have_value("PAY-9")
    fake.show_modals(view(text_input("why2", "Why, in full"), hash="h3"))
    expect(page.get_by_label("Why, in full")).to_have_value("")


def test_a_pushed_view_hides_the_one_below_and_gives_it_back_as_it_was(page: Page, fake: Fake) -> None:
    visit(page, fake)
    first = view(text_input("why", "Why"))
    second = view(text_input("code", "Code", max_length=6), id="V2", title=plain("Confirm"))
    fake.show_modals(first)
    page.get_by_label("Why").fill("kept")
    fake.show_modals(first, second)
    expect(page.get_by_role("dialog", name="Confirm")).to_be_visible()
    expect(page.get_by_label("Why")).not_to_be_visible()
    expect(page.get_by_role("textbox", name="Code")).to_be_focused()
    page.get_by_role("dialog", name="Confirm").get_by_role("button", name="Close").click()
    assert fake.wait_for("/ui/close")["cleared"] is True
    fake.show_modals(first)
    expect(page.get_by_label("Why")).to_have_value("kept")


def test_escape_closes_the_top_view_and_focus_goes_back(page: Page, fake: Fake) -> None:
    visit(page, fake)
    fake.answers["/ui/close"] = lambda body: (fake.modals.clear(), {"ok": True})[1]
    expect(page.locator("#composer")).to_be_focused()
    fake.show_modals(view(text_input("why", "Why")))
    expect(page.get_by_label("Why")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("#composer")).to_be_focused()
    assert fake.wait_for("/ui/close") == {"user": "U0MAYA", "view_id": "V1", "cleared": False}


def test_tab_stays_in_the_dialog_and_f6_reaches_the_phone(page: Page, fake: Fake) -> None:
    visit(page, fake)
    fake.show_modals(view(text_input("why", "Why")))
    dialog = page.get_by_role("dialog")
    expect(page.get_by_label("Why")).to_be_focused()
    for _ in range(9):
        page.keyboard.press("Tab")
        expect(dialog.locator(":focus")).to_have_count(1)
    page.keyboard.press("F6")
    expect(page.locator("#phone")).to_be_focused()


def test_external_options_are_asked_for_debounced_and_dispatched(page: Page, fake: Fake) -> None:
    visit(page, fake)
    fake.answers["/ui/options"] = lambda body: {
        "ok": True,
        "options": [option(f"{body['value'] or 'any'}-{name}", name) for name in ("read", "write")],
        "option_groups": None,
    }
    fake.show_modals(request_view())
    role = page.get_by_role("combobox", name="Role")
    role.click()
    expect(page.get_by_role("option", name="any-read")).to_be_visible()
    role.press_sequentially("s3", delay=20)
    expect(page.get_by_role("option", name="s3-write")).to_be_visible()
    assert [body["value"] for body in fake.of("/ui/options")] == ["", "s3"]
    role.press("ArrowDown")
    role.press("Enter")
    expect(role).to_have_value("s3-write")
    sent = fake.wait_for("/ui/action")
    chosen = option("s3-write", "write")
    assert sent["where"] == {"kind": "modal", "view_id": "V1"}
    assert sent["action"]["selected_option"] == chosen
    assert sent["state"]["values"]["role"]["value"] == {"type": "external_select", "selected_option": chosen}
    assert sent["state"]["values"]["duration"]["value"]["value"] == "2h"


def test_external_options_wait_for_the_shortest_query_and_show_groups_and_faults(page: Page, fake: Fake) -> None:
    visit(page, fake)
    groups = [{"label": plain("Payments"), "options": [option("payments-prod", "p")]}]
    fake.answers["/ui/options"] = lambda body: {"ok": True, "options": None, "option_groups": groups}
    fake.show_modals(view(input_block("x", "Account", {"type": "external_select", "min_query_length": 2})))
    account = page.get_by_role("combobox", name="Account")
    account.click()
    expect(page.get_by_text("Type 2 letters or more to search")).to_be_visible()
    account.press_sequentially("pa")
    expect(page.get_by_text("Payments", exact=True)).to_be_visible()
    expect(page.get_by_role("option", name="payments-prod")).to_be_visible()
    fake.answers["/ui/options"] = lambda body: {"ok": False, "error": "operation_timeout"}
    account.press_sequentially("y")
    expect(page.get_by_text("Could not load the options.")).to_be_visible()
    account.press("Escape")
    expect(page.get_by_role("dialog")).to_be_visible()


def test_a_static_select_filters_as_one_types_and_can_be_cleared_where_optional(page: Page, fake: Fake) -> None:
    visit(page, fake)
    options = [option("payments-prod", "1"), option("search-prod", "2")]
    fake.show_modals(view(input_block("a", "Account", {"type": "static_select", "options": options}, optional=True)))
    account = page.get_by_role("combobox", name="Account")
    account.press_sequentially("sea")
    expect(page.get_by_role("option")).to_have_text(["search-prod"])
    account.press("Enter")
    expect(account).to_have_value("search-prod")
    page.get_by_role("dialog").get_by_role("button", name="Clear").click()
    expect(account).to_have_value("")
    account.press_sequentially("zzz")
    expect(page.get_by_text("No results")).to_be_visible()
    account.press("Escape")
    page.get_by_role("dialog").get_by_role("button", name="Send").click()
    assert values(fake)["a"]["value"]["selected_option"] is None


def test_a_multiple_select_keeps_chips_and_its_limit(page: Page, fake: Fake) -> None:
    visit(page, fake)
    element = {"type": "multi_users_select", "max_selected_items": 2}
    fake.show_modals(view(input_block("p", "People", element)))
    people = page.get_by_role("combobox", name="People")
    for name in ("Maya", "Tom", "Gus"):
        people.press_sequentially(name)
        expect(page.get_by_role("option")).to_have_count(1)
        people.press("Enter")
    expect(page.get_by_text("Choose at most 2.")).to_be_visible()
    people.press("Escape")
    expect(page.locator(".chip")).to_have_text(["Maya Lindqvist", "Tomás Okafor"])
    people.press("Backspace")
    page.get_by_role("dialog").get_by_role("button", name="Send").click()
    assert values(fake)["p"]["value"] == {"type": "multi_users_select", "selected_users": ["U0MAYA"]}


def test_dispatching_text_inputs_send_on_enter_or_on_each_character(page: Page, fake: Fake) -> None:
    visit(page, fake)
    each = {"trigger_actions_on": ["on_character_entered"]}
    fake.show_modals(
        view(
            {**text_input("enter", "Enter"), "dispatch_action": True},
            {**text_input("each", "Each", dispatch_action_config=each), "dispatch_action": True},
        )
    )
    page.get_by_label("Enter").press_sequentially("ab")
    assert fake.of("/ui/action") == []
    page.get_by_label("Enter").press("Enter")
    sent = fake.wait_for("/ui/action")
    assert (sent["block_id"], sent["action"]["type"], sent["action"]["value"]) == ("enter", "plain_text_input", "ab")
    assert fake.of("/ui/submit") == []
    page.get_by_label("Each").press_sequentially("xy")
    assert [fake.wait_for("/ui/action", count)["action"]["value"] for count in (2, 3)] == ["x", "xy"]


def test_a_modal_open_on_arrival_is_shown_with_the_state_that_the_server_kept(page: Page, fake: Fake) -> None:
    kept = {"values": {"why": {"value": {"type": "plain_text_input", "value": "typed before"}}}}
    fake.modals = [view(text_input("why", "Why"), state=kept)]
    visit(page, fake)
    expect(page.get_by_label("Why")).to_have_value("typed before")


def test_a_card_below_a_modal_cannot_be_pressed(page: Page, fake: Fake) -> None:
    fake.messages[CHANNEL] = [message(60, "card", approval_blocks())]
    visit(page, fake)
    fake.show_modals(view(text_input("why", "Why")))
    expect(page.get_by_role("dialog")).to_be_visible()
    approve = page.get_by_role("button", name="Approve", include_hidden=True)
    takes_focus = "node => { node.focus(); return document.activeElement === node; }"
    assert approve.evaluate(takes_focus) is False
    fake.show_modals()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert approve.evaluate(takes_focus) is True
