"""Requests and their approvals."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import groupby
from typing import Any, NamedTuple

import sqlalchemy as sa

from bot.core.model import AccessRequest, Approval, Ask, Denial, Item, Part, RequestStatus, Review, Way
from bot.service.records import StaleWrite
from bot.store.prepared import among
from bot.store.running import Row, Statement, Values
from bot.store.session import NONE, Session, and_the_time
from bot.store.tables import approvals, request_approvers, requests

_PENDING = requests.c.status == sa.literal_column(f"'{RequestStatus.PENDING}'")
"""Spelled out, or a planner could not tell that the partial index fits."""


class Requests(Session):
    """The part of a transaction that knows requests."""

    def request(self, request_id: str, *, lock: bool = False) -> AccessRequest | None:
        if lock:
            # First the lock, then the read: one statement would join approvals as they were before it waited.
            self._lock_request(request_id)
        return next(iter(self._read(_ONE, {_ID: request_id})), None)

    def requests(self, request_ids: Sequence[str], *, lock: bool = False) -> dict[str, AccessRequest]:
        wanted = sorted(set(request_ids))
        if lock:
            if self._dialect != "sqlite":  # it has one writer anyway
                self._lock(_LOCKING, self._those(wanted))
            self.locked.update(wanted)
        return {request.id: request for request in self._read(_some(self._dialect), self._those(wanted))}

    def save_request(self, request: AccessRequest) -> None:
        refuse_doubles(request)
        changing = {
            "status": request.status,
            "lapses_at": request.lapses_at,
            "channel": request.channel,
            "quorum": request.quorum,
            "decided_at": request.decided_at,
            "decided_by": request.decided_by,
            "decision_note": request.decision_note,
            "denials": [[each.person, each.at.isoformat(), each.note] for each in request.denials],
            "claimed_by": request.claimed_by,
            **_review_row(request.review),
            "version": request.version + 1,
        }
        if request.version == 0:
            self._add_request(request, changing)
        else:
            if not self._rewrite(requests, request.id, request.version, changing):
                raise StaleWrite(f"request {request.id} was changed by someone else")
            self._count(_FORGETTING, {_ID: request.id})
        if request.approvals:
            self._add_all(approvals, [_approval_row(request.id, *item) for item in enumerate(request.approvals)])

    def _add_request(self, request: AccessRequest, changing: Mapping[str, object]) -> None:
        row = {
            "id": request.id,
            **ask_row(request.ask),
            "asked_at": request.asked_at,
            "principal": request.principal,
            "policy": request.policy,
            "catalogue_digest": request.catalogue_digest,
            "parts": [[part.principal, part.policy] for part in request.more_parts],
            "way": request.way,
            **changing,
        }
        if not self._add(requests, row):
            raise StaleWrite(f"request {request.id} is there already")
        if request.approvers_asked:
            self._add_all(
                request_approvers,
                [
                    {"request_id": request.id, "person": person, "position": position}
                    for position, person in enumerate(request.approvers_asked)
                ],
            )

    def requests_of(self, person: str, limit: int = 20) -> tuple[AccessRequest, ...]:
        return self._read(_NEWEST_OF, {"whose": person, "at_most": limit})

    def pending_requests(self, person: str | None = None) -> tuple[AccessRequest, ...]:
        return self._read(_ALL_PENDING) if person is None else self._read(_PENDING_OF, {"whose": person})

    def pending_for(self, approver: str) -> tuple[AccessRequest, ...]:
        return self._read(_WAITING_FOR, {"whose": approver})

    def requests_between(self, start: datetime, end: datetime) -> tuple[AccessRequest, ...]:
        return self._read(_BETWEEN, {"since": start, "before": end})

    def _read(self, reading: "Reading", values: Values = NONE) -> tuple[AccessRequest, ...]:
        if self._dialect != "sqlite":
            rows = self._all(reading.with_asked, values)
            return tuple(_request(same, tuple(same[0].asked)) for same in _each(rows))
        rows = self._all(reading.alone, values)
        asked = self._asked(list(dict.fromkeys(row.id for row in rows)))
        return tuple(_request(same, tuple(asked[same[0].id])) for same in _each(rows))

    def _asked(self, ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        asked: dict[str, list[str]] = defaultdict(list)
        if ids:
            for row in self._all(_ASKED_ABOUT, self._those(ids)):
                asked[row.request_id].append(row.person)
        return asked


class Reading(NamedTuple):
    """Requests with their approvals."""

    alone: Statement
    with_asked: Statement
    """PostgreSQL: whom it was asked of in the same statement, which saves one for each that is read."""


def with_approvals(which: sa.ColumnElement[bool], *order: sa.ColumnElement[Any]) -> Reading:
    """One statement for what changes (the request and its approvals), so that no reader sees it half changed."""
    read = (
        sa.select(
            requests,
            approvals.c.person.label("approved_by"),
            approvals.c.at.label("approved_at"),
            approvals.c.stepped_up_at,
        )
        .outerjoin_from(requests, approvals)
        .where(which)
        .order_by(*order, approvals.c.position)
    )
    # The driver makes a list of it; SQLAlchemy's type would go through it once more.
    asked = sa.func.array(_asked_of_it, type_=sa.types.NullType()).label("asked")
    return Reading(Statement(read), Statement(read.add_columns(asked)))


_asked = request_approvers.c
_ASKED_ABOUT = Statement(
    sa.select(_asked.request_id, _asked.person).where(among("sqlite", _asked.request_id)).order_by(_asked.position)
)
_asked_of_it = (
    sa.select(_asked.person)
    .where(_asked.request_id == requests.c.id)
    .order_by(_asked.position)
    .correlate(requests)
    .scalar_subquery()
)


_ID = "of_id"
_of_id = sa.bindparam(_ID, type_=requests.c.id.type)
_mine = requests.c.requester == sa.bindparam("whose", type_=requests.c.requester.type)
_OLDEST = (requests.c.asked_at, requests.c.id)
_NEWEST = tuple(column.desc() for column in _OLDEST)
_newest_of = sa.select(requests.c.id).where(_mine).order_by(*_NEWEST).limit(sa.bindparam("at_most", type_=sa.Integer))
_NEWEST_OF = with_approvals(requests.c.id.in_(_newest_of), *_NEWEST)
_ALL_PENDING = with_approvals(_PENDING, *_NEWEST)
_PENDING_OF = with_approvals(sa.and_(_PENDING, _mine), *_NEWEST)
_asked_them = sa.exists().where(
    request_approvers.c.request_id == requests.c.id,
    request_approvers.c.person == sa.bindparam("whose", type_=requests.c.requester.type),
)
_WAITING_FOR = with_approvals(sa.and_(_PENDING, _asked_them), *_OLDEST)
_ONE = with_approvals(requests.c.id == _of_id)
_FORGETTING = Statement(sa.delete(approvals).where(approvals.c.request_id == _of_id))
_since, _before = (sa.bindparam(name, type_=requests.c.asked_at.type) for name in ("since", "before"))
# A union, because with OR and an order SQLite would read the whole table.
_BETWEEN = with_approvals(
    requests.c.id.in_(
        sa.union(
            *(
                sa.select(requests.c.id).where(moment >= _since, moment < _before)
                for moment in (requests.c.asked_at, requests.c.decided_at)
            )
        )
    ),
    *_NEWEST,
)


@cache
def _some(dialect: str) -> Reading:
    return with_approvals(among(dialect, requests.c.id), requests.c.id)


_some_ids = sa.select(requests.c.id).where(among("postgresql", requests.c.id)).order_by(requests.c.id)
_LOCKING = and_the_time(_some_ids.with_for_update())


def _each(rows: Sequence[Row]) -> list[list[Row]]:
    """The rows of each request."""
    return [list(same) for _, same in groupby(rows, lambda row: row.id)]


def ask_row(ask: Ask) -> dict[str, Any]:
    """An ask as columns."""
    return {
        "requester": ask.requester,
        "role": ask.role,
        "account": ask.account,
        "params": ask.params,
        "work": ask.work,
        "duration_seconds": ask.duration,
        "reason": ask.reason,
        "ticket": ask.ticket,
        "start_at": ask.start_at,
        "more": [[item.role, item.account, dict(item.params)] for item in ask.more],
        "break_glass": ask.break_glass,
        "extends": ask.extends,
    }


def ask_from(row: Row) -> Ask:
    """The ask of a row that has its columns."""
    return Ask(
        requester=row.requester,
        role=row.role,
        account=row.account,
        params=row.params,
        work=row.work,
        duration=row.duration_seconds,
        reason=row.reason,
        ticket=row.ticket,
        start_at=row.start_at,
        more=tuple(Item(*item) for item in row.more),
        break_glass=row.break_glass,
        extends=row.extends,
    )


def _review_row(review: Review | None) -> dict[str, Any]:
    return {
        "review_due_at": review.due_at if review else None,
        "reviewed_at": review.at if review else None,
        "reviewed_by": review.by if review else "",
        "review_objects": review.objects if review else False,
        "review_note": review.note if review else "",
    }


def _review(row: Row) -> Review | None:
    if row.review_due_at is None:
        return None
    return Review(row.review_due_at, row.reviewed_at, row.reviewed_by, row.review_objects, row.review_note)


def refuse_doubles(request: AccessRequest) -> None:
    """Raise ValueError where one person approved, or was asked, twice."""
    _refuse_twice((approval.person for approval in request.approvals), f"approvals of request {request.id}")
    _refuse_twice(request.approvers_asked, f"approvers_asked of request {request.id}")


def _refuse_twice(people: Iterable[str], where: str) -> None:
    everyone = list(people)
    if len(set(everyone)) != len(everyone):
        raise ValueError(f"{where} name a person twice; each counts once")


def _approval_row(request_id: str, position: int, approval: Approval) -> dict[str, object]:
    return {
        "request_id": request_id,
        "person": approval.person,
        "at": approval.at,
        "stepped_up_at": approval.stepped_up_at,
        "position": position,
    }


def _request(rows: Sequence[Row], asked: tuple[str, ...]) -> AccessRequest:
    row = rows[0]
    return AccessRequest(
        id=row.id,
        ask=ask_from(row),
        status=RequestStatus(row.status),
        asked_at=row.asked_at,
        lapses_at=row.lapses_at,
        principal=row.principal,
        policy=row.policy,
        catalogue_digest=row.catalogue_digest,
        approvers_asked=asked,
        channel=row.channel,
        approvals=tuple(
            Approval(one.approved_by, one.approved_at, one.stepped_up_at) for one in rows if one.approved_by is not None
        ),
        quorum=row.quorum,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        decision_note=row.decision_note,
        version=row.version,
        more_parts=tuple(Part(*part) for part in row.parts),
        way=Way(row.way),
        denials=tuple(Denial(person, datetime.fromisoformat(at), note) for person, at, note in row.denials),
        claimed_by=row.claimed_by,
        review=_review(row),
    )
