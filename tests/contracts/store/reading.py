"""The read models: who sees which requests and grants, in which order."""

from datetime import timedelta

from bot.core.model import EndReason, GrantStatus, RequestStatus
from bot.service.ports import Store, Tx
from tests.contracts.store.makers import HOUR, MINUTE, START, grant, request

TICK = timedelta(microseconds=1)


def _ids(records: tuple) -> list[str]:
    return [record.id for record in records]


class ReadingContract:
    def test_the_newest_requests_of_a_person_come_first(self, store: Store) -> None:
        with store.transaction() as tx:
            for number in range(5):
                tx.save_request(request(f"r{number}", asked_at=START + number * MINUTE))
            tx.save_request(request("other", requester="grace"))
            assert _ids(tx.requests_of("ada")) == ["r4", "r3", "r2", "r1", "r0"]
            assert _ids(tx.requests_of("ada", limit=2)) == ["r4", "r3"]
            assert tx.requests_of("ada", limit=1)[0].approvers_asked == ("grace", "barbara", "alan")
            assert tx.requests_of("nobody") == ()

    def test_only_pending_requests_are_pending(self, store: Store) -> None:
        with store.transaction() as tx:
            for number, status in enumerate(RequestStatus):
                tx.save_request(request(f"{status}", status=status, asked_at=START + number * MINUTE))
            tx.save_request(request("newer", asked_at=START + HOUR, requester="grace"))
            assert _ids(tx.pending_requests()) == ["newer", "pending"]
            assert _ids(tx.pending_requests("ada")) == ["pending"]

    def test_an_approver_sees_what_waits_for_them_oldest_first(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_request(request("newer", asked_at=START + MINUTE, approvers_asked=("alan", "grace")))
            tx.save_request(request("older", approvers_asked=("grace",)))
            tx.save_request(request("other", approvers_asked=("alan",)))
            tx.save_request(request("done", approvers_asked=("grace",), status=RequestStatus.DENIED))
            assert _ids(tx.pending_for("grace")) == ["older", "newer"]
            assert tx.pending_for("ada") == ()

    def test_requests_between_were_asked_or_decided_then(self, store: Store) -> None:
        end = START + HOUR
        with store.transaction() as tx:
            tx.save_request(request("before", asked_at=START - TICK))
            tx.save_request(request("asked first", asked_at=START))
            tx.save_request(request("asked last", asked_at=end - TICK))
            tx.save_request(request("after", asked_at=end))
            tx.save_request(request("decided", asked_at=START - HOUR, decided_at=START + MINUTE))
            tx.save_request(request("decided after", asked_at=START - HOUR, decided_at=end))
            assert _ids(tx.requests_between(START, end)) == ["asked last", "asked first", "decided"]

    def test_many_requests_are_read_whole(self, store: Store) -> None:
        count = 1_100
        with store.transaction() as tx:
            for number in range(count):
                tx.save_request(request(f"r{number:05}", approvers_asked=(f"p{number}",)))
        with store.transaction() as tx:
            found = tx.requests_between(START, START + HOUR)
        assert [one.approvers_asked[0] for one in found] == [f"p{number}" for number in reversed(range(count))]

    def test_unfinished_grants_come_by_their_end(self, store: Store) -> None:
        with store.transaction() as tx:
            for number, status in enumerate(GrantStatus):
                _with_grant(tx, f"{status}", status=status, expires_at=START + (10 - number) * MINUTE)
            _with_grant(tx, "other", person="grace", expires_at=START + HOUR)
            assert _ids(tx.unfinished_grants()) == ["revoking", "active", "granting", "scheduled", "other"]
            assert _ids(tx.unfinished_grants("grace")) == ["other"]

    def test_holders_have_a_pending_request_or_a_grant_that_has_not_ended(self, store: Store) -> None:
        with store.transaction() as tx:
            assert tx.holders() == ()
            for status in (status for status in GrantStatus if status is not GrantStatus.ENDED):
                _with_grant(tx, f"{status}", person=f"{status}", status=status)
            _with_grant(tx, "another of the same", person="active", status=GrantStatus.SCHEDULED)
            _with_grant(tx, "ended", person="one whose access ended", status=GrantStatus.ENDED)
            for status in RequestStatus:
                tx.save_request(request(f"of {status}", requester=f"asked, {status}", status=status))
            tx.save_request(request("both", requester="granting"))
            assert tx.holders() == ("active", "asked, pending", "granting", "revoking", "scheduled")

    def test_overdue_grants_should_have_ended(self, store: Store) -> None:
        before = START + HOUR
        with store.transaction() as tx:
            _with_grant(tx, "expired", expires_at=before - TICK, status=GrantStatus.ACTIVE)
            _with_grant(tx, "revoking", revoking_since=before - TICK, status=GrantStatus.REVOKING)
            _with_grant(tx, "in time", expires_at=before, revoking_since=before)
            _with_grant(tx, "ended", expires_at=START, ended_at=START, status=GrantStatus.ENDED)
            assert _ids(tx.overdue_grants(before)) == ["expired", "revoking"]

    def test_grants_between_were_live_or_ended_then(self, store: Store) -> None:
        end, day = START + HOUR, timedelta(days=1)
        active, ended = GrantStatus.ACTIVE, GrantStatus.ENDED
        over = {"status": ended, "end_reason": EndReason.EXPIRED}
        with store.transaction() as tx:
            _with_grant(tx, "active since long", status=active, granted_at=START - day)
            _with_grant(tx, "active later", status=active, granted_at=end)
            _with_grant(tx, "became active", status=active, granted_at=end - TICK)
            _with_grant(tx, "ended before", **over, granted_at=START - day, ended_at=START - TICK)
            _with_grant(tx, "ended first", **over, granted_at=START - day, ended_at=START)
            _with_grant(tx, "ended after", **over, granted_at=START + MINUTE, ended_at=end + day)
            _with_grant(tx, "began and ended after", **over, granted_at=end, ended_at=end + day)
            _with_grant(tx, "never active", **over, ended_at=START + MINUTE, starts_at=START + 2 * MINUTE)
            _with_grant(tx, "scheduled", status=GrantStatus.SCHEDULED)
            _with_grant(tx, "being made", status=GrantStatus.GRANTING, starts_at=START + 3 * MINUTE)
            assert _ids(tx.grants_between(START, end)) == [
                "became active",
                "being made",
                "never active",
                "ended after",
                "ended first",
                "active since long",
            ]


def _with_grant(tx: Tx, grant_id: str, **values: object) -> None:
    tx.save_request(request(f"r of {grant_id}", status=RequestStatus.APPROVED))
    tx.save_grant(grant(grant_id, f"r of {grant_id}", **values))
