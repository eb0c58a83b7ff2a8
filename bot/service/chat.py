"""A chat platform in few verbs, and what it is shown: any of the cards, told apart by what they show."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from functools import cache
from types import NoneType
from typing import Protocol

from bot.service.cards import (
    AlertCard,
    CatalogueCard,
    DelegateCard,
    DigestCard,
    EnrolmentCard,
    HomeCard,
    Notice,
    NudgeCard,
    OverdueCard,
    RequestCard,
    StrayCard,
    SummaryCard,
    UnreadableCard,
)

Card = (
    RequestCard
    | Notice
    | NudgeCard
    | DelegateCard
    | DigestCard
    | OverdueCard
    | EnrolmentCard
    | SummaryCard
    | AlertCard
    | StrayCard
    | CatalogueCard
    | UnreadableCard
)


def earliest(card: Card) -> datetime | None:
    """When the first copy of a card can have been posted (UTC, by the database's clock); ``None``: not known."""
    match card:
        case RequestCard(request=request) | Notice(request=request):
            return request.asked_at
        case EnrolmentCard(enrolment=enrolment):
            return enrolment.requested_at
        case SummaryCard(end=end):
            return end
        case AlertCard(at=at) | UnreadableCard(at=at) | OverdueCard(opened_at=at):
            return at
        case CatalogueCard(version=version):
            return version.seen_at
        case StrayCard(stray=stray):
            return stray.found_at
        case DelegateCard(absence=absence):
            return absence.since
        case DigestCard() | NudgeCard():
            return None


def fingerprint(card: Card) -> str:
    """SHA-256 (hex) of what a card shows: the same in every process, whose sets have orders of their own."""
    return hashlib.sha256(repr(_plain(card)).encode(errors="backslashreplace")).hexdigest()


_ATOMS = frozenset({NoneType, bool, int, datetime, timedelta})
"""Most of what is on a card is text or one of these."""


def _plain(value: object) -> object:
    kind: type = type(value)
    if kind is str:
        return value
    if kind in _ATOMS or isinstance(value, str):
        return str(value)
    if names := _shown_fields(kind):
        return [(name, _plain(getattr(value, name))) for name in names]
    if isinstance(value, Mapping):
        return sorted((str(key), _plain(inner)) for key, inner in value.items())
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]
    return str(value)


@cache
def _shown_fields(kind: type) -> tuple[str, ...]:
    return tuple(item.name for item in fields(kind) if item.repr) if is_dataclass(kind) else ()


class Chat(Protocol):
    """A chat platform, in few verbs. Raises ChatError.

    What the platform would not take now, being asked too much, raises one that passes and says when to come back.
    """

    def post(self, destination: str, card: Card, key: str, *, maybe_posted: bool) -> tuple[str, str]:
        """Post a card to a channel id, or to ``@`` and a chat user id; returns (channel, message id).

        ``maybe_posted``: an earlier try may have gone through; look for a message with this ``key`` first, and make it
        show ``card``.
        """
        ...

    def post_waits(self, destination: str) -> timedelta:
        """For how long a post there would not be taken, as far as is known here; zero: it would. Asks nobody."""
        ...

    def update_waits(self, card: Card | None) -> timedelta:
        """The same of an update that makes a message show ``card``; ``None``: of the most urgent one."""
        ...

    def posted(self, destination: str, keys: Collection[str]) -> frozenset[str]:
        """Which of these keys were posted there lately."""
        ...

    def update(self, channel: str, ref: str, card: Card) -> None:
        """Make a posted message show ``card``; one that is gone is not an error."""
        ...

    def home(self, chat_id: str, card: HomeCard) -> None:
        """Publish a person's own page."""
        ...
