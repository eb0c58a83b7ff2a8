"""Column types that keep what goes in exact, or refuse it by the field's name. Alike on every database."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


def checked_text(value: str, field: str) -> str:
    """``value`` as a plain ``str``. Raises ValueError for what PostgreSQL or UTF-8 cannot hold."""
    if "\x00" in value:
        raise ValueError(f"{field} holds a NUL character; remove it")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError(f"{field} holds half of a surrogate pair, which is no character; remove it")
    return str(value)


def checked_time(value: datetime, field: str) -> datetime:
    """``value`` in UTC. Raises ValueError for a time without a zone."""
    if value.utcoffset() is None:
        raise ValueError(f"{field} is a time without a zone; give it one, such as UTC")
    return value.astimezone(UTC)


def checked_seconds(value: timedelta, field: str) -> int:
    """``value`` in whole seconds. Raises ValueError for a fraction, which would be lost."""
    if value % timedelta(seconds=1):
        raise ValueError(f"{field} is not a whole number of seconds; round it")
    return value // timedelta(seconds=1)


def checked_strings(value: Mapping[str, str], field: str) -> dict[str, str]:
    """``value`` as a dict. Raises ValueError as ``checked_text`` does, and for anything but strings."""
    for key, text in value.items():
        if not isinstance(key, str) or not isinstance(text, str):
            raise ValueError(f"{field} holds something that is not a string; only strings are kept")  # noqa: TRY004
        checked_text(key, f"a name in {field}")
        checked_text(text, f"{field}.{key}")
    return dict(value)


def checked_plain(value: object, field: str) -> None:
    """Raises ValueError for a text that no database keeps, TypeError for what is no list, mapping or string."""
    match value:
        case str():
            checked_text(value, field)
        case list():
            for inner in value:
                checked_plain(inner, field)
        case dict():
            for key, inner in value.items():
                checked_plain(key, field)
                checked_plain(inner, field)
        case _:
            raise TypeError(f"{field} holds {type(value).__name__}; lists, mappings and strings are kept")


class CleanText(TypeDecorator[str]):
    """Text of any length."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, field: str) -> None:
        super().__init__()
        self.field = field

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else checked_text(value, self.field)


class UtcTime(TypeDecorator[datetime]):
    """A moment to the microsecond: ``timestamptz`` on PostgreSQL, sortable UTC text on SQLite."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def __init__(self, field: str) -> None:
        super().__init__()
        self.field = field

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        utc = checked_time(value, self.field)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Seconds(TypeDecorator[timedelta]):
    """A duration in whole seconds."""

    impl = sa.BigInteger
    cache_ok = True

    def __init__(self, field: str) -> None:
        super().__init__()
        self.field = field

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> int | None:
        return None if value is None else checked_seconds(value, self.field)

    def process_result_value(self, value: int | None, dialect: Dialect) -> timedelta | None:
        return None if value is None else timedelta(seconds=value)


class Strings(TypeDecorator[Mapping[str, str]]):
    """A mapping of strings to strings, as JSON in the order given."""

    impl = sa.JSON
    cache_ok = True

    def __init__(self, field: str) -> None:
        super().__init__()
        self.field = field

    def process_bind_param(self, value: Mapping[str, str] | None, dialect: Dialect) -> Any:
        return None if value is None else checked_strings(value, self.field)


class Plain(TypeDecorator[Any]):
    """Lists, mappings and strings as they are, as JSON; for what is only ever read and written whole."""

    impl = sa.JSON
    cache_ok = True

    def __init__(self, field: str) -> None:
        super().__init__()
        self.field = field

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        checked_plain(value, self.field)
        return value
