"""What every part of a transaction shares: the connection, the time, and one way to run a statement."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from bot.service.ports import Clock
from bot.store.columns import checked_strings, checked_text, checked_time
from bot.store.errors import translated

CHUNK = 500
"""Ids in one ``IN``: databases limit the parameters of a statement."""


class Session:
    """An open transaction."""

    def __init__(self, connection: sa.Connection, clock: Clock | None) -> None:
        self._connection = connection
        self._clock = clock
        self._now: datetime | None = None
        self.wakes: set[str] = set()
        """Lanes in which something was made due, of which workers are to be told after the commit."""

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

    def _among(self, column: sa.Column[Any], values: Collection[object]) -> sa.ColumnElement[bool]:
        """``column IN values``, in words that do not change with their number: each is prepared and planned once."""
        if self._connection.dialect.name == "sqlite":
            listed = sa.func.json_each(json.dumps(list(values))).table_valued("value")
            return column.in_(sa.select(listed.c.value))
        return column == sa.any_(sa.bindparam(None, list(values), postgresql.ARRAY(column.type)))

    def _listed(self, columns: Sequence[sa.Column[Any]], rows: Sequence[Mapping[str, Any]]) -> sa.TableValuedAlias:
        """PostgreSQL: ``rows`` as a table in the statement. One JSON text costs less than an array a column."""
        text = json.dumps([{column.name: _plain(column.name, row[column.name]) for column in columns} for row in rows])
        named = [sa.column(column.name, column.type) for column in columns]
        table = sa.func.json_to_recordset(sa.cast(sa.literal(text, sa.Text), postgresql.JSON))
        return table.table_valued(*named, name="listed").render_derived(with_types=True)

    def _add_all(self, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows of the same columns."""
        self._run(*self._insert_all(table, rows))

    def _insert_all(
        self, table: sa.Table, rows: Sequence[Mapping[str, Any]]
    ) -> tuple[postgresql.Insert, Sequence[Mapping[str, Any]] | None]:
        """An INSERT of rows of the same columns, and the parameters to run it with; may be given an ON CONFLICT."""
        insert = self._insert(table)
        if self._connection.dialect.name == "sqlite":
            return insert, rows
        columns = [table.c[name] for name in rows[0]]
        listed = self._listed(columns, rows)
        names = [column.name for column in columns]
        return insert.from_select(names, sa.select(*(listed.c[name] for name in names)), include_defaults=False), None

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


def _plain(field: str, value: object) -> object:
    """As it stands in JSON for PostgreSQL to read; checked as the column's type would."""
    match value:
        case str():
            return checked_text(value, field)
        case datetime():
            return checked_time(value, field).isoformat()
        case bytes():
            return f"\\x{value.hex()}"
        case Mapping():
            return checked_strings(value, field)
    return value
