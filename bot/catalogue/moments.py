"""Days, hours and moments in access.yaml; each refuses with a sentence and the way to write it."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator
from pydantic.json_schema import WithJsonSchema
from pydantic_core import PydanticCustomError

from bot.catalogue.fields import read_duration, refusal, write_duration

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _read_day(value: object) -> int:
    if not isinstance(value, str) or value.casefold() not in DAYS:
        raise refusal(f"“{value}” is not a day of the week", f"write one of {', '.join(DAYS)}")
    return DAYS.index(value.casefold())


def _read_days(value: object) -> frozenset[int]:
    parts = value if isinstance(value, list) else re.split(r"\s*,\s*", value) if isinstance(value, str) else [value]
    found: set[int] = set()
    for part in parts:
        first, dash, last = part.partition("-") if isinstance(part, str) else (part, "", "")
        begin = _read_day(first)
        end = _read_day(last) if dash else begin
        found |= {(begin + step) % 7 for step in range((end - begin) % 7 + 1)}
    if not found:
        raise refusal("names no day", "write mon-fri, or a list as in [mon, wed]")
    return frozenset(found)


def _read_moment(value: object) -> datetime:
    hint = "write a date, as in 2027-01-31, or a time with its offset, as in 2027-01-31T18:00+01:00"
    if not isinstance(value, str):
        raise refusal("is not a date", hint)
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value, re.ASCII):
            day = date.fromisoformat(value)
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise refusal(f"“{value[:40]}” is not a date", hint) from None
    if moment.tzinfo is None:
        raise refusal(f"“{value[:40]}” has no offset from UTC", hint)
    return moment.astimezone(UTC)


def _read_outside(value: object) -> timedelta | None:
    if value == "refuse":
        return None
    try:
        return read_duration(value)
    except PydanticCustomError as error:
        message = str((error.context or {})["message"])
        raise refusal(message, "write refuse, or the longest outside of these hours, as in 1h") from None


Day = Annotated[
    int, PlainValidator(_read_day), PlainSerializer(lambda day: DAYS[day]), WithJsonSchema({"enum": list(DAYS)})
]
Days = Annotated[
    frozenset[int],
    PlainValidator(_read_days),
    PlainSerializer(lambda days: [DAYS[day] for day in sorted(days)]),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
            "examples": ["mon-fri", ["sat", "sun"]],
        }
    ),
]
Moment = Annotated[
    datetime,
    PlainValidator(_read_moment),
    PlainSerializer(lambda moment: moment.isoformat()),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}", "examples": ["2027-01-31"]}),
]
Outside = Annotated[
    timedelta | None,
    PlainValidator(_read_outside),
    PlainSerializer(lambda value: write_duration(value) if value is not None else "refuse"),
    WithJsonSchema({"type": "string", "examples": ["refuse", "1h"]}),
]
