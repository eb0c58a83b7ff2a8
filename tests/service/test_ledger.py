"""The audit log can be checked and exported, and a change made behind the service's back is found."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.core.audit import GENESIS, Actor, ActorKind, Event, Tag, leaf, link
from bot.service.ledger import COLUMNS, export_csv, export_jsonl, verify
from bot.store import SqlStore, open_store
from bot.store.engine import make_engine
from bot.store.memory import MemoryStore
from tests.databases import database_url, postgres_server, postgres_url, sqlite_url

__all__ = ["database_url", "postgres_server", "postgres_url", "sqlite_url"]

GRACE = Actor(ActorKind.PERSON, "grace", "slack", "U2")


def _said(number: int, **values: object) -> Event:
    return Event(
        Tag.REQUEST_DENIED, GRACE, f"r{number}", f"g{number}", "ada", "prod", data={"number": number, **values}
    )


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    opened = open_store(database_url)
    yield opened
    opened.close()


@pytest.fixture
def filled(store: SqlStore) -> SqlStore:
    """Seven records."""
    for number in range(1, 8):
        with store.transaction() as tx:
            tx.append([_said(number)])
    return store


def test_an_empty_log_is_whole() -> None:
    found = verify(MemoryStore())
    assert found.ok
    assert (found.records, found.chain) == (0, GENESIS.hex())


@pytest.mark.parametrize("batch", [1, 2, 7, 1000])
def test_an_untouched_log_is_whole_however_it_is_read(filled: SqlStore, batch: int) -> None:
    found = verify(filled, batch=batch)
    assert found.ok
    assert found.records == 7
    with filled.transaction() as tx:
        assert tx.audit_head() == (7, bytes.fromhex(found.chain))


def test_records_added_while_it_is_checked_are_checked_too() -> None:
    class Growing(MemoryStore):
        """Somebody appends between any two reads, three times."""

        more = 3

        def transaction(self):
            if self.more:
                self.more -= 1
                with super().transaction() as tx:
                    tx.append([_said(self.more)])
            return super().transaction()

    found = verify(Growing(), batch=1)
    assert found.ok
    assert found.records == 3


@dataclass(frozen=True)
class Tampering:
    """What somebody with the database's own rights does, and what is found."""

    statement: str
    first_bad: int
    why: str


SWAPPED = "UPDATE audit_log SET {0} = (SELECT {0} FROM audit_log AS other WHERE other.seq = 2) WHERE seq = 4"


@pytest.mark.parametrize("batch", [3, 1000])
@pytest.mark.parametrize(
    "tampering",
    [
        Tampering(SWAPPED.format("body"), 4, "leaf hash"),
        Tampering(SWAPPED.format("leaf"), 4, "leaf hash"),
        Tampering(SWAPPED.format("chain"), 4, "does not follow"),
        Tampering("UPDATE audit_log SET at = '2001-01-01 00:00:00.000000' WHERE seq = 5", 5, "another time"),
        Tampering("DELETE FROM audit_log WHERE seq = 1", 1, "record 1 is missing"),
        Tampering("DELETE FROM audit_log WHERE seq IN (4, 5)", 4, "record 4 is missing"),
        Tampering("DELETE FROM audit_log WHERE seq >= 6", 6, "ends at 5, but its head says 7"),
        Tampering("DELETE FROM audit_log", 1, "ends at 0, but its head says 7"),
        Tampering("UPDATE audit_log SET seq = 70 WHERE seq = 7", 7, "record 7 is missing"),
        Tampering("UPDATE audit_log SET seq = 0 WHERE seq = 1", 1, "record 1 is missing"),
        Tampering("UPDATE audit_head SET seq = 5", 6, "head says 5"),
        Tampering("UPDATE audit_head SET chain = leaf FROM audit_log WHERE audit_log.seq = 3", 7, "head's chain value"),
    ],
    ids=lambda value: value.statement if isinstance(value, Tampering) else None,
)
def test_tampering_is_found_where_it_begins(
    filled: SqlStore, database_url: str, tampering: Tampering, batch: int
) -> None:
    _tamper(database_url, tampering.statement)
    found = verify(filled, batch=batch)
    assert not found.ok
    assert found.first_bad == tampering.first_bad
    assert tampering.why in found.why


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"not json", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b'{"seq":2}', "another sequence number"),
        (b"\xff", "not a JSON object"),
    ],
)
def test_a_whole_chain_around_another_text_is_found(sqlite_url: str, body: bytes, why: str) -> None:
    store = open_store(sqlite_url)
    with store.transaction() as tx:
        tx.append([_said(1)])
    _tamper(sqlite_url, "UPDATE audit_log SET body = :body, leaf = :leaf, chain = :chain", **_forged(body))
    _tamper(sqlite_url, "UPDATE audit_head SET chain = :chain", chain=_forged(body)["chain"])
    found = verify(store)
    assert (found.first_bad, found.why) == (1, f"its text {'is' if 'JSON' in why else 'has'} {why}")
    with pytest.raises(ValueError, match="record 1 cannot be read"):
        export_csv(store, io.StringIO())
    store.close()


