"""What two replicas do at the same instant to the same request or grant: one of them wins, the other is told.

The replicas are real processes on a real PostgreSQL. A race that the same side always wins would show nothing, so the
head start of the one that wins more often is taken away bit by bit, and both have to have won.
"""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psycopg
import pytest

from bot.core.model import AccessRequest, Grant
from bot.service import ledger
from bot.store import SqlStore, open_store
from tests.core.examples import DAY, MINUTE
from tests.races.conftest import GRANTS, REQUESTS, ROUNDS
from tests.races.replica import DONE, Order, Two

BATCH = 25
SPREAD = 0.002
"""Seconds; the head start is drawn from so much around its middle, either way."""
STEP = 0.002
"""Seconds by which the middle goes towards the side that lost a whole batch; less where it was closer."""
LAPSES_AFTER = 0.005
"""Seconds: about what an approval takes."""
OVERLAPPING = 0.5
"""The least share of rounds in which both were at it at the same time."""


@dataclass(frozen=True)
class Side:
    """One of the two: what it does, as whom."""

    what: str
    person: str = ""


def race(two: Two, sides: tuple[Side, Side], subjects: Sequence[str]) -> list[str]:
    """Who won each round, by what they did (or as whom, where both do the same)."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"head starts: random.Random({seed})")
    rng, middle, winners, overlapping = random.Random(seed), 0.0, [], 0
    names = [side.what if sides[0].what != sides[1].what else side.person for side in sides]
    for first in range(0, len(subjects), BATCH):
        batch = subjects[first : first + BATCH]
        starts = [rng.uniform(middle - SPREAD, middle + SPREAD) for _ in batch]
        told = two.both("race", orders(sides, batch, starts))
        for subject, one, other in zip(batch, *told, strict=True):
            assert {one.outcome, other.outcome} == {DONE, "late"}, (subject, one, other)
            winners.append(names[one.outcome != DONE])
            overlapping += one.began < other.ended and other.began < one.ended
        middle += STEP * (2 * winners[first:].count(names[0]) / len(batch) - 1)
    print(f"won: {dict(Counter(winners))}; at the same time: {overlapping} of {len(subjects)}")
    assert set(winners) == set(names), "the same side always won"
    assert overlapping >= OVERLAPPING * len(subjects)
    return winners


def orders(sides: tuple[Side, Side], subjects: Sequence[str], starts: Sequence[float]) -> list[list[Order]]:
    """For each side; the second has a head start of so many seconds, the first where it is negative."""
    one, other = sides
    if other.what == "lapse":
        # What is raced for is an instant, and it is this that comes earlier or later.
        ends = [max(0.001, LAPSES_AFTER - by) for by in starts]
        first = [Order(one.what, each, one.person, 0.0, end) for each, end in zip(subjects, ends, strict=True)]
        return [first, [Order(other.what, each) for each in subjects]]
    return [
        [Order(side.what, each, side.person, max(0.0, sign * by)) for each, by in zip(subjects, starts, strict=True)]
        for side, sign in ((one, 1), (other, -1))
    ]


@dataclass(frozen=True)
class Facts:
    """All that a database holds after a race."""

    requests: Mapping[str, AccessRequest]
    grants: Mapping[str, Sequence[Grant]]
    """By request."""
    log: Mapping[str, Sequence[dict[str, object]]]
    """By request."""
    effects: Mapping[str, int]
    """How often each key was enqueued."""


def facts_of(url: str) -> Facts:
    """Read it, and see that the audit log is whole."""
    store = open_store(url)
    try:
        assert (verification := ledger.verify(store)).ok, verification
        with store.transaction() as tx:
            span = (tx.now() - 2 * DAY, tx.now() + MINUTE)
            requests = {request.id: request for request in tx.requests_between(*span)}
            found = tx.unfinished_grants()
        log = _log(store)
    finally:
        store.close()
    grants = defaultdict(list)
    for grant in found:
        grants[grant.request_id].append(grant)
    with psycopg.connect(url) as connection:
        effects = dict(connection.execute("SELECT key, generation FROM effects").fetchall())
    return Facts(requests, grants, log, effects)


def _log(store: SqlStore) -> Mapping[str, Sequence[dict[str, object]]]:
    log, after = defaultdict(list), 0
    while True:
        with store.transaction() as tx:
            records = tx.audit(after, 5_000)
        for record in records:
            body = json.loads(record.body)
            log[body["request_id"]].append(body)
        if not records:
            return log
        after = records[-1].seq


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
        (Side("approve", "mona"), Side("lapse")),
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
        # Nothing extends a grant yet: what the holder does to its end is release it.
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


def effects_of(facts: Facts, *subjects: str) -> dict[str, int]:
    """What waits for these, by key, and how often it was asked for."""
    return {key: count for key, count in facts.effects.items() if key.rpartition(":")[2] in subjects}
