"""Strays come back as they went in; what is not settled is there once for its place and name."""

from dataclasses import replace

import pytest

from bot.core.model import GrantStatus
from bot.core.strays import DriftKind, Fate
from bot.service.ports import Store
from bot.service.records import StaleWrite
from tests.contracts.store.makers import HOUR, MINUTE, START, grant, request, rolled_back, stray, together


class StraysContract:
    def test_a_stray_comes_back_as_it_was_saved(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_stray(stray())
        with store.transaction() as tx:
            assert tx.stray("q1") == replace(stray(), version=1)
            assert tx.stray("q1", lock=True) == replace(stray(), version=1)
            assert tx.stray("q2") is None

    def test_a_settled_stray_comes_back_as_it_was_saved(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_stray(stray())
            settled = replace(
                tx.stray("q1"),
                kind=DriftKind.ALTERED,
                text='{"Statement":[]}',
                grant_id="g7",
                quarantined_at=START + MINUTE,
                problem="It does not fit.",
                fate=Fate.REMOVED,
                decided_at=START + HOUR,
                settled_by="grace",
                settled_at=START + 2 * HOUR,
            )
            tx.save_stray(settled)
        with store.transaction() as tx:
            assert tx.stray("q1") == replace(settled, version=2)

    def test_where_it_was_found_is_written_once(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_stray(stray())
            first = tx.stray("q1")
            tx.save_stray(
                replace(first, account="data", principal="user/eve", name="g9", person="eve", found_at=HOUR + START)
            )
            assert tx.stray("q1") == replace(first, version=2)

    def test_an_old_version_changes_nothing(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_stray(stray())
            old = tx.stray("q1")
            tx.save_stray(replace(old, fate=Fate.REMOVED))
        with pytest.raises(StaleWrite, match="q1"), store.transaction() as tx:
            tx.save_stray(replace(old, fate=Fate.ADOPTED))
        with store.transaction() as tx:
            assert tx.stray("q1").fate is Fate.REMOVED

    def test_what_was_rolled_back_is_not_there(self, store: Store) -> None:
        with rolled_back(store) as tx:
            tx.save_stray(stray())
        with store.transaction() as tx:
            assert tx.stray("q1") is None
            assert tx.unsettled_strays() == ()

    def test_a_policy_is_an_open_stray_once_and_again_once_that_is_settled(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_stray(stray())
        with pytest.raises(StaleWrite, match="q2"), store.transaction() as tx:
            tx.save_stray(stray("q2"))
        with store.transaction() as tx:
            for number, elsewhere in enumerate(({"account": "data"}, {"principal": "user/eve"}, {"name": "g9"})):
                tx.save_stray(stray(f"other{number}", **elsewhere))
            tx.save_stray(replace(tx.stray("q1"), settled_at=START + MINUTE))
            tx.save_stray(stray("q2"))
            assert tx.open_stray("payments-prod", "user/ada", "g1").id == "q2"

    def test_of_replicas_that_find_it_at_once_one_records_it(self, store: Store) -> None:
        def find(number: int) -> bool:
            try:
                with store.transaction() as tx:
                    tx.save_stray(stray(f"q{number}"))
            except StaleWrite:
                return False
            return True

        assert sum(together(8, find)) == 1

    def test_unsettled_strays_are_listed_oldest_first_by_account(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_stray(stray("q1", name="a", found_at=START + HOUR))
            tx.save_stray(stray("q2", name="b"))
            tx.save_stray(stray("q3", name="c", account="data", fate=Fate.REMOVED))
            tx.save_stray(stray("q4", name="d", settled_at=START))
        with store.transaction() as tx:
            assert [each.id for each in tx.unsettled_strays()] == ["q2", "q3", "q1"]
            assert [each.id for each in tx.unsettled_strays("payments-prod")] == ["q2", "q1"]
            assert tx.unsettled_strays("nowhere") == ()
            assert tx.open_stray("payments-prod", "user/ada", "d") is None

    def test_a_principals_grants_are_those_that_have_not_ended(self, store: Store) -> None:
        with store.transaction() as tx:
            for number, changes in enumerate(
                (
                    {"expires_at": START + 2 * HOUR},
                    {"expires_at": START + HOUR},
                    {"status": GrantStatus.ENDED, "ended_at": START},
                    {"principal": "user/eve"},
                    {"account": "data"},
                )
            ):
                tx.save_request(request(f"r{number}"))
                tx.save_grant(grant(f"g{number}", f"r{number}", **changes))
        with store.transaction() as tx:
            assert [each.id for each in tx.grants_of_principal("payments-prod", "user/ada")] == ["g1", "g0"]
            assert tx.grants_of_principal("payments-prod", "user/nobody") == ()
            assert tx.principals_with_grants("payments-prod") == ("user/ada", "user/eve")
            assert tx.principals_with_grants("nowhere") == ()
