"""Slack unreachable, slow, rate limiting, redelivering; its websocket cut and silent. Nothing else waits for it."""

from typing import Any

import pytest

from bot import cli
from bot.sandbox.slack.faults import Fault
from bot.sandbox.slack.visitor import Refused
from bot.slack import ids
from tests.faults.proxy import Then, Way
from tests.outages.world import LOOK, USER, World
from tests.scenarios.company import APPROVALS
from tests.scenarios.harness import wait_for

pytestmark = pytest.mark.usefixtures("impatient_with_slack")


def slack_goes_down(world: World) -> None:
    world.to_slack.refuse()
    world.to_slack.cut()


def shell(world: World, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run ``prodaccess …`` beside it; the exit status."""
    for name, value in world.environment().items():
        monkeypatch.setenv(name, value)
    try:
        return cli.main(arguments)
    finally:
        world.log_as_production_does()


def notices(world: World, text: str) -> int:
    """How many direct messages with this text Maya has."""
    return sum(text in str(message) for message in world.visitor("maya").messages())


# --- I11: down -------------------------------------------------------------------------------------------


def test_access_expires_on_time_while_slack_is_down_and_is_told_of_once_afterwards(world: World) -> None:
    grant = world.granted(LOOK, by="ravi")
    world.wait_until_idle()
    slack_goes_down(world)
    world.advance(grant.expires_at - world.clock.now())
    world.wait_for_state(grant.request_id, "approved", "ended")
    assert not world.iam.policies(USER)
    assert world.audit("grant.ended")[0]["data"]["reason"] == "expired"
    wait_for(lambda: world.log_lines("effect.retry"), "a message that cannot be sent")

    world.to_slack.heal()
    wait_for(lambda: notices(world, grant.id) or notices(world, "ended"), "Maya to be told")
    world.wait_until_idle()
    assert world.cards_of(grant.request_id, "ravi") <= 1
    assert world.slack.calls("chat.postMessage") == len(all_messages(world))


def all_messages(world: World) -> list[dict[str, Any]]:
    """Everything that the bot has posted, direct messages included, each once."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for name in ("maya", "ines", "ravi", "sam", "olga"):
        visitor = world.visitor(name)
        for channel in visitor.state()["channels"]:
            for message in visitor.messages(channel["id"]):
                if message.get("bot_id") or message.get("metadata"):
                    found[(channel["id"], str(message["ts"]))] = message
    return list(found.values())


def test_an_operator_revokes_everything_while_slack_is_down(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    grant = world.granted(LOOK, by="ravi")
    slack_goes_down(world)
    assert shell(world, monkeypatch, "grants", "revoke", "--all", "--wait", "30") == 0
    assert world.state(grant.request_id) == ("approved", ["ended"])
    assert not world.iam.policies(USER)
    assert [record["actor"]["kind"] for record in world.audit("grant.revoking")] == ["operator"]
    assert shell(world, monkeypatch, "audit", "verify") == 0

    world.to_slack.heal()
    wait_for(lambda: notices(world, "Revoked by an operator."), "Maya to be told")
    world.wait_until_idle()
    assert notices(world, "Revoked by an operator.") <= 2, "her card and one message"


def test_it_is_not_ready_while_slack_is_down_and_connects_by_itself(world: World) -> None:
    slack_goes_down(world)
    wait_for(lambda: "slack" in world.ready(), "readiness to say so")
    world.to_slack.heal()
    world.wait_until_ready()
    assert world.ask(LOOK)


# --- answers that are lost -------------------------------------------------------------------------------


def test_a_card_that_was_posted_and_whose_answer_was_lost_is_not_posted_twice(world: World) -> None:
    world.to_slack.when(b"/api/chat.postMessage", Then.LOSE_ANSWER, times=3)
    request_id = world.ask(LOOK)
    world.card("ravi", request_id)
    wait_for(lambda: world.to_slack.sprung[b"/api/chat.postMessage"] == 3, "three lost answers")
    world.wait_until_idle()
    assert world.cards_of(request_id, "ravi") == 1
    assert world.cards_of(request_id, "ravi", None) == 1
    assert world.cards_of(request_id, "maya", None) == 1
    world.approve(request_id, "ravi")
    world.wait_for_state(request_id, "approved", "active")


def test_a_card_whose_update_got_no_answer_ends_up_right(world: World) -> None:
    request_id = world.ask(LOOK)
    world.card("ravi", request_id)
    world.wait_until_idle()
    world.to_slack.when(b"/api/chat.update", Then.LOSE_ANSWER, times=2)
    world.approve(request_id, "ravi")
    world.wait_for_state(request_id, "approved", "active")
    wait_for(lambda: world.told("ravi", APPROVALS, "ctive"), "the card to say so")
    assert world.to_slack.sprung[b"/api/chat.update"] == 2


# --- rate limits, slowness -------------------------------------------------------------------------------


def test_messages_that_were_too_many_come_when_slack_says_and_once(world: World) -> None:
    world.slack.order_fault("chat.postMessage", Fault("ratelimited", seconds=1), times=4)
    request_id = world.ask(LOOK)
    world.card("ravi", request_id)
    world.wait_until_idle()
    assert world.cards_of(request_id, "ravi") == 1
    whys = {line["why"] for line in world.log_lines("effect.retry")}
    assert "Slack is rate limiting" in whys


def test_a_window_that_was_one_too_many_opens_after_all(world: World) -> None:
    world.slack.order_fault("views.open", Fault("ratelimited", seconds=1))
    world.visitor("maya").command(LOOK)
    world.visitor("maya").wait_for_modal("exactly this")


def test_access_is_granted_and_taken_away_while_slack_is_slow(world: World) -> None:
    world.to_slack.delay(0.15)
    grant = world.granted(LOOK, by="ravi")
    world.visitor("maya").command(f"/prodaccess release {grant.id}")
    world.wait_for_state(grant.request_id, "approved", "ended")
    assert not world.iam.policies(USER)


def test_a_call_that_slack_never_answers_holds_up_nothing_but_itself(world: World) -> None:
    request_id = world.ask(LOOK)
    card = world.card("ravi", request_id)
    world.wait_until_idle()
    world.to_slack.when(b"/api/chat.", Then.SWALLOW, times=2)
    world.click("ravi", card, ids.APPROVE)
    world.wait_for_state(request_id, "approved", "active")
    world.wait_until_idle()
    assert world.to_slack.sprung[b"/api/chat."] == 2


# --- events ----------------------------------------------------------------------------------------------


def test_an_event_whose_acknowledgement_was_lost_is_handled_once(world: World) -> None:
    maya = world.visitor("maya")
    before = world.slack.calls("views.publish")
    again = b'"retry_reason":"timeout"'
    world.to_slack.when(again, Then.COUNT, way=Way.DOWN)
    world.slack.lose_acknowledgements(1)
    maya.open_home()
    maya.wait_for_home("Production access")
    wait_for(lambda: world.to_slack.sprung[again], "the event to be sent again")
    maya.command("/prodaccess help")
    maya.wait_for_message("Ask for access")
    assert world.slack.calls("views.publish") == before + 1


# --- the websocket ---------------------------------------------------------------------------------------


def works(world: World) -> bool:
    """Whether a command gets an answer."""
    maya, before = world.visitor("maya"), len(world.visitor("maya").messages())
    try:
        maya.command("/prodaccess help")
    except Refused:
        return False
    maya.wait_for(lambda: len(maya.messages()) > before, what="the answer to a command that was taken")
    return True


def test_a_cut_websocket_is_opened_again(world: World) -> None:
    world.to_slack.cut()
    wait_for(lambda: works(world), "a new connection")
    assert world.slack.connections == 1


def test_a_websocket_that_went_silent_is_given_up(world: World) -> None:
    world.to_slack.when(b'"hello"', Then.SWALLOW, way=Way.DOWN)
    world.to_slack.cut()
    wait_for(lambda: world.to_slack.sprung[b'"hello"'], "the silent connection")
    accepted = world.to_slack.accepted
    wait_for(lambda: world.to_slack.accepted > accepted, "it to be given up")
    wait_for(lambda: works(world), "a new connection")


def test_a_websocket_that_is_never_opened_is_given_up(world: World) -> None:
    world.to_slack.when(b"GET /link", Then.SWALLOW)
    world.to_slack.cut()
    wait_for(lambda: world.to_slack.sprung[b"GET /link"], "the hanging connection")
    wait_for(lambda: works(world), "a new connection")
