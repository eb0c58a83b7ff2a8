"""Effects that are told together, and the lines of digests."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.service.records import Digest, DigestLine, Gathered
from bot.store import prepared
from bot.store.queue import LEASED, MOST, NOW
from bot.store.running import Statement
from bot.store.session import CHUNK, Session
from bot.store.tables import digest_lines, effects

_TO_SOMEBODY = sa.literal_column("effects.who") != sa.literal_column("''")
"""Spelled out, or a planner could not tell that the partial index fits."""
_line = digest_lines.c


class Crowds(Session):
    """The part of a transaction that knows crowds. See ``service.crowds``."""

    def waiting(self, kind: str, who: str, most: int) -> int:
        return int(self._value(_WAITING, {"of_kind": kind, "for_whom": who, MOST: most}))

    def gather(self, kind: str, who: str, most: int) -> tuple[Gathered, ...]:
        rows = self._all(_GATHERING, {"of_kind": kind, "for_whom": who, MOST: most, NOW: self.now()})
        gathered = (Gathered(row.id, row.key, row.subject, row.payload, row.fence > 0) for row in rows)
        return tuple(sorted(gathered, key=lambda effect: effect.id))

    def is_enqueued(self, key: str) -> bool:
        return self._first(_ENQUEUED, {"of_key": key}) is not None

    def last_due(self, kind: str, who: str) -> datetime | None:
        found: datetime | None = self._value(_LAST_DUE, {"of_kind": kind, "for_whom": who})
        return found

    def last_errors(self, keys: Sequence[str]) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for start in range(0, len(keys), CHUNK):
            query = sa.select(effects.c.key, effects.c.last_error).where(effects.c.key.in_(keys[start : start + CHUNK]))
            found.update((row.key, row.last_error) for row in self._run(query))
        return found

    def add_lines(self, lines: Sequence[DigestLine]) -> None:
        rows = [
            {
                "key": line.key,
                "who": line.who,
                "number": line.number,
                "outcome": line.outcome,
                "subject": line.subject,
                "added_at": line.added_at,
                "tried": line.tried,
                "message": "",
            }
            for line in lines
        ]
        if rows:
            self._many(prepared.adding_new(self._dialect, digest_lines, tuple(rows[0])), rows)

    def lines_between(self, who: str) -> tuple[datetime, datetime] | None:
        first, last = sa.func.min(_line.added_at).label("first"), sa.func.max(_line.added_at).label("last")
        row = self._run(sa.select(first, last).where(_line.who == who)).one()
        return None if row.first is None else (row.first, row.last)

    def stamp_lines(self, who: str, message: str) -> tuple[str, bool]:
        begun = self._run(sa.select(sa.func.max(_line.message)).where(_line.who == who)).scalar() or ""
        fresh = sa.and_(_line.who == who, _line.message == "")
        self._run(sa.update(digest_lines).where(fresh).values(message=begun or message))
        return begun or message, bool(begun)

    def digest(self, message: str, most: int) -> Digest:
        mine = _line.message == message
        count = sa.func.count().label("lines")
        counts = self._run(sa.select(_line.outcome, count).where(mine).group_by(_line.outcome))
        newest = self._run(sa.select(digest_lines).where(mine).order_by(_line.number.desc(), _line.key).limit(most))
        tried = self._run(sa.select(_line.key).where(mine, _line.tried).order_by(_line.key))
        return Digest(
            counts={row.outcome: row.lines for row in counts},
            lines=tuple(_digest_line(row) for row in newest),
            tried=tuple(tried.scalars()),
        )

    def drop_lines(self, message: str, keys: Sequence[str] | None = None) -> None:
        mine = sa.delete(digest_lines).where(_line.message == message)
        if keys is None:
            self._run(mine)
            return
        for start in range(0, len(keys), CHUNK):
            self._run(mine.where(_line.key.in_(keys[start : start + CHUNK])))


_theirs = sa.and_(
    effects.c.who == sa.bindparam("for_whom", type_=effects.c.who.type),
    effects.c.kind == sa.bindparam("of_kind", type_=effects.c.kind.type),
    _TO_SOMEBODY,
)
_of_key = sa.bindparam("of_key", type_=effects.c.key.type)
_ENQUEUED = Statement(sa.select(effects.c.id).where(effects.c.key == _of_key))
_most = sa.bindparam(MOST, type_=sa.Integer)
_some = sa.select(effects.c.id).where(_theirs).limit(_most).subquery()
_WAITING = Statement(sa.select(sa.func.count()).select_from(_some))
_LAST_DUE = Statement(sa.select(sa.func.max(effects.c.due_at)).where(_theirs))
_oldest = (
    sa.select(effects.c.id)
    .where(_theirs, ~LEASED)
    .order_by(effects.c.id)
    .limit(_most)
    .with_for_update(skip_locked=True)
    .cte("oldest")
)
_GATHERING = Statement(
    sa.delete(effects)
    .where(effects.c.id.in_(sa.select(_oldest.c.id)))
    .returning(effects.c.id, effects.c.key, effects.c.subject, effects.c.payload, effects.c.fence)
)


def _digest_line(row: sa.Row[Any]) -> DigestLine:
    values = row._asdict()
    del values["message"]
    return DigestLine(**values)
