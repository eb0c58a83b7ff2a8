"""What was before: counts for the rules, absences, favourites."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from bot.core.model import Absence, AccessRequest, Favourite, GrantStatus, RequestStatus, Way
from bot.core.policy import Live
from bot.store.requests import Requests, ask_from, ask_row, with_approvals
from bot.store.running import Row, Statement
from bot.store.tables import absences, approvals, favourites, grants, requests

_name = sa.func.hashtextextended(sa.bindparam("name", type_=sa.Text), 0)
_GUARD = Statement(sa.select(sa.func.pg_advisory_xact_lock(_name)))


class History(Requests):
    """The part of a transaction that knows what was before."""

    _away: Mapping[datetime, Mapping[str, Absence]] = MappingProxyType({})
    """Who is away at a time (UTC), once it was read: a decision looks at it several times."""

    def guard(self, names: Sequence[str]) -> None:
        if self._dialect == "sqlite":
            return  # one transaction at a time anyway
        for name in sorted(set(names)):
            self._first(_GUARD, {"name": f"prodaccess:{name}"})

    def live(self, person: str, role: str, account: str, besides: str = "") -> Live:
        of = {"person": person, "role": role, "account": account}
        counts = {name: self._value(_COUNTING[name], {"value": of[name], "besides": besides}) for name in of}
        return Live(**counts)

    def last_denied(self, person: str, role: str, since: datetime) -> datetime | None:
        found: datetime | None = self._value(_LAST_DENIED, {"whose": person, "of": role, "since": since})
        return found

    def decided_by_way(
        self, person: str, role: str, way: Way, since: datetime, besides: str = ""
    ) -> tuple[datetime, ...]:
        given = {"whose": person, "of": role, "by": way, "since": since, "besides": besides}
        return tuple(row.decided_at for row in self._all(_BY_WAY, given))

    def approved_for_each_other(self, person: str, since: datetime) -> Mapping[str, int]:
        counted: dict[str, int] = {}
        for query in (_APPROVED_FOR, _APPROVED_BY):
            for row in self._all(query, {"whose": person, "since": since}):
                counted[row.other] = counted.get(row.other, 0) + row.how_many
        return counted

    def reviews_owed(self, person: str | None = None) -> tuple[AccessRequest, ...]:
        return self._read(_OWED) if person is None else self._read(_OWED_BY, {"whose": person})

    def extensions_of(self, grant_id: str) -> tuple[AccessRequest, ...]:
        return self._read(_EXTENDING, {"of_grant": grant_id})

    def absences(self, at: datetime | None = None) -> Mapping[str, Absence]:
        then = at or self.now()
        if then not in self._away:
            rows = self._all(_AWAY, {"then": then})
            self._away = {**self._away, then: {row.person: Absence(**row._asdict()) for row in rows}}
        return self._away[then]

    def save_absence(self, absence: Absence) -> None:
        self._away = {}
        self._put(
            absences,
            {
                "person": absence.person,
                "since": absence.since,
                "until": absence.until,
                "delegate": absence.delegate,
            },
        )

    def remove_absence(self, person: str) -> bool:
        self._away = {}
        return self._changed(sa.delete(absences).where(absences.c.person == person)) == 1

    def favourites(self, person: str) -> tuple[Favourite, ...]:
        query = sa.select(favourites).where(favourites.c.requester == person)
        return tuple(map(_favourite, self._run(query.order_by(favourites.c.kept_at, favourites.c.id))))

    def favourite(self, favourite_id: str) -> Favourite | None:
        row = self._run(sa.select(favourites).where(favourites.c.id == favourite_id)).first()
        return None if row is None else _favourite(row)

    def save_favourite(self, favourite: Favourite) -> None:
        row = {"id": favourite.id, "title": favourite.title, **ask_row(favourite.ask), "kept_at": favourite.kept_at}
        self._put(favourites, row)

    def remove_favourite(self, favourite_id: str, person: str) -> bool:
        mine = sa.and_(favourites.c.id == favourite_id, favourites.c.requester == person)
        return self._changed(sa.delete(favourites).where(mine)) == 1


def _bound(name: str, column: sa.Column[Any]) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=column.type)


def _counting(column: sa.Column[str]) -> Statement:
    # The state is spelled out, or a planner could not tell that the partial index fits.
    unfinished = grants.c.status != sa.literal_column(f"'{GrantStatus.ENDED}'")
    mine = sa.and_(unfinished, column == _bound("value", column), grants.c.status != GrantStatus.REVOKING)
    other = grants.c.request_id != _bound("besides", grants.c.request_id)
    return Statement(sa.select(sa.func.count()).where(mine, other))


_COUNTING = {name: _counting(grants.c[name]) for name in ("person", "role", "account")}
_whose = requests.c.requester == _bound("whose", requests.c.requester)
_of_role = requests.c.role == _bound("of", requests.c.role)
_decided_since = requests.c.decided_at >= _bound("since", requests.c.decided_at)
_denied = sa.and_(_whose, _of_role, _decided_since, requests.c.status == RequestStatus.DENIED)
_LAST_DENIED = Statement(sa.select(sa.func.max(requests.c.decided_at)).where(_denied))
_BY_WAY = Statement(
    sa.select(requests.c.decided_at)
    .where(_whose, _of_role, _decided_since, requests.c.status == RequestStatus.APPROVED)
    .where(requests.c.way == _bound("by", requests.c.way), requests.c.id != _bound("besides", requests.c.id))
    .order_by(requests.c.decided_at)
)
_yes_since = approvals.c.at >= _bound("since", approvals.c.at)
_both = approvals.join(requests, approvals.c.request_id == requests.c.id)
_APPROVED_FOR = Statement(
    sa.select(approvals.c.person.label("other"), sa.func.count().label("how_many"))
    .select_from(_both)
    .where(_whose, _yes_since)
    .group_by(approvals.c.person)
)
_APPROVED_BY = Statement(
    sa.select(requests.c.requester.label("other"), sa.func.count().label("how_many"))
    .select_from(_both)
    .where(approvals.c.person == _bound("whose", approvals.c.person), _yes_since)
    .group_by(requests.c.requester)
)
_owed = sa.and_(requests.c.review_due_at.is_not(None), requests.c.reviewed_at.is_(None))
_due = (requests.c.review_due_at, requests.c.id)
_OWED = with_approvals(_owed, *_due)
_OWED_BY = with_approvals(sa.and_(_owed, _whose), *_due)
_extending = sa.and_(
    requests.c.extends != sa.literal_column("''"), requests.c.extends == _bound("of_grant", requests.c.extends)
)
_EXTENDING = with_approvals(_extending, requests.c.asked_at.desc(), requests.c.id.desc())
_then = _bound("then", absences.c.until)
_AWAY = Statement(sa.select(absences).where(absences.c.since <= _then, absences.c.until > _then))


def _favourite(row: Row) -> Favourite:
    return Favourite(row.id, row.title, ask_from(row), row.kept_at)
