"""Whoever leaves the workspace, or becomes a guest there, loses what they asked for and hold."""

from datetime import timedelta

import pytest

from bot.sandbox.slack import screen
from bot.sandbox.slack.faults import Fault
from bot.service.leaving import LOOK_EVERY
from bot.settings import Transport
from tests.scenarios.company import SECURITY, SLACK_ID
from tests.scenarios.conftest import OpenWorld
from tests.scenarios.harness import LINE, World, wait_for

OTHER = LINE.replace("broken", "late")
MAYA = SLACK_ID["maya"]
WAYS_OF_LEAVING = pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"deleted": True}, "This Slack account is deactivated."),
        ({"is_restricted": True}, "Guests may not use prodaccess."),
    ],
    ids=["deactivated", "guest"],
)


def security_heard(world: World) -> list[str]:
    """What the security channel was told about people who left."""
    messages = world.visitor("sam").messages(SECURITY)
    return [screen.words(message) for message in messages if "may not use prodaccess any more had" in str(message)]


def assert_all_is_taken_from_maya(world: World, granted: str, pending: str, why: str) -> None:
    """In AWS, in the database, and in what everybody is shown."""
    grant = world.wait_for_grant(granted, "ended")
    assert not world.cloud.policies("maya")
    assert world.cloud.terminal("maya", "logs-read") == "denied"
    assert grant.ended_by == "prodaccess"
    wait_for(lambda: not world.is_pending(pending), "the pending request to be cancelled")
    cancelled = screen.words(world.card("ines", pending, showing="Cancelled"))
    assert why in cancelled
    assert "Approve" not in cancelled
    assert why in screen.words(world.card("ines", granted, showing="Ended"))
    (heard,) = wait_for(lambda: security_heard(world), "what the security channel is told")
    assert granted not in heard
    assert grant.id in heard
    assert pending in heard
    (record,) = world.audit("person.left")
    assert (record["person"], record["data"]["why"]) == ("maya", why)
    (ended,) = [record for record in world.audit("grant.ended") if record["grant_id"] == grant.id]
    assert ended["data"]["observed_absent"]


@WAYS_OF_LEAVING
def test_whoever_slack_says_has_left_loses_everything_at_once(world: World, change: dict[str, bool], why: str) -> None:
    granted, pending = world.granted().request_id, world.ask(OTHER)
    assert world.cloud.policies("maya")
    world.slack.change_person(MAYA, **change)
    assert_all_is_taken_from_maya(world, granted, pending, why)


def test_a_look_finds_whoever_left_without_an_event(world: World) -> None:
    granted, pending = world.granted().request_id, world.ask(OTHER)
    world.slack.change_person(MAYA, announced=False, deleted=True)
    world.advance(LOOK_EVERY)
    assert_all_is_taken_from_maya(world, granted, pending, "This Slack account is deactivated.")


@pytest.mark.parametrize("fault", [Fault("status", status=503), Fault("ratelimited", seconds=1)])
def test_a_slack_that_does_not_answer_takes_nothing_from_anybody(open_world: OpenWorld, fault: Fault) -> None:
    world = open_world()
    granted, pending = world.granted().request_id, world.ask(OTHER)
    for method in ("users.info", "users.lookupByEmail", "users.list"):
        world.slack.order_fault(method, fault, times=1000)

    def looks_in_vain() -> int:
        return sum(line["kind"] == "people.leavers" for line in world.log_lines("effect.retry"))

    for times in (1, 2, 3):
        world.advance(LOOK_EVERY)
        wait_for(lambda times=times: looks_in_vain() >= times, "a look that gets no answer")
    world.slack.change_person(MAYA, deleted=True)
    wait_for(
        lambda: [line for line in world.log_lines("effect.retry") if line["kind"] == "people.leaver"],
        "a question after the event that gets no answer",
    )
    assert world.is_pending(pending)
    assert str(world.grants_of(granted)[0].status) == "active"
    assert world.cloud.policies("maya")
    assert not world.audit("person.left")
    world.slack.clear_faults()
    world.advance(2 * LOOK_EVERY)
    assert_all_is_taken_from_maya(world, granted, pending, "This Slack account is deactivated.")


def test_an_access_that_was_to_begin_later_never_begins(socket_world: World) -> None:
    world = socket_world
    start = world.clock.now() + timedelta(hours=2)
    request_id = world.ask(LINE.replace(" 1h ", f' 1h --start "{start:%Y-%m-%dT%H:%MZ}" '))
    world.approve(request_id)
    world.wait_for_grant(request_id, "scheduled")
    world.slack.change_person(MAYA, deleted=True)
    grant = world.wait_for_grant(request_id, "ended")
    assert grant.granted_at is None
    world.advance(timedelta(hours=3))
    assert not world.cloud.policies("maya")
    assert not world.audit("grant.started")


def test_two_replicas_that_hear_of_it_and_look_do_it_once(postgres_url: str, open_world: OpenWorld) -> None:
    world = open_world(database_url=postgres_url)
    world.start()
    granted, pending = world.granted().request_id, world.ask(OTHER)
    for _ in range(3):
        world.slack.change_person(MAYA, deleted=True)
        world.advance(LOOK_EVERY)
    assert_all_is_taken_from_maya(world, granted, pending, "This Slack account is deactivated.")
    world.advance(2 * LOOK_EVERY)
    wait_for(lambda: no_look_is_due(world), "the looks that follow")
    assert len(world.audit("person.left")) == len(security_heard(world)) == 1
    assert [record["request_id"] for record in world.audit("request.cancelled")] == [pending]
    assert [record["request_id"] for record in world.audit("grant.revoking")] == [granted]


def no_look_is_due(world: World) -> bool:
    due = world.service.parts.store.next_due("people")
    return due is not None and due > world.clock.now()


def test_an_event_that_is_delivered_again_changes_nothing_more(open_world: OpenWorld) -> None:
    world = open_world(transport=Transport.HTTP)
    granted, pending = world.granted().request_id, world.ask(OTHER)
    world.slack.change_person(MAYA, deleted=True)
    assert_all_is_taken_from_maya(world, granted, pending, "This Slack account is deactivated.")
    events = [payload for _, payload in world.slack.sent() if payload.get("event", {}).get("type") == "user_change"]
    assert events
    for attempt in (1, 2, 3):
        world.slack.deliver("event_callback", {**events[-1], "event_id": f"Ev0AGAIN{attempt}"})
    world.advance(LOOK_EVERY)
    wait_for(lambda: no_look_is_due(world), "the looks that follow")
    assert len(world.audit("person.left")) == len(security_heard(world)) == 1
