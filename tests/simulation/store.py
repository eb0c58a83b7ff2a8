"""A replica's way to the database: it may be cut off, and what it writes is watched."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.providers.fake import Fault
from bot.service.ports import Tx
from bot.service.records import Claim, StoreUnavailable
from tests.simulation.tasks import Broken

if TYPE_CHECKING:
    from tests.simulation.company import Company


class ReplicaStore:
    """See ports.Store. A task may stand still before each transaction, and between its commit and what follows."""

    def __init__(self, company: "Company") -> None:
        self._company = company
        self._inner = company.store

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        answer_lost = self._call("a transaction")
        with self._inner.transaction() as tx:
            self._company.in_transaction = True
            try:
                yield tx
            finally:
                self._company.in_transaction = False
            self._company.invariants.at_commit(tx, self._company.tasks.current)
        self._answer(answer_lost)

    def claim(self, lane: str, limit: int, lease: timedelta) -> tuple[Claim, ...]:
        answer_lost = self._call(f"claiming in {lane}")
        claims = self._inner.claim(lane, limit, lease)
        self._company.invariants.at_claim(claims)
        self._answer(answer_lost)
        if self._company.tasks.current is not None:
            self._company.tasks.current.claims += claims
        return claims

    def release(self, claim: Claim, after: timedelta, error: str) -> bool:
        answer_lost = self._call("giving back")
        released = self._inner.release(claim, after, error)
        self._company.invariants.at_release([claim])
        self._answer(answer_lost)
        return released

    def release_all(self, claims: Sequence[Claim], after: timedelta, error: str) -> None:
        answer_lost = self._call("giving back")
        self._inner.release_all(claims, after, error)
        self._company.invariants.at_release(claims)
        self._answer(answer_lost)

    def next_due(self, lane: str) -> datetime | None:
        return self._inner.next_due(lane)

    def ping(self) -> datetime:
        self._answer(self._call("asking the time"))
        return self._inner.ping()

    def _call(self, where: str) -> bool:
        """True when the answer will be lost, although it is done. Raises StoreUnavailable."""
        company = self._company
        if company.in_transaction:
            raise Broken("a transaction was opened inside another")
        company.tasks.point(f"{where}, before")
        fault = company.weather.strike("database")
        if fault is not None and company.tasks.current is not None:
            company.tasks.current.was_cut_off = True
        if fault in {Fault.TIMED_OUT, Fault.THROTTLED, Fault.REFUSED}:
            raise StoreUnavailable("the database did not answer")
        return fault is Fault.TIMED_OUT_AFTER

    def _answer(self, lost: bool) -> None:
        if lost:
            raise StoreUnavailable("the connection broke during the commit")
