"""The audit log for auditors: is it whole, and what does it say."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, TextIO

from bot.core.audit import GENESIS, leaf, link
from bot.service.ports import Store
from bot.service.records import AuditRecord

BATCH = 1000
"""Records read in one transaction."""

COLUMNS = (
    *("seq", "at", "tag", "actor_kind", "actor_id", "actor_via", "actor_identity"),
    *("request_id", "grant_id", "person", "account", "data", "leaf", "chain"),
)
"""What ``export_csv`` writes; ``data`` is JSON, ``leaf`` and ``chain`` are hex."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""With these a spreadsheet begins a formula (OWASP, CSV Injection)."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of checking the log. ``chain`` is its value (hex) after the last good record, ``records``."""

    records: int
    chain: str
    first_bad: int | None = None
    """The sequence number of the first record that is wrong or missing; ``None``: all is well."""
    why: str = ""

    @property
    def ok(self) -> bool:
        return self.first_bad is None


def verify(store: Store, *, batch: int = BATCH) -> Verification:
    """Recompute every hash; numbers must have no gap and the head must be the last record's.

    Safe while the service runs: records that are added meanwhile are checked too. Raises StoreUnavailable.
    """
    seq, chain = 0, GENESIS
    while True:
        try:
            with store.transaction() as tx:
                # The head first: what is committed between the two reads is then found by the second.
                head = tx.audit_head()
                records = tx.audit(seq, batch)
        except ValueError:
            if batch == 1:
                return Verification(seq, chain.hex(), seq + 1, "it holds a value that cannot be read")
            batch = 1  # to find which
            continue
        for record in records:
            if why := _wrong(record, seq + 1, chain):
                return Verification(seq, chain.hex(), min(record.seq, seq + 1), why)
            seq, chain = record.seq, record.chain
        if not records:
            return _ending(seq, chain, *head)


def export_jsonl(store: Store, out: BinaryIO, *, after: int = 0, batch: int = BATCH) -> int:
    """Write each record above ``after`` as its exact stored bytes and a line feed; how many there were.

    A record is canonical JSON, which holds no line feed: SHA-256 over 0x00 and a line is its leaf.
    Raises StoreUnavailable.
    """
    count = 0
    for record in _records(store, after, batch):
        out.write(record.body + b"\n")
        count += 1
    return count


def export_csv(store: Store, out: TextIO, *, after: int = 0, batch: int = BATCH) -> int:
    """Write a heading and each record above ``after`` in ``COLUMNS``; how many records there were.

    Open ``out`` with ``newline=""``. A cell that a spreadsheet would run as a formula gets an apostrophe in front;
    ``export_jsonl`` has the exact text. Raises StoreUnavailable, and ValueError for a record that is not ours.
    """
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    count = 0
    for record in _records(store, after, batch):
        writer.writerow([_safe(cell) for cell in _cells(record)])
        count += 1
    return count


def _records(store: Store, after: int, batch: int) -> Iterator[AuditRecord]:
    while True:
        with store.transaction() as tx:
            records = tx.audit(after, batch)
        yield from records
        if not records:
            return
        after = records[-1].seq


def _wrong(record: AuditRecord, expected: int, chain: bytes) -> str:
    """Why a record is not the one that belongs here; empty when it is."""
    if record.seq > expected:
        return f"record {expected} is missing"
    if record.seq < expected:
        return f"record {record.seq} should not be there"
    if leaf(record.body) != record.leaf:
        return "its text is not what its leaf hash was made from"
    if link(chain, record.leaf) != record.chain:
        return "it does not follow from the record before it"
    return _contradiction(record)


def _contradiction(record: AuditRecord) -> str:
    inner = _parsed(record)
    if inner is None:
        return "its text is not a JSON object"
    if inner.get("seq") != record.seq:
        return "its text has another sequence number"
    if inner.get("at") != record.at.isoformat(timespec="microseconds"):
        return "its text has another time"
    return ""


def _ending(seq: int, chain: bytes, head_seq: int, head_chain: bytes) -> Verification:
    if head_seq > seq:
        return Verification(seq, chain.hex(), seq + 1, f"the log ends at {seq}, but its head says {head_seq}")
    if head_seq < seq:
        return Verification(seq, chain.hex(), head_seq + 1, f"the head says {head_seq}, but the log goes on to {seq}")
    if head_chain != chain:
        return Verification(seq, chain.hex(), seq, "the head's chain value is not the last record's")
    return Verification(seq, chain.hex())


def _parsed(record: AuditRecord) -> dict[str, object] | None:
    try:
        value = json.loads(record.body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _cells(record: AuditRecord) -> list[str]:
    inner = _parsed(record)
    actor = inner.get("actor") if inner is not None else None
    if inner is None or not isinstance(actor, dict):
        raise ValueError(f"audit record {record.seq} cannot be read; check the log with: prodaccess audit verify")
    return [
        *(str(inner.get(name, "")) for name in ("seq", "at", "tag")),
        *(str(actor.get(name, "")) for name in ("kind", "id", "via", "identity")),
        *(str(inner.get(name, "")) for name in ("request_id", "grant_id", "person", "account")),
        json.dumps(inner.get("data", {}), ensure_ascii=False, sort_keys=True),
        record.leaf.hex(),
        record.chain.hex(),
    ]


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
