"""What a database's errors mean to the service."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import exc

from bot.service.records import StoreUnavailable

_PASSING = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,  # a standby, in the middle of a failover
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.InvalidSqlStatementName,  # a pooler went on with another server; see ``direct``
)


@contextmanager
def translated() -> Iterator[None]:
    """Raise the database's errors as StoreUnavailable where they pass, and as ValueError where a value is wrong."""
    try:
        yield
    except exc.TimeoutError as error:
        raise StoreUnavailable("every database connection is in use") from error
    except exc.IntegrityError as error:
        # Without its cause, which may quote the row.
        raise ValueError(f"the database refused the row: {_constraint(error.orig)}") from None
    except exc.DBAPIError as error:
        if not _is_passing(error):
            raise
        raise StoreUnavailable(f"the database is not available: {_first_line(error.orig)}") from error
    except exc.StatementError as error:
        if not isinstance(error.orig, ValueError):
            raise
        raise ValueError(str(error.orig)) from error


def _is_passing(error: exc.DBAPIError) -> bool:
    if error.connection_invalidated:
        return True
    if isinstance(error.orig, sqlite3.OperationalError):
        # SQLITE_ERROR alone is our own fault (wrong SQL, no such table); all others are the file, the disk or a lock.
        return getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR) != sqlite3.SQLITE_ERROR
    return isinstance(error.orig, (*_PASSING, sqlite3.InterfaceError))


def _constraint(error: BaseException | None) -> str:
    if isinstance(error, psycopg.Error) and error.diag.constraint_name:
        return f"it breaks {error.diag.constraint_name}"
    return _first_line(error)


def _first_line(error: BaseException | None) -> str:
    """Later lines of a PostgreSQL error may quote values."""
    return next(iter(str(error).splitlines()), type(error).__name__)
