"""One transaction at a time, for a store that has a single writer."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from bot.service.records import StoreUnavailable


class Turn:
    """A lock that threads queue for, instead of asking SQLite again and again; it tells a nested use."""

    def __init__(self, patience: timedelta) -> None:
        self._lock = threading.Lock()
        self._patience = patience
        self._owner: int | None = None

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Raises StoreUnavailable when the turn does not come, RuntimeError when this thread has it already."""
        if self._owner == threading.get_ident():
            raise RuntimeError("this thread has a transaction open already; use that one")
        if not self._lock.acquire(timeout=self._patience.total_seconds()):
            raise StoreUnavailable("another transaction has held the database for too long")
        self._owner = threading.get_ident()
        try:
            yield
        finally:
            self._owner = None
            self._lock.release()
