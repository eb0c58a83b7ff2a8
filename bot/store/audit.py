"""The audit log: append-only, gapless, chained."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

import sqlalchemy as sa

from bot.core.audit import Event
from bot.service.records import AuditRecord, StoreUnavailable
from bot.store.prepared import as_rows, inserting_all
from bot.store.recording import recorded
from bot.store.running import Statement
from bot.store.session import Session
from bot.store.tables import audit_head, audit_log

_head = sa.select(audit_head.c.seq, audit_head.c.chain)
_HEAD = Statement(_head)
_LOCK_HEAD = Statement(_head.with_for_update())
_moving_head = sa.update(audit_head).values(
    seq=sa.bindparam("new_seq", type_=audit_head.c.seq.type),
    chain=sa.bindparam("new_chain", type_=audit_head.c.chain.type),
)
_MOVE_HEAD = Statement(_moving_head)


class AuditLog(Session):
    """The part of a transaction that knows the audit log."""

    def append(self, events: Sequence[Event]) -> None:
        """Raises StoreUnavailable when the log takes nothing, whatever the reason."""
        if not events:
            return
        at = self.now()
        with _told_apart():
            (head,) = self._all(_LOCK_HEAD)
        records = recorded(events, at, head.seq, head.chain)
        rows = [_row(event, record) for event, record in zip(events, records, strict=True)]
        with _told_apart():
            newest = {"new_seq": records[-1].seq, "new_chain": records[-1].chain}
            if self._dialect == "sqlite":
                self._add_all(audit_log, rows)
                self._count(_MOVE_HEAD, newest)
            else:
                self._count(_adding_and_moving(tuple(rows[0])), {**as_rows(rows), **newest})

    def audit(self, after: int = 0, limit: int = 1000) -> tuple[AuditRecord, ...]:
        log = audit_log.c
        rows = self._run(
            sa.select(log.seq, log.at, log.body, log.leaf, log.chain)
            .where(log.seq > after)
            .order_by(log.seq)
            .limit(limit)
        )
        return tuple(AuditRecord(row.seq, row.at, *map(_raw, (row.body, row.leaf, row.chain))) for row in rows)

    def audit_head(self) -> tuple[int, bytes]:
        (head,) = self._all(_HEAD)
        return head.seq, head.chain


@cache
def _adding_and_moving(names: tuple[str, ...]) -> Statement:
    """PostgreSQL: the records and the head in one statement, so that the head is locked for less long."""
    return Statement(inserting_all("postgresql", audit_log, names).add_cte(_moving_head.cte("moved")))


@contextmanager
def _told_apart() -> Iterator[None]:
    """A log that cannot be written stops granting, never revoking: the service has to know that it is that."""
    try:
        yield
    except (sa.exc.DBAPIError, ValueError) as error:
        raise StoreUnavailable("the audit log cannot be written") from error


def _row(event: Event, record: AuditRecord) -> dict[str, object]:
    return {
        "seq": record.seq,
        "at": record.at,
        "tag": event.tag,
        "actor_id": event.actor.id,
        "person": event.person,
        "request_id": event.request_id,
        "grant_id": event.grant_id,
        "account": event.account,
        "body": record.body,
        "leaf": record.leaf,
        "chain": record.chain,
    }


def _raw(value: bytes | str) -> bytes:
    """SQLite keeps what it is given: who edits the log may have left text where bytes were, and is told on by it."""
    return value.encode(errors="surrogateescape") if isinstance(value, str) else value
