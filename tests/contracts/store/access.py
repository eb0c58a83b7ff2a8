"""Requests and grants come back as they went in, once, and only the newest version can be written."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from bot.core.model import Approval, EndReason, GrantStatus, RequestStatus
from bot.service.ports import Store
from bot.service.records import StaleWrite
from tests.contracts.store.makers import HOUR, MINUTE, START, grant, request, together

GRACE = Approval("grace", START + MINUTE, START + MINUTE - timedelta(microseconds=1))
BARBARA = Approval("barbara", START + MINUTE, None)


class AccessContract:
    def test_a_request_comes_back_as_it_was_saved(self, store: Store) -> None:
        saved = request(
            params={"z": "1", "a": "ключ", "emoji": "🔑"},
            reason="أحتاج الوصول 🙏 " + "x" * 10_000,
            start_at=START + HOUR,
            approvals=(GRACE, BARBARA),
        )
        with store.transaction() as tx:
            tx.save_request(saved)
        with store.transaction() as tx:
            loaded = tx.request("r1")
        assert loaded == replace(saved, version=1)
        assert list(loaded.ask.params) == ["z", "a", "emoji"]
        assert loaded.digest() == saved.digest()
        assert loaded.asked_at.tzinfo is UTC

    def test_a_decided_request_comes_back_as_it_was_saved(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_request(request())
            decided = replace(
                tx.request("r1"),
                status=RequestStatus.DENIED,
                decided_at=START + MINUTE,
                decided_by="grace",
                decision_note="Not tonight.",
                lapses_at=START + HOUR,
                channel="C2",
                quorum=1,
                approvals=(BARBARA,),
            )
            tx.save_request(decided)
        with store.transaction() as tx:
            assert tx.request("r1") == replace(decided, version=2)

    def test_an_unknown_request_is_none(self, store: Store) -> None:
        with store.transaction() as tx:
            assert tx.request("nobody's") is None
            assert tx.request("nobody's", lock=True) is None
            assert tx.grants("nobody's") == ()
            assert tx.request_id_of_grant("nobody's") is None

    def test_what_was_asked_is_written_once(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_request(request())
            first = tx.request("r1")
            tx.save_request(
                replace(first, ask=replace(first.ask, role="admin"), principal="user/eve", approvers_asked=("eve",))
            )
            assert tx.request("r1") == replace(first, version=2)

    def test_a_time_in_another_zone_is_the_same_moment(self, store: Store) -> None:
        abroad = datetime(2026, 3, 29, 3, 0, 0, 7, tzinfo=timezone(timedelta(hours=2)))
        with store.transaction() as tx:
            tx.save_request(request(lapses_at=abroad))
            loaded = tx.request("r1")
        assert loaded.lapses_at == datetime(2026, 3, 29, 1, 0, 0, 7, tzinfo=UTC)

    def test_a_request_is_inserted_once(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_request(request())
        with pytest.raises(StaleWrite, match="r1"), store.transaction() as tx:
            tx.save_request(request(reason="Something else altogether."))
        with store.transaction() as tx:
            assert tx.request("r1") == replace(request(), version=1)

    def test_an_older_version_is_refused_and_changes_nothing(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_request(request())
            first = tx.request("r1")
            tx.save_request(replace(first, status=RequestStatus.APPROVED, approvals=(GRACE,)))
        with pytest.raises(StaleWrite, match="r1"), store.transaction() as tx:
            tx.save_request(replace(first, status=RequestStatus.DENIED))
        with store.transaction() as tx:
            assert tx.request("r1").status is RequestStatus.APPROVED
            assert tx.request("r1").approvals == (GRACE,)

    def test_a_version_of_what_is_not_there_is_refused(self, store: Store) -> None:
        with pytest.raises(StaleWrite), store.transaction() as tx:
            tx.save_request(request(version=3))

    def test_of_twenty_writers_of_one_version_one_wins(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_request(request())
            first = tx.request("r1")

        def write(number: int) -> bool:
            try:
                with store.transaction() as tx:
                    tx.save_request(replace(first, decision_note=str(number)))
            except StaleWrite:
                return False
            return True

        assert together(20, write).count(True) == 1
        with store.transaction() as tx:
            assert tx.request("r1").version == 2

    def test_twenty_writers_that_lock_take_turns(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_request(request(approvers_asked=(), approvals=()))

        def approve(number: int) -> None:
            with store.transaction() as tx:
                found = tx.request("r1", lock=True)
                approvals = (*found.approvals, Approval(f"person {number}", START, None))
                tx.save_request(replace(found, approvals=approvals))

        together(20, approve)
        with store.transaction() as tx:
            assert {approval.person for approval in tx.request("r1").approvals} == {f"person {n}" for n in range(20)}

    @pytest.mark.parametrize("field", ["approvals", "approvers_asked"])
    def test_a_person_counts_once(self, store: Store, field: str) -> None:
        twice = {"approvals": (GRACE, replace(GRACE, at=START)), "approvers_asked": ("grace", "grace")}[field]
        with pytest.raises(ValueError, match=f"{field} of request r1"), store.transaction() as tx:
            tx.save_request(request(**{field: twice}))
        with store.transaction() as tx:
            assert tx.request("r1") is None

    def test_a_grant_comes_back_as_it_was_saved(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_request(request())
            tx.save_grant(grant())
            assert tx.grants("r1") == (replace(grant(), version=1),)
            ended = replace(
                grant(version=1),
                status=GrantStatus.ENDED,
                starts_at=START + MINUTE,
                expires_at=START + HOUR,
                granted_at=START + MINUTE,
                revoking_since=START + 2 * MINUTE,
                ended_at=START + 3 * MINUTE,
                end_reason=EndReason.REVOKED,
                ended_by="grace",
                end_note="No longer needed 🙂",
            )
            tx.save_grant(ended)
        with store.transaction() as tx:
            assert tx.grants("r1") == (replace(ended, version=2),)
            assert tx.request_id_of_grant("g1") == "r1"

    def test_what_was_approved_is_written_once(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_request(request())
            tx.save_grant(grant())
            tx.save_grant(replace(grant(version=1), policy="[]", principal="user/eve", account="other", digest="x"))
            assert tx.grants("r1") == (replace(grant(), version=2),)

    def test_a_request_has_one_grant_per_item(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_request(request())
            tx.save_grant(grant("g1"))
            tx.save_grant(grant("g2", item=1))
        with pytest.raises(StaleWrite), store.transaction() as tx:
            tx.save_grant(grant("g3"))
        with store.transaction() as tx:
            assert [one.id for one in tx.grants("r1")] == ["g1", "g2"]

    def test_of_twenty_grants_of_one_request_one_is_made(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_request(request())

        def make(number: int) -> bool:
            try:
                with store.transaction() as tx:
                    tx.save_grant(grant(f"g{number}"))
            except StaleWrite:
                return False
            return True

        assert together(20, make).count(True) == 1
        with store.transaction() as tx:
            assert len(tx.grants("r1")) == 1

    def test_a_grant_needs_its_request(self, store: Store) -> None:
        with pytest.raises(ValueError, match="refused the row"), store.transaction() as tx:
            tx.save_grant(grant(request_id="nobody's"))

    def test_an_older_version_of_a_grant_is_refused(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_request(request())
            tx.save_grant(grant())
            tx.save_grant(grant(version=1, status=GrantStatus.ACTIVE))
        with pytest.raises(StaleWrite, match="g1"), store.transaction() as tx:
            tx.save_grant(grant(version=1, status=GrantStatus.ENDED))
        with store.transaction() as tx:
            assert tx.grants("r1") == (grant(version=2, status=GrantStatus.ACTIVE),)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("reason", "a\x00b"),
            ("reason", "half \ud83d"),
            ("ticket", "\x00"),
            ("role", "\udfff"),
            ("requester", "\x00"),
        ],
    )
    def test_text_that_no_database_holds_is_refused_by_name(self, store: Store, field: str, value: str) -> None:
        with pytest.raises(ValueError, match=f"^{field} holds"), store.transaction() as tx:
            tx.save_request(request(**{field: value}))

    def test_a_parameter_that_no_database_holds_is_refused_by_name(self, store: Store) -> None:
        with pytest.raises(ValueError, match=r"^params.bucket holds a NUL"), store.transaction() as tx:
            tx.save_request(request(params={"bucket": "a\x00"}))

    @pytest.mark.parametrize("field", ["asked_at", "lapses_at", "start_at", "decided_at"])
    def test_a_time_without_a_zone_is_refused_by_name(self, store: Store, field: str) -> None:
        naive = datetime(2026, 1, 1)  # noqa: DTZ001
        others = {"lapses_at": START} if field == "asked_at" else {}
        with pytest.raises(ValueError, match=f"^{field} is a time without a zone"), store.transaction() as tx:
            tx.save_request(request(**others, **{field: naive}))

    def test_a_duration_that_would_be_rounded_is_refused(self, store: Store) -> None:
        with pytest.raises(ValueError, match=r"^duration"), store.transaction() as tx:
            tx.save_request(request(duration=timedelta(seconds=1.5)))
