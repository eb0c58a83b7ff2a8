"""The time of a history: it moves when the history says so, and no replica's clock shows quite that."""

from datetime import datetime, timedelta


class Time:
    """The true time (UTC): the database's and the cloud's."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def move(self, by: timedelta) -> None:
        """Never backwards."""
        self._now += max(by, timedelta(0))


class SkewedClock:
    """A replica's clock: ahead of the true time by ``skew``, or behind it."""

    def __init__(self, time: Time, skew: timedelta) -> None:
        self._time = time
        self.skew = skew

    def now(self) -> datetime:
        return self._time.now() + self.skew
