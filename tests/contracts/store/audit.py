"""The audit log: gapless, chained, exact, and only of what was committed."""

import json
from datetime import timedelta

import pytest
import rfc8785

from bot.core.audit import GENESIS, Actor, ActorKind, Tag, leaf, link
from bot.service.ports import Store
from bot.service.records import AuditRecord
from tests.contracts.store.makers import MINUTE, START, SetClock, event, request, rolled_back, together


def _all(store: Store) -> tuple[AuditRecord, ...]:
    with store.transaction() as tx:
        return tx.audit()


class AuditContract:
    def test_an_empty_log_starts_at_the_genesis(self, store: Store) -> None:
        with store.transaction() as tx:
            assert tx.audit_head() == (0, GENESIS)
            assert tx.audit() == ()

    def test_a_record_holds_the_exact_canonical_bytes(self, store: Store) -> None:
        said = event(
            tag=Tag.REQUEST_DENIED,
            actor=Actor(ActorKind.PERSON, "grace", "slack", "U2"),
            request_id="r1",
            grant_id="g1",
            person="ada",
            account="prod",
            data={"z": [1, True, None, {"é": "🙂"}], "a": "line\nbreak", "long": "x" * 10_000},
        )
        with store.transaction() as tx:
            tx.append([said])
        (record,) = _all(store)
        assert record.body == rfc8785.dumps(said.record(1, START))
        assert (record.seq, record.at) == (1, START)
        assert record.leaf == leaf(record.body)
        assert record.chain == link(GENESIS, record.leaf)

    def test_records_are_numbered_and_chained_across_transactions(self, store: Store, clock: SetClock) -> None:
        for size in (3, 1, 0, 2):
            with store.transaction() as tx:
                tx.append([event(data={"size": size})] * size)
            clock.advance(MINUTE)
        records = _all(store)
        assert [record.seq for record in records] == [1, 2, 3, 4, 5, 6]
        assert [record.at for record in records] == [START] * 3 + [START + MINUTE] + [START + 3 * MINUTE] * 2
        _assert_chained(store, records)

    def test_two_appends_of_one_transaction_follow_each_other(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.append([event()])
            tx.append([event(), event()])
            assert tx.audit_head()[0] == 3
        _assert_chained(store, _all(store))

    def test_many_who_append_at_once_leave_no_gap(self, store: Store) -> None:
        def append(number: int) -> None:
            for size in range(5):
                with store.transaction() as tx:
                    tx.append([event(data={"by": number, "n": n}) for n in range(size)])

        together(12, append)
        records = _all(store)
        assert [record.seq for record in records] == list(range(1, 121))
        _assert_chained(store, records)

    def test_what_was_rolled_back_leaves_no_record_and_no_gap(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.append([event()])
        with rolled_back(store) as tx:
            tx.save_request(request())
            tx.append([event(), event()])
        with store.transaction() as tx:
            assert tx.audit_head()[0] == 1
            assert tx.request("r1") is None
            tx.append([event()])
        records = _all(store)
        assert [record.seq for record in records] == [1, 2]
        _assert_chained(store, records)

    def test_the_log_is_read_in_pages(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.append([event()] * 7)
            assert [record.seq for record in tx.audit(limit=3)] == [1, 2, 3]
            assert [record.seq for record in tx.audit(after=3, limit=3)] == [4, 5, 6]
            assert [record.seq for record in tx.audit(after=6, limit=3)] == [7]
            assert tx.audit(after=7) == ()

    @pytest.mark.parametrize(
        ("data", "field"),
        [
            ({"reason": "\ud800"}, r"grant\.active\.data\.reason"),
            ({"reason": "a\x00"}, r"grant\.active\.data\.reason"),
            ({"deep": [{"\x00": 1}]}, r"a name in grant\.active\.data\.deep\[0\]"),
            ({"share": 0.5}, r"grant\.active\.data\.share is a float"),
            ({"at": START}, r"grant\.active\.data\.at is a datetime"),
            ({"big": 2**53}, r"grant\.active\.data\.big is too large"),
            ({"nested": {1: "x"}}, r"grant\.active\.data\.nested has a name"),
            ({"wait": timedelta(1)}, r"grant\.active\.data\.wait is a timedelta"),
        ],
    )
    def test_what_a_record_cannot_hold_is_refused_by_name(
        self, store: Store, data: dict[str, object], field: str
    ) -> None:
        with pytest.raises(ValueError, match=f"^{field}"), store.transaction() as tx:
            tx.append([event(), event(data=data)])
        assert _all(store) == ()

    def test_a_record_says_when_in_utc_to_the_microsecond(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.append([event()])
        (record,) = _all(store)
        assert json.loads(record.body)["at"] == "2026-03-29T00:59:59.123456+00:00"


def _assert_chained(store: Store, records: tuple[AuditRecord, ...]) -> None:
    chain = GENESIS
    for record in records:
        assert record.leaf == leaf(record.body)
        chain = link(chain, record.leaf)
        assert record.chain == chain
    with store.transaction() as tx:
        assert tx.audit_head() == (records[-1].seq, chain)
