"""Setting up an authenticator, vouching, losing the phone; what a stolen Slack account cannot do."""

import html
import re
import urllib.error
import urllib.request
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.sandbox.slack import screen
from bot.service.proof import REFUSED
from bot.settings import Transport
from bot.slack import ids
from tests.scenarios.company import APPROVALS
from tests.scenarios.conftest import OpenWorld, Shell
from tests.scenarios.harness import LINE, Phone, World, has_field

KEY = re.compile(r"\b(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}\b")
LINK = re.compile(r"otpauth://\S+?(?=[`\s])")


def unenrol(world: World, *people: str) -> None:
    """As it is before anybody set anything up."""
    for person in people:
        with world.service.parts.store.transaction() as tx:
            tx.remove_authenticator(person)


def begin(world: World, who: str = "maya") -> None:
    """Ask to be vouched for."""
    visitor = world.visitor(who)
    visitor.command("/prodaccess enrol")
    visitor.wait_for_modal("authenticator app")
    visitor.submit()


def vouch(world: World, by: str = "ines") -> None:
    """Say that it is really them."""
    visitor = world.visitor(by)
    visitor.click(visitor.wait_for_message("wants to set up an authenticator"), ids.VOUCH)
    visitor.wait_for_modal("I checked")
    assert world.type_code(by).action == "clear"


def take_secret(world: World, who: str = "maya") -> Phone:
    """What the open modal shows, put into their phone."""
    words = screen.words(world.visitor(who).wait_for_modal("Your authenticator"))
    secret = KEY.search(words)
    assert secret, words
    return world.has_phone_with(who, secret[0])


def finish(world: World, who: str = "maya") -> str:
    """Type two codes in a row."""
    visitor = world.visitor(who)
    first, second = world.code(who), world.code(who)
    visitor.fill(("code", first), ("second-code", second))
    return visitor.submit().action


# --- the way in ------------------------------------------------------------------------------------------


def test_vouched_for_by_an_approver_two_codes_in_a_row_set_it_up(world: World) -> None:
    unenrol(world, "maya")
    maya = world.visitor("maya")
    begin(world)
    maya.wait_for_modal("has to check that it is really you")
    maya.close()
    vouch(world)
    maya.click(maya.wait_for_message("vouched for you"), ids.SET_UP)
    take_secret(world)
    assert finish(world) == "update"
    maya.wait_for_modal("Your authenticator is set up")
    maya.close()
    request_id = world.ask()
    world.approve(request_id)
    world.wait_for_grant(request_id, "active")
    (enrolled,) = world.audit("mfa.enrolled")
    assert (enrolled["person"], enrolled["data"]["vouched_by"]) == ("maya", "ines")


def test_the_first_admin_enrols_by_an_operators_invite(world: World, shell: Shell) -> None:
    unenrol(world, "maya", "tomas", "nils", "ines", "ravi", "olga", "sam")
    status, said = shell(world, "mfa", "invite", "sam")
    invite = re.search(r"\b(?:[0-9a-z]{4}-){4}[0-9a-z]{4}\b", said)
    assert status == 0
    assert invite, said
    world.secrets.texts.add(invite[0])
    sam = world.visitor("sam")
    sam.command("/prodaccess enrol")
    sam.wait_for_modal("Invite code")
    sam.fill(invite="0000-0000-0000-0000-0000")
    assert "was not accepted" in sam.submit().errors["invite"]
    sam.fill(invite=invite[0])
    assert sam.submit().action == "update"
    take_secret(world, "sam")
    assert finish(world, "sam") == "update"
    sam.wait_for_modal("set up")
    # Once, and for nobody else.
    unenrol(world, "sam")
    sam.close()
    sam.command("/prodaccess enrol")
    sam.wait_for_modal("Invite code")
    sam.fill(invite=invite[0])
    assert "was not accepted" in sam.submit().errors["invite"]


def test_before_the_first_admin_nobody_else_can_enrol(world: World) -> None:
    unenrol(world, "maya", "tomas", "nils", "ines", "ravi", "olga", "sam")
    begin(world)
    world.visitor("maya").wait_for_modal("An admin has to enrol first")
    assert not world.audit("mfa.enrolment-requested")


def test_a_link_for_the_phone_is_shown_with_the_key(world: World) -> None:
    unenrol(world, "maya")
    begin(world)
    world.visitor("maya").close()
    vouch(world)
    maya = world.visitor("maya")
    maya.click(maya.wait_for_message("vouched for you"), ids.SET_UP)
    phone = take_secret(world)
    link = LINK.search(html.unescape(screen.words(maya.modal())) + " ")
    assert link
    world.secrets.texts.add(link[0])
    query = parse_qs(urlsplit(link[0]).query)
    assert query["secret"] == [phone.secret]
    assert query["issuer"] == ["prodaccess"]


