"""AWS throttling, silent, done without an answer, done and answered with an error, slow to show what was done.

A grant is made once; a revocation completes and is observed absent; neither ever ends in an error.
"""

from collections.abc import Callable

import pytest

from bot.core.model import EndReason
from tests.faults.proxy import Then
from tests.outages.world import LOOK, USER, World
from tests.providers.scripted_aws import error
from tests.scenarios.harness import wait_for

pytestmark = pytest.mark.usefixtures("impatient_with_aws")

PUT, DELETE = "PutUserPolicy", "DeleteUserPolicy"
TWICE = 2
"""Botocore itself tries once more, so that the bot hears of the second failure."""

Outage = Callable[[World, str], None]


def throttled(world: World, action: str) -> None:
    world.iam.answer(action, *[error("Throttling")] * TWICE)


def failing(world: World, action: str) -> None:
    world.iam.answer(action, *[error("ServiceFailure", 503)] * TWICE)


def done_without_an_answer(world: World, action: str) -> None:
    world.to_aws.when(f"Action={action}".encode(), Then.LOSE_ANSWER, times=TWICE)


def done_and_answered_with_an_error(world: World, action: str) -> None:
    for _ in range(TWICE):
        world.iam.fail_after(action)


def silent(world: World, action: str) -> None:
    world.to_aws.when(f"Action={action}".encode(), Then.SWALLOW, times=TWICE)


def cut(world: World, action: str) -> None:
    world.to_aws.when(f"Action={action}".encode(), Then.CUT, times=TWICE)


@pytest.mark.parametrize(
    "outage", [throttled, failing, done_without_an_answer, done_and_answered_with_an_error, silent, cut]
)
def test_a_grant_is_made_once_and_taken_away_for_sure(world: World, outage: Outage) -> None:
    outage(world, PUT)
    outage(world, DELETE)
    request_id = world.ask(LOOK)
    world.approve(request_id, "ravi")
    world.wait_for_state(request_id, "approved", "active")
    (grant,) = world.grants_of(request_id)
    assert list(world.iam.policies(USER)) == [f"prodaccess-{grant.id}"]

    world.visitor("maya").command(f"/prodaccess release {grant.id}")
    world.wait_for_state(request_id, "approved", "ended")
    assert not world.iam.policies(USER)
    (ended,) = world.audit("grant.ended")
    assert (ended["data"]["reason"], ended["data"]["observed_absent"]) == (EndReason.RELEASED, True)
    assert len(world.audit("grant.active")) == 1
    assert world.log_lines("effect.retry"), "nothing went wrong"
    assert not world.log_lines("effect.failed")


def test_a_grant_that_expires_while_aws_is_silent_is_gone_when_it_answers(world: World) -> None:
    grant = world.granted(LOOK, by="ravi")
    world.to_aws.black_hole()
    world.advance(grant.expires_at - world.clock.now())
    world.wait_for_state(grant.request_id, "approved", "revoking")
    wait_for(lambda: world.log_lines("effect.retry"), "a try in vain")
    assert world.iam.policies(USER)
    world.to_aws.heal()
    world.wait_for_state(grant.request_id, "approved", "ended")
    assert not world.iam.policies(USER)


def test_what_can_still_be_seen_is_not_said_to_be_gone(world: World) -> None:
    world.iam.lag = 2.5
    grant = world.granted(LOOK, by="ravi")
    wait_for(lambda: world.iam.seen(USER), "the grant to be seen")
    world.visitor("maya").command(f"/prodaccess release {grant.id}")
    world.wait_for_state(grant.request_id, "approved", "ended")
    (ended,) = world.audit("grant.ended")
    assert ended["data"]["lag_ms"] >= 2_000, "it was said before it could be seen"
    assert "It is still visible." in {line["why"] for line in world.log_lines("effect.retry")}


def test_a_grant_that_aws_refuses_for_good_ends_as_failed_and_leaves_nothing(world: World) -> None:
    world.iam.answer(PUT, error("AccessDenied", 403))
    request_id = world.ask(LOOK)
    world.approve(request_id, "ravi")
    world.wait_for_state(request_id, "approved", "ended")
    (ended,) = world.audit("grant.ended")
    assert (ended["data"]["reason"], ended["data"]["observed_absent"]) == (EndReason.FAILED, True)
    assert not world.iam.policies(USER)


def test_a_sick_account_does_not_hold_up_what_slack_and_the_database_can_do(world: World) -> None:
    world.to_aws.black_hole()
    first = world.ask(LOOK)
    world.approve(first, "ravi")
    world.wait_for_state(first, "approved", "granting")
    second = world.ask(LOOK)
    world.approve(second, "ravi")
    world.wait_for_state(second, "approved", "granting")
    world.to_aws.heal()
    for request_id in (first, second):
        world.wait_for_state(request_id, "approved", "active")
    assert len(world.iam.policies(USER)) == 2
