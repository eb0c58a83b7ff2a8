"""Time as the workspace sees it: a port, so that a test can let a trigger id grow old without waiting."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Unix time in seconds (UTC)."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back; only differences mean anything."""
        ...


class SystemClock:
    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


class ShiftedClock:
    """The system's clock, moved forward by as much as a test has asked for."""

    def __init__(self) -> None:
        self._shift = 0.0

    def advance(self, seconds: float) -> None:
        self._shift += seconds

    def now(self) -> float:
        return time.time() + self._shift

    def monotonic(self) -> float:
        return time.monotonic() + self._shift
