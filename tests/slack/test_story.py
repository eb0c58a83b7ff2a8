"""The main job over Slack's real wire: ask, prove, approve, use, stop."""

from dataclasses import replace
from datetime import timedelta

from bot.core.rules import Stage
from bot.sandbox.slack.screen import words
from bot.slack import ids
from tests.slack.conftest import OpenOffice
from tests.slack.doing import LINE, again, approve, ask
from tests.slack.office import INES, MAYA, RAVI, READ, SAM, TOMAS, Office


def test_the_form_leads_to_access_and_one_click_ends_it(either_office: Office) -> None:
    office = either_office
    office.enrol("maya", "ines")
    maya, ines = office.visitor(MAYA), office.visitor(INES)
    maya.command("/prodaccess")
    maya.wait_for_modal("Request access")
    maya.fill(role="s3-read")
    maya.wait_for_modal("Bucket")
    maya.fill(
        ("account", "pay"),
        ("Bucket", "pay-logs"),
        ("work", "bug-fix"),
        ("duration", "1h30m"),
        ("reason", "The nightly export is broken"),
    )
    maya.wait_for_modal("to 2 h for Bug fix")
    assert maya.submit().action == "push"
    assert "1 h 30 min" in words(maya.modal())
    maya.fill(code=office.code("maya"))
    assert maya.submit().action == "update"
    sent = maya.wait_for_modal("Sent.")
    assert "<@U0INES>" in words(sent)

    card = ines.wait_for_message("The nightly export is broken", "approvals")
    direct = ines.wait_for_message("The nightly export is broken")
    ines.click(card, ids.APPROVE)
    ines.wait_for_modal("You approve")
    ines.fill(code=office.code("ines"))
    assert ines.submit().action == "clear"

    mine = maya.wait_for_message("You have access")
    assert "AWS_PROFILE=pay-prod" in words(mine)
    ines.wait_for(lambda: "Active" in words(again(ines, card, "approvals")), what="the channel's card to be active")
    ines.wait_for(lambda: "Active" in words(again(ines, direct, None)), what="the direct card to be active")
    assert [grant.person for grant in office.grants()] == ["maya"]
    assert len(office.cloud.held()) == 1

    maya.click(mine, ids.RELEASE)
    maya.wait_for_message("Your access has ended")
    assert not office.cloud.held()
    ines.wait_for(lambda: "released by" in words(again(ines, card, "approvals")), what="the card to show the end")


def test_within_its_freshness_one_code_serves_several_approvals(office: Office) -> None:
    office.enrol("maya", "ines")
    first = ask(office)
    second = ask(office, LINE.replace("broken", "late"))
    ines = office.visitor(INES)
    card = ines.wait_for_message("is broken", "approvals")
    ines.click(card, ids.APPROVE, value=first)
    ines.wait_for_modal("You approve")
    ines.fill(code=office.code("ines"))
    ines.submit()
    ines.click(ines.wait_for_message("is late", "approvals"), ids.APPROVE, value=second)
    ines.wait_for(lambda: len(office.grants("maya")) == 2, what="both grants")
    assert not ines.modals()


def test_a_wrong_code_is_answered_below_its_field_and_says_nothing_more(office: Office) -> None:
    office.enrol("maya")
    maya = office.visitor(MAYA)
    maya.command(LINE)
    maya.wait_for_modal("exactly this")
    answers = []
    for wrong in ("000000", "１２３４５６", "12345", "abcdef"):
        maya.fill(code=wrong)
        submitted = maya.submit()
        assert submitted.action == "errors"
        answers.append(submitted.errors["code"])
    assert len(set(answers)) == 1
    assert not office.desk.queries.pending()


def test_the_same_code_does_not_count_twice(office: Office) -> None:
    office.enrol("maya")
    maya = office.visitor(MAYA)
    code = office.code("maya")
    maya.command(LINE)
    maya.wait_for_modal("exactly this")
    maya.fill(code=code)
    assert maya.submit().action == "update"
    maya.wait_for_modal("Sent.")
    maya.close()
    maya.command(LINE)
    maya.wait_for_modal("exactly this")
    maya.fill(code=code)
    assert maya.submit().action == "errors"


def test_nobody_approves_their_own(open_office: OpenOffice) -> None:
    anyone = replace(READ, id="s3-self", stages=(Stage(people=frozenset({"maya", "ines"})),))
    office = open_office(anyone)
    office.enrol("maya")
    ask(office, LINE.replace("s3-read", "s3-self"))
    maya = office.visitor(MAYA)
    maya.click(maya.wait_for_message("nightly export", "approvals"), ids.APPROVE)
    maya.wait_for_message("Nobody approves their own", "approvals")
    assert not office.grants()


