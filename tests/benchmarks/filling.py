"""Many grants at once, made in the database from a few real ones: INSERT … SELECT, on either database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

import sqlalchemy as sa

from bot.core.model import EndReason, GrantStatus
from bot.store.tables import approvals, effects, grants, request_approvers, requests
from tests.benchmarks.world import World

CHUNK = 50_000
"""Rows of one statement."""
PEOPLE = 10_000
"""Over so many people copies are spread, where they do not stay with the original's person."""


@dataclass(frozen=True, slots=True)
class Filler:
    """Copies of one active grant, with its request, its approval and its timers."""

    engine: sa.Engine
    grant_id: str
    request_id: str

    @classmethod
    def of(cls, here: World, number: int, *, run: bool = True) -> Self:
        """Of a grant that engineer ``number`` gets now; ``run`` False: replicas make it, else this process."""
        grant = here.granted(number, run=run)
        return cls(here.engine, grant.id, grant.request_id)

    def active(self, count: int, expires_at: datetime, *, mark: str = "a", first: int = 0, spread: bool = True) -> None:
        """``count`` more that are active until ``expires_at``; ``spread``: other people's."""
        for start in range(first, first + count, CHUNK):
            most = min(CHUNK, first + count - start)
            with self.engine.begin() as connection:
                numbers = _numbers(start, most)
                who = _person(numbers) if spread else None
                self._requests(connection, numbers, mark, who)
                self._grants(connection, numbers, mark, who, {"expires_at": expires_at})
                self._timers(connection, numbers, mark, expires_at)

    def ended(self, count: int, before: datetime, *, mark: str = "e", first: int = 0) -> None:
        """``count`` more that ended, a chunk an hour back from ``before``."""
        for place, start in enumerate(range(first, first + count, CHUNK)):
            at = before - timedelta(hours=place + 1)
            ended = {
                "status": GrantStatus.ENDED,
                "expires_at": at,
                "revoking_since": at,
                "ended_at": at,
                "end_reason": EndReason.EXPIRED,
                "ended_by": "system",
            }
            with self.engine.begin() as connection:
                numbers = _numbers(start, min(CHUNK, first + count - start))
                who = _person(numbers)
                self._requests(connection, numbers, mark, who, {"asked_at": at, "decided_at": at})
                self._grants(connection, numbers, mark, who, ended)

    def analyze(self) -> None:
        """Let PostgreSQL's planner know what is there, as autovacuum does. Nobody lets SQLite's know."""
        if self.engine.dialect.name == "postgresql":
            with self.engine.connect() as connection:
                connection.execution_options(isolation_level="AUTOCOMMIT").execute(sa.text("VACUUM ANALYZE"))

    def _requests(
        self,
        connection: sa.Connection,
        numbers: sa.CTE,
        mark: str,
        who: sa.ColumnElement[str] | None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        new_id = _id(f"r-{mark}-", numbers)
        person = {"requester": who} if who is not None else {}
        _copy(connection, requests, requests.c.id == self.request_id, numbers, {"id": new_id, **person, **(more or {})})
        for table in (request_approvers, approvals):
            _copy(connection, table, table.c.request_id == self.request_id, numbers, {"request_id": new_id})

    def _grants(
        self,
        connection: sa.Connection,
        numbers: sa.CTE,
        mark: str,
        who: sa.ColumnElement[str] | None,
        more: Mapping[str, Any],
    ) -> None:
        person = {"person": who} if who is not None else {}
        new = {"id": _id(f"g-{mark}-", numbers), "request_id": _id(f"r-{mark}-", numbers), **person, **more}
        _copy(connection, grants, grants.c.id == self.grant_id, numbers, new)

    def _timers(self, connection: sa.Connection, numbers: sa.CTE, mark: str, expires_at: datetime) -> None:
        subject = _id(f"g-{mark}-", numbers)
        for name, due_at in (("expire", expires_at), ("remind", expires_at - timedelta(minutes=10))):
            new = {"subject": subject, "key": _id(f"{name}:g-{mark}-", numbers), "due_at": due_at}
            _copy(connection, effects, effects.c.key == f"{name}:{self.grant_id}", numbers, new, without=("id",))


def _numbers(first: int, count: int) -> sa.CTE:
    """The whole numbers from ``first``."""
    numbers = sa.select(sa.literal(first).label("n")).cte("numbers", recursive=True)
    return numbers.union_all(sa.select(numbers.c.n + 1).where(numbers.c.n < first + count - 1))


def _id(prefix: str, numbers: sa.CTE) -> sa.ColumnElement[str]:
    return sa.literal(prefix) + sa.cast(numbers.c.n, sa.Text)


def _person(numbers: sa.CTE) -> sa.ColumnElement[str]:
    return sa.literal("somebody-") + sa.cast(numbers.c.n % PEOPLE, sa.Text)


def _copy(
    connection: sa.Connection,
    table: sa.Table,
    which: sa.ColumnElement[bool],
    numbers: sa.CTE,
    new: Mapping[str, Any],
    without: tuple[str, ...] = (),
) -> None:
    """Each row that ``which`` finds, once for each number, with ``new`` in place of its own values."""
    columns = [column for column in table.c if column.name not in without]
    values = [_value(column, new) for column in columns]
    rows = sa.select(*values).select_from(table).join(numbers, sa.true()).where(which)
    connection.execute(sa.insert(table).from_select([column.name for column in columns], rows))


def _value(column: sa.Column[Any], new: Mapping[str, Any]) -> sa.ColumnElement[Any]:
    if column.name not in new:
        return column
    value = new[column.name]
    if isinstance(value, sa.ColumnElement):
        return value
    return (
        sa.cast(sa.literal(value, column.type), column.type)
        if isinstance(value, str)
        else sa.literal(value, column.type)
    )
