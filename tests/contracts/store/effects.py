"""Effects: run at least once, never by two at a time; a worker that lost its lease changes nothing."""

import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from bot.core.model import Effect
from bot.service.ports import Store
from bot.service.records import Claim, StaleWrite
from tests.contracts.store.makers import (
    HOUR,
    LEASE,
    MINUTE,
    START,
    SetClock,
    claim,
    claim_one,
    effect,
    enqueue,
    finish,
    rolled_back,
    together,
)

PAST = START - HOUR
LATER = START + HOUR
SOONER = START + MINUTE


@dataclass(frozen=True)
class Upsert:
    """A key that is due at ``first`` is enqueued again for ``second``; then it is due at ``then``."""

    first: datetime
    second: datetime
    then: datetime


class EffectsContract:
    def test_what_is_due_is_claimed_as_it_was_enqueued(self, store: Store) -> None:
        enqueue(store, effect("k1", PAST, account="prod", emoji="🔑", long="x" * 10_000))
        held = claim_one(store)
        assert (held.kind, held.subject, held.key) == ("grant.expire", "subject of k1", "k1")
        assert held.payload == {"account": "prod", "emoji": "🔑", "long": "x" * 10_000}
        assert (held.due_at, held.lease_until, held.attempts) == (PAST, START + LEASE, 1)

    def test_what_is_not_due_is_not_claimed(self, store: Store, clock: SetClock) -> None:
        enqueue(store, effect("k1", SOONER))
        assert claim(store) == ()
        clock.advance(MINUTE - timedelta(microseconds=1))
        assert claim(store) == ()
        clock.advance(timedelta(microseconds=1))
        assert claim_one(store).key == "k1"

    def test_the_oldest_are_claimed_first(self, store: Store) -> None:
        enqueue(store, *(effect(f"k{number}", START - number * MINUTE) for number in range(6)))
        assert [held.key for held in claim(store, limit=4)] == ["k5", "k4", "k3", "k2"]
        assert [held.key for held in claim(store, limit=4)] == ["k1", "k0"]

    def test_lanes_do_not_see_each_other(self, store: Store) -> None:
        enqueue(store, effect("k1", kind="chat.card"), effect("k2", kind="grant.revoke"))
        assert [held.key for held in claim(store, lane="chat")] == ["k1"]
        assert [held.key for held in claim(store, lane="access")] == ["k2"]

    def test_what_is_leased_is_not_claimed_until_the_lease_is_over(self, store: Store, clock: SetClock) -> None:
        enqueue(store, effect())
        first = claim_one(store)
        clock.advance(LEASE - timedelta(microseconds=1))
        assert claim(store) == ()
        clock.advance(timedelta(microseconds=1))
        second = claim_one(store)
        assert second.fence > first.fence
        assert (second.id, second.attempts) == (first.id, 2)

    def test_what_is_finished_is_gone(self, store: Store, clock: SetClock) -> None:
        enqueue(store, effect())
        finish(store, claim_one(store))
        clock.advance(HOUR)
        assert claim(store) == ()
        assert store.next_due("access") is None

    def test_a_key_that_comes_again_after_its_end_is_another_effect(self, store: Store) -> None:
        enqueue(store, effect())
        first = claim_one(store)
        finish(store, first)
        enqueue(store, effect())
        second = claim_one(store)
        assert second.id != first.id
        with store.transaction() as tx:
            assert not tx.holds(first)
            assert tx.holds(second)

    def test_a_worker_that_lost_its_lease_changes_nothing(self, store: Store, clock: SetClock) -> None:
        enqueue(store, effect())
        late = claim_one(store)
        clock.advance(LEASE)
        newer = claim_one(store)
        with store.transaction() as tx:
            assert not tx.holds(late)
        with pytest.raises(StaleWrite, match="k1"):
            _write_and_finish(store, late)
        assert not store.release(late, -HOUR, "late")
        with store.transaction() as tx:
            assert tx.fact("written") is None
            assert tx.holds(newer)

    def test_a_lease_that_is_over_holds_nothing_though_nobody_took_it(self, store: Store, clock: SetClock) -> None:
        enqueue(store, effect())
        late = claim_one(store)
        clock.advance(LEASE)
        with store.transaction() as tx:
            assert not tx.holds(late)
        with pytest.raises(StaleWrite), store.transaction() as tx:
            tx.finish(late)
        assert not store.release(late, HOUR, "late")
        assert claim_one(store).attempts == 2

    def test_what_is_given_back_is_due_when_said(self, store: Store, clock: SetClock) -> None:
        enqueue(store, effect())
        first = claim_one(store)
        assert store.release(first, MINUTE, "the cloud was busy")
        assert store.next_due("access") == SOONER
        assert claim(store) == ()
        clock.advance(MINUTE)
        second = claim_one(store)
        assert (second.attempts, second.due_at) == (2, SOONER)
        assert second.fence > first.fence
        assert not store.release(first, -HOUR, "twice")

    def test_what_is_enqueued_again_meanwhile_runs_once_more(self, store: Store) -> None:
        enqueue(store, effect(payload="old"))
        first = claim_one(store)
        enqueue(store, effect(payload="new"))
        assert claim(store) == ()
        finish(store, first)
        second = claim_one(store)
        assert second.payload == {"payload": "new"}
        assert second.attempts == 1
        finish(store, second)
        assert claim(store) == ()

    def test_what_is_enqueued_for_later_meanwhile_runs_once_more_later(self, store: Store, clock: SetClock) -> None:
        enqueue(store, effect(due_at=PAST))
        first = claim_one(store)
        enqueue(store, effect(due_at=LATER))
        enqueue(store, effect(due_at=SOONER))
        finish(store, first)
        assert claim(store) == ()
        assert store.next_due("access") == SOONER
        clock.advance(MINUTE)
        finish(store, claim_one(store))
        assert store.next_due("access") is None

    def test_a_handler_may_enqueue_its_own_key_and_finish(self, store: Store) -> None:
        enqueue(store, effect())
        held = claim_one(store)
        with store.transaction() as tx:
            assert tx.holds(held)
            tx.enqueue([effect(due_at=LATER)])
            tx.finish(held)
        assert store.next_due("access") == LATER

    def test_what_is_given_back_after_it_was_enqueued_again_is_due_at_once(self, store: Store) -> None:
        enqueue(store, effect())
        first = claim_one(store)
        enqueue(store, effect(payload="new"))
        assert store.release(first, HOUR, "failed")
        second = claim_one(store)
        assert (second.attempts, second.payload) == (1, {"payload": "new"})

    def test_what_is_given_back_before_its_next_run_is_due_at_the_earlier(self, store: Store) -> None:
        enqueue(store, effect())
        first = claim_one(store)
        enqueue(store, effect(due_at=LATER))
        assert store.release(first, MINUTE, "failed")
        assert store.next_due("access") == SOONER

    def test_a_lost_run_is_made_up_for_before_a_later_one(self, store: Store, clock: SetClock) -> None:
        enqueue(store, effect())
        claim_one(store)
        enqueue(store, effect(due_at=LATER))
        clock.advance(LEASE)
        finish(store, claim_one(store))
        assert claim(store) == ()
        assert store.next_due("access") == LATER

    @pytest.mark.parametrize(
        "case",
        [
            Upsert(first=LATER, second=SOONER, then=SOONER),
            Upsert(first=SOONER, second=LATER, then=SOONER),
            Upsert(first=PAST, second=LATER, then=PAST),
            Upsert(first=LATER, second=PAST, then=PAST),
        ],
    )
    def test_a_key_that_waits_is_due_at_the_earlier(self, store: Store, case: Upsert) -> None:
        enqueue(store, effect(due_at=case.first))
        enqueue(store, effect(due_at=case.second))
        assert store.next_due("access") == case.then

    def test_enqueuing_again_ends_a_wait_for_another_try(self, store: Store) -> None:
        enqueue(store, effect())
        store.release(claim_one(store), HOUR, "failed")
        enqueue(store, effect())
        assert claim_one(store).attempts == 1

    def test_enqueuing_again_replaces_what_is_to_be_done(self, store: Store) -> None:
        enqueue(store, effect(old="1"))
        enqueue(store, replace(effect(new="2"), kind="chat.card", subject="other"))
        (held,) = claim(store, lane="chat")
        assert (held.kind, held.subject, held.payload) == ("chat.card", "other", {"new": "2"})

    def test_one_key_twice_at_once_is_one_effect(self, store: Store) -> None:
        enqueue(store, effect(due_at=PAST, n="1"), effect("k0"), effect(due_at=LATER, n="2"))
        found = {held.key: held for held in claim(store)}
        assert set(found) == {"k0", "k1"}
        assert (found["k1"].due_at, found["k1"].payload) == (PAST, {"n": "2"})

    def test_enqueuing_nothing_is_fine(self, store: Store) -> None:
        enqueue(store)
        assert store.next_due("access") is None

    def test_what_is_cancelled_does_not_run(self, store: Store) -> None:
        enqueue(store, effect("k1"), effect("k2"), effect("k3"))
        with store.transaction() as tx:
            tx.cancel(["k1", "k3", "nobody's"])
            tx.cancel([])
        assert [held.key for held in claim(store)] == ["k2"]

    def test_what_is_leased_is_not_cancelled(self, store: Store, clock: SetClock) -> None:
        enqueue(store, effect())
        held = claim_one(store)
        with store.transaction() as tx:
            tx.cancel(["k1"])
            assert tx.holds(held)
        clock.advance(LEASE)
        with store.transaction() as tx:
            tx.cancel(["k1"])
        assert claim(store) == ()

    def test_the_next_is_the_soonest_of_waiting_and_leased(self, store: Store, clock: SetClock) -> None:
        assert store.next_due("access") is None
        enqueue(store, effect("k1"), effect("k2", LATER), effect("k3", PAST, kind="chat.card"))
        assert store.next_due("access") == START
        claim_one(store)
        assert store.next_due("access") == START + LEASE
        clock.advance(2 * HOUR)
        assert {held.key for held in claim(store)} == {"k1", "k2"}

    def test_many_claimants_never_get_the_same_row(self, store: Store) -> None:
        everything = {f"k{number}" for number in range(120)}
        enqueue(store, *(effect(key) for key in everything))

        def work(_: int) -> list[str]:
            mine: list[str] = []
            while claims := claim(store, limit=5):
                mine += [held.key for held in claims]
            return mine

        claimed = [key for mine in together(8, work) for key in mine]
        assert len(claimed) == len(everything)
        assert set(claimed) == everything

    def test_fences_rise_however_often_a_row_changes_hands(self, store: Store) -> None:
        enqueue(store, effect())
        fences: list[int] = []

        def work(_: int) -> None:
            for held in (one for _ in range(10) for one in claim(store)):
                fences.append(held.fence)
                store.release(held, timedelta(0), "")

        together(8, work)
        while claims := claim(store):
            fences += [held.fence for held in claims]
        assert fences == sorted(set(fences))

    def test_what_many_enqueue_at_once_is_one_effect(self, store: Store) -> None:
        together(20, lambda number: enqueue(store, effect("k1", n=str(number)), effect("k2")))
        assert {held.key: held.generation for held in claim(store)} == {"k1": 20, "k2": 20}

    def test_a_rolled_back_effect_does_not_run(self, store: Store) -> None:
        with rolled_back(store) as tx:
            tx.enqueue([effect()])
        assert claim(store) == ()

    @pytest.mark.parametrize("bad", [effect("k\x00"), effect(value="\ud800"), replace(effect(), subject="\x00")])
    def test_text_that_no_database_holds_is_refused(self, store: Store, bad: Effect) -> None:
        with pytest.raises(ValueError, match="holds"):
            enqueue(store, bad)

    def test_a_commit_of_something_due_ends_a_wait(self, store: Store) -> None:
        woken = threading.Event()

        def sleep() -> None:
            while not claim(store):
                store.wait("access", timedelta(seconds=30))
            woken.set()

        sleeper = threading.Thread(target=sleep, daemon=True)
        sleeper.start()
        enqueue(store, effect())
        assert woken.wait(20)
        sleeper.join(20)

    def test_a_commit_between_two_waits_is_not_missed(self, store: Store) -> None:
        store.wait("access", timedelta(0))
        enqueue(store, effect())
        waited = threading.Thread(target=store.wait, args=("access", timedelta(seconds=30)), daemon=True)
        waited.start()
        waited.join(20)
        assert not waited.is_alive()

    def test_closing_ends_a_wait(self, store: Store) -> None:
        sleeper = threading.Thread(target=lambda: [store.wait("access", HOUR) for _ in range(3)], daemon=True)
        sleeper.start()
        store.close()
        sleeper.join(20)
        assert not sleeper.is_alive()


def _write_and_finish(store: Store, held: Claim) -> None:
    with store.transaction() as tx:
        tx.set_fact("written", "by the late one")
        tx.finish(held)
