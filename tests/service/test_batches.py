"""Many effects at once: each ends as it would alone, in few transactions, and one bad one keeps nobody."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core import commands
from bot.core.model import EndReason, GrantStatus, RequestStatus
from bot.providers.fake import Call, Fault
from bot.service.clock import DatabaseClock
from bot.service.effects import LEASE, Retry
from bot.service.granting import Granting
from bot.service.handling import handle_timers
from bot.service.records import CloudError
from tests.core.examples import HOUR, MINUTE, actor
from tests.service.fakes import FakeClock
from tests.service.world import World, at_once, done, refused


@pytest.fixture(params=["world", "crowded_world"])
def any_world(request: pytest.FixtureRequest) -> World:
    """On each kind of database."""
    found: World = request.getfixturevalue(request.param)
    return found


def granted(world: World, count: int) -> list[str]:
    """That many live grants' ids."""
    return [world.granted(reason=f"Look at settlement number {number}.").id for number in range(count)]


def statuses(world: World, grant_ids: list[str]) -> set[tuple[GrantStatus, EndReason | None]]:
    return {(world.grant(grant_id).status, world.grant(grant_id).end_reason) for grant_id in grant_ids}


def test_what_expires_together_ends_together(any_world: World) -> None:
    world = any_world
    grants = granted(world, 12)
    before = len(world.log())
    world.clock.move(HOUR + MINUTE)
    assert world.worker.run_due("access", 50) == 12
    assert world.worker.run_due("cloud", 50) == 12
    assert statuses(world, grants) == {(GrantStatus.ENDED, EndReason.EXPIRED)}
    assert world.cloud.held() == {}
    told = [(record["tag"], record["grant_id"]) for record in world.log()[before:]]
    assert sorted(told) == sorted((tag, grant) for grant in grants for tag in ("grant.revoking", "grant.ended"))
    assert {world.store.next_due(lane) for lane in ("access", "cloud")} == {None}


def test_requests_that_lapse_together_are_decided_together(any_world: World) -> None:
    world = any_world
    asked = [world.asked(reason=f"Look at settlement number {number}.") for number in range(5)]
    decided = world.asked(reason="This one is denied in time.")
    done(world.access.deciding.deny(decided, world.person("mona"), "No.", actor("mona")))
    world.clock.move(5 * HOUR)
    world.run()
    assert {world.request(request_id).status for request_id in asked} == {RequestStatus.LAPSED}
    assert world.request(decided).status is RequestStatus.DENIED
    assert world.tags("request.lapsed") == ["request.lapsed"] * 5


def test_what_the_cloud_does_not_do_keeps_nobody_else(world: World) -> None:
    grants = granted(world, 6)
    world.clock.move(HOUR + MINUTE)
    world.worker.run_due("access", 50)
    world.cloud.fail("revoke", Fault.REFUSED, 2)
    world.worker.run_due("cloud", 50)
    assert sorted(world.grant(grant).status for grant in grants) == ["ended"] * 4 + ["revoking"] * 2
    world.later(MINUTE)
    assert statuses(world, grants) == {(GrantStatus.ENDED, EndReason.EXPIRED)}


def test_of_a_batch_whose_lease_is_over_nothing_is_changed(any_world: World) -> None:
    world = any_world
    grants = granted(world, 3)
    world.clock.move(HOUR + MINUTE)
    late = world.store.claim("access", 50, LEASE)
    world.clock.move(LEASE)
    newer = world.store.claim("access", 50, LEASE)
    outcomes = handle_timers(world.store, [(claim, commands.Expire(claim.subject)) for claim in late])
    assert {refused(outcome).code for outcome in outcomes} == {"fence"}
    assert statuses(world, grants) == {(GrantStatus.ACTIVE, None)}
    assert len(newer) == 3
    assert [claim.id for claim in newer] == [claim.id for claim in late]


