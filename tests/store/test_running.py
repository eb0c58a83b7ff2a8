"""Statements that are built once: what they take, what they return, and what they do when it fails."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from bot.core.model import StepUp
from bot.service.records import StoreUnavailable
from bot.store import SqlStore, open_store
from bot.store.answering import AnsweringConnection
from bot.store.engine import make_engine
from bot.store.running import Runner, Statement
from bot.store.tables import effects, facts, once_keys, requests
from tests.contracts.store.makers import START, request

_KEY = sa.bindparam("of_key", type_=facts.c.key.type)
_FACT = Statement(sa.select(facts).where(facts.c.key == _KEY))
_SETTING = Statement(sa.insert(facts), ("key", "value"))
_ONCE = Statement(sa.insert(once_keys), ("key", "until"))


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    opened = open_store(database_url)
    yield opened
    opened.close()


@contextmanager
def running(url: str) -> Iterator[tuple[Runner, sa.Connection]]:
    """A runner in a transaction that is rolled back."""
    engine = make_engine(url)
    with engine.connect() as connection, connection.begin() as transaction:
        yield Runner(connection), connection
        transaction.rollback()
    engine.dispose()


@pytest.mark.parametrize(
    ("statement", "values", "says"),
    [
        (_SETTING, {"key": "k", "value": "a\x00b"}, "^value holds a NUL"),
        (_SETTING, {"key": "k\ud800", "value": "v"}, "^key holds half of a surrogate pair"),
        (_FACT, {"of_key": "\x00"}, "^key holds a NUL"),
        (_ONCE, {"key": "k", "until": datetime(2026, 3, 29)}, "^until is a time without a zone"),  # noqa: DTZ001
    ],
)
def test_a_value_that_its_columns_type_refuses_never_reaches_the_database(
    database_url: str, statement: Statement, values: dict[str, object], says: str
) -> None:
    with running(database_url) as (runner, _):
        runner.count(_SETTING, {"key": "before", "value": "it"})
        with pytest.raises(ValueError, match=says):
            runner.rows(statement, values)
        assert runner.rows(_FACT, {"of_key": "before"}) == [("before", "it")], "the transaction goes on"


def test_a_row_is_read_by_name_by_place_and_as_a_mapping(database_url: str) -> None:
    with running(database_url) as (runner, _):
        assert runner.rows(_FACT, {"of_key": "k"}) == []
        assert runner.count(_SETTING, {"key": "k", "value": "v"}) == 1
        (row,) = runner.rows(_FACT, {"of_key": "k"})
        key, value = row
        assert (key, value) == (row.key, row.value) == (row[0], row[1]) == ("k", "v")
        assert row._asdict() == {"key": "k", "value": "v"}
        counting = Statement(sa.select(sa.func.count()).select_from(facts))
        assert runner.rows(counting, {}) == [(1,)], "a column without a name is there all the same"


def test_what_comes_back_is_what_the_columns_types_make_of_it(store: SqlStore, database_url: str) -> None:
    with store.transaction() as tx:
        tx.save_request(request())
    columns = requests.c.params, requests.c.asked_at, requests.c.duration_seconds, requests.c.more
    earliest = sa.func.min(requests.c.asked_at)
    with running(database_url) as (runner, connection):
        for query in (sa.select(*columns), sa.select(earliest)):
            assert [tuple(row) for row in connection.execute(query)] == runner.rows(Statement(query), {})
        assert runner.rows(Statement(sa.select(earliest)), {})[0][0].tzinfo is UTC


def test_empty_lists_and_mappings_stay_what_they_are(store: SqlStore, database_url: str) -> None:
    with store.transaction() as tx:
        tx.save_request(request(params={}, more=()))
    with running(database_url) as (runner, _):
        assert runner.rows(Statement(sa.select(requests.c.params, requests.c.more)), {}) == [({}, [])]


def test_a_statement_is_compiled_once_for_each_database(sqlite_url: str, postgres_url: str) -> None:
    statement = Statement(sa.select(facts.c.value))
    with running(sqlite_url) as (_, one), running(postgres_url) as (_, other):
        assert statement.on(one.dialect) is statement.on(one.dialect)
        assert statement.on(one.dialect) is not statement.on(other.dialect)


def test_what_has_to_be_written_anew_for_its_values_is_refused(sqlite_url: str) -> None:
    with running(sqlite_url) as (runner, _), pytest.raises(TypeError, match="anew for its values"):
        runner.rows(Statement(sa.select(facts).where(facts.c.key.in_(["a", "b"]))), {})


def test_a_percent_sign_is_one_percent_sign(database_url: str) -> None:
    finding = Statement(sa.select(facts.c.key).where(facts.c.key.like("100%"), sa.literal_column("7 % 4") == 3))
    with running(database_url) as (runner, _):
        for key in ("100%", "100 %", "99%"):
            runner.count(_SETTING, {"key": key, "value": "%s %(v)s $1"})
        assert sorted(runner.rows(finding, {})) == [("100 %",), ("100%",)]
        assert runner.rows(_FACT, {"of_key": "99%"}) == [("99%", "%s %(v)s $1")]


def test_statements_that_are_built_for_each_call_and_a_rollback_make_no_other_forgotten(database_url: str) -> None:
    engine = make_engine(database_url)
    with engine.connect() as connection:
        for _ in range(10):
            connection.execute(sa.select(facts))
            assert Runner(connection).rows(_FACT, {"of_key": "k"}) == []
        connection.rollback()
        assert Runner(connection).rows(_FACT, {"of_key": "k"}) == []
        connection.rollback()
    engine.dispose()


def test_what_the_server_has_forgotten_is_unavailability_once(postgres_url: str) -> None:
    with open_postgres(postgres_url) as store:
        for _ in range(3):
            with store.transaction() as tx:
                tx.fact("k")
        with pytest.raises(StoreUnavailable, match="does not exist"), store.transaction() as tx:  # noqa: PT012
            tx._connection.exec_driver_sql("DEALLOCATE ALL")
            tx.fact("k")
        with store.transaction() as tx:
            assert tx.fact("k") is None


def test_a_row_that_the_database_refuses_is_not_quoted(store: SqlStore) -> None:
    with pytest.raises(ValueError, match="the database refused the row") as refused, store.transaction() as tx:  # noqa: PT012
        tx.save_step_up(StepUp("s1", "ada", START, "a digest of hers"))
        tx.save_step_up(StepUp("s1", "ada", START, "a digest of hers"))
    assert "digest of hers" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_wrong_sql_is_nobodys_unavailability(database_url: str) -> None:
    nothing = Statement(sa.select(sa.literal_column("no_such_column")).select_from(facts))
    with running(database_url) as (runner, connection):
        with pytest.raises(sa.exc.DBAPIError):
            runner.rows(nothing, {})
        assert not connection.invalidated


@pytest.mark.parametrize("first", ["a row", "a count", "the time"])
def test_a_connection_that_is_cut_is_given_up_with_all_others(postgres_url: str, first: str) -> None:
    with running(postgres_url) as (runner, connection):
        with connection.engine.connect() as other:
            still_good = other.connection.driver_connection
        _cut(connection, postgres_url)
        run = {
            "a row": lambda: runner.rows(_FACT, {"of_key": "k"}),
            "a count": lambda: runner.count(_SETTING, {"key": "k", "value": "v"}),
            "the time": runner.begin,
        }[first]
        with pytest.raises(StoreUnavailable, match="not available"):
            run()
        assert connection.invalidated
        with connection.engine.connect() as one, connection.engine.connect() as another:
            assert still_good not in {one.connection.driver_connection, another.connection.driver_connection}


def _cut(connection: sa.Connection, url: str) -> None:
    driver: Any = connection.connection.driver_connection
    with psycopg.connect(url) as ending:
        ending.execute("SELECT pg_terminate_backend(%s, 10000)", [driver.info.backend_pid])


def test_an_interrupted_statement_gives_its_connection_up(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has read the answer, which the next statement would take for its own."""
    with running(postgres_url) as (runner, connection):
        runner.rows(_FACT, {"of_key": "k"})

        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(AnsweringConnection, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            runner.rows(_FACT, {"of_key": "k"})
        monkeypatch.undo()
        assert connection.invalidated


def test_a_time_that_is_asked_first_comes_with_the_beginning(postgres_url: str) -> None:
    with open_postgres(postgres_url) as store:
        store.ping()
        with store.transaction() as tx, psycopg.connect(postgres_url) as looking:
            tx.now()
            seen = looking.execute("SELECT query FROM pg_stat_activity WHERE state = 'idle in transaction'").fetchall()
        assert [query[:14] for (query,) in seen] == ["BEGIN; SELECT "]


def test_nothing_begins_within_a_transaction(postgres_url: str) -> None:
    with running(postgres_url) as (runner, _):
        assert runner.begin() is not None
        assert runner.begin() is None
    with running(postgres_url) as (runner, _):
        runner.rows(_FACT, {"of_key": "k"})
        assert runner.begin() is None


def test_a_time_that_is_asked_later_is_of_later(postgres_url: str) -> None:
    with open_postgres(postgres_url) as store, store.transaction() as tx:
        tx.fact("k")
        meanwhile: list[datetime] = []
        other = threading.Thread(target=lambda: meanwhile.append(store.ping()))
        other.start()
        other.join()
        assert tx.now() > meanwhile[0]


@contextmanager
def open_postgres(url: str) -> Iterator[SqlStore]:
    store = open_store(url)
    yield store
    store.close()


def test_a_columns_default_goes_in_where_a_row_names_others(postgres_url: str) -> None:
    names = ("kind", "lane", "subject", "key", "payload", "due_at")
    adding = Statement(sa.insert(effects).from_select(names, _one_effect()))
    reading = Statement(sa.select(effects.c.fence, effects.c.generation, effects.c.last_error))
    with running(postgres_url) as (runner, _):
        runner.count(adding, {})
        assert runner.rows(reading, {}) == [(0, 1, "")]


def _one_effect() -> sa.Select[Any]:
    texts = [sa.literal(text, sa.Text) for text in ("grant.expire", "access", "g1", "k1")]
    return sa.select(*texts, sa.literal_column("'{}'::json"), sa.func.now())
