"""Setting up an authenticator over Slack's wire, and taking one away."""

from datetime import timedelta

import pyotp

from bot.sandbox.slack.jsontypes import Json
from bot.sandbox.slack.screen import words
from bot.sandbox.slack.visitor import Visitor
from bot.slack import ids
from tests.slack.doing import LINE, approve, ask
from tests.slack.office import INES, MAYA, RAVI, SAM, TOMAS, Office


def test_vouched_for_by_an_approver_a_new_colleague_enrols_and_can_ask(either_office: Office) -> None:
    office = either_office
    office.enrol("ines")
    maya, ines = office.visitor(MAYA), office.visitor(INES)
    maya.command(LINE)
    maya.wait_for_modal("Set up your authenticator first")
    maya.close()
    maya.command("/prodaccess enrol")
    maya.wait_for_modal("authenticator app")
    assert maya.submit().action == "update"
    maya.wait_for_modal("<@U0INES>")
    maya.close()

    card = ines.wait_for_message("wants to set up an authenticator")
    ines.click(card, ids.VOUCH)
    ines.wait_for_modal("this is really <@U0MAYA>")
    ines.fill(code="000000")
    assert ines.submit().action == "errors"
    ines.fill(code=office.code("ines"))
    assert ines.submit().action == "clear"

    maya.click(maya.wait_for_message("vouched for you"), ids.SET_UP)
    secret = _secret(maya.wait_for_modal("Type this key"))
    _two_codes(office, maya, secret, wrong_first=True)
    assert office.desk.enrolments.is_enrolled("maya")
    ines.wait_for_message("it is set up")

    office.clock.move(timedelta(minutes=2))
    maya.command(LINE)
    maya.wait_for_modal("exactly this")
    maya.fill(code=pyotp.TOTP(secret).at(office.clock.now()))
    maya.submit()
    maya.wait_for_modal("Sent.")


def test_the_first_admin_enrols_by_an_invite(office: Office) -> None:
    sam = office.visitor(SAM)
    code = office.desk.enrolments.invite("sam", timedelta(hours=1))
    sam.command("/prodaccess enroll")
    sam.wait_for_modal("Invite code")
    sam.fill(invite="not-the-code")
    assert "invite" in sam.submit().errors
    sam.fill(invite=code)
    assert sam.submit().action == "update"
    _two_codes(office, sam, _secret(sam.wait_for_modal("Type this key")))
    assert office.desk.enrolments.is_enrolled("sam")


def test_nobody_is_left_to_vouch(office: Office) -> None:
    maya = office.visitor(MAYA)
    maya.command("/prodaccess enrol")
    maya.wait_for_modal("authenticator app")
    maya.submit()
    maya.wait_for_modal("Nobody who may vouch for you has an authenticator yet")


def test_the_secret_is_shown_once(office: Office) -> None:
    office.enrol("ines")
    maya = _vouched(office)
    message = maya.wait_for_message("vouched for you")
    maya.click(message, ids.SET_UP)
    maya.wait_for_modal("Type this key")
    maya.close()
    maya.click(message, ids.SET_UP)
    maya.wait_for_modal("shown only once")


def test_whoever_may_not_vouch_is_refused_on_the_card_of_others(office: Office) -> None:
    office.enrol("ines", "maya")
    tomas, ines, maya = office.visitor(TOMAS), office.visitor(INES), office.visitor(MAYA)
    tomas.command("/prodaccess enrol")
    tomas.wait_for_modal("authenticator app")
    tomas.submit()
    card = ines.wait_for_message("wants to set up an authenticator")
    enrolment = next(e["value"] for block in card["blocks"] for e in block.get("elements", []) if "value" in e)
    press = {"type": "button", "action_id": ids.VOUCH, "block_id": "b", "value": enrolment}
    user = {"id": MAYA, "team_id": "T0LOCALDEMO"}
    before = office.tags()
    payload = {"type": "block_actions", "team": {"id": "T0LOCALDEMO"}, "user": user, "actions": [press]}
    office.slack.deliver("interactive", {**payload, "trigger_id": "1.1.1"})
    maya.wait_for_message("Nothing was changed")
    assert office.tags() == before


def test_refusing_to_vouch_is_told_to_the_person(office: Office) -> None:
    office.enrol("ines")
    maya, ines = office.visitor(MAYA), office.visitor(INES)
    maya.command("/prodaccess enrol")
    maya.wait_for_modal("authenticator app")
    maya.submit()
    ines.click(ines.wait_for_message("wants to set up an authenticator"), ids.REFUSE)
    maya.wait_for_message("Nobody vouched for you")


def test_an_admin_resets_with_their_own_code_and_everything_stops(office: Office) -> None:
    office.enrol("maya", "ines", "sam")
    ask(office)
    approve(office, INES, "ines")
    sam, maya = office.visitor(SAM), office.visitor(MAYA)
    maya.wait_for_message("You have access")
    sam.command("/prodaccess reset @maya")
    modal = sam.wait_for_modal("Their authenticator stops counting")
    assert sam.typed(modal)["person"]["person"]["selected_user"] == MAYA
    sam.fill(note="Phone lost", code="000000")
    assert "code" in sam.submit().errors
    sam.fill(code=office.code("sam"))
    assert sam.submit().action == "update"
    maya.wait_for_message("Your access has ended")
    assert not office.desk.enrolments.is_enrolled("maya")
    assert not office.cloud.held()


def test_only_admins_reset(office: Office) -> None:
    office.enrol("ravi")
    ravi = office.visitor(RAVI)
    ravi.command("/prodaccess reset @maya", "general")
    ravi.wait_for_message("Only an admin may reset", "general")
    assert not ravi.modals()


def _vouched(office: Office) -> Visitor:
    maya, ines = office.visitor(MAYA), office.visitor(INES)
    maya.command("/prodaccess enrol")
    maya.wait_for_modal("authenticator app")
    maya.submit()
    maya.wait_for_modal("Asked")
    maya.close()
    ines.click(ines.wait_for_message("wants to set up an authenticator"), ids.VOUCH)
    ines.wait_for_modal("really")
    ines.fill(code=office.code("ines"))
    ines.submit()
    return maya


def _secret(modal: Json) -> str:
    (link,) = [part for part in words(modal).replace("&amp;", "&").split("```") if part.startswith("otpauth://")]
    return str(pyotp.parse_uri(link).secret)


def _two_codes(office: Office, visitor: Visitor, secret: str, *, wrong_first: bool = False) -> None:
    first = pyotp.TOTP(secret).at(office.clock.now())
    if wrong_first:
        visitor.fill(("code", first), ("second-code", first))
        assert "second-code" in visitor.submit().errors
    office.clock.move(timedelta(seconds=30))
    visitor.fill(("code", first), ("second-code", pyotp.TOTP(secret).at(office.clock.now())))
    assert visitor.submit().action == "update"
    visitor.wait_for_modal("Your authenticator is set up")
    visitor.close()
