"""How hard each cloud account may be asked, so that a sick one does not hold up the rest.

In memory and for each process alone: what is kept is one small record an account, and losing it costs a few calls.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from bot.service.effects import Retry
from bot.service.records import CloudError

OPENS_AFTER = 3
"""Failures in a row that may pass, after which the account is left alone for a while."""
REST = timedelta(seconds=5)
REST_MOST = timedelta(seconds=60)
CROWDED = timedelta(seconds=0.5)
"""After which a place may be free again where others are busy with the account."""
FASTEST = 1000.0
"""Calls a second that no account is held to: far above what AWS takes."""
SLOWEST = 1.0
EASES = 1.1
"""By this factor the pace rises again each second without a throttled call."""


@dataclass(slots=True)
class _Account:
    running: int = 0
    failures: int = 0
    rests: int = 0
    """How often in a row it was left alone."""
    open_until: float = 0.0
    pace: float = FASTEST
    """Calls a second."""
    next_at: float = 0.0
    paced_at: float = 0.0
    calls: int = 0
    """Since ``counting_since``, to know what it was asked when it complained."""
    counting_since: float = 0.0


@dataclass(slots=True)
class Accounts:
    """Thread-safe. ``at_once``: how many threads may be busy with one account; times are ``clock``'s, in seconds."""

    at_once: int
    clock: Callable[[], float] = time.monotonic
    _accounts: dict[str, _Account] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, account_id: str) -> timedelta:
        """Take a place; no time at all means: go, and ``leave`` afterwards. Else try again after that long."""
        now = self.clock()
        with self._lock:
            account = self._accounts.setdefault(account_id, _Account())
            if now < account.open_until:
                return timedelta(seconds=account.open_until - now)
            # After a rest one call at a time shows whether it is well again.
            if account.running >= (1 if account.failures >= OPENS_AFTER else self.at_once):
                return CROWDED
            self._ease(account, now)
            if now < account.next_at:
                return timedelta(seconds=account.next_at - now)
            account.next_at = max(account.next_at, now - 1) + 1 / account.pace
            account.running += 1
            self._count(account, now)
        return timedelta(0)

    def leave(self, account_id: str, *, answered: bool, throttled: bool = False) -> None:
        """Give the place back. ``answered``: it said something, if only no; not that it was too much, or nothing."""
        now = self.clock()
        with self._lock:
            account = self._accounts[account_id]
            account.running -= 1
            if throttled:
                self._slow_down(account, now)
            if answered:
                account.failures = account.rests = 0
                return
            account.failures += 1
            if account.failures >= OPENS_AFTER and now >= account.open_until:
                rest = min(REST_MOST, REST * 2**account.rests)
                account.rests = min(account.rests + 1, 10)
                account.open_until = now + rest.total_seconds()

    @contextmanager
    def place(self, account_id: str) -> Iterator[None]:
        """One of the account's places; what the cloud answers in it, or does not, says how the account is.

        Raises Retry when there is none now.
        """
        wait = self.enter(account_id)
        if wait:
            raise Retry(f"Account {account_id} is left alone for a moment: it is busy or does not answer.", wait)
        answered, throttled = True, False
        try:
            yield
        except CloudError as error:
            answered, throttled = not error.passing, error.retry_after is not None
            raise
        finally:
            self.leave(account_id, answered=answered, throttled=throttled)

    def resting(self) -> tuple[str, ...]:
        """The accounts that are left alone now."""
        now = self.clock()
        with self._lock:
            return tuple(sorted(name for name, account in self._accounts.items() if now < account.open_until))

    @staticmethod
    def _slow_down(account: _Account, now: float) -> None:
        """Half of what it was asked lately: it said that this was too much."""
        asked = account.calls / max(0.1, now - account.counting_since)
        account.pace = max(SLOWEST, min(account.pace, asked) / 2)
        account.next_at, account.paced_at = now + 1 / account.pace, now

    @staticmethod
    def _ease(account: _Account, now: float) -> None:
        if account.pace < FASTEST:
            account.pace = min(FASTEST, account.pace * EASES ** (now - account.paced_at))
            account.paced_at = now

    @staticmethod
    def _count(account: _Account, now: float) -> None:
        if now - account.counting_since > 1:
            account.calls, account.counting_since = 0, now
        account.calls += 1
