"""Records, a clock and threads for the store's tests."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from bot.core.audit import SYSTEM, Event, Tag
from bot.core.model import AccessRequest, Ask, Effect, Grant, GrantStatus, RequestStatus
from bot.core.strays import DriftKind, Stray
from bot.service.ports import Store, Tx
from bot.service.records import Authenticator, Claim, Enrolment, EnrolmentStatus

START = datetime(2026, 3, 29, 0, 59, 59, 123456, tzinfo=UTC)
"""The night in which European clocks go forward, and not on a whole second."""
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
LEASE = MINUTE
T = TypeVar("T")


class SetClock:
    """A clock that stands still until it is told."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> datetime:
        self._now += by
        return self._now


def ask(**changes: Any) -> Ask:
    values: dict[str, Any] = {
        "requester": "ada",
        "role": "s3-read",
        "account": "payments-prod",
        "params": {"prefix": "2026/", "bucket": "payments-logs"},
        "work": "bug-fix",
        "duration": timedelta(hours=2),
        "reason": "Look at last night's failed settlement.",
        "ticket": "PAY-123",
    }
    return Ask(**{**values, **changes})


def request(request_id: str = "r1", **changes: Any) -> AccessRequest:
    asks = {name: changes.pop(name) for name in list(changes) if name in Ask.__dataclass_fields__}
    asked_at = changes.pop("asked_at", START)
    values: dict[str, Any] = {
        "ask": ask(**asks),
        "status": RequestStatus.PENDING,
        "asked_at": asked_at,
        "lapses_at": asked_at + 4 * HOUR,
        "principal": "user/ada",
        "policy": '[{"Action":["s3:GetObject"]}]',
        "catalogue_digest": "c0ffee",
        "approvers_asked": ("grace", "barbara", "alan"),
        "channel": "C1",
        "quorum": 2,
    }
    return AccessRequest(request_id, **{**values, **changes})


def grant(grant_id: str = "g1", request_id: str = "r1", **changes: Any) -> Grant:
    starts_at = changes.pop("starts_at", START)
    values: dict[str, Any] = {
        "person": "ada",
        "role": "s3-read",
        "account": "payments-prod",
        "provider": "aws_iam",
        "principal": "user/ada",
        "policy": '[{"Action":["s3:GetObject"]}]',
        "digest": "d1",
        "status": GrantStatus.GRANTING,
        "starts_at": starts_at,
        "expires_at": starts_at + 2 * HOUR,
    }
    return Grant(grant_id, request_id, **{**values, **changes})


def effect(key: str = "k1", due_at: datetime = START, kind: str = "grant.expire", **payload: str) -> Effect:
    return Effect(kind, f"subject of {key}", key, due_at, payload)


def authenticator(person: str = "ada", **changes: Any) -> Authenticator:
    values: dict[str, Any] = {
        "sealed": bytes(range(256)),
        "key_id": "k1",
        "enrolled_at": START,
        "vouched_by": "grace",
        "last_timecode": 100,
    }
    return Authenticator(person, **{**values, **changes})


def enrolment(enrolment_id: str = "e1", **changes: Any) -> Enrolment:
    values: dict[str, Any] = {
        "person": "ada",
        "status": EnrolmentStatus.REQUESTED,
        "requested_at": START,
        "expires_at": START + HOUR,
    }
    return Enrolment(enrolment_id, **{**values, **changes})


def stray(stray_id: str = "q1", **changes: Any) -> Stray:
    values: dict[str, Any] = {
        "account": "payments-prod",
        "provider": "aws_iam",
        "principal": "user/ada",
        "name": "g1",
        "kind": DriftKind.UNKNOWN,
        "text": '{"Statement":[{"Action":"*","Effect":"Allow","Resource":"*"}]}',
        "person": "ada",
        "found_at": START,
    }
    return Stray(stray_id, **{**values, **changes})


def event(**changes: Any) -> Event:
    return Event(changes.pop("tag", Tag.GRANT_ACTIVE), changes.pop("actor", SYSTEM), **changes)


def enqueue(store: Store, *effects: Effect) -> None:
    with store.transaction() as tx:
        tx.enqueue(effects)


def claim(store: Store, limit: int = 10, lane: str = "access") -> tuple[Claim, ...]:
    return store.claim(lane, limit, LEASE)


def claim_one(store: Store) -> Claim:
    (only,) = claim(store)
    return only


def finish(store: Store, held: Claim) -> None:
    with store.transaction() as tx:
        tx.finish(held)


@contextmanager
def rolled_back(store: Store) -> Iterator[Tx]:
    """A transaction that fails at its end."""
    with suppress(LookupError), store.transaction() as tx:
        yield tx
        raise LookupError


def together(count: int, work: Callable[[int], T]) -> list[T]:
    """What ``work`` returns in so many threads that start at once; the first exception is raised."""
    ready = threading.Barrier(count)

    def run(number: int) -> T:
        ready.wait(30)
        return work(number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(run, range(count)))