def test_deny_asks_for_a_reason_and_tells_the_requester(office: Office) -> None:
    office.enrol("maya")
    ask(office)
    ravi, maya = office.visitor(RAVI), office.visitor(MAYA)
    card = ravi.wait_for_message("nightly export", "approvals")
    ravi.click(card, ids.DENY)
    ravi.wait_for_modal("asks for")
    ravi.fill(note="Use the replica <!channel>")
    assert ravi.submit().action == "clear"
    told = maya.wait_for_message("was denied")
    assert "Use the replica <!channel>" in words(told)
    ravi.wait_for(lambda: "Denied" in words(again(ravi, card, "approvals")), what="the card to show the outcome")


def test_a_late_click_changes_nothing_and_says_so(office: Office) -> None:
    office.enrol("maya")
    ask(office)
    ravi, ines = office.visitor(RAVI), office.visitor(INES)
    old = ines.wait_for_message("nightly export", "approvals")
    ravi.click(old, ids.DENY)
    ravi.wait_for_modal("asks for")
    ravi.fill(note="Not tonight")
    ravi.submit()
    ines.wait_for(lambda: "Denied" in words(again(ines, old, "approvals")))
    before = office.tags()
    ines.click(old, ids.APPROVE)
    ines.wait_for_message("already denied", "approvals")
    assert office.tags() == before


def test_cancel_takes_the_request_back_on_every_card(office: Office) -> None:
    office.enrol("maya")
    ask(office)
    maya, ravi = office.visitor(MAYA), office.visitor(RAVI)
    mine = maya.wait_for_message("Cancel request")
    maya.click(mine, ids.CANCEL)
    card = ravi.wait_for_message("nightly export", "approvals")
    ravi.wait_for(lambda: "Cancelled" in words(again(ravi, card, "approvals")))


def test_an_admin_revokes_from_the_card_with_a_reason_and_no_code(office: Office) -> None:
    office.enrol("maya", "ines")
    ask(office)
    approve(office, INES, "ines")
    sam, maya = office.visitor(SAM), office.visitor(MAYA)
    maya.wait_for_message("You have access")
    card = sam.wait_for_message("Active", "approvals")
    sam.click(card, ids.REVOKE)
    sam.wait_for_modal("holds")
    sam.fill(note="Laptop was stolen")
    assert sam.submit().action == "clear"
    assert "Laptop was stolen" in words(maya.wait_for_message("Your access has ended"))
    assert not office.cloud.held()


def test_access_ends_by_itself_and_the_card_says_when(office: Office) -> None:
    office.enrol("maya", "ines")
    ask(office)
    approve(office, INES, "ines")
    maya = office.visitor(MAYA)
    maya.wait_for_message("You have access")
    office.pass_time(timedelta(hours=1, seconds=1))
    assert "time was up" in words(maya.wait_for_message("Your access has ended"))


def test_a_role_without_step_up_is_confirmed_by_a_press(office: Office) -> None:
    office.enrol("maya")
    maya = office.visitor(MAYA)
    maya.command("/prodaccess look pay 30m to see whether it is up")
    modal = maya.wait_for_modal("exactly this")
    assert "authenticator" not in words(modal)
    maya.submit()
    maya.wait_for_modal("Sent.")
    ravi = office.visitor(RAVI)
    ravi.click(ravi.wait_for_message("whether it is up", "approvals"), ids.APPROVE)
    maya.wait_for_message("You have access")


def test_what_the_cloud_refuses_is_told_before_anybody_is_asked(office: Office) -> None:
    office.enrol("maya")
    office.cloud.object_with("The policies of user/maya would be too long.")
    maya = office.visitor(MAYA)
    maya.command(LINE)
    maya.wait_for_modal("exactly this")
    maya.fill(code=office.code("maya"))
    maya.submit()
    maya.wait_for_modal("would be too long")
    assert not office.desk.queries.pending()
    maya.click_modal(ids.ASK_AGAIN)
    form = maya.wait_for_modal("Request access")
    typed = maya.typed(form)
    assert typed["reason"]["reason"]["value"] == "the nightly export is broken"
    assert typed["duration"]["duration"]["value"] == "1 h"


def test_the_managers_field_of_the_profile_finds_the_approver(office: Office) -> None:
    office.enrol("tomas")
    ask(office, user=TOMAS, person="tomas")
    assert "ines" in office.desk.queries.pending("tomas")[0].approvers_asked
