"""What SQLite alone has: a file, a writer at a time, a process that serves."""

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.service.records import StoreUnavailable
from bot.store import SqlStore, StoreInUse, migrate, open_store, serve_lock
from bot.store.engine import make_engine
from tests.contracts.store.makers import effect, enqueue, event, request, together


def test_a_commit_is_on_the_disk_before_it_returns(sqlite_url: str) -> None:
    engine = make_engine(sqlite_url)
    with engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    engine.dispose()
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    migrate(f"sqlite:///{tmp_path / 'prodaccess.db'}")
    assert stat.S_IMODE((tmp_path / "prodaccess.db").stat().st_mode) == 0o600


def test_what_was_committed_is_there_after_reopening(sqlite_url: str) -> None:
    store = open_store(sqlite_url)
    with store.transaction() as tx:
        tx.save_request(request())
        tx.append([event()])
    enqueue(store, effect())
    store.close()
    again = open_store(sqlite_url)
    with again.transaction() as tx:
        assert tx.request("r1").version == 1
        assert tx.audit_head()[0] == 1
    assert again.next_due("access") is not None
    again.close()


def test_a_second_serving_process_is_refused_and_told_why(sqlite_url: str) -> None:
    code = f"from bot.store import serve_lock\nwith serve_lock({sqlite_url!r}): pass"
    with serve_lock(sqlite_url):
        with pytest.raises(StoreInUse, match=f"in use by another prodaccess \\(process {os.getpid()}\\)"):
            serve_lock(sqlite_url).__enter__()
        second = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert "StoreInUse" in second.stderr.splitlines()[-1]
    third = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert third.returncode == 0, third.stderr


def test_the_lock_of_a_killed_process_holds_nobody_up(sqlite_url: str) -> None:
    code = (
        "from bot.store import serve_lock; import os, signal\n"
        f"with serve_lock({sqlite_url!r}): os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert killed.returncode == -9
    with serve_lock(sqlite_url):
        pass


def test_an_operators_process_works_beside_the_serving_one(sqlite_url: str) -> None:
    code = (
        "from bot.store import open_store; from tests.contracts.store.makers import event\n"
        f"store = open_store({sqlite_url!r})\n"
        "for _ in range(20):\n    with store.transaction() as tx: tx.append([event()])\n"
    )
    with serve_lock(sqlite_url):
        store = open_store(sqlite_url)
        operator = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)

        def append(_: int) -> None:
            for _ in range(10):
                with store.transaction() as tx:
                    tx.append([event()])

        together(4, append)
        assert operator.wait(60) == 0, operator.stderr.read()
        operator.stderr.close()
        with store.transaction() as tx:
            assert tx.audit_head()[0] == len(tx.audit()) == 60
        store.close()


def test_a_lock_that_another_process_keeps_is_unavailability(sqlite_url: str) -> None:
    store = open_store(f"{sqlite_url}?timeout=0.1")
    holder = sqlite3.connect(store_path(sqlite_url), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        store.ping()
    holder.execute("ROLLBACK")
    holder.close()
    store.ping()
    store.close()


def test_a_full_disk_is_unavailability_and_writes_nothing(sqlite_url: str) -> None:
    engine = make_engine(sqlite_url)

    def limit(connection: sqlite3.Connection, _record: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 10}")

    sa.event.listen(engine, "connect", limit)
    store = SqlStore(engine)
    with pytest.raises(StoreUnavailable, match="full"), store.transaction() as tx:
        tx.save_request(request(reason="x" * 1_000_000))
    with store.transaction() as tx:
        assert tx.request("r1") is None
        tx.save_request(request())
    store.close()


def test_a_transaction_within_a_transaction_is_refused_at_once(sqlite_url: str) -> None:
    store = open_store(sqlite_url)
    with store.transaction(), pytest.raises(RuntimeError, match="already"):
        store.ping()
    store.ping()
    store.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET tag = 'x'",
        "DELETE FROM audit_log",
        "REPLACE INTO audit_log SELECT * FROM audit_log",
        "UPDATE audit_head SET seq = 0",
        "UPDATE audit_head SET chain = leaf FROM audit_log",
        "DELETE FROM audit_head",
    ],
)
def test_the_audit_log_can_only_grow(sqlite_url: str, statement: str) -> None:
    store = open_store(sqlite_url)
    with store.transaction() as tx:
        tx.append([event()])
        before = tx.audit()
    connection = sqlite3.connect(store_path(sqlite_url))
    with pytest.raises(sqlite3.IntegrityError, match="is append-only"):
        connection.execute(statement)
    connection.close()
    with store.transaction() as tx:
        assert tx.audit() == before
    store.close()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("sqlite:////no/such/folder/x.db", "folder /no/such/folder does not exist"),
        ("mysql://localhost/x", "mysql is not supported"),
        ("what?", "cannot be read"),
    ],
)
def test_a_url_that_is_no_use_is_refused_with_a_reason(url: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        open_store(url)


def test_a_password_in_a_bad_url_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="database") as refused:
        open_store("mysql://me:hunter2@localhost/x")
    assert "hunter2" not in str(refused.value)


def store_path(url: str) -> str:
    return url.removeprefix("sqlite:///")
