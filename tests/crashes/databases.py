"""Putting a database back as it was, within milliseconds: a fresh one for each of a thousand runs takes too long."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Protocol

import psycopg

from bot.store.tables import metadata

TABLES = tuple(table.name for table in metadata.sorted_tables)
"""A table comes after those that it refers to."""


class Database(Protocol):
    """A migrated database."""

    url: str

    def saved(self) -> object:
        """All that is in it; nobody is writing."""
        ...

    def restore(self, saved: object) -> None:
        """Put that back; nobody is connected."""
        ...


class SqliteFile:
    """A file, replaced as a whole."""

    def __init__(self, path: Path, migrated: bytes) -> None:
        self.url = f"sqlite:///{path}"
        self._path = path
        path.write_bytes(migrated)

    def saved(self) -> object:
        with closing(sqlite3.connect(self._path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return self._path.read_bytes()

    def restore(self, saved: object) -> None:
        assert isinstance(saved, bytes)
        for ending in ("-wal", "-shm"):
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
        self._path.write_bytes(saved)


class PostgresRows:
    """A database whose rows are replaced, past the triggers that guard the audit log."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection = psycopg.connect(url, autocommit=True)
        # As on a replica: neither triggers nor foreign keys (PostgreSQL manual, session_replication_role).
        self._connection.execute("SET session_replication_role = replica")

    def saved(self) -> object:
        with self._connection.cursor() as cursor:
            return {table: _copied(cursor, table) for table in TABLES}

    def restore(self, saved: object) -> None:
        assert isinstance(saved, Mapping)
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute(";".join(f"DELETE FROM {table}" for table in TABLES).encode())
            for table, rows in saved.items():
                if rows:
                    with cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
                        copy.write(rows)

    def close(self) -> None:
        self._connection.close()


def _copied(cursor: psycopg.Cursor, table: str) -> bytes:
    with cursor.copy(f"COPY {table} TO STDOUT".encode()) as copy:
        return b"".join(bytes(part) for part in copy)