def test_the_secret_is_shown_once(world: World) -> None:
    unenrol(world, "maya")
    begin(world)
    maya = world.visitor("maya")
    maya.close()
    vouch(world)
    told = maya.wait_for_message("vouched for you")
    maya.click(told, ids.SET_UP)
    first = take_secret(world)
    maya.close()
    maya.click(told, ids.SET_UP)
    words = screen.words(maya.wait_for_modal("shown already"))
    assert not KEY.search(words)
    assert first.secret not in world.shown_to("maya").replace(" ", "")


def test_codes_that_are_not_two_in_a_row_do_not_finish_it(world: World) -> None:
    unenrol(world, "maya")
    begin(world)
    maya = world.visitor("maya")
    maya.close()
    vouch(world)
    maya.click(maya.wait_for_message("vouched for you"), ids.SET_UP)
    phone = take_secret(world)
    code = world.code("maya")
    for first, second in ((code, code), (code, world.wrong_code("maya")), ("12345x", code)):
        maya.fill(("code", first), ("second-code", world.remember(second)))
        answer = maya.submit()
        assert answer.action == "errors"
        assert REFUSED in answer.errors["second-code"]
    world.clock.advance(timedelta(seconds=90))
    late = world.code("maya")
    maya.fill(("code", code), ("second-code", late))
    assert maya.submit().action == "errors"
    assert phone
    assert finish(world) == "update"


def test_the_codes_that_finished_it_prove_nothing_else(world: World) -> None:
    unenrol(world, "maya")
    begin(world)
    maya = world.visitor("maya")
    maya.close()
    vouch(world)
    maya.click(maya.wait_for_message("vouched for you"), ids.SET_UP)
    take_secret(world)
    assert finish(world) == "update"
    last = world.phones["maya"].peek()
    maya.close()
    maya.command(LINE)
    maya.wait_for_modal("exactly this")
    assert world.type_code("maya", last).errors == {"code": REFUSED}


def test_the_one_time_page_shows_the_secret_once(open_world: OpenWorld) -> None:
    world = open_world(transport=Transport.HTTP, public=True)
    unenrol(world, "maya")
    begin(world)
    maya = world.visitor("maya")
    maya.close()
    vouch(world)
    maya.click(maya.wait_for_message("vouched for you"), ids.SET_UP)
    phone = take_secret(world)
    _, button = screen.find(maya.modal(), ids.LINK)
    page = button["url"]
    world.secrets.texts.add(page.rpartition("/")[2])
    asking = _fetch(page)
    assert phone.secret not in asking.replace(" ", "")
    shown = _fetch(page, b"")
    assert phone.secret in shown.replace(" ", "") or "<svg" in shown
    again = _fetch(page, b"")
    assert phone.secret not in again.replace(" ", "")
    assert "<svg" not in again


def _fetch(url: str, body: bytes | None = None) -> str:
    try:
        with urllib.request.urlopen(url, body) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return str(error.read().decode())


# --- who may vouch ---------------------------------------------------------------------------------------


def test_a_stolen_account_cannot_vouch_for_itself_from_another_of_its_identities(world: World) -> None:
    unenrol(world, "maya")
    begin(world)
    card = world.visitor("ines").wait_for_message("wants to set up an authenticator")
    enrolment_id = screen.find(card, ids.VOUCH)[1]["value"]
    for thief in ("maya", "maya's second account"):
        _click_forged(world, thief, ids.VOUCH, enrolment_id)
    assert not world.audit("mfa.vouched")
    assert not world.service.parts.desk.enrolments.is_enrolled("maya")


def _click_forged(world: World, who: str, action: str, value: str) -> None:
    """Press a button that one was never shown, in a message that the bot never sent."""
    visitor = world.visitor(who)
    visitor.command("/prodaccess help")
    visitor.wait_for_message("Ask for access")
    visitor.command("/prodaccess status")
    kind, payload = next(sent for sent in reversed(world.slack.sent()) if sent[0] == "slash_commands")
    assert kind == "slash_commands"
    user = {"id": payload["user_id"], "team_id": payload["team_id"], "name": "x", "username": "x"}
    world.slack.deliver(
        "interactive",
        {
            "type": "block_actions",
            "team": {"id": payload["team_id"], "domain": "x"},
            "user": user,
            "trigger_id": payload["trigger_id"],
            "container": {"type": "message", "channel_id": payload["channel_id"], "is_ephemeral": True},
            "channel": {"id": payload["channel_id"], "name": "directmessage"},
            "actions": [{"type": "button", "action_id": action, "value": value, "block_id": "b"}],
            "api_app_id": payload["api_app_id"],
            "response_url": payload["response_url"],
            "enterprise": None,
            "is_enterprise_install": False,
        },
    )


