"""How a worker learns at once that there is something to do."""

import threading
from datetime import timedelta


class Wakeup:
    """Wakes every waiting thread of this process. A wake between two waits of a thread is not lost."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._count = 0
        self._closed = False
        self._seen = threading.local()

    def wake(self) -> None:
        """End the current, or else the next, wait of each thread."""
        with self._condition:
            self._count += 1
            self._condition.notify_all()

    def wait(self, timeout: timedelta) -> None:
        """Block until a wake since this thread's last wait, ``close``, or ``timeout``."""
        seen = getattr(self._seen, "count", 0)
        with self._condition:
            self._condition.wait_for(lambda: self._closed or self._count != seen, timeout.total_seconds())
            self._seen.count = self._count

    def close(self) -> None:
        """End every wait, now and later."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
