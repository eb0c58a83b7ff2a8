"""Keeps calls within Slack's limits; what is over them is put off in the queue, and no thread sleeps for it.

Limits (docs.slack.dev, "Rate limits"): tier 3 is 50 calls a minute and method, tier 4 is 100, bursts included;
chat.postMessage is one a second and channel, and several hundred a minute in all. One process keeps them; where there
are several, Slack's own 429 with its Retry-After puts off the rest.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from bot.service.records import ChatError

WAIT_MOST = 60.0
"""Seconds for which an urgent call is put off at most, by what is counted here; Slack's own word has no limit."""
LATE_WAIT_MOST = 600.0
"""The same for a call that is not urgent."""
KNOWN_MOST = 2000
"""Destinations that are remembered; those that have not been busy lately go first."""
SHARED_REST = 1.0
"""Seconds for which a method rests when Slack limited one of its destinations: the limit may be everybody's."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many calls at once, and so many a second from then on; the last ``reserve`` are for urgent ones only."""

    burst: float
    per_second: float
    reserve: float = 0.0


@dataclass(frozen=True, slots=True)
class Method:
    """A Web API method, limited in all and, where that is limited too, at each destination."""

    name: str
    in_all: Rate
    each: Rate | None = None


POST = Method("chat.postMessage", Rate(60, 4), Rate(5, 1))
POST_ANYWHERE = Method(POST.name, POST.in_all)
UPDATE = Method("chat.update", Rate(40, 50 / 60, reserve=25))
HOME = Method("views.publish", Rate(60, 100 / 60), Rate(10, 0.5))
OPEN = Method("conversations.open", Rate(40, 50 / 60))
HISTORY = Method("conversations.history", Rate(40, 50 / 60))


@dataclass(slots=True)
class _Bucket:
    """Calls that are left, as of ``at``; when the next call that is put off may come (by urgency)."""

    rate: Rate
    at: float
    left: float
    rests_until: float = 0.0
    next_slot: dict[bool, float] = field(default_factory=lambda: {False: 0.0, True: 0.0})

    def refill(self, now: float) -> None:
        self.left = min(self.rate.burst, self.left + max(0.0, now - self.at) * self.rate.per_second)
        self.at = now

    def has(self, now: float, urgent: bool) -> bool:
        return now >= self.rests_until and self.left >= self._needed(urgent)

    def slot(self, now: float, urgent: bool) -> float:
        """Seconds until a call that finds nothing left should come again: each later than the one before."""
        free = max(now + (self._needed(urgent) - self.left) / self.rate.per_second, now)
        slot = max(free, self.next_slot[urgent] + 1 / self.rate.per_second, self.rests_until)
        most = max(now, self.rests_until) + (WAIT_MOST if urgent else LATE_WAIT_MOST)
        if slot > most:
            # Some of those that were put off may never come: their slots must not be waited for without end.
            slot = most - random.uniform(0, 0.5) * (most - max(now, self.rests_until))  # noqa: S311 - jitter
        else:
            self.next_slot[urgent] = slot
        return slot - now

    def is_idle(self, now: float) -> bool:
        self.refill(now)
        return self.left >= self.rate.burst and now >= max(self.rests_until, *self.next_slot.values())

    def _needed(self, urgent: bool) -> float:
        return 1 if urgent else 1 + self.rate.reserve


class Pace:
    """Counts calls by method and destination. Safe to share between threads; ``now`` are seconds that only rise."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    @contextmanager
    def kept(self, method: Method, destination: str = "", *, urgent: bool = True) -> Iterator[None]:
        """Around one call. Raises ChatError that passes, and says when to come again, where it would be too much.

        When Slack itself says so (the same error, from inside), nothing more goes there until its time is over.
        """
        wait = self._take(method, destination, urgent)
        if wait:
            raise ChatError(f"{method.name} waits for its turn", passing=True, retry_after=timedelta(seconds=wait))
        try:
            yield
        except ChatError as error:
            if error.retry_after is not None:
                self._rest(method, destination, error.retry_after.total_seconds())
            raise

    def wait(self, method: Method, destination: str = "", *, urgent: bool = True) -> float:
        """Seconds for which ``kept`` would put a call off now, after which it has its turn; zero: not at all."""
        return self._take(method, destination, urgent, counts=False)

    def _take(self, method: Method, destination: str, urgent: bool, *, counts: bool = True) -> float:
        """Count one call, or else the seconds to put it off."""
        with self._lock:
            now = self._now()
            buckets = self._of(method, destination, now)
            lacking = [bucket for bucket in buckets if not bucket.has(now, urgent)]
            if lacking:
                return max(bucket.slot(now, urgent) for bucket in lacking)
            for bucket in buckets if counts else ():
                bucket.left -= 1
            return 0.0

    def _rest(self, method: Method, destination: str, seconds: float) -> None:
        with self._lock:
            now = self._now()
            whole, *each = self._of(method, destination, now)
            whole.rests_until = max(whole.rests_until, now + (min(seconds, SHARED_REST) if each else seconds))
            for bucket in each:
                bucket.rests_until = max(bucket.rests_until, now + seconds)

    def _of(self, method: Method, destination: str, now: float) -> list[_Bucket]:
        if len(self._buckets) > KNOWN_MOST:
            self._buckets = {key: bucket for key, bucket in self._buckets.items() if not bucket.is_idle(now)}
        wanted = [("", method.in_all), *([(destination, method.each)] if method.each else [])]
        buckets = [
            self._buckets.setdefault((method.name, place), _Bucket(rate, now, rate.burst)) for place, rate in wanted
        ]
        for bucket in buckets:
            bucket.refill(now)
        return buckets
