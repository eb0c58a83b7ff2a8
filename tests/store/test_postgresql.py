"""What PostgreSQL alone has: many replicas, row locks, notifications, a server that goes away."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from bot.core.model import RequestStatus
from bot.service.ports import Store
from bot.service.records import StaleWrite, StoreUnavailable
from bot.store import SqlStore, open_store, serve_lock
from bot.store.engine import make_engine
from bot.store.listener import CHANNEL
from tests.contracts.store.makers import claim_one, effect, enqueue, event, grant, request, rolled_back, together
from tests.databases import PostgresServer, someone_waits, until

LONG = timedelta(seconds=30)


@pytest.fixture
def replicas(postgres_url: str) -> Iterator[tuple[SqlStore, SqlStore]]:
    """Two stores on one database, as two processes have."""
    pair = open_store(postgres_url), open_store(postgres_url)
    yield pair
    for store in pair:
        store.close()


@pytest.fixture
def store(replicas: tuple[SqlStore, SqlStore]) -> SqlStore:
    return replicas[0]


def test_either_spelling_of_the_url_will_do(postgres_url: str) -> None:
    for scheme in ("postgresql://", "postgres://", "postgresql+psycopg://"):
        store = open_store(postgres_url.replace("postgresql://", scheme))
        store.ping()
        store.close()


def test_many_replicas_may_serve(postgres_url: str) -> None:
    with serve_lock(postgres_url), serve_lock(postgres_url):
        pass


def test_the_time_is_the_databases_and_stands_still(store: SqlStore) -> None:
    with store.transaction() as tx:
        assert tx.now() == tx.now()
        first = tx.now()
    assert first.tzinfo is UTC
    assert store.ping() > first
    assert abs(store.ping() - datetime.now(UTC)) < timedelta(minutes=1)


def test_one_who_waited_for_a_lock_has_the_time_after_it(
    replicas: tuple[SqlStore, SqlStore], postgres_url: str
) -> None:
    one, other = replicas
    with one.transaction() as tx:
        tx.save_request(request())
    times: list[datetime] = []

    def wait() -> None:
        with other.transaction() as late:
            late.request("r1", lock=True)
            times.append(late.now())

    waiting = threading.Thread(target=wait)
    with one.transaction() as tx:
        tx.request("r1", lock=True)
        waiting.start()
        until(lambda: someone_waits(postgres_url))
        held_until = one.ping()
    waiting.join()
    assert times[0] > held_until


def test_a_locked_requests_grants_wait_too(replicas: tuple[SqlStore, SqlStore], postgres_url: str) -> None:
    one, other = replicas
    with one.transaction() as tx:
        tx.save_request(request())
        tx.save_grant(grant())
    outcome: list[str] = []

    def end() -> None:
        try:
            with other.transaction() as late:
                late.save_grant(grant(version=1, end_note="late"))
        except StaleWrite:
            outcome.append("stale")

    waiting = threading.Thread(target=end)
    with one.transaction() as tx:
        tx.request("r1", lock=True)
        waiting.start()
        until(lambda: someone_waits(postgres_url))
        tx.save_grant(grant(version=1, end_note="first"))
    waiting.join()
    assert outcome == ["stale"]
    with one.transaction() as tx:
        assert tx.grants("r1")[0].end_note == "first"


def test_a_reader_never_sees_half_a_change(replicas: tuple[SqlStore, SqlStore]) -> None:
    one, other = replicas
    with one.transaction() as tx:
        tx.save_request(request())
    with one.transaction() as tx:
        tx.save_request(request(version=1, status=RequestStatus.DENIED))
        with other.transaction() as reading:
            assert reading.request("r1").status is RequestStatus.PENDING
    with other.transaction() as reading:
        assert reading.request("r1").status is RequestStatus.DENIED


def test_a_lease_is_by_the_databases_clock(store: SqlStore) -> None:
    enqueue(store, effect("k1"))
    before = store.ping()
    (claim,) = store.claim("access", 7, LONG)
    assert before <= claim.lease_until - LONG <= store.ping()


def test_what_another_replica_leased_is_not_claimed(replicas: tuple[SqlStore, SqlStore]) -> None:
    enqueue(replicas[0], *(effect(f"k{number}") for number in range(200)))

    def work(number: int) -> list[str]:
        mine: list[str] = []
        while claims := replicas[number % 2].claim("access", 7, LONG):
            mine += [held.key for held in claims]
        return mine

    claimed = [key for mine in together(8, work) for key in mine]
    assert sorted(claimed) == sorted(f"k{number}" for number in range(200))


def test_a_claim_does_not_wait_for_a_row_that_is_locked(replicas: tuple[SqlStore, SqlStore]) -> None:
    one, other = replicas
    enqueue(one, effect("k1"))
    held = claim_one(one)
    one.release(held, timedelta(0), "")
    enqueue(one, effect("k2"))
    with one.transaction() as tx:
        tx.cancel(["k1"])
        assert [claim.key for claim in other.claim("access", 9, LONG)] == ["k2"]


def test_a_commit_wakes_another_replica(replicas: tuple[SqlStore, SqlStore]) -> None:
    one, other = replicas
    with listening(other) as woken:
        enqueue(one, effect())
        assert woken.wait(20)


def test_a_rollback_or_a_far_due_time_wakes_nobody(store: SqlStore, postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"LISTEN {CHANNEL}".encode())
        enqueue(store, effect("far", store.ping() + timedelta(hours=1)))
        with rolled_back(store) as tx:
            tx.enqueue([effect("k2")])
        with store.transaction() as tx:
            tx.set_fact("nothing", "due")
        enqueue(store, effect("now"))
        connection.execute("NOTIFY prodaccess_effects, 'the end'")
        heard = [notice.payload for notice in connection.notifies(timeout=20, stop_after=2)]
    assert len(heard) == 2
    assert heard[1] == "the end"


def test_a_listener_comes_back_and_wakes(
    replicas: tuple[SqlStore, SqlStore], postgres_server: PostgresServer, postgres_url: str
) -> None:
    one, other = replicas
    with listening(other) as woken:
        postgres_server.disconnect_everyone(postgres_url)
        assert woken.wait(20), "a new connection may have missed something: it must wake"
        woken.clear()
        until(lambda: works(one))
        enqueue(one, effect())
        assert woken.wait(20)


def test_a_cut_connection_is_unavailability_once(
    store: SqlStore, postgres_server: PostgresServer, postgres_url: str
) -> None:
    with pytest.raises(StoreUnavailable), store.transaction() as tx:  # noqa: PT012
        tx.save_request(request())
        postgres_server.disconnect_everyone(postgres_url)
        tx.append([event()])
    with store.transaction() as tx:
        assert tx.request("r1") is None
        assert tx.audit_head()[0] == 0


def test_a_cut_idle_connection_is_not_noticed(
    store: SqlStore, postgres_server: PostgresServer, postgres_url: str
) -> None:
    store.ping()
    postgres_server.disconnect_everyone(postgres_url)
    store.ping()


def test_a_connection_cut_at_the_commit_says_that_nobody_knows(
    store: SqlStore, postgres_server: PostgresServer, postgres_url: str
) -> None:
    with pytest.raises(StoreUnavailable, match="not known"), store.transaction() as tx:  # noqa: PT012
        tx.save_request(request())
        postgres_server.disconnect_everyone(postgres_url)


def test_the_cause_outlives_a_cut_connection(
    store: SqlStore, postgres_server: PostgresServer, postgres_url: str
) -> None:
    with pytest.raises(LookupError), store.transaction() as tx:  # noqa: PT012
        tx.save_request(request())
        postgres_server.disconnect_everyone(postgres_url)
        raise LookupError


def test_no_server_is_unavailability() -> None:
    store = open_store("postgresql://nobody@127.0.0.1:1/nothing")
    for call in (store.ping, lambda: store.next_due("access"), lambda: store.claim("access", 1, LONG)):
        with pytest.raises(StoreUnavailable):
            call()
    store.close()


def test_a_deadlock_is_unavailability_for_one_and_nothing_for_the_other(
    replicas: tuple[SqlStore, SqlStore],
) -> None:
    with replicas[0].transaction() as tx:
        tx.save_request(request("r1"))
        tx.save_request(request("r2"))
    both = threading.Barrier(2)

    def cross(number: int) -> str:
        first, second = ("r1", "r2") if number else ("r2", "r1")
        try:
            with replicas[number].transaction() as tx:
                tx.request(first, lock=True)
                both.wait(20)
                tx.request(second, lock=True)
        except StoreUnavailable:
            return "unavailable"
        return "done"

    assert sorted(together(2, cross)) == ["done", "unavailable"]


def test_when_all_connections_are_in_use_it_is_unavailability(postgres_url: str) -> None:
    store = open_store(f"{postgres_url}", pool_size=1, patience=timedelta(seconds=0.1))
    with store.transaction(), pytest.raises(StoreUnavailable, match="in use"):
        store.ping()
    store.ping()
    store.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET tag = 'x'",
        "UPDATE audit_log SET tag = 'x' WHERE false",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "UPDATE audit_head SET seq = 0",
        "UPDATE audit_head SET chain = leaf FROM audit_log",
        "DELETE FROM audit_head",
        "TRUNCATE audit_head",
    ],
)
def test_the_audit_log_can_only_grow(store: SqlStore, postgres_url: str, statement: str) -> None:
    with store.transaction() as tx:
        tx.append([event()])
        before = tx.audit()
    with psycopg.connect(postgres_url) as connection:
        with pytest.raises(psycopg.errors.RestrictViolation, match="is append-only"):
            connection.execute(statement.encode())
        connection.rollback()
    with store.transaction() as tx:
        assert tx.audit() == before


def test_no_statement_waits_for_ever(postgres_url: str) -> None:
    engine = make_engine(postgres_url)
    with engine.connect() as connection:
        names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
        assert [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names] == ["5s", "30s", "1min"]
    engine.dispose()


class listening:
    """A thread that waits on a store until it is woken; entered once its connection listens."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stop = threading.Event()
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._wait, daemon=True)

    def __enter__(self) -> threading.Event:
        self._thread.start()
        assert self._woken.wait(20), "a new listener wakes"
        self._woken.clear()
        return self._woken

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        enqueue(self._store, effect("the end"))
        self._thread.join(20)

    def _wait(self) -> None:
        while not self._stop.is_set():
            before = time.monotonic()
            self._store.wait("access", LONG)
            if time.monotonic() - before < LONG.total_seconds():
                self._woken.set()


def works(store: Store) -> bool:
    try:
        store.ping()
    except StoreUnavailable:
        return False
    return True
