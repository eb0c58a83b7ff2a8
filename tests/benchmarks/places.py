"""The databases, durable: what is committed has reached the disk, or the numbers would lie."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg

from bot.store import migrate
from tests.benchmarks.processes import ROOT, cpu_of_family
from tests.databases import PostgresServer, running_postgres

FOLDER = ROOT / "test-output" / "bench"
"""On the disk that the project is on."""


@dataclass(frozen=True, slots=True)
class Place:
    """A fresh, migrated database."""

    name: str
    url: str
    folder: Path
    """For what goes beside it."""
    server: PostgresServer | None = None

    def database_cpu(self) -> float:
        """CPU seconds that the database's own processes have used; SQLite has none."""
        if self.server is None:
            return 0.0
        return cpu_of_family(int(str(self._ask("SELECT pg_read_file('postmaster.pid')")).split("\n", 1)[0]))

    def flushes(self) -> int:
        """How often the write-ahead log was flushed (PostgreSQL), or the disk (SQLite; kernel.org, iostats: field 16).

        PostgreSQL's processes tell it within a second, or when they have nothing to do.
        """
        if self.server is not None:
            return int(str(self._ask("SELECT coalesce(sum(fsyncs), 0) FROM pg_stat_io WHERE object = 'wal'")))
        device = FOLDER.stat().st_dev
        numbers = [str(os.major(device)), str(os.minor(device))]
        lines = (line.split() for line in Path("/proc/diskstats").read_text(encoding="ascii").splitlines())
        return next((int(line[18]) for line in lines if line[:2] == numbers and len(line) > 18), 0)

    def _ask(self, query: LiteralString) -> object:
        assert self.server is not None
        with psycopg.connect(self.server.url("postgres")) as connection:
            row = connection.execute(query).fetchone()
        assert row is not None
        return row[0]


@contextmanager
def sqlite() -> Iterator[Place]:
    """A file, with synchronous=FULL as everywhere."""
    with _folder() as folder:
        url = f"sqlite:///{folder / 'prodaccess.db'}"
        migrate(url)
        yield Place("SQLite", url, folder)


@contextmanager
def postgresql(server: PostgresServer) -> Iterator[Place]:
    """A database of a server that was made durable."""
    with _folder() as folder, server.database() as url:
        yield Place("PostgreSQL", url, folder, server)


@contextmanager
def durable_postgres() -> Iterator[PostgresServer]:
    """The tests' server with its own defaults put back: fsync, synchronous_commit and full_page_writes on."""
    with running_postgres() as server:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            server.execute(f"ALTER SYSTEM RESET {setting}")
        server.execute("SELECT pg_reload_conf()")
        yield server


@contextmanager
def _folder() -> Iterator[Path]:
    FOLDER.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=FOLDER))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
