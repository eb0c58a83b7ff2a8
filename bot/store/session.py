"""What every part of a transaction shares: the connection, the time, and one way to run a statement."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from bot.service.ports import Clock
from bot.store.errors import translated

CHUNK = 500
"""Ids in one ``IN``: databases limit the parameters of a statement."""


class Session:
    """An open transaction."""

    def __init__(self, connection: sa.Connection, clock: Clock | None) -> None:
        self._connection = connection
        self._clock = clock
        self._now: datetime | None = None
        self.wakes = False
        """Whether something was made due soon, of which workers are to be told after the commit."""

    def now(self) -> datetime:
        """Read once, when first asked: a transaction that waited for a row's lock before has the time after it."""
        if self._now is None:
            self._now = self._read_clock()
        return self._now

    def _read_clock(self) -> datetime:
        if self._clock is not None:
            return self._clock.now()
        if self._connection.dialect.name == "sqlite":
            return datetime.now(UTC)
        now: datetime = self._run(sa.select(sa.func.clock_timestamp())).scalar_one()
        return now.astimezone(UTC)

    def _run(
        self, statement: sa.Executable, parameters: Sequence[Mapping[str, Any]] | None = None
    ) -> sa.CursorResult[Any]:
        with translated():
            result: sa.CursorResult[Any] = self._connection.execute(statement, parameters)
            return result

    def _changed(self, statement: sa.Executable) -> int:
        """How many rows the statement wrote."""
        return self._run(statement.execution_options(preserve_rowcount=True)).rowcount

    def _insert(self, table: sa.Table) -> postgresql.Insert:
        """An INSERT that knows ON CONFLICT; SQLite's has the same methods."""
        if self._connection.dialect.name == "sqlite":
            return sqlite.insert(table)  # type: ignore[return-value]
        return postgresql.insert(table)

    def _put(self, table: sa.Table, row: Mapping[str, Any]) -> None:
        """Insert, or replace the row of the same primary key."""
        keys = [column.name for column in table.primary_key]
        insert = self._insert(table).values(**row)
        self._run(
            insert.on_conflict_do_update(
                index_elements=keys, set_={name: insert.excluded[name] for name in row if name not in keys}
            )
        )

    def _add(self, table: sa.Table, row: Mapping[str, Any]) -> bool:
        """Insert unless a unique key is taken. Waits for a transaction that is inserting the same key."""
        return self._changed(self._insert(table).values(**row).on_conflict_do_nothing()) == 1
