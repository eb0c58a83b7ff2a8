"""What every part of a transaction shares: the connection, the time, and one way to run a statement."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from bot.service.ports import Clock
from bot.store import prepared
from bot.store.errors import translated
from bot.store.running import Runner, Statement, Values
from bot.store.tables import requests

Parameters = Values | Sequence[Values]
_CLOCK = Statement(sa.select(sa.func.clock_timestamp()))
NONE: Values = MappingProxyType({})


def and_the_time(locking: sa.Select[tuple[str]]) -> Statement:
    """PostgreSQL's clock beside each row that ``locking`` has waited for: the outer query runs after the lock."""
    locked = locking.subquery("locked")
    return Statement(sa.select(*locked.c, sa.func.clock_timestamp().label("at")))


_LOCK_REQUEST = and_the_time(
    sa.select(requests.c.id).where(requests.c.id == sa.bindparam("request", type_=requests.c.id.type)).with_for_update()
)

CHUNK = 500
"""Ids in one ``IN``: databases limit the parameters of a statement."""


class Session:
    """An open transaction."""

    def __init__(self, connection: sa.Connection, clock: Clock | None) -> None:
        self._connection = connection
        self._clock = clock
        self._dialect = connection.dialect.name
        self._runner = Runner(connection)
        self._now: datetime | None = None
        self._tells_time = clock is None and self._dialect == "postgresql"
        """Whether a statement can read the clock that counts."""
        self.locked: set[str] = set()
        """Ids of the requests whose rows this transaction has locked."""
        self.wakes: set[str] = set()
        """Lanes in which something was made due, of which workers are to be told after the commit."""

    def now(self) -> datetime:
        """Read once, when first asked: a transaction that waited for a row's lock before has the time after it."""
        if self._now is None:
            self._now = self._read_clock()
        return self._now

    def _read_clock(self) -> datetime:
        if self._tells_time:
            now: datetime = self._runner.begin() or self._value(_CLOCK)
            return now.astimezone(UTC)
        return datetime.now(UTC) if self._clock is None else self._clock.now()

    def _run(self, statement: sa.Executable, parameters: Parameters | None = None) -> sa.CursorResult[Any]:
        """A statement that is built for each call, or for several rows on SQLite."""
        with translated():
            result: sa.CursorResult[Any] = self._connection.execute(statement, parameters)
            return result

    def _all(self, statement: Statement, values: Values = NONE) -> list[Any]:
        """The rows; see ``running.Row``."""
        return self._runner.rows(statement, values)

    def _first(self, statement: Statement, values: Values = NONE) -> Any:
        """The first row, or None."""
        rows = self._runner.rows(statement, values)
        return rows[0] if rows else None

    def _value(self, statement: Statement, values: Values = NONE) -> Any:
        """The first column of the first row, or None."""
        rows = self._runner.rows(statement, values)
        return rows[0][0] if rows else None

    def _count(self, statement: Statement, values: Values = NONE) -> int:
        """How many rows it wrote."""
        return self._runner.count(statement, values)

    def _lock_request(self, request_id: str) -> None:
        """Wait for whoever has it locked. Does nothing the second time; SQLite has one writer anyway."""
        if request_id not in self.locked and self._dialect != "sqlite":
            self._lock(_LOCK_REQUEST, {"request": request_id})
            self.locked.add(request_id)

    def _lock(self, locking: Statement, parameters: Values) -> None:
        """Wait for rows; ``locking`` is made by ``and_the_time``, which saves asking for it afterwards."""
        times = [row.at for row in self._all(locking, parameters)]
        if times and self._now is None and self._tells_time:
            self._now = max(times).astimezone(UTC)

    def _changed(self, statement: sa.Executable) -> int:
        """How many rows a statement that is built for each call wrote."""
        return self._run(statement.execution_options(preserve_rowcount=True)).rowcount

    def _those(self, values: Collection[object]) -> Values:
        """The parameter of ``prepared.among``."""
        return {prepared.AMONG: prepared.listed(self._dialect, values)}

    def _many(self, statement: Statement, rows: Sequence[Values]) -> int:
        """Run a statement of ``prepared.adding_all`` on rows of the same columns; how many it wrote."""
        if self._dialect == "sqlite":
            return self._run(statement.written, rows).rowcount
        return self._count(statement, prepared.as_rows(rows))

    def _add_all(self, table: sa.Table, rows: Sequence[Values]) -> None:
        """Insert rows of the same columns."""
        self._many(prepared.adding_all(self._dialect, table, tuple(rows[0])), rows)

    def _put(self, table: sa.Table, row: Values) -> None:
        """Insert, or replace the row of the same primary key."""
        self._count(prepared.putting(self._dialect, table, tuple(row)), row)

    def _add(self, table: sa.Table, row: Values) -> bool:
        """Insert unless a unique key is taken. Waits for a transaction that is inserting the same key."""
        return self._count(prepared.adding(self._dialect, table, tuple(row)), row) == 1

    def _rewrite(self, table: sa.Table, row_id: str, version: int, changing: Values) -> bool:
        """Change a row unless somebody else has changed it since ``version``."""
        of = {prepared.OF_ID: row_id, prepared.OF_VERSION: version}
        return self._count(prepared.rewriting(table, tuple(changing)), {**changing, **of}) == 1
