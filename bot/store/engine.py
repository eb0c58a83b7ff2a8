"""Engines: how each database is connected to, so that a commit is durable and nothing waits for ever."""

import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from bot.store.answering import AnsweringConnection

PATIENCE = timedelta(seconds=10)
"""How long a transaction waits for a connection, or for its turn."""

_POSTGRESQL_CONNECT = {
    "application_name": "prodaccess",
    "connect_timeout": "5",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "35000",
}
"""libpq's parameters (PostgreSQL manual, 34.1.2), so that a black hole is noticed. The URL's own values win.

An answer is waited for as long as ``tcp_user_timeout`` (milliseconds), which is longer than any statement may take.
"""

_POSTGRESQL_SESSION = {
    "lock_timeout": "5s",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "60s",
    "TimeZone": "UTC",
}

_SQLITE_CONNECT = {"timeout": str(PATIENCE.total_seconds())}
"""How long another process's transaction is waited for, in seconds. The URL's own value wins."""

_SQLITE_SESSION = ("PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON")


_IDLE_SECONDS = 1.0
"""A connection that was answered within this time, and whose socket tells of nothing since, is used as it is."""


class StoreInUse(Exception):
    """Another process serves from this SQLite database."""


def read_url(url: str) -> URL:
    """The URL with the driver that is used here. Raises ValueError for a database that is not supported."""
    try:
        parsed = make_url(url)
    except sa.exc.ArgumentError:
        raise ValueError(
            "the database URL cannot be read; write sqlite:///path or postgresql://user@host/name"
        ) from None
    backend = parsed.drivername.partition("+")[0]
    if backend in {"postgresql", "postgres"}:
        return _with_defaults(parsed.set(drivername="postgresql+psycopg"), _POSTGRESQL_CONNECT)
    if backend != "sqlite":
        raise ValueError(f"the database {backend} is not supported; use sqlite or postgresql")
    if not parsed.database or ":memory:" in parsed.database:
        raise ValueError("the SQLite database needs a file, so that it survives a restart; write sqlite:///path")
    return _with_defaults(parsed.set(drivername="sqlite+pysqlite"), _SQLITE_CONNECT)


def make_engine(
    url: str, pool_size: int = 10, patience: timedelta = PATIENCE, *, answer_awaited: bool = False
) -> sa.Engine:
    """An engine for SQLite or PostgreSQL; connects on first use. Raises ValueError for a URL that is no use.

    ``answer_awaited``: PostgreSQL may take as long as it likes to answer, as to a migration.
    """
    parsed = read_url(url)
    engine = sa.create_engine(
        parsed,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=patience.total_seconds(),
        # The one that was used last is the one that has its statements prepared and its caches warm.
        pool_use_lifo=True,
        pool_recycle=1800,
        # A connection is given back after a commit or a rollback, which need no second one.
        pool_reset_on_return=None,
        hide_parameters=True,
        json_deserializer=_read_json,
    )
    if engine.dialect.name == "sqlite":
        _keep_private(_file(parsed))
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_immediate)
    else:
        if not answer_awaited:
            sa.event.listen(engine, "do_connect", _connect_to_answer)
        sa.event.listen(engine, "connect", _prepare_postgresql)
        sa.event.listen(engine, "checkout", _look_at_idle)
    return engine


@contextmanager
def serve_lock(url: str) -> Iterator[None]:
    """Hold a SQLite database for one serving process; PostgreSQL needs no such thing.

    Operators' commands do not take it: they may run beside the bot. Raises StoreInUse.
    """
    parsed = read_url(url)
    if parsed.get_backend_name() != "sqlite":
        yield
        return
    path = _file(parsed)
    lock = path.with_name(path.name + ".lock")
    with lock.open("a+", encoding="ascii") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.seek(0)
            owner = held.read().strip() or "unknown"
            raise StoreInUse(
                f"{path} is in use by another prodaccess (process {owner}); "
                "stop that one, or use PostgreSQL to run several"
            ) from None
        held.truncate(0)
        held.write(str(os.getpid()))
        held.flush()
        yield


def _read_json(text: str | bytes) -> Any:
    """The lists and mappings of most rows are empty; looking for that is the lesser part of reading JSON."""
    words = text if isinstance(text, str) else text.decode()
    if words == "[]":
        return []
    return {} if words == "{}" else json.loads(words)


def _with_defaults(url: URL, defaults: Mapping[str, str]) -> URL:
    return url.update_query_dict({name: value for name, value in defaults.items() if name not in url.query})


def _file(url: URL) -> Path:
    return Path(str(url.database)).resolve()


def _keep_private(path: Path) -> None:
    """Make the file for its owner only: it holds sealed seeds, and SQLite's side files copy its mode."""
    if not path.parent.is_dir():
        raise ValueError(f"the SQLite database's folder {path.parent} does not exist; make it first")
    path.touch(mode=0o600, exist_ok=True)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions by its own rules
    _switch_to_wal(connection)
    for pragma in _SQLITE_SESSION:
        connection.execute(pragma).close()


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Try again while others open the same new file: for this switch SQLite does not wait by itself."""
    until = time.monotonic() + PATIENCE.total_seconds()
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _begin_immediate(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _connect_to_answer(_dialect: Any, _record: Any, args: Any, parameters: dict[str, Any]) -> AnsweringConnection:
    connection = AnsweringConnection.connect(*args, **parameters)
    connection.answer_within = int(parameters["tcp_user_timeout"]) / 1000
    # Cursors prepare nothing: with a rollback psycopg has all that is prepared forgotten, not only what it knows of.
    connection.prepare_threshold = None
    return connection


def _look_at_idle(connection: Any, _record: Any, _proxy: Any) -> None:
    """Before each transaction: a connection that may have ended meanwhile is asked, and replaced with all the others.

    A round trip before each would cost as much as a statement.
    """
    if isinstance(connection, AnsweringConnection) and connection.is_fresh(_IDLE_SECONDS):
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except psycopg.Error as error:
        raise sa.exc.InvalidatePoolError("the connection has ended") from error


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    with connection.cursor() as cursor:
        for name, value in _POSTGRESQL_SESSION.items():
            cursor.execute("SELECT set_config(%s, %s, false)", (name, value))
    connection.commit()
