"""The Store on SQLite and PostgreSQL."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.service.ports import Clock
from bot.service.records import Claim, OutcomeUnknown, StoreUnavailable
from bot.store.audit import AuditLog
from bot.store.crowds import Crowds
from bot.store.effects import Effects
from bot.store.engine import PATIENCE, make_engine
from bot.store.errors import translated
from bot.store.grants import Grants
from bot.store.history import History
from bot.store.holders import Holders
from bot.store.listener import CHANNEL, Listener
from bot.store.notes import Notes
from bot.store.people import People
from bot.store.running import Statement
from bot.store.strays import Strays
from bot.store.turn import Turn
from bot.store.versions import Versions
from bot.store.wakeup import Wakeup

_NOTIFY = Statement(sa.select(sa.func.pg_notify(CHANNEL, sa.bindparam("news", type_=sa.Text))))


class SqlTx(History, Grants, Holders, Effects, Crowds, People, Strays, Versions, Notes, AuditLog):
    """One open transaction.

    Locks are taken in this order: stray, request, authenticator, effect, guards, audit head.
    """

    def notify(self, sender: str) -> None:
        """Tell the other replicas when this transaction commits."""
        self._first(_NOTIFY, {"news": " ".join((sender, *sorted(self.wakes)))})


class SqlStore:
    """A database. Made by ``open_store``."""

    def __init__(self, engine: sa.Engine, clock: Clock | None = None, patience: timedelta = PATIENCE) -> None:
        self._engine = engine
        self._clock = clock
        self._wakeup = Wakeup()
        self._turn = Turn(patience) if engine.dialect.name == "sqlite" else None
        self._listener = Listener(engine, self._wakeup) if engine.dialect.name == "postgresql" else None

    @contextmanager
    def transaction(self) -> Iterator[SqlTx]:
        """Commit at the end of the block, roll back on an exception.

        Raises StoreUnavailable; OutcomeUnknown when the connection breaks while the commit is under way.
        """
        with self._turn_taken(), self._connected() as connection:
            tx = SqlTx(connection, self._clock)
            try:
                yield tx
                if tx.wakes and self._listener is not None:
                    tx.notify(self._listener.sender)
            except BaseException:
                with suppress(sa.exc.DBAPIError):  # a connection that is gone has rolled back
                    connection.rollback()
                raise
            _commit(connection)
        if tx.wakes:
            self._wakeup.wake(tx.wakes)

    def claim(self, lane: str, limit: int, lease: timedelta) -> tuple[Claim, ...]:
        """Lease what is due; what a worker lost comes after what was due before its lease ended."""
        self._wakeup.look(lane)
        with self.transaction() as tx:
            claims = tx.take(lane, limit, lease)
        if len(claims) == limit:
            self._wakeup.wake([lane])  # there may be more, for another thread
        return claims

    def release(self, claim: Claim, after: timedelta, error: str) -> bool:
        with self.transaction() as tx:
            return tx.give_back(claim, after, error)

    def release_all(self, claims: Sequence[Claim], after: timedelta, error: str) -> None:
        with self.transaction() as tx:
            tx.give_back_all(claims, after, error)

    def next_due(self, lane: str) -> datetime | None:
        with self.transaction() as tx:
            return tx.next_claimable(lane)

    def wait(self, lane: str, timeout: timedelta) -> None:
        if self._listener is not None:
            self._listener.start()
        self._wakeup.wait(lane, timeout)

    def rouse(self, lanes: Iterable[str]) -> None:
        self._wakeup.rouse(lanes)

    def ping(self) -> datetime:
        with self.transaction() as tx:
            tx.audit_head()
            return tx.now()

    def close(self) -> None:
        """Release every connection; waits end."""
        self._wakeup.close()
        if self._listener is not None:
            self._listener.close()
        self._engine.dispose()

    def _turn_taken(self) -> AbstractContextManager[None]:
        return nullcontext() if self._turn is None else self._turn.taken()

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        with translated():
            connection = self._engine.connect()
        try:
            with translated():
                connection.begin()
            yield connection
        finally:
            connection.close()


def open_store(
    url: str, *, clock: Clock | None = None, pool_size: int = 10, patience: timedelta = PATIENCE
) -> SqlStore:
    """The store at ``sqlite:///path`` or ``postgresql://…``; connects on first use.

    ``clock`` stands in for the database's clock, for tests. A transaction waits for one of ``pool_size`` connections
    for as long as ``patience``. Raises ValueError for a URL that is no use.
    """
    return SqlStore(make_engine(url, pool_size, patience), clock, patience)


def _commit(connection: sa.Connection) -> None:
    try:
        with translated():
            connection.commit()
    except StoreUnavailable as error:
        if connection.invalidated:
            raise OutcomeUnknown(f"{error}; whether the last change was written is not known") from error
        raise
