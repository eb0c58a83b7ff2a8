"""How a worker learns at once that there is something to do in its lane, without waking those that have nothing."""

import threading
from collections.abc import Iterable
from datetime import timedelta

MOST = 64
"""Waits that are ended for a lane whose threads are all busy: it has no more threads."""


class Wakeup:
    """Each wake ends one wait of a lane, the current or else the next: one piece of news, one thread that looks.

    Whoever looks finds all that was told of before: ``look`` takes back the wakes that have ended no wait so far.

    Of those that wait in a lane one alone also looks when its time is over. The others rely on it, and one of them
    takes its place while it is at work.
    """

    def __init__(self) -> None:
        self._lanes: dict[str, _Lane] = {}
        self._lock = threading.Lock()
        self._closed = False

    def wake(self, lanes: Iterable[str]) -> None:
        """End a wait in each of these lanes."""
        for lane in lanes:
            self._lane(lane).wake()

    def look(self, lane: str) -> None:
        """Forget the wakes so far: who calls this looks after all that they tell of."""
        self._lane(lane).look()

    def wait(self, lane: str, timeout: timedelta) -> None:
        """Block until a wake of the lane, ``close``, or ``timeout``; longer while another looks out for that."""
        self._lane(lane).wait(timeout)

    def rouse(self, lanes: Iterable[str]) -> None:
        """End a wait of every thread of these lanes, the current or else the next."""
        for lane in lanes:
            self._lane(lane).rouse()

    def close(self) -> None:
        """End every wait, now and later."""
        with self._lock:
            self._closed = True
            lanes = list(self._lanes.values())
        for lane in lanes:
            lane.close()

    def _lane(self, name: str) -> "_Lane":
        with self._lock:
            if name not in self._lanes:
                self._lanes[name] = _Lane(closed=self._closed)
            return self._lanes[name]


class _Lane:
    def __init__(self, *, closed: bool) -> None:
        self._condition = threading.Condition()
        self._wakes = 0
        self._roused = 0
        self._watched = False
        self._closed = closed

    def wake(self) -> None:
        with self._condition:
            self._wakes = min(MOST, self._wakes + 1)
            self._condition.notify()

    def rouse(self) -> None:
        with self._condition:
            self._roused = MOST
            self._condition.notify_all()

    def look(self) -> None:
        with self._condition:
            self._wakes = 0

    def wait(self, timeout: timedelta) -> None:
        with self._condition:
            self._condition.wait_for(lambda: self._is_over() or not self._watched)
            if not self._is_over():
                self._watched = True
                self._condition.wait_for(self._is_over, timeout.total_seconds())
                self._watched = False
                self._condition.notify()
            if self._roused:
                self._roused -= 1
            elif self._wakes:
                self._wakes -= 1

    def close(self) -> None:
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def _is_over(self) -> bool:
        return self._closed or self._wakes > 0 or self._roused > 0
