"""A change of access.yaml over Slack's wire: told, approved, denied."""

from dataclasses import replace

from bot.core.model import ChangeRule
from bot.core.rules import AskRule
from bot.sandbox.slack.jsontypes import Json
from bot.slack import ids
from tests.slack.doing import again, ask
from tests.slack.office import INES, MAYA, SAM, SECURITY, Office

RULE = ChangeRule(people=frozenset({"sam", "ines"}))


def edited(office: Office, text: str, **changes: object) -> None:
    office.edit(text, replace(office.catalogue, **changes))  # type: ignore[arg-type]


def guarded(office: Office, rule: ChangeRule = RULE) -> None:
    """From now on changes wait."""
    edited(office, "guarded", changes=rule)


def card(office: Office, showing: str) -> Json:
    return office.visitor(SAM).wait_for_message(showing, "security")


def test_a_change_is_told_and_in_use(either_office: Office) -> None:
    office = either_office
    edited(office, "ravi too", admins=frozenset({"sam", "ravi"}))
    found = card(office, "Ravi Rao (ravi) is now an admin")
    assert "access.yaml has changed" in str(found)
    assert office.catalogue.admins == {"sam", "ravi"}


def test_a_file_that_cannot_be_used_is_told_with_its_problems(either_office: Office) -> None:
    office = either_office
    office.edit("nonsense")
    card(office, "access.yaml:1: 'nonsense' means nothing")
    assert office.reloading.is_refused


def test_a_change_waits_and_is_approved_with_a_code(either_office: Office) -> None:
    office = either_office
    office.enrol("sam")
    guarded(office)
    edited(office, "ravi too", admins=frozenset({"sam", "ravi"}))
    sam = office.visitor(SAM)
    waiting = card(office, "waits for approval")
    sam.click(waiting, ids.APPROVE_CHANGE)
    modal = sam.wait_for_modal("this is in use from now on")
    assert "Ravi Rao (ravi) is now an admin" in str(modal)
    sam.fill(code="000000")
    assert sam.submit().action == "errors"
    assert office.catalogue.admins == {"sam"}
    sam.fill(code=office.code("sam"))
    assert sam.submit().action == "clear"
    assert office.catalogue.admins == {"sam", "ravi"}
    sam.wait_for(lambda: "approved by <@U0SAM>" in str(again(sam, waiting, SECURITY)), what="the card as it is now")
    assert ids.APPROVE_CHANGE not in str(again(sam, waiting, SECURITY))


def test_a_change_is_denied_with_a_code_and_a_late_click_is_told_so(either_office: Office) -> None:
    office = either_office
    office.enrol("sam")
    guarded(office)
    edited(office, "ravi too", admins=frozenset({"sam", "ravi"}))
    sam = office.visitor(SAM)
    waiting = card(office, "waits for approval")
    sam.click(waiting, ids.DENY_CHANGE)
    sam.wait_for_modal("what was there before stays in use")
    sam.fill(code=office.code("sam"))
    assert sam.submit().action == "clear"
    sam.wait_for(lambda: "Denied by <@U0SAM>" in str(again(sam, waiting, SECURITY)), what="the card as it is now")
    sam.click(waiting, ids.APPROVE_CHANGE)
    sam.wait_for_message("not waiting any more", "security")
    assert office.catalogue.admins == {"sam"}


def test_who_gains_by_it_is_told_that_somebody_else_has_to_approve(either_office: Office) -> None:
    office = either_office
    office.enrol("sam")
    guarded(office)
    role = office.catalogue.roles["s3-read"]
    people = {**office.catalogue.people, "sam": replace(office.catalogue.people["sam"], identities={"pay": "user/sam"})}
    wider = replace(role, ask=(AskRule(people=frozenset({"sam"})),))
    edited(office, "sam too", people=people, roles={**office.catalogue.roles, "s3-read": wider})
    sam = office.visitor(SAM)
    waiting = card(office, "Can approve: <@U0INES>")
    sam.click(waiting, ids.APPROVE_CHANGE)
    sam.wait_for_message("You gain by this change yourself", "security")
    assert office.catalogue.roles["s3-read"].ask == role.ask


def test_who_may_not_decide_is_told_so(either_office: Office) -> None:
    office = either_office
    office.enrol("sam")
    guarded(office, ChangeRule(people=frozenset({"ines"})))
    edited(office, "ravi too", admins=frozenset({"sam", "ravi"}))
    sam = office.visitor(SAM)
    for button in (ids.APPROVE_CHANGE, ids.DENY_CHANGE):
        sam.click(card(office, "waits for approval"), button)
        sam.wait_for_message("You may not decide changes of access.yaml", "security")
    assert office.catalogue.admins == {"sam"}


def test_a_request_that_is_open_when_the_catalogue_changes_is_looked_at_anew_at_the_click(
    either_office: Office,
) -> None:
    office = either_office
    office.enrol("maya", "ines")
    ask(office)
    ines = office.visitor(INES)
    waiting = ines.wait_for_message("Waiting for approval", "approvals")
    role = replace(office.catalogue.roles["s3-read"], ask=(AskRule(groups=frozenset({"leads"})),))
    edited(office, "leads only", roles={**office.catalogue.roles, "s3-read": role})
    ines.click(waiting, ids.APPROVE)
    ines.wait_for_message("says something else than when this was asked", "approvals")
    assert office.grants() == ()
    maya = office.visitor(MAYA)
    maya.command("/prodaccess s3-read pay bucket=pay-logs 1h the nightly export is broken")
    maya.wait_for_message("There is no role")
