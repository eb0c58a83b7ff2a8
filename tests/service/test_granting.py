from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core import commands
from bot.core.model import EndReason, GrantStatus
from bot.providers.fake import Call, Fault
from bot.service.effects import LEASE
from bot.service.granting import GRANT_TAKES
from bot.service.handling import handle_timers
from bot.service.records import CloudError
from tests.core.examples import HOUR, MINUTE, NOW, actor
from tests.service.world import World, at_once, done, refused

NONE, SECOND = timedelta(0), timedelta(seconds=1)


def release(world: World, grant_id: str) -> None:
    done(world.access.release(grant_id, world.person("alice"), actor("alice")))


# --- time ------------------------------------------------------------------------------------------------


def test_a_chosen_start_is_waited_for_and_the_clock_starts_there(world: World) -> None:
    grant = world.scheduled(start_at=NOW + 3 * HOUR)
    world.later(2 * HOUR)
    assert world.grant(grant.id).status is GrantStatus.SCHEDULED
    assert world.cloud_calls() == []
    world.later(HOUR)
    assert world.is_effective(grant)
    assert world.grant(grant.id).expires_at == NOW + 4 * HOUR


def test_a_start_missed_for_good_grants_nothing(world: World) -> None:
    grant = world.scheduled()
    world.later(2 * HOUR)
    ended = world.grant(grant.id)
    assert (ended.status, ended.end_reason, ended.granted_at) == (GrantStatus.ENDED, EndReason.EXPIRED, None)
    assert "grant" not in world.cloud_calls()


def test_the_cloud_ends_it_on_time_though_every_process_is_dead(world: World) -> None:
    grant = world.granted()
    world.clock.move(HOUR)
    assert world.grant(grant.id).status is GrantStatus.ACTIVE
    assert not world.is_effective(grant)


@pytest.mark.parametrize(
    ("kind", "after"), [("request.lapse", 4 * HOUR), ("grant.start", NONE), ("grant.expire", HOUR)]
)
def test_a_timer_that_the_database_s_clock_calls_early_stays_on_the_books(
    world: World, kind: str, after: timedelta
) -> None:
    """As when a clock was set back between the claim and the decision."""
    if kind == "request.lapse":
        world.asked()
    else:
        world.scheduled()
    world.clock.move(after)
    claim, log = world.claim(kind), world.tags()
    world.clock.move(-2 * MINUTE)
    assert world.runner.run(claim) is False
    assert world.tags() == log
    world.later(2 * MINUTE + LEASE)
    then = {"request.lapse": "request.lapsed", "grant.start": "grant.started", "grant.expire": "grant.ended"}
    assert then[kind] in world.tags()


# --- the cloud says no, or nothing -----------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault.THROTTLED, Fault.TIMED_OUT, Fault.TIMED_OUT_AFTER])
def test_a_passing_failure_is_tried_again_until_it_is_granted(world: World, fault: Fault) -> None:
    world.cloud.fail("grant", fault, 3)
    grant = world.scheduled()
    world.run()
    assert world.grant(grant.id).status is GrantStatus.GRANTING
    for _ in range(3):
        world.later(MINUTE)
    assert world.grant(grant.id).status is GrantStatus.ACTIVE
    assert world.is_effective(grant)
    assert world.tags("grant.") == ["grant.scheduled", "grant.started", "grant.active"]


def test_what_the_cloud_refuses_is_removed_seen_gone_and_ended_as_failed(world: World) -> None:
    world.cloud.fail("grant", Fault.REFUSED)
    grant = world.scheduled()
    world.run()
    ended = world.grant(grant.id)
    assert (ended.status, ended.end_reason, ended.end_note) == (
        GrantStatus.ENDED,
        EndReason.FAILED,
        "grant was refused",
    )
    assert world.cloud_calls() == ["grant", "revoke", "observe"]
    assert world.log()[-1]["data"]["observed_absent"] is True


def test_whatever_the_cloud_says_with_its_refusal_it_ends(world: World) -> None:
    def refuse(call: Call, done: bool) -> None:
        if call.operation == "grant":
            raise CloudError("No \x00 such \ud83d user.", passing=False)

    world.around = refuse
    grant = world.scheduled()
    world.run()
    assert (world.grant(grant.id).status, world.grant(grant.id).end_note) == (
        GrantStatus.ENDED,
        "No  such \ufffd user.",
    )