def test_only_those_of_a_batch_that_are_still_held_are_changed(any_world: World) -> None:
    world = any_world
    grants = granted(world, 3)
    world.clock.move(HOUR + MINUTE)
    claims = world.store.claim("access", 50, LEASE)
    lost = replace(claims[1], fence=claims[1].fence - 1)
    mixed = (claims[0], lost, claims[2])
    outcomes = handle_timers(world.store, [(claim, commands.Expire(claim.subject)) for claim in mixed])
    assert [getattr(outcome, "code", "") for outcome in outcomes] == ["", "fence", ""]
    assert [world.grant(grant).status for grant in grants].count(GrantStatus.REVOKING) == 2


def test_what_came_early_stays_on_the_books_beside_what_is_due(world: World) -> None:
    long, short = world.granted(duration=2 * HOUR), world.granted()
    world.clock.move(2 * HOUR + MINUTE)
    claims = world.store.claim("access", 50, LEASE)
    world.clock.move(-HOUR)
    outcomes = handle_timers(world.store, [(claim, commands.Expire(claim.subject)) for claim in claims])
    assert sorted(getattr(outcome, "code", "") for outcome in outcomes) == ["", "early"]
    assert (world.grant(long.id).status, world.grant(short.id).status) == (GrantStatus.ACTIVE, GrantStatus.REVOKING)
    world.later(HOUR + LEASE)
    assert world.grant(long.id).status is GrantStatus.ENDED


def test_an_effect_of_nothing_is_finished(world: World) -> None:
    grants = granted(world, 2)
    world.clock.move(HOUR + MINUTE)
    claims = world.store.claim("access", 50, LEASE)
    orphan = replace(claims[0], subject="g-nobody")
    outcomes = handle_timers(world.store, [(orphan, commands.Expire("g-nobody"))])
    assert refused(outcomes[0]).code == "unknown"
    with world.store.transaction() as tx:
        assert tx.held(claims) == {claims[1].id}
    assert len(grants) == 2


def test_one_that_cannot_be_handled_is_found_and_the_others_are_done(world: World) -> None:
    grants = granted(world, 4)
    world.clock.move(HOUR + MINUTE)
    broken = world.runner.batches["grant.expire"]

    def choke(claims: object) -> object:
        subjects = [claim.subject for claim in claims]  # type: ignore[attr-defined]
        if grants[1] in subjects:
            raise KeyError("a bug that one of them brings out")
        return broken(claims)  # type: ignore[arg-type]

    handlers = {**world.runner.handlers, "grant.expire": lambda claim: choke([claim])}
    runner = replace(
        world.runner,
        handlers=handlers,
        batches={**world.runner.batches, "grant.expire": choke},  # type: ignore[dict-item]
    )
    world.worker.runner = runner
    world.worker.run_due("access", 50)
    assert [world.grant(grant).status for grant in grants].count(GrantStatus.REVOKING) == 3
    assert world.grant(grants[1]).status is GrantStatus.ACTIVE


def test_what_was_done_is_told_while_the_next_call_is_under_way(world: World) -> None:
    grants = [world.granted(), world.granted(reason="Another settlement failed.")]
    for grant in grants:
        done(world.access.release(grant.id, world.person("alice"), actor("alice")))
    seen: list[list[GrantStatus]] = []

    def look(call: Call, finished: bool) -> None:
        if call.operation == "revoke" and not finished:
            seen.append([world.grant(grant.id).status for grant in grants])

    world.around = look
    at_once_told = replace(world.granting, tell_within=0.0)
    assert at_once_told.converge(world.store.claim("cloud", 50, LEASE)) == {}
    assert [statuses.count(GrantStatus.ENDED) for statuses in seen] == [0, 1]


