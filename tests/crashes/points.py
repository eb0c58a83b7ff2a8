"""Crash points: every commit that writes, every call to Slack and every call to AWS, by name, before and after.

*After* means: done at the other side, and nothing of the answer used yet. A process is hooked once; those that are
forked from it inherit the hooks.
"""

import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from urllib.request import OpenerDirector, Request

import aiohttp
import boto3
import sqlalchemy as sa

SIDES = ("before", "after")


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a process ends: ``point`` as in ``aws PutUserPolicy #1``, on which side of it, and by which signal.

    SIGSTOP pauses it instead: it goes on, too late, when it gets SIGCONT.
    """

    point: str
    side: str
    signal: int = signal.SIGKILL


@dataclass(slots=True)
class Points:
    """Counts what happens, and stops the process where it was told to."""

    stop: Stop | None = None
    on_pause: Callable[[str], None] = lambda _: None
    """Told the point's name before SIGSTOP: whoever waits for an answer would wait for ever."""
    doing: str = "start"
    """What commits are named for."""
    names: list[str] = field(default_factory=list)
    _seen: Counter[str] = field(default_factory=Counter)

    def begin(self, stop: Stop | None, on_pause: Callable[[str], None]) -> None:
        """Count from nothing, as a process does that starts."""
        self.stop, self.on_pause, self.doing = stop, on_pause, "start"
        self.names.clear()
        self._seen.clear()

    def before(self, what: str) -> str:
        """Something is about to happen; its name."""
        self._seen[what] += 1
        name = f"{what} #{self._seen[what]}"
        self.names.append(name)
        self._perhaps(name, "before")
        return name

    def after(self, name: str) -> None:
        """It has happened."""
        self._perhaps(name, "after")

    def _perhaps(self, name: str, side: str) -> None:
        if self.stop is None or (name, side) != (self.stop.point, self.stop.side):
            return
        if self.stop.signal == signal.SIGSTOP:
            self.on_pause(name)
        os.kill(os.getpid(), self.stop.signal)


def watch_commits(points: Points, engine: sa.Engine) -> None:
    """Every commit of a transaction that wrote; a kill at one that only read is a kill between its neighbours."""
    dialect: Any = engine.dialect
    commit, wrote = dialect.do_commit, _wrote_sqlite() if dialect.name == "sqlite" else _wrote_postgresql

    def watched(connection: Any) -> None:
        if not wrote(connection):
            commit(connection)
            return
        name = points.before(f"commit {points.doing}")
        commit(connection)
        points.after(name)

    dialect.do_commit = watched


def _wrote_sqlite() -> Callable[[Any], bool]:
    changes: dict[int, int] = {}

    def wrote(connection: Any) -> bool:
        driver = connection.driver_connection if hasattr(connection, "driver_connection") else connection
        before, changes[id(driver)] = changes.get(id(driver), 0), driver.total_changes
        return changes[id(driver)] != before

    return wrote


def _wrote_postgresql(connection: Any) -> bool:
    """A transaction gets an id when it first writes, or locks a row (PostgreSQL manual, 9.27, table 9.85)."""
    with connection.cursor() as cursor:
        return cursor.execute("SELECT pg_current_xact_id_if_assigned()").fetchone() != (None,)


def watch_aws(points: Points, session: boto3.Session) -> None:
    """Every request of clients that this session makes from now on, botocore's own retries included."""
    names: list[str] = []

    def before(event_name: str, **_: object) -> None:
        names.append(points.before(f"aws {event_name.rpartition('.')[2]}"))

    def after(**_: object) -> None:
        points.after(names[-1])

    session.events.register("before-send", before)
    session.events.register("response-received", after)


def watch_slack(points: Points) -> None:
    """The workers' client (urllib) and the listeners' (aiohttp), response URLs included."""
    opened, requested = OpenerDirector.open, aiohttp.ClientSession._request

    def open_(self: OpenerDirector, request: Request, *args: Any, **kwargs: Any) -> Any:
        name = points.before(_slack(request.full_url))
        try:
            return opened(self, request, *args, **kwargs)
        finally:
            points.after(name)  # urllib raises for an answer that says no

    async def request(self: aiohttp.ClientSession, method: str, url: Any, **kwargs: Any) -> Any:
        name = points.before(_slack(str(url)))
        answer = await requested(self, method, url, **kwargs)
        points.after(name)
        return answer

    OpenerDirector.open = open_  # type: ignore[method-assign]
    aiohttp.ClientSession._request = request  # type: ignore[method-assign]


def _slack(url: str) -> str:
    path = urlsplit(url).path
    return f"slack {path.removeprefix('/api/')}" if path.startswith("/api/") else "slack response_url"
