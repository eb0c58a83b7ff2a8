"""The database's schema: bring it up to date, or say whether it is."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from bot.store.engine import make_engine
from bot.store.errors import translated

ADVISORY_KEY = 0x70726F6461636373
"""``prodaccs`` in ASCII: one migration at a time in a PostgreSQL database."""

_alembic = threading.Lock()
"""Alembic's context and ``op`` are global to the process."""


def migrate(url: str, revision: str = "head") -> None:
    """Upgrade to ``revision``, all or nothing; safe when several replicas do it at once.

    Raises StoreUnavailable when a lock cannot be had, ValueError for a URL that is no use.
    """
    with _connected(url) as connection:
        if revision != "head" or not _is_current(connection):
            command.upgrade(_config(connection), revision)


def downgrade(url: str, revision: str) -> None:
    """Downgrade to ``revision`` (``base``: drop everything, with all that is stored)."""
    with _connected(url) as connection:
        command.downgrade(_config(connection), revision)


def schema_is_current(url: str) -> bool:
    """Whether every migration of this version, and no later one, has been applied. Raises StoreUnavailable."""
    with _connected(url) as connection:
        return _is_current(connection)


def _is_current(connection: sa.Connection) -> bool:
    return set(MigrationContext.configure(connection).get_current_heads()) == _heads()


@cache
def _heads() -> frozenset[str]:
    """What this version of the program comes with; finding it runs every migration's module."""
    return frozenset(ScriptDirectory.from_config(_config()).get_heads())


@contextmanager
def _connected(url: str) -> Iterator[sa.Connection]:
    engine = make_engine(url, pool_size=1, answer_awaited=True)
    try:
        with _alembic, translated(), engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                _take_turn(connection)
            yield connection
    finally:
        engine.dispose()


def _take_turn(connection: sa.Connection) -> None:
    """Wait for another replica's migration, but never hold up the service's own statements for long."""
    connection.exec_driver_sql("SET LOCAL lock_timeout = '60s'")
    connection.exec_driver_sql("SET LOCAL statement_timeout = '10min'")
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ADVISORY_KEY)))
    connection.exec_driver_sql("SET LOCAL lock_timeout = '4s'")


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    return config
