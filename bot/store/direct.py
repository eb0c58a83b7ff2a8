"""Statements that libpq is given as they are, prepared by the second time: what a psycopg cursor does, and no more.

A cursor reads a statement's parameters anew each time, and learns anew how values of their types go in and come out:
three times the CPU of the statement itself. Values are still psycopg's to adapt, and errors psycopg's.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import psycopg
from psycopg import abc
from psycopg.adapt import PyFormat, Transformer
from psycopg.generators import execute
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

_BEGIN = b"BEGIN"
_BEGIN_AND_TELL = b"BEGIN; SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DONE = frozenset({ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK})
_AT_MOST = 500
"""Statements that one connection keeps prepared; the server holds each for as long as the connection lasts."""


class Answer(NamedTuple):
    """What a statement gave."""

    rows: list[tuple[Any, ...]]
    rowcount: int
    """How many were read or written."""


class Direct:
    """What is run on one connection; psycopg sends its own BEGIN only where none is open, and so does this."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._libpq = connection.pgconn
        self._adapting: abc.Transformer = Transformer.from_context(connection)
        self._names: dict[tuple[bytes, tuple[int, ...]], bytes] = {}
        """By text and the parameters' types; empty after the first time."""
        self._prepared = 0

    def begin(self) -> datetime | None:
        """Begin a transaction and read the server's clock in one round trip; None where one is open already.

        Raises psycopg.Error.
        """
        with self._connection.lock:
            if not self._is_idle():
                return None
            self._libpq.send_query(_BEGIN_AND_TELL)
            told = self._result().get_value(0, 0)
        return _EPOCH + timedelta(microseconds=int(told or 0))

    def run(self, text: bytes, values: Sequence[Any]) -> Answer:
        """Run a statement with ``$1``, ``$2``… in it, in a transaction, which begins here where none is open.

        Raises psycopg.Error.
        """
        adapting = self._adapting
        with self._connection.lock:
            if self._is_idle():
                self._libpq.send_query(_BEGIN)
                self._result()
            dumped = adapting.dump_sequence(values, [PyFormat.AUTO] * len(values))
            self._send(text, dumped)
            try:
                result = self._result()
            except psycopg.errors.InvalidSqlStatementName:  # the server has forgotten it, and the others too
                self._names.clear()
                raise
            if result.status != ExecStatus.TUPLES_OK:
                return Answer([], result.command_tuples or 0)
            adapting.set_pgresult(result)
            return Answer(adapting.load_rows(0, result.ntuples, tuple), result.ntuples)

    def _send(self, text: bytes, dumped: Sequence[abc.Buffer | None]) -> None:
        types, formats = self._adapting.types or (), self._adapting.formats
        name = self._names.get((text, types))
        if name is None:
            self._names[text, types] = b""
        elif not name and self._prepared < _AT_MOST:
            name = b"prodaccess_%d" % self._prepared
            self._libpq.send_prepare(name, text, types)
            self._result()
            self._names[text, types] = name
            self._prepared += 1
        if name:
            self._libpq.send_query_prepared(name, dumped, formats)
        else:
            self._libpq.send_query_params(text, dumped, types, formats)

    def _is_idle(self) -> bool:
        return self._libpq.transaction_status == TransactionStatus.IDLE

    def _result(self) -> PGresult:
        """The last one of what was sent."""
        results: list[PGresult] = self._connection.wait(execute(self._libpq))
        for result in results:
            if result.status not in _DONE:
                raise psycopg.errors.error_from_result(result)
        return results[-1]
