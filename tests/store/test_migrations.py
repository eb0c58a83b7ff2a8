"""The migrations make exactly the tables that the code uses, from nothing, whoever runs them at once."""

import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from bot.service.records import StoreUnavailable
from bot.store import downgrade, migrate, open_store, schema_is_current
from bot.store.engine import make_engine
from bot.store.schema import ADVISORY_KEY
from bot.store.tables import metadata
from tests.databases import PostgresServer, someone_waits, until


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database(template="template0") as url:
        yield url


def test_an_empty_database_is_not_current_until_it_is_migrated(empty_url: str) -> None:
    assert not schema_is_current(empty_url)
    migrate(empty_url)
    assert schema_is_current(empty_url)
    migrate(empty_url)
    assert schema_is_current(empty_url)


def test_the_migrations_make_the_tables_of_the_code(empty_url: str) -> None:
    migrate(empty_url)
    engine = make_engine(empty_url)
    with engine.connect() as connection, warnings.catch_warnings():
        # SQLite cannot tell what an index on an expression is made of; PostgreSQL's run compares that one.
        warnings.filterwarnings("ignore", ".*expression-based index", Warning)
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_every_index_of_the_code_is_there(empty_url: str) -> None:
    migrate(empty_url)
    engine = make_engine(empty_url)
    query = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index'",
        "postgresql": "SELECT indexname FROM pg_indexes WHERE schemaname = 'public'",
    }[engine.dialect.name]
    with engine.connect() as connection:
        found = set(connection.execute(sa.text(query)).scalars())
    engine.dispose()
    assert {index.name for table in metadata.tables.values() for index in table.indexes} <= found


def test_a_downgrade_leaves_nothing_and_can_be_undone(empty_url: str) -> None:
    migrate(empty_url)
    downgrade(empty_url, "base")
    assert not schema_is_current(empty_url)
    engine = make_engine(empty_url)
    assert set(sa.inspect(engine).get_table_names()) <= {"alembic_version", "sqlite_sequence"}
    engine.dispose()
    migrate(empty_url)
    store = open_store(empty_url)
    store.ping()
    store.close()


def test_replicas_may_migrate_at_once(empty_url: str) -> None:
    command = [sys.executable, "-c", f"from bot.store import migrate; migrate({empty_url!r})"]
    replicas = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    errors = [replica.communicate(timeout=60)[1] for replica in replicas]
    assert [replica.returncode for replica in replicas] == [0, 0, 0], errors
    assert schema_is_current(empty_url)


def test_a_new_file_may_be_opened_by_many_at_once(tmp_path: Path) -> None:
    urls = [f"sqlite:///{tmp_path / str(number)}.db" for number in range(10)]
    code = f"from bot.store import schema_is_current\nfor url in {urls!r}: schema_is_current(url)"
    openers = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) for _ in range(4)]
    errors = [opener.communicate(timeout=60)[1] for opener in openers]
    assert [opener.returncode for opener in openers] == [0, 0, 0, 0], errors


def test_a_migration_waits_for_another_replicas(postgres_server: PostgresServer) -> None:
    with postgres_server.database(template="template0") as url, psycopg.connect(url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (ADVISORY_KEY,))
        waiting = threading.Thread(target=migrate, args=(url,))
        waiting.start()
        until(lambda: someone_waits(url))
        other.rollback()
        waiting.join()
        assert schema_is_current(url)


def test_a_migration_that_fails_leaves_nothing(empty_url: str) -> None:
    engine = make_engine(empty_url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE audit_head (in_the_way INTEGER)"))
    with pytest.raises(sa.exc.DBAPIError, match="already exists"):
        migrate(empty_url)
    assert sa.inspect(engine).get_table_names() == ["audit_head"]
    engine.dispose()


def test_a_later_schema_is_not_current(database_url: str) -> None:
    engine = make_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'from the future'"))
    engine.dispose()
    assert not schema_is_current(database_url)


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/nothing", "sqlite:///{folder}"])
def test_a_database_that_is_away_is_unavailable(url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        migrate(url.format(folder=tmp_path))