@pytest.mark.parametrize("batch", [1, 3, 1000])
def test_a_value_that_cannot_even_be_read_is_found(sqlite_url: str, batch: int) -> None:
    store = open_store(sqlite_url)
    with store.transaction() as tx:
        tx.append([_said(number) for number in range(1, 8)])
    _tamper(sqlite_url, "UPDATE audit_log SET at = 'yesterday' WHERE seq = 5")
    found = verify(store, batch=batch)
    assert (found.records, found.first_bad, found.why) == (4, 5, "it holds a value that cannot be read")
    store.close()


def test_a_jsonl_line_is_a_record_to_the_byte(filled: SqlStore) -> None:
    with filled.transaction() as tx:
        tx.append([_said(8, text="two\nlines – é 🙂")])
        records = tx.audit()
    out = io.BytesIO()
    assert export_jsonl(filled, out, batch=3) == 8
    lines = out.getvalue().splitlines()
    assert lines == [record.body for record in records]
    assert [leaf(line) for line in lines] == [record.leaf for record in records]
    assert out.getvalue().endswith(b"\n")


def test_an_export_may_begin_after_a_record(filled: SqlStore) -> None:
    out, table = io.BytesIO(), io.StringIO()
    assert export_jsonl(filled, out, after=5) == 2
    assert export_csv(filled, table, after=6) == 1
    assert [json.loads(line)["seq"] for line in out.getvalue().splitlines()] == [6, 7]


def test_a_csv_row_has_every_part_of_a_record(filled: SqlStore) -> None:
    out = io.StringIO()
    assert export_csv(filled, out, batch=3) == 7
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    with filled.transaction() as tx:
        records = tx.audit()
    assert len(rows) == 7
    assert rows[2] == dict(
        zip(
            COLUMNS,
            [
                *("3", records[2].at.isoformat(timespec="microseconds"), "request.denied"),
                *("person", "grace", "slack", "U2", "r3", "g3", "ada", "prod", '{"number": 3}'),
                *(records[2].leaf.hex(), records[2].chain.hex()),
            ],
            strict=True,
        )
    )


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_no_csv_cell_is_a_formula(tmp_path: Path, start: str) -> None:
    store = MemoryStore()
    evil = f'{start}HYPERLINK("http://evil","x"),\n"'
    with store.transaction() as tx:
        tx.append([Event(Tag.REQUEST_DENIED, Actor(ActorKind.PERSON, evil, evil, evil), evil, evil, evil, evil)])
    path = tmp_path / "audit.csv"
    with path.open("w", newline="", encoding="utf-8") as out:
        export_csv(store, out)
    with path.open(newline="", encoding="utf-8") as written:
        (row,) = list(csv.DictReader(written))
    assert [name for name, cell in row.items() if cell == f"'{evil}"] == [
        *("actor_id", "actor_via", "actor_identity", "request_id", "grant_id", "person", "account")
    ]
    assert not [cell for cell in row.values() if cell.startswith(start)]


def _tamper(url: str, statement: str, **values: object) -> None:
    """Run a statement as somebody who may turn the triggers off."""
    engine = make_engine(url, pool_size=1)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            for table in ("audit_log", "audit_head"):
                connection.execute(sa.text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        else:
            for name in connection.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars():
                connection.execute(sa.text(f"DROP TRIGGER {name}"))
        connection.execute(sa.text(statement), values)
    engine.dispose()


def _forged(body: bytes) -> dict[str, bytes]:
    return {"body": body, "leaf": leaf(body), "chain": link(GENESIS, leaf(body))}