def test_a_refusal_that_came_after_the_work_was_done_leaves_nothing_behind(world: World) -> None:
    grant = world.scheduled()
    world.cloud.fail("grant", Fault.TIMED_OUT_AFTER)
    world.run()
    assert world.is_written(grant)
    world.cloud.fail("grant", Fault.REFUSED)
    world.later(MINUTE)
    assert world.grant(grant.id).end_reason is EndReason.FAILED
    assert not world.is_written(grant)


def test_a_grant_that_never_succeeds_expires_and_is_removed_all_the_same(world: World) -> None:
    world.cloud.fail("grant", Fault.TIMED_OUT_AFTER, 1000)
    grant = world.scheduled()
    for _ in range(61):
        world.later(MINUTE)
    ended = world.grant(grant.id)
    assert (ended.status, ended.end_reason) == (GrantStatus.ENDED, EndReason.EXPIRED)
    assert not world.is_written(grant)


@pytest.mark.parametrize("fault", [Fault.THROTTLED, Fault.TIMED_OUT, Fault.REFUSED])
@pytest.mark.parametrize("operation", ["revoke", "observe"])
def test_a_revocation_is_tried_for_ever_until_it_was_seen_gone(world: World, operation: str, fault: Fault) -> None:
    grant = world.granted()
    world.cloud.fail(operation, fault, 100)
    release(world, grant.id)
    for _ in range(99):
        world.later(MINUTE)
        assert world.grant(grant.id).status is GrantStatus.REVOKING
    world.cloud.heal()
    world.later(MINUTE)
    assert world.grant(grant.id).status is GrantStatus.ENDED
    assert world.grant(grant.id).end_reason is EndReason.RELEASED
    assert not world.is_written(grant)


def test_it_is_not_ended_while_it_can_still_be_seen(world: World) -> None:
    grant = world.granted()
    world.clock.move(MINUTE)
    world.cloud.lag = timedelta(seconds=10)
    release(world, grant.id)
    world.run()
    assert world.grant(grant.id).status is GrantStatus.REVOKING
    for _ in range(12):
        world.later(SECOND)
    ended = world.grant(grant.id)
    assert ended.status is GrantStatus.ENDED
    assert ended.ended_at is not None
    assert ended.revoking_since is not None
    assert ended.ended_at - ended.revoking_since >= timedelta(seconds=10)


def test_an_account_that_left_the_catalogue_is_retried_until_it_is_back(world: World) -> None:
    grant = world.granted()
    before = world.catalogue
    world.without(accounts="payments")
    release(world, grant.id)
    for _ in range(5):
        world.later(MINUTE)
    assert world.grant(grant.id).status is GrantStatus.REVOKING
    assert world.is_written(grant)
    world.catalogue = before
    world.later(MINUTE)
    assert world.grant(grant.id).status is GrantStatus.ENDED
    assert not world.is_written(grant)


# --- the policy, once more at the grant ------------------------------------------------------------------


def leads(world: World, *people: str) -> None:
    world.catalogue = replace(world.catalogue, groups={**world.catalogue.groups, "leads": frozenset(people)})


def quorum(world: World, count: int) -> None:
    world.change_role("s3-read", stages=(replace(world.catalogue.roles["s3-read"].stages[0], quorum=count),))


def actions(world: World, *names: str) -> None:
    statement = replace(world.catalogue.roles["s3-read"].statements[0], actions=names)
    world.change_role("s3-read", statements=(statement,))


CHANGED = "The role's permissions have changed since this was asked. Ask again."
GONE = "This role or account is no longer offered. Ask again."
TOO_FEW = "Too few of those who approved this may approve it now."
NARROWED: dict[str, tuple[Callable[[World], object], str]] = {
    "the approver left the group": (lambda w: leads(w, "sam"), TOO_FEW),
    "a higher quorum": (lambda w: quorum(w, 2), TOO_FEW),
    "the role is shorter": (
        lambda w: w.change_role("s3-read", longest=MINUTE),
        "1 h is not within what is allowed here, from 1 min to 1 min.",
    ),
    "the role says something else": (lambda w: actions(w, "s3:ListBucket"), CHANGED),
    "the role is gone": (lambda w: w.without(roles="s3-read"), GONE),
    "the account is gone": (
        lambda w: w.without(accounts="payments"),
        "Not offered in 'payments'. You can ask for it in: search.",
    ),
    "the person left": (lambda w: w.without(people="alice"), GONE),
    "the person left the group": (
        lambda w: w.change_person("alice", groups=frozenset()),
        "There is no role 's3-read' that you may ask for. Not offered in 'payments'.",
    ),
    "the person's identity is another": (
        lambda w: w.change_person("alice", identities={"payments": "user/alice2"}),
        "The requester's identity in this account has changed.",
    ),
}


