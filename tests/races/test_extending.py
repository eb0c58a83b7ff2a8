"""Access is made longer by one replica while the other ends what it goes on from, or makes it longer too.

Where a person ended it nothing goes on; where its time did, there is no gap; and it is made longer once.
"""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.core.model import Effect, Grant, Role
from bot.store import open_store
from tests.core.examples import APPROVED, HOUR
from tests.races.company import ALONE, LONGER
from tests.races.conftest import prove, save_draft, save_extension, save_held
from tests.races.racing import Facts, Side, effects_of, facts_of, one_is_refused, race
from tests.races.replica import DONE, WAITS, Told, Two

WORK = ("access", "people", "cloud")
APPROVE, SUBMIT = Side("approve", "mona", "x"), Side("submit", "alice", "d")
RELEASE, REVOKE, EXPIRE = Side("release", "alice"), Side("revoke", "sam"), Side("expire", at_its_end=True)
HOW = {"release": "was released", "revoke": "was revoked"}


def bases(first: int, count: int) -> tuple[str, ...]:
    """Ids of grants that are gone on from."""
    return tuple(f"g-{number}" for number in range(first, first + count))


def prepare(url: str, *grant_ids: str, due: Sequence[str] = ()) -> None:
    """Alice's grants, and requests to go on from them that wait for a yes; of some the timer is due early."""
    store = open_store(url)
    with store.transaction() as tx:
        prove(tx, "alice", "mona", "otto")
        for number, grant_id in enumerate(grant_ids):
            old = save_held(tx, number, LONGER.id, tx.now() + HOUR)
            assert old.id == grant_id
            save_extension(tx, number, old)
        # Early, as by a clock that is ahead: the end itself comes in the race.
        tx.enqueue([Effect("grant.expire", each, f"expire:{each}", tx.now()) for each in due])
    store.close()


def prepare_drafts(url: str, role: str, rounds: int, *prefixes: str) -> None:
    """Alice's grants, and what she is about to send to go on from them."""
    store = open_store(url)
    with store.transaction() as tx:
        prove(tx, "alice", "mona", "otto")
        for number in range(rounds):
            old = save_held(tx, number, role, tx.now() + HOUR)
            for prefix in prefixes:
                save_draft(tx, f"{prefix}-{number}", replace(APPROVED.ask, role=role, extends=old.id))
    store.close()


def stopped_in_any_case(going_on: Told, stopping: Told) -> int:
    """It is stopped; what goes on from it is asked or approved before that, or refused after it."""
    assert stopping.outcome == DONE
    assert going_on.outcome in {DONE, WAITS, "policy"}
    return int(going_on.outcome == "policy")


def approved_before_the_end(approving: Told, ending: Told) -> int:
    """It is over in any case; it is approved before that, or refused after it."""
    assert ending.outcome == DONE
    assert approving.outcome in {DONE, "policy"}
    return int(approving.outcome == "policy" or ending.ended < approving.ended)


def facts_when_all_is_done(two: Two, url: str) -> Facts:
    """Once both have done all that is due, but for messages."""
    while any(two.both("drain", (WORK, WORK))):
        pass
    return facts_of(url)


def going_on_from(facts: Facts, grant_id: str) -> tuple[list[str], list[Grant]]:
    """How the requests to go on from it stand, and all their grants."""
    found = [request for request in facts.requests.values() if request.ask.extends == grant_id]
    return [str(each.status) for each in found], [grant for each in found for grant in facts.grants[each.id]]


def assert_nothing_goes_on(facts: Facts, grant_id: str, how: str) -> None:
    """What it came to was never there, has ended or was cancelled, says why, and leaves nothing to do."""
    statuses, grants = going_on_from(facts, grant_id)
    (old,) = facts.grants[grant_id.replace("g-", "r-")]
    assert str(old.status) == "ended"
    assert statuses in ([], ["cancelled"], ["approved"])
    assert len(grants) == (statuses == ["approved"])
    note = f"The access that this goes on from {how}."
    assert [(str(each.status), each.granted_at, each.end_note) for each in grants] == [("ended", None, note)] * len(
        grants
    )
    waiting = effects_of(facts, grant_id, *(each.id for each in grants))
    assert [key for key in waiting if not key.startswith("tell:")] == []


def assert_it_goes_on(facts: Facts, grant_id: str) -> None:
    """Without a gap, and once."""
    statuses, (new,) = going_on_from(facts, grant_id)
    (old,) = facts.grants[grant_id.replace("g-", "r-")]
    assert statuses == ["approved"]
    assert (str(old.status), str(old.end_reason), str(new.status)) == ("ended", "expired", "active")
    approved_at = facts.requests[new.request_id].decided_at
    assert approved_at is not None
    assert new.starts_at == max(old.expires_at, approved_at)


def test_what_is_approved_at_the_moment_of_an_end_goes_on_only_where_time_made_that_end(
    two: Two, postgres_url: str
) -> None:
    released, revoked, expired = bases(0, 400), bases(400, 300), bases(700, 300)
    prepare(postgres_url, *released, *revoked, *expired, due=expired)
    two.open(postgres_url)
    assert two.replicas[1].call("claim", "access") == len(expired)
    race(two, (APPROVE, EXPIRE), expired, approved_before_the_end)
    race(two, (APPROVE, RELEASE), released, stopped_in_any_case)
    race(two, (APPROVE, REVOKE), revoked, stopped_in_any_case)
    facts = facts_when_all_is_done(two, postgres_url)
    in_time = [each for each in expired if going_on_from(facts, each) != (["pending"], [])]
    assert in_time
    for grant_id in in_time:
        assert_it_goes_on(facts, grant_id)
    for grant_id, side in [*((each, RELEASE) for each in released), *((each, REVOKE) for each in revoked)]:
        assert_nothing_goes_on(facts, grant_id, HOW[side.what])


@pytest.mark.parametrize(("role", "stop"), [(ALONE, RELEASE), (LONGER, REVOKE)], ids=["alone", "approved"])
def test_what_is_asked_at_the_moment_of_a_stop_ends_with_what_it_goes_on_from(
    two: Two, postgres_url: str, role: Role, stop: Side
) -> None:
    prepare_drafts(postgres_url, role.id, 200, "d")
    two.open(postgres_url)
    race(two, (SUBMIT, stop), bases(0, 200), stopped_in_any_case)
    facts = facts_when_all_is_done(two, postgres_url)
    for grant_id in bases(0, 200):
        assert_nothing_goes_on(facts, grant_id, HOW[stop.what])


def test_it_is_made_longer_once_by_whoever_asks_first(two: Two, postgres_url: str) -> None:
    prepare_drafts(postgres_url, ALONE.id, 200, "d", "e")
    two.open(postgres_url)
    race(two, (SUBMIT, replace(SUBMIT, prefix="e")), bases(0, 200), one_is_refused("policy"))
    facts = facts_of(postgres_url)
    for grant_id in bases(0, 200):
        statuses, grants = going_on_from(facts, grant_id)
        assert (statuses, len(grants)) == (["approved"], 1)


def test_two_approvals_of_what_goes_on_give_one_grant(two: Two, postgres_url: str) -> None:
    prepare(postgres_url, *bases(0, 200))
    two.open(postgres_url)
    race(two, (APPROVE, replace(APPROVE, person="otto")), bases(0, 200))
    facts = facts_of(postgres_url)
    for grant_id in bases(0, 200):
        statuses, (new,) = going_on_from(facts, grant_id)
        (old,) = facts.grants[grant_id.replace("g-", "r-")]
        assert (statuses, new.starts_at) == (["approved"], old.expires_at)
