"""What stands behind the ports in the service's tests: a clock to move, a chat and a directory that fail as told."""

import base64
import itertools
import threading
from collections import Counter, deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pyotp

from bot.core.model import Account, Role
from bot.core.policy import TicketFact
from bot.core.rules import Schedule, Tracker
from bot.providers.fake import FakeProvider
from bot.providers.iam_policy import render
from bot.service.cards import HomeCard
from bot.service.chat import Card
from bot.service.records import NO_SUCH_ADDRESS, NOT_HERE, ChatError, ChatUser, DirectoryError, NotInDirectoryError
from bot.service.sources import SourceError


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def move(self, by: timedelta) -> None:
        with self._lock:
            self._now += by


class CountingIds:
    """``r-1``, ``r-2``, ``g-1`` …"""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def new(self, prefix: str) -> str:
        with self._lock:
            self._counts[prefix] += 1
            return f"{prefix}-{self._counts[prefix]}"


class Cloud(FakeProvider):
    """The fake cloud, with policies rendered as for IAM."""

    def render(self, role: Role, account: Account, params: Mapping[str, str]) -> str:
        return render(role, account, params)


class PlainBox:
    """Seals nothing, but insists on the owner."""

    key_id = "k1"

    def seal(self, plain: bytes, bound_to: str) -> bytes:
        return bound_to.encode() + b":" + plain

    def open(self, sealed: bytes, key_id: str, bound_to: str) -> bytes:
        owner, _, plain = sealed.partition(b":")
        if key_id != self.key_id or owner != bound_to.encode():
            raise ValueError("wrong owner or key")
        return plain


class FakeSources:
    """Who is on call by which schedule, and tickets by their keys; of all else it cannot say. ``asked``: in order."""

    def __init__(self) -> None:
        self.on_duty: dict[str, tuple[str, ...]] = {}
        self.tickets: dict[str, TicketFact] = {}
        self.asked: list[str] = []
        self.moments: list[datetime] = []

    def has(self, key: str, *, found: bool = True, is_open: bool = True) -> None:
        """A ticket becomes this."""
        self.tickets[key] = TicketFact(key, found, is_open)

    def on_call(self, schedule: Schedule, at: datetime) -> tuple[str, ...]:
        self.asked.append(schedule.id)
        self.moments.append(at)
        if schedule.id not in self.on_duty:
            raise SourceError(f"{schedule.id} is in trouble (503)", passing=True)
        return self.on_duty[schedule.id]

    def look(self, tracker: Tracker, key: str) -> TicketFact:
        self.asked.append(key)
        if key not in self.tickets:
            raise SourceError(f"{tracker.id} is in trouble (500)", passing=True)
        return self.tickets[key]

    def check(self, tracker: Tracker) -> None:
        self.asked.append(tracker.id)


class FakeDirectory:
    """Chat accounts and groups; ``down`` answers nothing."""

    def __init__(self, *users: ChatUser) -> None:
        self.users = {user.id: user for user in users}
        self.groups: dict[str, frozenset[str]] = {}
        self.down = False
        self.page_size = 4
        self.cursors_forgotten = False
        self.asked: list[str] = []
        """What ``fresh`` and ``page`` were asked for."""
        self.calls = 0
        """How often anything was looked up."""

    def remembered(self) -> "FakeDirectory":
        return self

    def change(self, chat_id: str, **changes: str) -> None:
        self.users[chat_id] = replace(self.users[chat_id], **changes)

    def user(self, chat_id: str) -> ChatUser:
        self.calls += 1
        if self.down:
            raise DirectoryError("no answer")
        if chat_id not in self.users:
            raise NotInDirectoryError("user_not_found")
        return self.users[chat_id]

    def accounts(self, chat_ids: Collection[str]) -> dict[str, ChatUser]:
        self.calls += 1
        if self.down:
            raise DirectoryError("no answer")
        return {chat_id: self.users[chat_id] for chat_id in chat_ids if chat_id in self.users}

    def by_email(self, email: str) -> ChatUser | None:
        self.calls += 1
        if self.down:
            raise DirectoryError("no answer")
        theirs = (user for user in self.users.values() if user.email.casefold() == email.casefold())
        return next((user for user in theirs if "deactivated" not in user.refused), None)  # as Slack does

    def fresh(self, account: str) -> ChatUser:
        self.asked.append(account)
        try:
            found = self.by_email(account) if "@" in account else self.user(account)
        except NotInDirectoryError:
            found = None
        if found is None and "@" in account:
            return ChatUser(account, "", account, account, refused=NO_SUCH_ADDRESS)
        return found or ChatUser(account, "", account, refused=NOT_HERE)

    def page(self, cursor: str = "") -> tuple[list[ChatUser], str]:
        self.asked.append(f"page {cursor}".strip())
        if self.down:
            raise DirectoryError("no answer")
        if cursor and self.cursors_forgotten:
            raise NotInDirectoryError("invalid_cursor")
        first = int(cursor or 0)
        users, beyond = list(self.users.values()), first + self.page_size
        return users[first:beyond], str(beyond) if beyond < len(users) else ""

    def members(self, group_id: str) -> frozenset[str]:
        self.calls += 1
        if self.down:
            raise DirectoryError("no answer")
        if group_id not in self.groups:
            raise NotInDirectoryError("no_such_subteam")
        return self.groups[group_id]