@pytest.mark.parametrize(("narrow", "why"), NARROWED.values(), ids=NARROWED)
def test_what_is_no_longer_allowed_at_the_grant_is_not_asked_of_the_cloud(
    world: World, narrow: Callable[[World], object], why: str
) -> None:
    request_id = world.asked(start_at=NOW + HOUR)
    (made,) = done(world.approve(request_id, "otto")).grants
    narrow(world)
    world.later(HOUR)
    ended = world.grant(made.id)
    assert (ended.status, ended.end_reason, ended.end_note) == (GrantStatus.ENDED, EndReason.FAILED, why)
    assert world.cloud_calls() == []


def test_a_start_waits_for_the_directory_to_answer(world: World) -> None:
    grant = world.scheduled(start_at=NOW + HOUR)
    world.directory.down = True
    world.later(HOUR)
    assert world.grant(grant.id).status is GrantStatus.SCHEDULED
    world.directory.down = False
    world.later(MINUTE)
    assert world.grant(grant.id).status is GrantStatus.ACTIVE


def test_a_manager_who_is_no_longer_theirs_does_not_count_at_the_grant(world: World) -> None:
    grant = world.scheduled(start_at=NOW + HOUR)
    world.change_person("alice", manager="sam")
    world.later(HOUR)
    assert world.grant(grant.id).end_note == TOO_FEW


def test_what_is_as_it_was_starts_though_the_chosen_start_is_no_longer_ahead(world: World) -> None:
    grant = world.scheduled(start_at=NOW + HOUR)
    world.later(HOUR + 30 * MINUTE)
    assert world.grant(grant.id).status is GrantStatus.ACTIVE


# --- two workers, one effect -----------------------------------------------------------------------------


def test_the_result_of_a_worker_that_lost_its_lease_changes_nothing(world: World) -> None:
    grant = world.scheduled()
    world.worker.run_due("people")
    slow = world.claim("grant.converge")
    world.clock.move(LEASE + SECOND)
    fast = world.claim("grant.converge")
    assert world.runner.run(fast)
    log = world.log()

    world.runner.run(slow)
    assert world.log() == log
    assert world.grant(grant.id).status is GrantStatus.ACTIVE
    assert world.cloud_calls() == ["grant"]


@pytest.mark.parametrize("command", [commands.Granted, commands.Removed, commands.Expire])
def test_a_late_result_is_told_that_another_worker_has_it(
    world: World, command: type[commands.Granted | commands.Removed | commands.Expire]
) -> None:
    grant = world.scheduled()
    world.worker.run_due("people")
    slow = world.claim("grant.converge")
    world.clock.move(HOUR)
    log = world.log()
    (outcome,) = handle_timers(world.store, [(slow, command(grant.id))])
    assert refused(outcome).code == "fence"
    assert (world.grant(grant.id).status, world.log()) == (GrantStatus.GRANTING, log)


def test_a_late_start_is_told_that_another_worker_has_it(world: World) -> None:
    grant = world.scheduled()
    late = world.claim("grant.start")
    world.clock.move(LEASE)
    log = world.log()
    assert refused(world.access.start(late)).code == "fence"
    assert (world.grant(grant.id).status, world.log()) == (GrantStatus.SCHEDULED, log)


def test_a_lease_lost_during_the_cloud_call_changes_no_state(world: World) -> None:
    grant = world.scheduled()
    world.worker.run_due("people")
    slow = world.claim("grant.converge")

    def stall(call: Call, done: bool) -> None:
        if done and call.operation == "grant":
            world.clock.move(LEASE + SECOND)
            world.around = lambda *_: None

    world.around = stall
    world.runner.run(slow)
    assert world.grant(grant.id).status is GrantStatus.GRANTING
    world.run()
    assert world.grant(grant.id).status is GrantStatus.ACTIVE
    assert world.tags("grant.").count("grant.active") == 1


