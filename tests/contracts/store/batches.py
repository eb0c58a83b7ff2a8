"""What is done for many at once comes to the same as one after the other."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.model import GrantStatus
from bot.service.ports import Store
from bot.service.records import Claim, StaleWrite
from tests.contracts.store.makers import (
    LEASE,
    MINUTE,
    SetClock,
    claim,
    effect,
    enqueue,
    finish,
    grant,
    request,
    rolled_back,
)


class BatchesContract:
    def test_many_are_read_as_one_is(self, store: Store) -> None:
        fill(store, 3)
        with store.transaction() as tx:
            wanted = ["r2", "nobody's", "r0", "r2"]
            assert tx.requests(wanted) == {"r0": tx.request("r0"), "r2": tx.request("r2")}
            assert tx.requests(wanted, lock=True) == tx.requests(wanted)
            assert tx.request_ids_of(["g2", "nobody's", "g0"]) == {"g0": "r0", "g2": "r2"}
            assert tx.grants_of(["r1", "nobody's"]) == {"r1": tx.grants("r1"), "nobody's": ()}
            assert tx.grants_by_id(["g1", "nobody's"]) == {"g1": tx.grants("r1")[0]}

    def test_nothing_asked_is_nothing_answered(self, store: Store) -> None:
        with store.transaction() as tx:
            assert tx.requests([], lock=True) == {}
            assert tx.grants_of([]) == tx.grants_by_id([]) == tx.request_ids_of([]) == {}
            assert tx.held([]) == frozenset()
            tx.save_grants([])
            tx.finish_all([])
        store.release_all([], MINUTE, "")

    def test_many_grants_are_saved_as_one_is(self, store: Store) -> None:
        fill(store, 300)
        with store.transaction() as tx:
            stored = [tx.grants_of([f"r{n}"])[f"r{n}"][0] for n in range(300)]
            active = [
                replace(one, status=GrantStatus.ACTIVE, granted_at=tx.now(), end_note="ö'\"\\{}") for one in stored
            ]
            tx.save_grants(active)
        with store.transaction() as tx:
            found = tx.grants_by_id([one.id for one in active])
        assert found == {one.id: replace(one, version=2) for one in active}

    @pytest.mark.parametrize("stale", [{"version": 7}, {"id": "nobody's"}, {"version": 0}])
    def test_one_stale_grant_keeps_all_from_being_saved(self, store: Store, stale: dict[str, object]) -> None:
        fill(store, 2)
        with store.transaction() as tx:
            first, second = tx.grants("r0")[0], tx.grants("r1")[0]
        both = [replace(first, end_note="mine"), replace(second, **stale)]  # type: ignore[arg-type]
        with pytest.raises(StaleWrite), store.transaction() as tx:
            tx.save_grants(both)
        with store.transaction() as tx:
            assert tx.grants("r0")[0].end_note == ""

    def test_only_what_is_held_is_held(self, store: Store, clock: SetClock) -> None:
        claims = claimed(store, 3)
        store.release(claims[1], timedelta(0), "")
        (again,) = claim(store)
        with store.transaction() as tx:
            assert tx.held([claims[0], claims[2]]) == {claims[0].id, claims[2].id}
            assert tx.held([claims[1]]) == frozenset()
            assert tx.held([again]) == {again.id}
        clock.advance(LEASE)
        with store.transaction() as tx:
            assert tx.held([*claims, again]) == frozenset()

    def test_many_are_finished_as_one_is(self, store: Store) -> None:
        claims = claimed(store, 4)
        enqueue(store, effect("k2"))
        with store.transaction() as tx:
            assert tx.held(claims) == {one.id for one in claims}
            tx.finish_all(claims)
        assert [one.key for one in claim(store)] == ["k2"]

    def test_what_is_not_held_cannot_be_finished_with_the_others(self, store: Store) -> None:
        claims = claimed(store, 3)
        finish(store, claims[1])
        with pytest.raises(StaleWrite), store.transaction() as tx:
            tx.finish_all(claims)
        with store.transaction() as tx:
            assert tx.held(claims) == {claims[0].id, claims[2].id}

    def test_many_are_given_back_as_one_is(self, store: Store, clock: SetClock) -> None:
        claims = claimed(store, 4)
        enqueue(store, effect("k2"))
        finish(store, claims[0])
        store.release_all(claims, MINUTE, "later")
        assert [one.key for one in claim(store)] == ["k2"]
        clock.advance(MINUTE)
        assert {(one.key, one.attempts) for one in claim(store)} == {("k1", 2), ("k3", 2), ("k2", 2)}

    def test_a_lost_claim_is_not_given_back_with_the_others(self, store: Store, clock: SetClock) -> None:
        late = claimed(store, 2)
        clock.advance(LEASE)
        newer = claim(store)
        store.release_all(late, timedelta(0), "late")
        with store.transaction() as tx:
            assert tx.held(newer) == {one.id for one in newer}

    def test_counting_tells_what_has_not_ended(self, store: Store) -> None:
        fill(store, 3)
        with store.transaction() as tx:
            tx.save_grants([replace(tx.grants("r0")[0], status=GrantStatus.ENDED, ended_at=tx.now())])
            assert tx.count_unfinished() == {GrantStatus.GRANTING: 2}

    def test_many_that_are_rolled_back_leave_nothing(self, store: Store) -> None:
        fill(store, 2)
        with rolled_back(store) as tx:
            tx.save_grants([replace(one[0], end_note="mine") for one in tx.grants_of(["r0", "r1"]).values()])
            tx.enqueue([effect(f"k{number}") for number in range(50)])
        with store.transaction() as tx:
            assert {one.end_note for one in tx.grants_by_id(["g0", "g1"]).values()} == {""}
        assert claim(store) == ()


def fill(store: Store, count: int) -> None:
    with store.transaction() as tx:
        for number in range(count):
            tx.save_request(request(f"r{number}"))
            tx.save_grant(grant(f"g{number}", f"r{number}"))


def claimed(store: Store, count: int) -> Sequence[Claim]:
    enqueue(store, *(effect(f"k{number}") for number in range(count)))
    return claim(store, limit=count)
