"""The database's clock as this process knows it: what is due, and until when a lease holds, is told by that one."""

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.service.ports import Clock, Store

MOST_SKEW = timedelta(seconds=5)
"""Past this nothing new is granted: one of the two clocks is wrong, and nobody can tell which."""
TOO_SLOW = timedelta(seconds=2)
"""An answer that took longer says too little about the other clock."""


@dataclass(slots=True)
class DatabaseClock:
    """``own``, put right by what the database said last. Thread-safe."""

    own: Clock
    store: Store
    _ahead: timedelta = timedelta(0)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def measure(self) -> timedelta:
        """Ask the database; how far its clock is ahead of our own. Raises StoreUnavailable."""
        before = self.own.now()
        theirs = self.store.ping()
        took = self.own.now() - before
        if timedelta(0) <= took <= TOO_SLOW:
            with self._lock:
                self._ahead = theirs - (before + took / 2)
        return self.skew

    def now(self) -> datetime:
        """The database's time (UTC), without asking it."""
        return self.own.now() + self.skew

    @property
    def skew(self) -> timedelta:
        """How far the database's clock was ahead of our own when it was asked last; nothing before that."""
        with self._lock:
            return self._ahead

    @property
    def is_skewed(self) -> bool:
        """Whether the clocks differ by more than ``MOST_SKEW``."""
        return abs(self.skew) > MOST_SKEW
