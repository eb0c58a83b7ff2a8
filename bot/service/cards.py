"""What people are shown, free of any chat platform. A card is made from state and never read back."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from typing import Protocol

from bot.core.model import AccessRequest, Catalogue, Grant, Person, Role
from bot.service.records import Enrolment


@dataclass(frozen=True, slots=True)
class Names:
    """How to write people: display name and, where known, the chat user id to mention, by person id."""

    shown: Mapping[str, str] = field(default_factory=dict)
    mention: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RequestCard:
    """A request and its grants. ``audience``: ``approvers`` (with Approve and Deny) or ``own`` (the requester's)."""

    audience: str
    request: AccessRequest
    grants: tuple[Grant, ...]
    requester: Person
    role_title: str
    account_title: str
    account_number: str
    work_title: str
    held: tuple[Grant, ...]
    """What the requester held elsewhere when the card was made (only while the request is pending)."""
    how_to_use: tuple[tuple[str, str], ...]
    """(label, text) pairs, only while a grant is active."""
    names: Names
    parameter_titles: Mapping[str, str] = field(default_factory=dict)
    """By parameter id, in the role's own order."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a person is told once, in a direct message.

    ``what``: ``active``, ``ended``, ``denied``, ``cancelled``, ``lapsed``, ``reminder``.
    """

    what: str
    request: AccessRequest
    grant: Grant | None
    role_title: str
    account_title: str
    how_to_use: tuple[tuple[str, str], ...]
    names: Names


@dataclass(frozen=True, slots=True)
class EnrolmentCard:
    """Somebody wants to enrol (or was enrolled): shown to those who may vouch for them."""

    enrolment: Enrolment
    person: Person
    names: Names
    audience: str = "approvers"
    """``approvers`` (those who may vouch) or ``own`` (the person)."""


@dataclass(frozen=True, slots=True)
class SummaryLine:
    """One line of a section: who, what, and the ids that tie it to the log."""

    person: str
    text: str
    id: str
    by: tuple[str, ...] = ()
    """Person ids of those who approved, denied, revoked …; empty where nobody but the clock or the holder did."""


@dataclass(frozen=True, slots=True)
class SummaryCard:
    """The daily summary for ``[start, end)`` (UTC), shown in ``zone``. Sections in order, empty ones included."""

    start: datetime
    end: datetime
    zone: str
    sections: tuple[tuple[str, tuple[SummaryLine, ...]], ...]
    names: Names


@dataclass(frozen=True, slots=True)
class AlertCard:
    """Something the security channel must know: ``title``, and (label, text) pairs in plain text."""

    title: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class HomeCard:
    """A person's own page."""

    person: Person
    enrolled: bool
    live: tuple[Grant, ...]
    pending: tuple[AccessRequest, ...]
    waiting_for_me: tuple[AccessRequest, ...]
    recent: tuple[AccessRequest, ...]
    roles: Mapping[str, Role]
    catalogue: Catalogue
    names: Names
    now: datetime


Card = RequestCard | Notice | EnrolmentCard | SummaryCard | AlertCard


def fingerprint(card: Card) -> str:
    """SHA-256 (hex) of what a card shows: the same in every process, whose sets have orders of their own."""
    return hashlib.sha256(repr(_plain(card)).encode(errors="backslashreplace")).hexdigest()


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return [(item.name, _plain(getattr(value, item.name))) for item in fields(value) if item.repr]
    if isinstance(value, Mapping):
        return sorted((str(key), _plain(inner)) for key, inner in value.items())
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]
    return str(value)


class Chat(Protocol):
    """A chat platform, in three verbs. Raises ChatError."""

    def post(self, destination: str, card: Card, key: str, *, maybe_posted: bool) -> tuple[str, str]:
        """Post a card to a channel id, or to ``@`` and a chat user id; returns (channel, message id).

        ``maybe_posted``: an earlier try may have gone through; look for a message with this ``key`` first, and make it
        show ``card``.
        """
        ...

    def update(self, channel: str, ref: str, card: Card) -> None:
        """Make a posted message show ``card``; one that is gone is not an error."""
        ...

    def home(self, chat_id: str, card: HomeCard) -> None:
        """Publish a person's own page."""
        ...