def test_a_voucher_types_their_own_code(world: World) -> None:
    unenrol(world, "maya")
    begin(world)
    ines = world.visitor("ines")
    ines.click(ines.wait_for_message("wants to set up an authenticator"), ids.VOUCH)
    ines.wait_for_modal("I checked")
    for code in (world.wrong_code("ines"), world.remember(world.phones["tomas"].code())):
        assert world.type_code("ines", code).errors == {"code": REFUSED}
    assert not world.audit("mfa.vouched")
    assert world.type_code("ines").action == "clear"
    assert world.wait_for_audit("mfa.vouched")


def test_a_voucher_can_say_that_it_is_not_them(world: World) -> None:
    unenrol(world, "maya")
    begin(world)
    ines, maya = world.visitor("ines"), world.visitor("maya")
    ines.click(ines.wait_for_message("wants to set up an authenticator"), ids.REFUSE)
    maya.wait_for_message("Nobody vouched for you")
    sam = world.visitor("sam")
    sam.wait_for_message("Refused")


def test_whoever_is_no_approver_of_theirs_may_not_vouch(world: World) -> None:
    unenrol(world, "maya")
    begin(world)
    card = world.visitor("ines").wait_for_message("wants to set up an authenticator")
    enrolment_id = screen.find(card, ids.VOUCH)[1]["value"]
    _click_forged(world, "tomas", ids.VOUCH, enrolment_id)
    tomas = world.visitor("tomas")
    tomas.wait_for(lambda: tomas.modals() or tomas.messages(), what="an answer")
    if tomas.modals() and has_field(tomas.modal(), "code"):
        world.type_code("tomas")
    assert not world.audit("mfa.vouched")


def test_a_vouching_is_good_for_half_an_hour_only(world: World) -> None:
    unenrol(world, "maya")
    begin(world)
    maya = world.visitor("maya")
    maya.close()
    vouch(world)
    told = maya.wait_for_message("vouched for you")
    world.advance(timedelta(minutes=31))
    maya.click(told, ids.SET_UP)
    assert not KEY.search(screen.words(maya.wait_for_modal("took too long")))


def test_whoever_is_enrolled_cannot_simply_enrol_again(world: World) -> None:
    maya = world.visitor("maya")
    maya.command("/prodaccess enrol")
    maya.wait_for_message("You have an authenticator already")
    assert not world.audit("mfa.enrolment-requested")


# --- a lost phone ----------------------------------------------------------------------------------------


def reset(world: World, by: str = "sam") -> None:
    admin = world.visitor(by)
    admin.command("/prodaccess reset @maya")
    admin.wait_for_modal("Reset authenticator")
    admin.fill(("person", "U0MAYA"), ("note", "Phone was lost, seen in person"))


def test_a_reset_cancels_what_is_asked_for_and_revokes_what_is_held(world: World) -> None:
    grant, waiting = world.granted(), world.ask(LINE.replace("broken", "late"))
    reset(world)
    assert world.type_code("sam").action == "update"
    world.wait_for_grant(grant.request_id, "ended")
    world.card("ines", waiting, APPROVALS, "Cancelled")
    assert not world.cloud.policies("maya")
    assert not world.service.parts.desk.enrolments.is_enrolled("maya")
    maya = world.visitor("maya")
    maya.command(LINE)
    maya.wait_for_modal("Set up your authenticator first")
    (record,) = world.audit("mfa.reset")
    assert (record["actor"]["id"], record["person"]) == ("sam", "maya")


def test_a_reset_wants_the_admins_own_code(world: World) -> None:
    reset(world)
    assert world.type_code("sam", world.wrong_code("sam")).errors == {"code": REFUSED}
    assert world.service.parts.desk.enrolments.is_enrolled("maya")


@pytest.mark.parametrize("who", ["maya", "ines"])
def test_only_an_admin_resets(world: World, who: str) -> None:
    visitor = world.visitor(who)
    visitor.command("/prodaccess reset @maya")
    visitor.wait_for_message("Only an admin may reset")
    assert not visitor.modals()


def test_an_admin_cannot_reset_themselves(world: World) -> None:
    sam = world.visitor("sam")
    sam.command("/prodaccess reset")
    sam.wait_for_modal("Reset authenticator")
    sam.fill(("person", "U0SAM"), ("note", "I want a new one"))
    assert world.type_code("sam").action == "errors"
    assert world.service.parts.desk.enrolments.is_enrolled("sam")


def test_an_operator_resets_at_a_shell(open_world: OpenWorld, shell: Shell) -> None:
    world = open_world(behind=timedelta(0))
    grant = world.granted()
    assert shell(world, "mfa", "reset", "maya", "--reason", "Phone was stolen")[0] == 0
    world.wait_for_grant(grant.request_id, "ended")
    assert not world.service.parts.desk.enrolments.is_enrolled("maya")
