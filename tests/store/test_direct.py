"""Statements without a cursor: prepared once, whatever their values, and whatever becomes of their transaction."""

from collections.abc import Iterator

import psycopg
import pytest

from bot.store import direct
from bot.store.answering import AnsweringConnection

_ADD = b"SELECT $1::bigint + 1, $2::text"


@pytest.fixture
def connection(postgres_url: str) -> Iterator[AnsweringConnection]:
    with AnsweringConnection.connect(postgres_url) as opened:
        yield opened


def _prepared(connection: AnsweringConnection) -> list[str]:
    found = connection.execute("SELECT statement FROM pg_prepared_statements WHERE name LIKE 'prodaccess%'")
    return sorted(statement for (statement,) in found)


def test_a_statement_is_prepared_when_it_is_run_for_the_second_time(connection: AnsweringConnection) -> None:
    assert connection.direct.run(_ADD, [1, "a"]).rows == [(2, "a")]
    assert _prepared(connection) == []
    for number in (2, 3):
        assert connection.direct.run(_ADD, [number, "b"]).rows == [(number + 1, "b")]
        assert _prepared(connection) == [_ADD.decode()]


def test_values_of_other_types_are_read_as_what_they_are(connection: AnsweringConnection) -> None:
    for _ in range(3):
        for number, text in ((1, "a"), (None, None), (2**40, "1"), (-(2**20), "")):
            (row,) = connection.direct.run(_ADD, [number, text]).rows
            assert row == (None if number is None else number + 1, text)


def test_beyond_so_many_statements_none_is_prepared_and_each_is_run(
    connection: AnsweringConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(direct, "_AT_MOST", 2)
    for _ in range(3):
        for number in range(4):
            assert connection.direct.run(b"SELECT %d" % number, []).rows == [(number,)]
    assert _prepared(connection) == ["SELECT 0", "SELECT 1"]


def test_what_is_prepared_outlives_its_transaction(connection: AnsweringConnection) -> None:
    for _ in range(2):
        connection.direct.run(_ADD, [1, "a"])
        connection.rollback()
    assert connection.direct.run(_ADD, [1, "a"]).rows == [(2, "a")]
    assert _prepared(connection) == [_ADD.decode()]


def test_after_an_error_the_transaction_is_over_and_the_next_one_goes_well(connection: AnsweringConnection) -> None:
    dividing = b"SELECT 1 / $1::int"
    for _ in range(3):
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.direct.run(dividing, [0])
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            connection.direct.run(dividing, [1])
        connection.rollback()
        assert connection.direct.run(dividing, [1]).rows == [(1,)]
        connection.rollback()


def test_what_the_server_has_forgotten_is_prepared_anew_in_the_next_transaction(
    connection: AnsweringConnection,
) -> None:
    for _ in range(2):
        for number in range(3):
            connection.direct.run(b"SELECT %d" % number, [])
    connection.execute("DEALLOCATE ALL")
    with pytest.raises(psycopg.errors.InvalidSqlStatementName):
        connection.direct.run(b"SELECT 1", [])
    connection.rollback()
    for _ in range(3):
        for number in range(3):
            assert connection.direct.run(b"SELECT %d" % number, []).rows == [(number,)]
    assert len(_prepared(connection)) == 3


def test_how_many_rows_were_written_is_told(connection: AnsweringConnection) -> None:
    connection.direct.run(b"CREATE TEMPORARY TABLE things (name text)", [])
    adding = connection.direct.run(b"INSERT INTO things VALUES ('a'), ('b')", [])
    assert (adding.rows, adding.rowcount) == ([], 2)
    back = connection.direct.run(b"DELETE FROM things RETURNING name", [])
    assert (sorted(back.rows), back.rowcount) == ([("a",), ("b",)], 2)


def test_a_statement_begins_the_transaction_that_it_is_rolled_back_with(connection: AnsweringConnection) -> None:
    connection.direct.run(b"CREATE TABLE gone (name text)", [])
    connection.rollback()
    assert connection.direct.run(b"SELECT to_regclass('gone')::text", []).rows == [(None,)]
