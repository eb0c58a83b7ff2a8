"""Statements that are built once and run often: building one costs as much as running it.

What varies is a bound parameter: one of those named here, or a column's value.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from bot.store.columns import checked_strings, checked_text, checked_time
from bot.store.running import Statement

OF_ID, OF_VERSION = "of_id", "of_version"
"""The parameters of ``rewriting``; no column's name, which SQLAlchemy keeps for values to be set."""
AMONG = "among_them"
"""The parameter of ``among``."""
ROWS = "listed_rows"
"""The parameter of ``inserting_all`` and ``rows_of`` on PostgreSQL."""


def inserting(dialect: str, table: sa.Table) -> postgresql.Insert:
    """An INSERT that knows ON CONFLICT; SQLite's has the same methods."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)  # type: ignore[return-value]


@cache
def adding(dialect: str, table: sa.Table, names: tuple[str, ...]) -> Statement:
    """Insert a row of these columns unless a unique key is taken; counts the rows."""
    return Statement(inserting(dialect, table).on_conflict_do_nothing(), names)


@cache
def putting(dialect: str, table: sa.Table, names: tuple[str, ...]) -> Statement:
    """Insert a row of these columns, or replace the one of the same primary key."""
    keys = [column.name for column in table.primary_key]
    insert = inserting(dialect, table)
    new = {name: insert.excluded[name] for name in names if name not in keys}
    return Statement(insert.on_conflict_do_update(index_elements=keys, set_=new), names)


@cache
def rewriting(table: sa.Table, names: tuple[str, ...]) -> Statement:
    """Change these columns of the row ``OF_ID`` as long as it is still at ``OF_VERSION``; counts the rows."""
    of_id, version = (
        sa.bindparam(name, type_=column.type) for name, column in ((OF_ID, table.c.id), (OF_VERSION, table.c.version))
    )
    return Statement(sa.update(table).where(table.c.id == of_id, table.c.version == version), names)


def inserting_all(dialect: str, table: sa.Table, names: tuple[str, ...]) -> postgresql.Insert:
    """An INSERT of many rows of these columns, for ``Session._many``: they are parameters of PostgreSQL's ``rows_of``.

    The other columns get the table's defaults.
    """
    insert = inserting(dialect, table)
    if dialect == "sqlite":
        return insert
    rows = rows_of([table.c[name] for name in names])
    return insert.from_select(list(names), sa.select(*(rows.c[name] for name in names)))


@cache
def adding_all(dialect: str, table: sa.Table, names: tuple[str, ...]) -> Statement:
    """Insert rows of these columns; see ``inserting_all``."""
    return Statement(inserting_all(dialect, table, names))


@cache
def adding_new(dialect: str, table: sa.Table, names: tuple[str, ...]) -> Statement:
    """As ``adding_all``, without those whose unique key is taken."""
    return Statement(inserting_all(dialect, table, names).on_conflict_do_nothing())


def rows_of(columns: Sequence[sa.Column[Any]]) -> sa.TableValuedAlias:
    """PostgreSQL: the rows of ``as_rows`` as a table. One JSON text costs less than an array a column."""
    named = [sa.column(column.name, column.type) for column in columns]
    table = sa.func.json_to_recordset(sa.cast(sa.bindparam(ROWS, type_=sa.Text), postgresql.JSON))
    return table.table_valued(*named, name="listed").render_derived(with_types=True)


def as_rows(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The parameter that ``rows_of`` reads; checked as the columns' types would."""
    for name in [name for name, value in rows[0].items() if isinstance(value, Mapping)]:
        for row in rows:
            checked_strings(row[name], name)
    text = _ENCODER.encode(rows)
    if _SUSPICIOUS.search(text):  # or only looks so, behind a backslash of its own
        for row in rows:
            for name, value in row.items():
                if isinstance(value, str):
                    checked_text(value, name)
    return {ROWS: text}


_SUSPICIOUS = re.compile(r"\\u(?:0000|d[89a-f])")
"""What JSON makes of a NUL character, and of half a surrogate pair (and of a whole one)."""


def among(dialect: str, column: sa.Column[Any]) -> sa.ColumnElement[bool]:
    """``column IN`` what ``listed`` made of values: words that do not change with their number are planned once."""
    if dialect == "sqlite":
        values = sa.func.json_each(sa.bindparam(AMONG, type_=sa.Text)).table_valued("value")
        return column.in_(sa.select(values.c.value))
    return column == sa.any_(sa.bindparam(AMONG, type_=postgresql.ARRAY(column.type)))


def listed(dialect: str, values: Collection[object]) -> object:
    """The value of ``AMONG``."""
    return json.dumps(list(values)) if dialect == "sqlite" else list(values)


def _plain(value: object) -> object:
    """As it stands in JSON for PostgreSQL to read."""
    match value:
        case datetime():
            return checked_time(value, "a row").isoformat()
        case bytes():
            return f"\\x{value.hex()}"
        case Mapping():
            return dict(value)
    raise TypeError(f"{type(value).__name__} is no column's")


_ENCODER = json.JSONEncoder(default=_plain)
