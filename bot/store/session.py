"""What every part of a transaction shares: the connection, the time, and one way to run a statement."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from bot.service.ports import Clock
from bot.store import prepared
from bot.store.errors import translated
from bot.store.tables import requests

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]
_CLOCK = sa.select(sa.func.clock_timestamp())


def and_the_time(locking: sa.Select[tuple[str]]) -> sa.Select[Any]:
    """PostgreSQL's clock beside each row that ``locking`` has waited for: the outer query runs after the lock."""
    locked = locking.subquery("locked")
    return sa.select(*locked.c, sa.func.clock_timestamp().label("at"))


_LOCK_REQUEST = and_the_time(sa.select(requests.c.id).where(requests.c.id == sa.bindparam("request")).with_for_update())

CHUNK = 500
"""Ids in one ``IN``: databases limit the parameters of a statement."""


class Session:
    """An open transaction."""

    def __init__(self, connection: sa.Connection, clock: Clock | None) -> None:
        self._connection = connection
        self._clock = clock
        self._dialect = connection.dialect.name
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
            now: datetime = self._run(_CLOCK).scalar_one()
            return now.astimezone(UTC)
        return datetime.now(UTC) if self._clock is None else self._clock.now()

    def _run(self, statement: sa.Executable, parameters: Parameters | None = None) -> sa.CursorResult[Any]:
        with translated():
            result: sa.CursorResult[Any] = self._connection.execute(statement, parameters)
            return result

    def _lock_request(self, request_id: str) -> None:
        """Wait for whoever has it locked. Does nothing the second time; SQLite has one writer anyway."""
        if request_id not in self.locked and self._dialect != "sqlite":
            self._lock(_LOCK_REQUEST, {"request": request_id})
            self.locked.add(request_id)

    def _lock(self, locking: sa.Executable, parameters: Parameters) -> None:
        """Wait for rows; ``locking`` is made by ``and_the_time``, which saves asking for it afterwards."""
        times = [row.at for row in self._run(locking, parameters).all()]
        if times and self._now is None and self._tells_time:
            self._now = max(times).astimezone(UTC)

    def _changed(self, statement: sa.Executable, parameters: Parameters | None = None) -> int:
        """How many rows the statement wrote."""
        return self._run(statement.execution_options(preserve_rowcount=True), parameters).rowcount

    def _those(self, values: Collection[object]) -> dict[str, object]:
        """The parameter of ``prepared.among``."""
        return {prepared.AMONG: prepared.listed(self._dialect, values)}

    def _add_all(self, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows of the same columns."""
        self._run(prepared.adding_all(self._dialect, table, tuple(rows[0])), self._rows(rows))

    def _rows(self, rows: Sequence[Mapping[str, Any]]) -> Parameters:
        """The parameters of a statement of ``prepared.adding_all``."""
        return rows if self._dialect == "sqlite" else prepared.as_rows(rows)

    def _put(self, table: sa.Table, row: Mapping[str, Any]) -> None:
        """Insert, or replace the row of the same primary key."""
        self._run(prepared.putting(self._dialect, table, tuple(row)), row)

    def _add(self, table: sa.Table, row: Mapping[str, Any]) -> bool:
        """Insert unless a unique key is taken. Waits for a transaction that is inserting the same key."""
        return self._run(prepared.adding(self._dialect, table), row).rowcount == 1

    def _rewrite(self, table: sa.Table, row_id: str, version: int, changing: Mapping[str, Any]) -> bool:
        """Change a row unless somebody else has changed it since ``version``."""
        of = {prepared.OF_ID: row_id, prepared.OF_VERSION: version}
        return self._run(prepared.rewriting(table), {**changing, **of}).rowcount == 1
