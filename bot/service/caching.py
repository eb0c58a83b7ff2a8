"""What sources said, remembered for a while, so that a click seldom waits. In memory, for this process alone."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Generic, TypeVar

from bot.service.circuit import Circuits
from bot.service.sources import SourceError

FAILURE_LIVES: Final = timedelta(seconds=5)
MOST: Final = 2_000
"""Answers that are kept; beyond it the oldest go."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _Known(Generic[V]):
    until: float
    value: V | None
    failure: SourceError | None


@dataclass(slots=True)
class Cache(Generic[K, V]):
    """Thread-safe. Whoever asks for the same at the same time waits for one call; ``clock``: seconds, monotonic."""

    lives: timedelta
    clock: Callable[[], float]
    _known: dict[K, _Known[V]] = field(default_factory=dict)
    _asking: dict[K, "Future[V]"] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _circuits: Circuits = field(init=False)

    def __post_init__(self) -> None:
        self._circuits = Circuits(self.clock)

    def get(self, key: K, where: str, name: str, ask: Callable[[], V]) -> V:
        """What is remembered, else what ``ask`` says now.

        ``where``: what is left alone when it is down; ``name``: what it is called then. Raises SourceError, and in one
        of those that ask whatever else ``ask`` raises.
        """
        with self._lock:
            known = self._known.get(key)
            if known is not None and self.clock() < known.until:
                return _told(known)
            asked = self._asking.get(key)
            if asked is None:
                if not self._circuits.enter(where):
                    raise SourceError(f"{name} is left alone for a while, as it failed", passing=True)
                mine = self._asking[key] = Future()
        if asked is not None:
            return _shared(asked)
        return self._ask(key, where, name, ask, mine)

    def _ask(self, key: K, where: str, name: str, ask: Callable[[], V], mine: "Future[V]") -> V:
        until, failure = self.clock() + self.lives.total_seconds(), SourceError(f"{name} failed", passing=True)
        try:
            value = self._try(where, ask)
            self._remember(key, _Known(until, value, None))
            mine.set_result(value)
        except SourceError as error:
            failure = error
            raise
        else:
            return value
        finally:
            if not mine.done():
                self._remember(key, _Known(self.clock() + FAILURE_LIVES.total_seconds(), None, _copy(failure)))
                mine.set_exception(_copy(failure))
            with self._lock:
                del self._asking[key]

    def _try(self, where: str, ask: Callable[[], V]) -> V:
        answered, wait = False, None
        try:
            value = ask()
            answered = True
        except SourceError as error:
            answered, wait = not error.passing, error.retry_after
            raise
        else:
            return value
        finally:
            self._circuits.leave(where, answered=answered, retry_after=wait)

    def _remember(self, key: K, known: _Known[V]) -> None:
        with self._lock:
            self._known.pop(key, None)
            if len(self._known) >= MOST:
                now = self.clock()
                self._known = {each: kept for each, kept in self._known.items() if now < kept.until}
            while len(self._known) >= MOST:
                del self._known[next(iter(self._known))]
            self._known[key] = known


def _told(known: _Known[V]) -> V:
    if known.failure is not None:
        raise _copy(known.failure)
    return known.value  # type: ignore[return-value]  # a value of V may be None itself


def _shared(asked: "Future[V]") -> V:
    try:
        return asked.result()
    except SourceError as error:
        failure = _copy(error)
    raise failure


def _copy(error: SourceError) -> SourceError:
    """Without the traceback: several threads raise it."""
    return SourceError(str(error), passing=error.passing, retry_after=error.retry_after)
