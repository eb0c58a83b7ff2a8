"""Racing two replicas for many subjects, and all that a database holds afterwards."""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import psycopg

from bot.core.model import AccessRequest, Grant
from bot.service import ledger
from bot.store import SqlStore, open_store
from tests.core.examples import DAY, MINUTE
from tests.races.replica import DONE, Order, Told, Two

BATCH = 25
SPREAD = 0.002
"""Seconds; the head start is drawn from so much around its middle, either way."""
STEP = 0.002
"""Seconds by which the middle goes towards the side that lost a whole batch; less where it was closer."""
ENDS_AFTER = 0.005
"""Seconds: about what an approval takes."""
OVERLAPPING = 0.5
"""The least share of rounds in which both were at it at the same time."""


@dataclass(frozen=True)
class Side:
    """One of the two: what it does, as whom (``#`` is the round's number), to what."""

    what: str
    person: str = ""
    prefix: str = ""
    """Of its own subject's id, where both do not act on the same one."""
    at_its_end: bool = False
    """Whether what is raced for is an instant: the end of its subject."""

    def on(self, subject: str) -> str:
        """The id of what it acts on in the round of ``subject``."""
        return f"{self.prefix}-{number_of(subject)}" if self.prefix else subject

    def whom(self, subject: str) -> str:
        """As whom it acts in that round."""
        return self.person.replace("#", number_of(subject))


Won = Callable[[Told, Told], int]
"""Which of two won: 0 or 1. Raises AssertionError where what came of them does not go together."""


def one_is_refused(code: str, done: str = DONE) -> Won:
    """One of them does it, the other is refused with that code."""

    def won(one: Told, other: Told) -> int:
        assert {one.outcome, other.outcome} == {done, code}
        return int(one.outcome != done)

    return won


ONE_IS_LATE = one_is_refused("late")


def race(two: Two, sides: tuple[Side, Side], subjects: Sequence[str], won: Won = ONE_IS_LATE) -> list[str]:
    """Who won each round, by what they did (or as whom, or to what, where that is the same)."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"head starts: random.Random({seed})")
    rng, middle, winners, overlapping = random.Random(seed), 0.0, list[str](), 0
    names = names_of(sides)
    for first in range(0, len(subjects), BATCH):
        batch = subjects[first : first + BATCH]
        starts = [rng.uniform(middle - SPREAD, middle + SPREAD) for _ in batch]
        told = two.both("race", orders(sides, batch, starts))
        for subject, one, other in zip(batch, *told, strict=True):
            try:
                winners.append(names[won(one, other)])
            except AssertionError as error:
                raise AssertionError((subject, one, other)) from error
            overlapping += one.began < other.ended and other.began < one.ended
        middle += STEP * (2 * winners[first:].count(names[0]) / len(batch) - 1)
    print(f"won: {dict(Counter(winners))}; at the same time: {overlapping} of {len(subjects)}")
    assert set(winners) == set(names), "the same side always won"
    assert overlapping >= OVERLAPPING * len(subjects)
    return winners


def names_of(sides: tuple[Side, Side]) -> list[str]:
    """Of the two, by the first thing in which they differ."""
    told = [[side.what, side.person, side.prefix] for side in sides]
    return next([one, other] for one, other in zip(*told, strict=True) if one != other)


def number_of(subject: str) -> str:
    """The round's number in an id."""
    return subject.partition("-")[2]


def orders(sides: tuple[Side, Side], subjects: Sequence[str], starts: Sequence[float]) -> list[list[Order]]:
    """For each side; the second has a head start of so many seconds, the first where it is negative."""
    one, other = sides
    if other.at_its_end:
        # It is this instant that comes earlier or later.
        ends = [max(0.001, ENDS_AFTER - by) for by in starts]
        first = [Order(one.what, one.on(each), one.whom(each)) for each in subjects]
        at_ends = zip(subjects, ends, strict=True)
        return [first, [Order(other.what, other.on(each), ends_after=end) for each, end in at_ends]]
    return [
        [
            Order(side.what, side.on(each), side.whom(each), max(0.0, sign * by))
            for each, by in zip(subjects, starts, strict=True)
        ]
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
            grants = defaultdict(tuple, tx.grants_of(sorted(requests)))
        log = _log(store)
    finally:
        store.close()
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


def effects_of(facts: Facts, *subjects: str) -> dict[str, int]:
    """What waits for these, by key, and how often it was asked for."""
    return {key: count for key, count in facts.effects.items() if key.rpartition(":")[2] in subjects}