def test_an_account_that_does_not_answer_is_left_alone_and_the_others_go_on(world: World) -> None:
    sick = [world.granted(account="payments", reason=f"Settlement number {n} failed.") for n in range(6)]
    well = world.granted(account="search")
    asked: list[str] = []

    def silent(call: Call, finished: bool) -> None:
        if call.operation == "revoke" and not finished:
            asked.append(call.account)
            if call.account == "payments":
                raise CloudError("no answer", passing=True)

    world.around = silent
    world.clock.move(HOUR + MINUTE)
    world.worker.run_due("access", 50)
    world.worker.run_due("cloud", 50)
    assert asked.count("payments") == 3
    assert world.grant(well.id).status is GrantStatus.ENDED
    world.around = lambda *_: None
    for _ in range(4):
        world.later(MINUTE)
    assert statuses(world, [grant.id for grant in sick]) == {(GrantStatus.ENDED, EndReason.EXPIRED)}


def test_six_threads_and_twenty_grants_that_expire_end_each_once(crowded_world: World) -> None:
    world = crowded_world
    grants = granted(world, 20)
    before = len(world.log())
    world.clock.move(HOUR + MINUTE)

    def work() -> None:
        while world.worker.run_due("access", 3) + world.worker.run_due("cloud", 3):
            pass

    at_once([work] * 6)
    world.run()
    assert statuses(world, grants) == {(GrantStatus.ENDED, EndReason.EXPIRED)}
    ended = [record["grant_id"] for record in world.log()[before:] if record["tag"] == "grant.ended"]
    assert sorted(ended) == sorted(grants)


# --- clocks that differ ----------------------------------------------------------------------------------


def with_own_clock(world: World, off_by: timedelta) -> None:
    """From now on the workers' machine has a clock of its own."""
    clock = DatabaseClock(FakeClock(world.clock.now() + off_by), world.store)
    clock.measure()
    granting = Granting(world.access, clock, world.granting.accounts)
    handlers = {**world.runner.handlers, **granting.handlers()}
    world.worker.runner = replace(world.runner, handlers=handlers, batches=granting.batches())


@pytest.mark.parametrize("off_by", [timedelta(seconds=-6), timedelta(seconds=6), -HOUR])
def test_while_the_clocks_differ_nothing_is_granted(world: World, off_by: timedelta) -> None:
    grant = world.scheduled()
    with_own_clock(world, off_by)
    for _ in range(3):
        world.later(MINUTE)
    assert world.cloud_calls() == []
    assert world.grant(grant.id).status is GrantStatus.SCHEDULED
    with_own_clock(world, timedelta(seconds=4))
    world.later(MINUTE)
    assert world.is_effective(grant)


@pytest.mark.parametrize("off_by", [-HOUR, HOUR])
def test_while_the_clocks_differ_revocations_and_expiries_go_on(world: World, off_by: timedelta) -> None:
    released, expiring = world.granted(), world.granted(reason="Another settlement failed.")
    with_own_clock(world, off_by)
    done(world.access.release(released.id, world.person("alice"), actor("alice")))
    world.run()
    assert world.grant(released.id).status is GrantStatus.ENDED
    world.later(HOUR)
    assert world.grant(expiring.id).end_reason is EndReason.EXPIRED
    assert world.cloud.held() == {}


def test_a_grant_whose_call_is_still_to_come_waits_for_the_clocks_too(world: World) -> None:
    grant = world.scheduled()
    world.worker.run_due("people")
    (claim,) = world.store.claim("cloud", 1, LEASE)
    clock = DatabaseClock(FakeClock(world.clock.now() - MINUTE), world.store)
    clock.measure()
    not_done = Granting(world.access, clock, world.granting.accounts).converge([claim])
    assert isinstance(not_done[claim.id], Retry)
    assert "60.0 s off" in str(not_done[claim.id])
    assert world.cloud_calls() == []
    assert world.grant(grant.id).status is GrantStatus.GRANTING


def test_the_log_of_a_batch_says_when_each_was_seen_gone(world: World) -> None:
    granted(world, 3)
    world.clock.move(HOUR + MINUTE)
    world.worker.run_due("access", 50)
    world.clock.move(timedelta(seconds=3))
    world.worker.run_due("cloud", 50)
    ended = [record for record in world.log() if record["tag"] == "grant.ended"]
    assert all(record["data"]["observed_absent"] for record in ended)
    assert all(record["data"]["lag_ms"] > 0 for record in ended)
