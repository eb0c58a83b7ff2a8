"""A source that is down is left alone for a while: asking it costs nothing then."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

OPENS_AFTER: Final = 3
"""Failures in a row that may pass, after which a source is left alone."""
REST: Final = timedelta(seconds=5)
REST_MOST: Final = timedelta(seconds=60)


@dataclass(slots=True)
class _State:
    failures: int = 0
    open_until: float = 0.0
    trying: bool = False
    """After a rest one call shows whether it is well again; the others do not wait for it."""


@dataclass(slots=True)
class Circuits:
    """One for each place. Thread-safe; ``clock``: seconds, monotonic."""

    clock: Callable[[], float]
    _states: dict[str, _State] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, where: str) -> bool:
        """Whether it may be asked; if so, ``leave`` has to follow."""
        with self._lock:
            state = self._states.setdefault(where, _State())
            if self.clock() < state.open_until or state.trying:
                return False
            state.trying = state.failures >= OPENS_AFTER
            return True

    def leave(self, where: str, *, answered: bool, retry_after: timedelta | None = None) -> None:
        """``answered``: it said something, if only no. ``retry_after``: it wants to be left alone for so long."""
        with self._lock:
            state = self._states[where]
            state.trying = False
            if answered:
                state.failures = 0
                return
            state.failures += 1
            rest = retry_after or timedelta(0)
            if state.failures >= OPENS_AFTER:
                rest = max(rest, min(REST_MOST, REST * 2 ** min(state.failures - OPENS_AFTER, 10)))
            if rest:
                state.open_until = max(state.open_until, self.clock() + rest.total_seconds())
