"""The Store in this process's memory: for simulations and tests that need thousands of them. Nothing is durable."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from bot.service.ports import Clock
from bot.service.records import Claim
from bot.store.memory.access import MemoryAccess
from bot.store.memory.crowds import MemoryCrowds
from bot.store.memory.effects import MemoryEffects
from bot.store.memory.history import MemoryHistory
from bot.store.memory.holders import MemoryHolders
from bot.store.memory.notes import MemoryNotes
from bot.store.memory.people import MemoryPeople
from bot.store.memory.state import State
from bot.store.memory.strays import MemoryStrays
from bot.store.memory.versions import MemoryVersions
from bot.store.turn import Turn
from bot.store.wakeup import Wakeup


class MemoryTx(
    MemoryAccess,
    MemoryHistory,
    MemoryHolders,
    MemoryEffects,
    MemoryCrowds,
    MemoryPeople,
    MemoryNotes,
    MemoryStrays,
    MemoryVersions,
):
    """One open transaction."""


class _ProcessClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class MemoryStore:
    """A store with one transaction at a time. ``clock`` is its database's clock."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or _ProcessClock()
        self._state = State()
        self._turn = Turn(timedelta(seconds=30))
        self._wakeup = Wakeup()

    @contextmanager
    def transaction(self) -> Iterator[MemoryTx]:
        with self._turn.taken():
            tx = MemoryTx(self._state, self._clock)
            try:
                yield tx
            except BaseException:
                self._state.roll_back()
                raise
            self._state.undo.clear()
        if tx.wakes:
            self._wakeup.wake(tx.wakes)

    def claim(self, lane: str, limit: int, lease: timedelta) -> tuple[Claim, ...]:
        self._wakeup.look(lane)
        with self.transaction() as tx:
            claims = tx.take(lane, limit, lease)
        if len(claims) == limit:
            self._wakeup.wake([lane])
        return claims

    def release(self, claim: Claim, after: timedelta, error: str) -> bool:
        with self.transaction() as tx:
            return tx.give_back(claim, after, error)

    def release_all(self, claims: Sequence[Claim], after: timedelta, error: str) -> None:
        with self.transaction() as tx:
            tx.give_back_all(claims, after, error)

    def next_due(self, lane: str) -> datetime | None:
        with self.transaction() as tx:
            return tx.next_claimable(lane)

    def wait(self, lane: str, timeout: timedelta) -> None:
        self._wakeup.wait(lane, timeout)

    def rouse(self, lanes: Iterable[str]) -> None:
        self._wakeup.rouse(lanes)

    def ping(self) -> datetime:
        return self._clock.now()

    def close(self) -> None:
        self._wakeup.close()
