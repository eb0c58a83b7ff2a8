"""Small things that a transaction remembers: used keys, drafts, posted messages, facts."""

from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from bot.service.records import Draft, PostedMessage
from bot.store.requests import ask_from, ask_row
from bot.store.running import Statement
from bot.store.session import Session
from bot.store.tables import drafts, facts, messages, once_keys

DRAFTS_KEPT = timedelta(days=1)
_FORGET_AT_MOST = 10
"""More than are added at a time, so that what is over dwindles; few, so that nobody waits for it."""


class Notes(Session):
    """The part of a transaction that knows the small things."""

    def once(self, key: str, until: datetime) -> bool:
        self._forget(once_keys, once_keys.c.key, once_keys.c.until, self.now())
        return self._add(once_keys, {"key": key, "until": until})

    def save_draft(self, draft: Draft) -> None:
        """Insert or replace; drafts are forgotten some time after ``DRAFTS_KEPT``."""
        self._forget(drafts, drafts.c.id, drafts.c.made_at, self.now() - DRAFTS_KEPT)
        self._put(drafts, {"id": draft.id, "person": draft.person, **ask_row(draft.ask), "made_at": draft.made_at})

    def draft(self, draft_id: str) -> Draft | None:
        row = self._first(_DRAFT, {"of_id": draft_id})
        return None if row is None else Draft(row.id, row.person, ask_from(row), row.made_at)

    def messages(self, subject: str) -> tuple[PostedMessage, ...]:
        """By kind, then destination."""
        rows = self._all(_ABOUT, {"about": subject})
        return tuple(PostedMessage(**row._asdict()) for row in rows)

    def save_message(self, message: PostedMessage) -> None:
        self._put(
            messages,
            {
                "subject": message.subject,
                "kind": message.kind,
                "destination": message.destination,
                "channel": message.channel,
                "ref": message.ref,
                "shown": message.shown,
            },
        )

    def fact(self, key: str) -> str | None:
        found: str | None = self._value(_FACT, {"of_key": key})
        return found

    def set_fact(self, key: str, value: str) -> None:
        self._put(facts, {"key": key, "value": value})

    def _forget(self, table: sa.Table, key: sa.Column[Any], moment: sa.Column[Any], before: datetime) -> None:
        """Remove a few rows of before then; rows that another transaction is at are left to it."""
        self._count(_forgetting(table, key, moment), {"before": before})


_of_key, _of_id = sa.bindparam("of_key", type_=facts.c.key.type), sa.bindparam("of_id", type_=drafts.c.id.type)
_FACT = Statement(sa.select(facts.c.value).where(facts.c.key == _of_key))
_DRAFT = Statement(sa.select(drafts).where(drafts.c.id == _of_id))
_ABOUT = Statement(
    sa.select(messages)
    .where(messages.c.subject == sa.bindparam("about", type_=messages.c.subject.type))
    .order_by(messages.c.kind, messages.c.destination)
)


@cache
def _forgetting(table: sa.Table, key: sa.Column[Any], moment: sa.Column[Any]) -> Statement:
    over = sa.select(key).where(moment < sa.bindparam("before", type_=moment.type)).order_by(moment)
    over_cte = over.limit(_FORGET_AT_MOST).with_for_update(skip_locked=True).cte("over_by_now")
    return Statement(sa.delete(table).where(key.in_(sa.select(over_cte.c[0]))))
