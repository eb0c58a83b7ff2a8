"""What the page sees happen: events fanned out to everyone concerned, and a way to wait for the next change."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterable

from bot.sandbox.slack.jsontypes import Json


class Live:
    """Hands each event to the queues of those who may see it. Used from the server's loop only,
    but for `version`, `wait_beyond` and `notices_of`, which any thread may call."""

    def __init__(self) -> None:
        self._queues: dict[str, set[asyncio.Queue[Json]]] = defaultdict(set)
        self._changed = threading.Condition()
        self._version = 0
        self._notices: dict[str, list[str]] = defaultdict(list)

    def join(self, user: str) -> asyncio.Queue[Json]:
        queue: asyncio.Queue[Json] = asyncio.Queue()
        self._queues[user].add(queue)
        return queue

    def leave(self, user: str, queue: asyncio.Queue[Json]) -> None:
        self._queues[user].discard(queue)

    def publish(self, users: Iterable[str], event: Json) -> None:
        for user in set(users):
            for queue in self._queues.get(user, ()):
                queue.put_nowait(event)
        self.touch()

    def notice(self, user: str, text: str) -> None:
        """Show that something went wrong, as Slack's client would."""
        with self._changed:
            self._notices[user] = [*self._notices[user][-99:], text]
        self.publish([user], {"type": "notice", "level": "error", "text": text})

    def notices_of(self, user: str) -> list[str]:
        """The latest notices that somebody was shown, oldest first."""
        with self._changed:
            return list(self._notices.get(user, ()))

    def touch(self) -> None:
        """Wake whoever waits for a change."""
        with self._changed:
            self._version += 1
            self._changed.notify_all()

    @property
    def version(self) -> int:
        with self._changed:
            return self._version

    def wait_beyond(self, version: int, timeout: float) -> int:
        """Block until something has changed since `version`, or `timeout` seconds have passed."""
        with self._changed:
            self._changed.wait_for(lambda: self._version > version, timeout)
            return self._version
