"""Whether this process can do its work."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.model import LANES
from bot.service.clock import MOST_SKEW
from bot.service.effects import LEASE
from bot.service.ports import Clock, Store
from bot.service.records import StoreUnavailable

STALE = LEASE + timedelta(seconds=30)
"""A lane's threads look at the queue at least this often, whatever they run."""
WRITE_EVERY = timedelta(seconds=5)
"""For how long it is believed that what was written once can be written again: who asks often makes nobody write."""


@dataclass(slots=True)
class Readiness:
    """Asks every part. Blocks while the database answers."""

    store: Store
    clock: Clock
    beats: Mapping[str, float]
    """When each lane of the worker last looked (``clock``, seconds since 1970)."""
    lanes: tuple[str, ...] = LANES
    slack: Callable[[], str] = lambda: ""
    """What is wrong with the way to Slack; empty when it is up, or when Slack comes to us."""

    skew: Callable[[], timedelta] = lambda: timedelta(0)
    """How far the database's clock is ahead of this process's."""

    _wrote_at: datetime | None = None

    def __call__(self) -> Mapping[str, str]:
        """What is wrong, by the name of the part; empty text where nothing is."""
        return {
            "database": self._database(),
            **{f"worker.{lane}": self._lane(lane) for lane in self.lanes},
            "slack": self.slack(),
            "clock": self._clock(),
        }

    def _database(self) -> str:
        try:
            now = self.store.ping()
        except StoreUnavailable:
            return "does not answer"
        return "" if self._can_write(now) else "takes nothing"

    def _can_write(self, now: datetime) -> bool:
        """A full disk and a standby can be read all the same."""
        if self._wrote_at is not None and timedelta(0) <= now - self._wrote_at < WRITE_EVERY:
            return True
        try:
            with self.store.transaction() as tx:
                # A key of its own, which is forgotten by itself: replicas do not wait for each other's.
                tx.once(f"ready:{now.isoformat()}", now)
        except StoreUnavailable:
            self._wrote_at = None
            return False
        self._wrote_at = now
        return True

    def _clock(self) -> str:
        skew = self.skew()
        if abs(skew) <= MOST_SKEW:
            return ""
        return f"the database's is {skew.total_seconds():+.1f} s off this machine's; nothing is granted"

    def _lane(self, lane: str) -> str:
        beat = self.beats.get(lane)
        if beat is None:
            return "has not started"
        age = self.clock.now().timestamp() - beat
        return f"last looked {age:.0f} s ago" if age > STALE.total_seconds() else ""
