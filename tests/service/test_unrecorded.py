"""Revoking while the audit log takes nothing: access goes all the same, and the log has it as soon as it can."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.core.decisions import Refusal
from bot.core.model import EndReason, Grant, GrantStatus
from bot.providers.fake import Fault
from bot.service.operations import NotRevoked, operator, remove_from_cloud, revoke_now
from bot.service.records import StoreUnavailable
from tests.core.examples import MINUTE, actor
from tests.service.drifting import planted
from tests.service.world import World, done, refused


@contextmanager
def log_full(world: World) -> Iterator[None]:
    """The audit log takes nothing, as on a full disk."""
    with world.store.transaction() as tx:
        tx._run(sa.text("CREATE TRIGGER full BEFORE INSERT ON audit_log BEGIN SELECT RAISE(ABORT, 'no room'); END"))
    try:
        yield
    finally:
        with world.store.transaction() as tx:
            tx._run(sa.text("DROP TRIGGER full"))


def release(world: World, grant: Grant) -> object:
    return world.access.release(grant.id, world.person("alice"), actor("alice"))


def test_nothing_is_granted_that_cannot_be_recorded(world: World) -> None:
    grant = world.scheduled()
    with log_full(world):
        for _ in range(3):
            world.later(MINUTE)
        assert world.cloud_calls() == []
        assert world.grant(grant.id).status is GrantStatus.SCHEDULED
    world.later(2 * MINUTE)
    assert world.is_effective(grant)


def test_a_release_takes_the_access_away_and_says_that_it_is_not_recorded(world: World) -> None:
    grant = world.granted()
    with log_full(world):
        refusal = release(world, grant)
        assert isinstance(refusal, Refusal)
        assert (refusal.code, "taken away" in refusal.text) == ("unrecorded", True)
        assert not world.is_written(grant)
        assert world.access.stops.settle() == 1
    assert world.access.stops.settle() == 0
    world.run()
    ended = world.grant(grant.id)
    assert (ended.status, ended.end_reason, ended.ended_by) == (GrantStatus.ENDED, EndReason.RELEASED, "alice")
    assert world.tags("grant.")[-2:] == ["grant.revoking", "grant.ended"]


def test_a_revocation_keeps_its_actor_and_words_until_they_are_recorded(world: World) -> None:
    grant = world.granted()
    with log_full(world):
        assert refused(world.access.revoke(grant.id, world.person("sam"), actor("sam"), "Stop.")).code == "unrecorded"
        assert refused(world.access.revoke(grant.id, world.person("sam"), actor("sam"), "Again.")).code == "unrecorded"
        assert not world.is_written(grant)
    world.access.stops.settle()
    world.run()
    assert (world.grant(grant.id).ended_by, world.grant(grant.id).end_note) == ("sam", "Stop.")
    assert world.tags("grant.").count("grant.revoking") == 1


def test_nobody_stops_without_the_log_what_they_may_not_stop_with_it(world: World) -> None:
    grant = world.granted()
    with log_full(world):
        assert refused(world.access.release(grant.id, world.person("bob"), actor("bob"))).code == "policy"
        assert refused(world.access.revoke(grant.id, world.person("bob"), actor("bob"), "No.")).code == "policy"
        assert world.is_effective(grant)


def test_where_the_cloud_does_not_answer_either_it_is_said_that_nothing_was_done(world: World) -> None:
    grant = world.granted()
    world.cloud.fail("revoke", Fault.TIMED_OUT)
    with log_full(world), pytest.raises(StoreUnavailable):
        release(world, grant)
    assert world.access.stops.settle() == 0
    assert world.is_effective(grant)


def test_what_was_to_be_gone_is_removed_while_the_queue_cannot_be_written(world: World) -> None:
    revoked, expired = world.granted(), world.granted(duration=timedelta(minutes=30))
    staying = world.granted(duration=timedelta(hours=2))
    done(release(world, revoked))  # type: ignore[arg-type]
    world.clock.move(timedelta(minutes=45))
    assert world.access.stops.sweep() == 2
    assert [world.is_written(grant) for grant in (revoked, expired, staying)] == [False, False, True]
    log = world.tags()
    assert world.access.stops.sweep() == 2, "it knows of nothing that it did"
    assert world.tags() == log
    world.run()
    assert {world.grant(grant.id).end_reason for grant in (revoked, expired)} == {EndReason.RELEASED, EndReason.EXPIRED}


def test_an_account_that_does_not_answer_keeps_nobody_else_s_access(world: World) -> None:
    first, second = world.granted(), world.granted(duration=timedelta(minutes=50))
    world.clock.move(timedelta(hours=1))
    world.cloud.fail("revoke", Fault.TIMED_OUT)
    assert world.access.stops.sweep() == 1
    assert [world.is_written(second), world.is_written(first)].count(True) == 1


def test_an_operator_is_told_what_is_gone_and_not_recorded(world: World) -> None:
    grant = world.granted()
    told: list[tuple[str, str]] = []
    with log_full(world), pytest.raises(NotRevoked, match=f"not recorded.*{grant.id}"):
        told.extend(
            revoke_now(world.access, world.runner, [grant.id], operator(), "Stop.", patience=timedelta(seconds=5))
        )
    assert not world.is_written(grant)


def test_without_a_ledger_all_that_bears_our_name_is_removed(world: World) -> None:
    grants = [world.granted(), world.granted(duration=timedelta(minutes=30))]
    told = list(remove_from_cloud(world.catalogue, world.providers.values()))
    assert {(account.id, grant_id, outcome) for account, _, grant_id, outcome in told} == {
        (grant.account, grant.id, "gone, observed absent") for grant in grants
    }
    assert world.cloud.held() == {}


def test_what_denies_a_stray_is_removed_after_it_so_that_it_lets_nobody_in(world: World) -> None:
    found = planted(world, name="zz-last-by-name")
    told = list(remove_from_cloud(world.catalogue, world.providers.values()))
    assert [name for _, _, name, _ in told] == [found.name, found.quarantine]
    assert world.cloud.written() == {}


def test_an_account_that_cannot_be_asked_is_named_and_the_others_are_done(world: World) -> None:
    grant = world.granted()
    world.cloud.fail("existing", Fault.TIMED_OUT)
    told = list(remove_from_cloud(world.catalogue, world.providers.values()))
    silent = [account.id for account, _, grant_id, _ in told if not grant_id]
    assert len(silent) == 1
    assert world.is_written(grant) is (silent == [grant.account])
