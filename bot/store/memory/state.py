"""What the memory store holds, and how a transaction takes back what it wrote."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Generic, TypeVar

from bot.core.audit import GENESIS
from bot.core.model import Absence, AccessRequest, Effect, Favourite, Grant, StepUp
from bot.core.strays import Stray
from bot.core.versions import Version
from bot.service.ports import Clock
from bot.service.records import AuditRecord, Authenticator, DigestLine, Draft, Enrolment, Invite, PostedMessage
from bot.store.columns import checked_seconds, checked_strings, checked_text, checked_time

K = TypeVar("K")
V = TypeVar("V")


class Table(Generic[K, V]):
    """Rows by key; every write leaves in ``undo`` what takes it back."""

    def __init__(self, undo: list[Callable[[], object]]) -> None:
        self._rows: dict[K, V] = {}
        self._undo = undo

    def get(self, key: K) -> V | None:
        return self._rows.get(key)

    def rows(self) -> Iterable[V]:
        return list(self._rows.values())

    def put(self, key: K, row: V) -> None:
        if key in self._rows:
            before = self._rows[key]
            self._undo.append(lambda: self._rows.__setitem__(key, before))
        else:
            self._undo.append(lambda: self._rows.pop(key))
        self._rows[key] = row

    def remove(self, key: K) -> bool:
        if key not in self._rows:
            return False
        before = self._rows.pop(key)
        self._undo.append(lambda: self._rows.__setitem__(key, before))
        return True


@dataclass(frozen=True, slots=True)
class EffectRow:
    """As the table ``effects``."""

    id: int
    effect: Effect
    due_at: datetime
    lease_until: datetime | None = None
    fence: int = 0
    generation: int = 1
    claimed_generation: int = 0
    attempts: int = 0
    last_error: str = ""

    @property
    def claimable_at(self) -> datetime:
        return self.due_at if self.lease_until is None else self.lease_until

    def is_leased(self, now: datetime) -> bool:
        return self.lease_until is not None and self.lease_until > now


class State:
    """Every table of the memory store."""

    def __init__(self) -> None:
        self.undo: list[Callable[[], object]] = []
        self.requests: Table[str, AccessRequest] = Table(self.undo)
        self.grants: Table[str, Grant] = Table(self.undo)
        self.effects: Table[str, EffectRow] = Table(self.undo)
        self.once_keys: Table[str, datetime] = Table(self.undo)
        self.drafts: Table[str, Draft] = Table(self.undo)
        self.absences: Table[str, Absence] = Table(self.undo)
        self.favourites: Table[str, Favourite] = Table(self.undo)
        self.authenticators: Table[str, Authenticator] = Table(self.undo)
        self.step_ups: Table[str, StepUp] = Table(self.undo)
        self.strays: Table[str, Stray] = Table(self.undo)
        self.versions: Table[str, Version] = Table(self.undo)
        self.enrolments: Table[str, Enrolment] = Table(self.undo)
        self.invites: Table[str, Invite] = Table(self.undo)
        self.messages: Table[tuple[str, str, str], PostedMessage] = Table(self.undo)
        self.facts: Table[str, str] = Table(self.undo)
        self.lines: Table[str, tuple[DigestLine, str]] = Table(self.undo)
        """With the key of the message that each is in, empty as long as it is in none."""
        self.log: list[AuditRecord] = []
        self.effect_ids = 0
        """Never taken back: an id is used once."""

    @property
    def head(self) -> tuple[int, bytes]:
        return (self.log[-1].seq, self.log[-1].chain) if self.log else (0, GENESIS)

    def roll_back(self) -> None:
        """Take back everything since the last commit."""
        while self.undo:
            self.undo.pop()()


class MemorySession:
    """An open transaction."""

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._clock = clock
        self._now: datetime | None = None
        self.wakes: set[str] = set()

    def now(self) -> datetime:
        if self._now is None:
            self._now = self._clock.now()
        return self._now


def check(value: object, field: str) -> None:
    """Refuse, by the field's name, what no database keeps exact. Raises ValueError."""
    if isinstance(value, str):
        checked_text(value, field)
    elif isinstance(value, datetime):
        checked_time(value, field)
    elif isinstance(value, timedelta):
        checked_seconds(value, field)
    elif isinstance(value, Mapping):
        checked_strings(value, field)
    elif isinstance(value, tuple):
        for inner in value:
            check(inner, field)
    else:
        kind: type = type(value)
        for name in _fields_of(kind):
            check(getattr(value, name), name)


@cache
def _fields_of(kind: type) -> tuple[str, ...]:
    """Of a dataclass; nothing else has any."""
    return tuple(part.name for part in fields(kind)) if is_dataclass(kind) else ()
