"""A transaction is all or nothing, and has one time."""

import pytest

from bot.core.model import Approval
from bot.service.ports import Store
from tests.contracts.store.makers import (
    MINUTE,
    START,
    SetClock,
    authenticator,
    claim_one,
    effect,
    enqueue,
    event,
    grant,
    request,
    rolled_back,
)


class TransactionsContract:
    def test_a_transaction_reads_its_own_writes(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_request(request())
            tx.save_grant(grant())
            assert tx.request("r1").id == "r1"
            assert len(tx.unfinished_grants()) == 1

    def test_an_exception_leaves_nothing(self, store: Store) -> None:
        enqueue(store, effect("kept"), effect("claimed"))
        held = next(one for one in store.claim("access", 9, MINUTE) if one.key == "claimed")
        with store.transaction() as tx:
            tx.save_authenticator(authenticator())
        with rolled_back(store) as tx:
            tx.save_request(request())
            tx.save_grant(grant())
            tx.enqueue([effect("new")])
            tx.finish(held)
            tx.advance_timecode("ada", 200)
            tx.remove_authenticator("ada")
            tx.set_fact("f", "v")
            tx.append([event()])
        with store.transaction() as tx:
            assert tx.request("r1") is None
            assert tx.unfinished_grants() == ()
            assert tx.holds(held)
            assert tx.authenticator("ada") == authenticator()
            assert tx.fact("f") is None
            assert tx.audit_head()[0] == 0
        assert store.next_due("access") == START + MINUTE

    def test_a_value_refused_in_the_middle_leaves_nothing(self, store: Store) -> None:
        with pytest.raises(ValueError, match="person holds"), store.transaction() as tx:
            tx.save_request(request("r1", approvals=(Approval("grace\x00", START, None),)))
        with store.transaction() as tx:
            assert tx.request("r1") is None

    def test_the_time_stands_still_within_a_transaction(self, store: Store, clock: SetClock) -> None:
        with store.transaction() as tx:
            before = tx.now()
            clock.advance(MINUTE)
            assert tx.now() == before == START
        with store.transaction() as tx:
            assert tx.now() == START + MINUTE

    def test_an_answered_ping_is_the_time(self, store: Store, clock: SetClock) -> None:
        assert store.ping() == START
        clock.advance(MINUTE)
        assert store.ping() == START + MINUTE

    def test_a_claim_is_committed_before_it_is_returned(self, store: Store) -> None:
        enqueue(store, effect())
        held = claim_one(store)
        with rolled_back(store) as tx:
            assert tx.holds(held)
        with store.transaction() as tx:
            assert tx.holds(held)