@pytest.mark.parametrize("fault", [None, Fault.TIMED_OUT_AFTER])
def test_what_is_put_after_it_was_taken_away_is_taken_away_again(world: World, fault: Fault | None) -> None:
    grant = world.scheduled()
    world.worker.run_due("people")
    slow = world.claim("grant.converge")
    if fault is not None:
        world.cloud.fail("grant", fault)

    def taken_away_meanwhile(call: Call, done: bool) -> None:
        if call.operation == "grant" and not done:
            world.around = lambda *_: None
            release(world, grant.id)
            world.clock.move(LEASE + SECOND)
            world.run()

    world.around = taken_away_meanwhile
    world.runner.run(slow)
    assert world.grant(grant.id).status is GrantStatus.ENDED
    assert world.is_written(grant)
    log = world.log()
    world.run()
    assert not world.is_written(grant)
    assert world.log() == log


def test_a_grant_is_not_begun_under_a_lease_that_is_nearly_over(world: World) -> None:
    grant = world.scheduled()
    world.worker.run_due("people")
    claim = world.claim("grant.converge")
    world.clock.move(LEASE - GRANT_TAKES + SECOND)
    assert world.runner.run(claim) is False
    assert world.cloud_calls() == []
    world.later(SECOND)
    assert world.is_effective(grant)


def test_nothing_is_put_whose_time_is_up_though_its_expiry_did_not_run(world: World) -> None:
    grant = world.scheduled()
    world.worker.run_due("people")
    world.clock.move(HOUR)
    assert world.runner.run(world.claim("grant.converge")) is False
    assert (world.cloud_calls(), world.grant(grant.id).status) == ([], GrantStatus.GRANTING)


def test_a_worker_whose_lease_is_over_asks_nothing_of_the_cloud(world: World) -> None:
    world.scheduled()
    world.worker.run_due("people")
    slow = world.claim("grant.converge")
    world.clock.move(LEASE)
    assert world.runner.run(slow) is False
    assert world.cloud_calls() == []


@pytest.mark.parametrize("name", ["request.lapse", "grant.start", "grant.expire"])
def test_a_stale_timer_changes_nothing(world: World, name: str) -> None:
    if name == "request.lapse":
        world.asked()
        world.clock.move(4 * HOUR)
    else:
        world.scheduled()
        world.clock.move(HOUR if name == "grant.expire" else timedelta(0))
    stale = world.claim(name)
    world.clock.move(LEASE)
    log = world.log()
    world.runner.run(stale)
    assert world.log() == log
    world.run()
    assert len(world.log()) > len(log)


def test_released_while_it_is_being_granted_it_is_taken_away_again(world: World) -> None:
    grant = world.scheduled()

    def release_meanwhile(call: Call, done: bool) -> None:
        if call.operation == "grant" and not done:
            release(world, grant.id)

    world.around = release_meanwhile
    world.run()
    ended = world.grant(grant.id)
    assert (ended.status, ended.end_reason, ended.granted_at) == (GrantStatus.ENDED, EndReason.RELEASED, None)
    assert world.cloud_calls() == ["grant", "revoke", "observe"]
    assert not world.is_written(grant)


def test_a_revocation_that_comes_while_a_refusal_is_on_its_way_wins(world: World) -> None:
    grant = world.scheduled()
    world.cloud.fail("grant", Fault.REFUSED)

    def release_meanwhile(call: Call, done: bool) -> None:
        if call.operation == "grant" and not done:
            release(world, grant.id)

    world.around = release_meanwhile
    world.run()
    assert world.grant(grant.id).end_reason is EndReason.RELEASED


def test_four_workers_grant_and_revoke_each_of_twelve_once(crowded_world: World) -> None:
    world = crowded_world
    grants = [world.scheduled(reason=f"Ticket number {number}.") for number in range(12)]
    at_once([world.run] * 4)
    world.run()
    assert all(world.grant(grant.id).status is GrantStatus.ACTIVE for grant in grants)
    assert sorted(call.grant_id for call in world.cloud.calls) == sorted(grant.id for grant in grants)
    world.clock.move(2 * HOUR)
    at_once([world.run] * 4)
    world.run()
    assert all(world.grant(grant.id).status is GrantStatus.ENDED for grant in grants)
    assert world.cloud.held() == {}
    for tag in ("grant.active", "grant.revoking", "grant.ended"):
        assert world.tags("grant.").count(tag) == 12
