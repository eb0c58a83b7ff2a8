"""Grants."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from bot.core.model import EndReason, Grant, GrantStatus
from bot.service.records import StaleWrite
from bot.store.prepared import OF_ID, OF_VERSION, among, as_rows, rewriting, rows_of
from bot.store.running import Row, Statement, Values
from bot.store.session import NONE, Session
from bot.store.tables import grants

_ENDED: sa.ColumnElement[str] = sa.literal_column(f"'{GrantStatus.ENDED}'")
_REVOKING: sa.ColumnElement[str] = sa.literal_column(f"'{GrantStatus.REVOKING}'")
_UNFINISHED = grants.c.status != _ENDED
"""States are spelled out, or a planner could not tell that a partial index fits."""


class Grants(Session):
    """The part of a transaction that knows grants."""

    def request_id_of_grant(self, grant_id: str) -> str | None:
        found: str | None = self._value(_REQUEST_OF, {"of_id": grant_id})
        return found

    def grants(self, request_id: str) -> tuple[Grant, ...]:
        return self._stored(_OF_REQUEST, {"request": request_id})

    def grants_by_id(self, grant_ids: Sequence[str]) -> dict[str, Grant]:
        wanted = self._those(sorted(set(grant_ids)))
        return {grant.id: grant for grant in self._stored(_by_id(self._dialect), wanted)}

    def grants_of(self, request_ids: Sequence[str]) -> dict[str, tuple[Grant, ...]]:
        found: dict[str, list[Grant]] = {request_id: [] for request_id in request_ids}
        for grant in self._stored(_of_requests(self._dialect), self._those(sorted(found))):
            found[grant.request_id].append(grant)
        return {request_id: tuple(of_it) for request_id, of_it in found.items()}

    def request_ids_of(self, grant_ids: Sequence[str]) -> dict[str, str]:
        wanted = self._those(sorted(set(grant_ids)))
        return {row.id: row.request_id for row in self._all(_requests_of(self._dialect), wanted)}

    def save_grant(self, grant: Grant) -> None:
        # Whoever writes a grant waits for whoever locked its request; a row that is locked already costs little.
        self._lock_request(grant.request_id)
        changing = _changing(grant)
        if grant.version == 0:
            if not self._add(grants, {**_fixed(grant), **changing}):
                raise StaleWrite(f"grant {grant.id}, or one for the same item of its request, is there already")
            return
        if not self._rewrite(grants, grant.id, grant.version, changing):
            raise StaleWrite(f"grant {grant.id} was changed by someone else")

    def save_grants(self, changed: Sequence[Grant]) -> None:
        if not changed:
            return
        if self._changed_all(changed) != len(changed):
            raise StaleWrite("one of these grants was changed by someone else")

    def _changed_all(self, changed: Sequence[Grant]) -> int:
        if self._dialect == "sqlite":
            named = [{OF_ID: grant.id, OF_VERSION: grant.version, **_changing(grant)} for grant in changed]
            return self._run(rewriting(grants, tuple(_changing(changed[0]))).written, named).rowcount
        rows = [{"id": grant.id, **_changing(grant)} for grant in changed]
        return self._count(_changing_all(tuple(rows[0])), as_rows(rows))

    def unfinished_grants(self, person: str | None = None) -> tuple[Grant, ...]:
        return self._stored(_ALL_UNFINISHED) if person is None else self._stored(_UNFINISHED_OF, {"whose": person})

    def count_unfinished(self) -> dict[GrantStatus, int]:
        query = sa.select(grants.c.status, sa.func.count().label("how_many")).where(_UNFINISHED)
        return {GrantStatus(row.status): row.how_many for row in self._run(query.group_by(grants.c.status))}

    def principals_with_grants(self, account: str) -> tuple[str, ...]:
        query = sa.select(grants.c.principal).where(_UNFINISHED, grants.c.account == account).distinct()
        return tuple(sorted(self._run(query).scalars()))

    def grants_of_principal(self, account: str, principal: str) -> tuple[Grant, ...]:
        query = sa.select(grants).where(_UNFINISHED, grants.c.account == account, grants.c.principal == principal)
        return self._grants(query.order_by(grants.c.expires_at, grants.c.id))

    def overdue_grants(self, before: datetime) -> tuple[Grant, ...]:
        expired = sa.and_(_UNFINISHED, grants.c.expires_at < before)
        revoking = sa.and_(
            grants.c.status == _REVOKING, grants.c.revoking_since < before, grants.c.expires_at >= before
        )
        # Most of what ever expired has ended: asked for what has not, a planner reads all that is active.
        first = self._value(_FIRST_END)
        found = sa.select(grants).where(revoking).subquery()
        if first is not None and first < before:
            found = _either(expired, revoking)
        return self._grants(sa.select(found).order_by(found.c.expires_at, found.c.id))

    def grants_between(self, start: datetime, end: datetime) -> tuple[Grant, ...]:
        ended = sa.and_(grants.c.ended_at >= start, sa.or_(grants.c.ended_at < end, _live_since(grants) < end))
        live = sa.and_(_UNFINISHED, grants.c.status != GrantStatus.SCHEDULED, _live_since(grants) < end)
        found = _either(ended, live)
        return self._grants(sa.select(found).order_by(_live_since(found).desc(), found.c.id.desc()))

    def _grants(self, query: sa.Select[Any]) -> tuple[Grant, ...]:
        return tuple(map(_grant, self._run(query).all()))

    def _stored(self, statement: Statement, values: Values = NONE) -> tuple[Grant, ...]:
        return tuple(map(_grant, self._all(statement, values)))


_of_id = sa.bindparam("of_id", type_=grants.c.id.type)
_FIRST_END = Statement(sa.select(sa.func.min(grants.c.expires_at)).where(_UNFINISHED))
_REQUEST_OF = Statement(sa.select(grants.c.request_id).where(grants.c.id == _of_id))
_OF_REQUEST = Statement(
    sa.select(grants)
    .where(grants.c.request_id == sa.bindparam("request", type_=grants.c.request_id.type))
    .order_by(grants.c.id)
)
_all_unfinished = sa.select(grants).where(_UNFINISHED).order_by(grants.c.expires_at, grants.c.id)
_ALL_UNFINISHED = Statement(_all_unfinished)
_whose = sa.bindparam("whose", type_=grants.c.person.type)
_UNFINISHED_OF = Statement(_all_unfinished.where(grants.c.person == _whose))


@cache
def _by_id(dialect: str) -> Statement:
    return Statement(sa.select(grants).where(among(dialect, grants.c.id)))


@cache
def _of_requests(dialect: str) -> Statement:
    return Statement(sa.select(grants).where(among(dialect, grants.c.request_id)).order_by(grants.c.id))


@cache
def _requests_of(dialect: str) -> Statement:
    return Statement(sa.select(grants.c.id, grants.c.request_id).where(among(dialect, grants.c.id)))


@cache
def _changing_all(names: tuple[str, ...]) -> Statement:
    """PostgreSQL: many at once."""
    rows = rows_of([grants.c[name] for name in names])
    mine = sa.and_(grants.c.id == rows.c.id, grants.c.version == rows.c.version - 1)
    new = {name: rows.c[name] for name in names if name != "id"}
    return Statement(sa.update(grants).where(mine).values(**new))


def _live_since(table: sa.FromClause) -> sa.ColumnElement[datetime]:
    return sa.func.coalesce(table.c.granted_at, table.c.starts_at)


def _either(one: sa.ColumnElement[bool], other: sa.ColumnElement[bool]) -> sa.Subquery:
    """Grants of two conditions that exclude each other: with OR, SQLite would read the whole table."""
    return sa.union_all(sa.select(grants).where(one), sa.select(grants).where(other)).subquery()


def _fixed(grant: Grant) -> dict[str, object]:
    """What was approved: written once."""
    return {
        "id": grant.id,
        "request_id": grant.request_id,
        "person": grant.person,
        "role": grant.role,
        "account": grant.account,
        "provider": grant.provider,
        "principal": grant.principal,
        "policy": grant.policy,
        "digest": grant.digest,
        "item": grant.item,
    }


def _changing(grant: Grant) -> dict[str, object]:
    """What the lifecycle moves."""
    return {
        "status": grant.status,
        "starts_at": grant.starts_at,
        "expires_at": grant.expires_at,
        "granted_at": grant.granted_at,
        "revoking_since": grant.revoking_since,
        "ended_at": grant.ended_at,
        "end_reason": grant.end_reason,
        "ended_by": grant.ended_by,
        "end_note": grant.end_note,
        "version": grant.version + 1,
    }


def _grant(row: Row) -> Grant:
    values = row._asdict()
    values["status"] = GrantStatus(row.status)
    values["end_reason"] = None if row.end_reason is None else EndReason(row.end_reason)
    return Grant(**values)
