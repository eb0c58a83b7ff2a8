"""An audit event as the bytes that are stored, and as columns."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

import rfc8785

from bot.core.audit import Event, leaf, link
from bot.service.records import AuditRecord
from bot.store.columns import checked_text

_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def recorded(events: Sequence[Event], at: datetime, seq: int, chain: bytes) -> list[AuditRecord]:
    """The records of ``events`` after the record ``seq``, whose chain value is ``chain``. Raises ValueError."""
    records: list[AuditRecord] = []
    for event in events:
        seq += 1
        body = _canonical(event, seq, at)
        leaf_hash = leaf(body)
        chain = link(chain, leaf_hash)
        records.append(AuditRecord(seq, at, body, leaf_hash, chain))
    return records


def _canonical(event: Event, seq: int, at: datetime) -> bytes:
    """RFC 8785 bytes. Without floats, and with names of ASCII alone, the standard library writes the same, faster."""
    record = event.record(seq, at)
    if not _check(record, str(event.tag)):
        return rfc8785.dumps(record)  # type: ignore[arg-type]
    return _ENCODER.encode(record).encode()


def _check(value: object, field: str) -> bool:
    """Whether every name in it is ASCII. Raises ValueError, by the field's name, for what a record cannot hold."""
    plain = True
    if isinstance(value, str):
        checked_text(value, field)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise ValueError(f"{field} has a name that is not a string")  # noqa: TRY004
            checked_text(key, f"a name in {field}")
            plain = _check(inner, f"{field}.{key}") and key.isascii() and plain
    elif isinstance(value, list | tuple):
        for position, inner in enumerate(value):
            plain = _check(inner, f"{field}[{position}]") and plain
    elif isinstance(value, int):
        if abs(value) >= 2**53:
            raise ValueError(f"{field} is too large for a JSON number; write it as a string")
    elif value is not None:
        raise ValueError(
            f"{field} is a {type(value).__name__}, which the audit log does not hold; write it as a string"
        )
    return plain