@dataclass(slots=True)
class Message:
    """A posted message and everything that it showed, newest last."""

    destination: str
    key: str
    channel: str
    ref: str
    shows: list[Card]


@dataclass(slots=True)
class _Fault:
    error: ChatError
    after: bool


@dataclass(slots=True)
class FakeChat:
    """Keeps what was posted. Thread-safe."""

    messages: list[Message] = field(default_factory=list)
    homes: list[tuple[str, HomeCard]] = field(default_factory=list)
    maybes: list[tuple[str, bool]] = field(default_factory=list)
    """(destination, maybe_posted) of every post, the failed ones included."""
    waits: dict[str, timedelta] = field(default_factory=dict)
    """By destination, for how long no post is taken; by the empty one, no update."""
    _faults: dict[str, deque[_Fault]] = field(default_factory=dict)
    _refs: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    # --- what a test says and asks

    def fail(self, destination: str, *, passing: bool, times: int = 1, after: bool = False) -> None:
        """The next calls for a destination go wrong; ``after``: once the chat has done it."""
        fault = _Fault(ChatError("ratelimited" if passing else "channel_not_found", passing=passing), after)
        self._faults.setdefault(destination, deque()).extend([fault] * times)

    def refuse(self, destination: str, until: timedelta) -> None:
        """The next call for a destination is not taken, being too much."""
        error = ChatError("ratelimited", passing=True, retry_after=until)
        self._faults.setdefault(destination, deque()).append(_Fault(error, after=False))

    def to(self, destination: str) -> list[Message]:
        """Everything posted there."""
        return [message for message in self.messages if message.destination == destination]

    # --- the port

    def post(self, destination: str, card: Card, key: str, *, maybe_posted: bool) -> tuple[str, str]:
        with self._lock:
            self.maybes.append((destination, maybe_posted))
            fault = self._fault(destination)
            earlier = [m for m in self.to(destination) if m.key == key] if maybe_posted else []
            if earlier:
                earlier[0].shows.append(card)
                return earlier[0].channel, earlier[0].ref
            channel = f"D{destination[1:]}" if destination.startswith("@") else destination
            message = Message(destination, key, channel, f"{next(self._refs)}.0", [card])
            self.messages.append(message)
            if fault is not None:
                raise fault.error
            return message.channel, message.ref

    def post_waits(self, destination: str) -> timedelta:
        return self.waits.get(destination, timedelta(0))

    def update_waits(self, card: Card | None) -> timedelta:
        return self.waits.get("", timedelta(0))

    def posted(self, destination: str, keys: Collection[str]) -> frozenset[str]:
        with self._lock:
            return frozenset(message.key for message in self.to(destination)) & frozenset(keys)

    def update(self, channel: str, ref: str, card: Card) -> None:
        with self._lock:
            found = next((m for m in self.messages if (m.channel, m.ref) == (channel, ref)), None)
            if found is not None:
                self._fault(found.destination)
                found.shows.append(card)

    def home(self, chat_id: str, card: HomeCard) -> None:
        with self._lock:
            self._fault(f"home:{chat_id}")
            self.homes.append((chat_id, card))

    def _fault(self, destination: str) -> _Fault | None:
        """Raises the next fault, unless it comes after the work is done."""
        waiting = self._faults.get(destination)
        fault = waiting.popleft() if waiting else None
        if fault is not None and not fault.after:
            raise fault.error
        return fault


def code_at(secret: bytes, now: datetime) -> str:
    """What an authenticator shows."""
    return pyotp.TOTP(base64.b32encode(secret).decode()).at(now)
