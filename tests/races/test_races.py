"""What two replicas do at the same instant to the same request or grant: one of them wins, the other is told.

The replicas are real processes on a real PostgreSQL. A race that the same side always wins would show nothing, so the
head start of the one that wins more often is taken away bit by bit, and both have to have won.
"""

from collections.abc import Sequence

import pytest

from tests.races.conftest import GRANTS, REQUESTS, ROUNDS
from tests.races.racing import Facts, Side, effects_of, facts_of, race
from tests.races.replica import Two

# --- a pending request -----------------------------------------------------------------------------------

AFTER = {"approve": "approved", "mona": "approved", "otto": "approved"} | {
    "deny": "denied",
    "cancel": "cancelled",
    "lapse": "lapsed",
}
"""The status that a winner leaves."""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Side("approve", "mona"), Side("approve", "otto")),
        (Side("approve", "mona"), Side("deny", "otto")),
        (Side("approve", "mona"), Side("cancel", "alice")),
        (Side("approve", "mona"), Side("lapse", at_its_end=True)),
    ],
    ids=lambda side: side.what,
)
def test_a_request_is_decided_once_by_whoever_comes_first(two: Two, pending_url: str, one: Side, other: Side) -> None:
    two.open(pending_url)
    if other.what == "lapse":
        assert two.replicas[1].call("claim", "access") == ROUNDS
    winners = race(two, (one, other), REQUESTS)
    facts = facts_of(pending_url)
    for request_id, winner in zip(REQUESTS, winners, strict=True):
        assert_decided_once(facts, request_id, winner)


def assert_decided_once(facts: Facts, request_id: str, winner: str) -> None:
    """State, log and effects are the winner's and nobody else's."""
    request, status = facts.requests[request_id], AFTER[winner]
    grants, tags = facts.grants[request_id], [record["tag"] for record in facts.log[request_id]]
    keys = {f"cards:{request_id}"}
    assert str(request.status) == status
    if status == "approved":
        (grant,) = grants
        assert grant.digest == request.digest()
        assert tags == ["request.approved", "grant.scheduled"]
        keys |= {f"{timer}:{grant.id}" for timer in ("start", "expire", "remind")}
    else:
        assert not grants
        assert tags == [f"request.{status}"]
        keys.add(f"tell:{status}:{request_id}")
    subjects = (request_id, *(grant.id for grant in grants))
    assert effects_of(facts, *subjects) == dict.fromkeys(keys, 1)


# --- an active grant -------------------------------------------------------------------------------------

REASON = {"revoke": "revoked", "expire": "expired", "release": "released"}


@pytest.mark.parametrize(
    ("one", "other", "subjects"),
    [
        (Side("revoke", "sam"), Side("expire"), GRANTS),
        (Side("release", "alice"), Side("revoke", "sam"), GRANTS[: ROUNDS // 2]),
        (Side("release", "alice"), Side("expire"), GRANTS[ROUNDS // 2 :]),
    ],
    ids=lambda part: part.what if isinstance(part, Side) else str(len(part)),
)
def test_a_grant_is_stopped_once_by_whoever_comes_first(
    two: Two, active_url: str, one: Side, other: Side, subjects: Sequence[str]
) -> None:
    two.open(active_url)
    if other.what == "expire":
        assert two.replicas[1].call("claim", "access") == ROUNDS
    winners = race(two, (one, other), subjects)
    facts = facts_of(active_url)
    for grant_id, winner in zip(subjects, winners, strict=True):
        request_id = grant_id.replace("g-", "r-")
        (grant,) = facts.grants[request_id]
        (record,) = facts.log[request_id]
        assert (str(grant.status), str(grant.end_reason)) == ("revoking", REASON[winner])
        assert (record["tag"], record["data"]["reason"]) == ("grant.revoking", REASON[winner])
        assert effects_of(facts, grant_id, request_id) == {f"converge:{grant_id}": 1, f"cards:{request_id}": 1}
