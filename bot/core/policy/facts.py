"""What the edges gather before a decision. What could not be gathered is absent, and counts against."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.core.model import Grant, Person


@dataclass(frozen=True, slots=True)
class TicketFact:
    """What a tracker says of a ticket; ``severity`` in lower case, empty where it has none.

    ``key`` is as it was asked for, however the tracker writes it.
    """

    key: str
    found: bool
    open: bool = False
    severity: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Away:
    """Somebody approves nothing until ``until`` (UTC, exclusive); ``delegate`` (person id) does it in their place."""

    until: datetime
    delegate: str | None = None


@dataclass(frozen=True, slots=True)
class Live:
    """Grants that are scheduled, being made or active: this person's, this role's, those in this account."""

    person: int = 0
    role: int = 0
    account: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """What was gathered for one role, requester and account. ``None`` means that nobody could say or was asked."""

    manager: Person | None = None
    """The requester's, by the chat's profile."""
    slack_groups: Mapping[str, tuple[Person, ...]] = field(default_factory=dict)
    requester_refused: str = ""
    """Why the requester's chat account may do nothing any more (deactivated, made a guest …); empty when it may."""
    on_call: Mapping[str, tuple[Person, ...]] = field(default_factory=dict)
    """Schedule id → who is on call now; a schedule that is not there has nobody."""
    ticket: TicketFact | None = None
    owners: tuple[Person, ...] = ()
    """Of the resource that the ask names."""
    away: Mapping[str, Away] = field(default_factory=dict)
    away_then: Mapping[str, Mapping[str, Away]] = field(default_factory=dict)
    """Person id → who was away when that person said yes to the request that is looked at."""
    live: Live | None = None
    denied_at: datetime | None = None
    """When this person was last denied this role; known where ``live`` is: both are read together."""
    automatic: tuple[datetime, ...] | None = None
    """When this person got this role without a word."""
    pairs: Mapping[str, int] | None = None
    """Person id → how often that person and the requester approved for each other in the period."""
    owes_review: tuple[str, ...] | None = None
    """Requests of this person whose break-glass nobody has reviewed yet."""
    extending: Grant | None = None
    """The grant that the ask goes on from."""
    extended: bool | None = None
    """Whether that grant was made longer before, or makes another one longer itself."""
    extends_glass: bool | None = None
    """Whether that grant was had by breaking glass."""
    unknown: tuple[str, ...] = ()
    """Why facts are absent that may be there if they are asked for again, as sentences."""


NOTHING = Facts()
"""Nothing was gathered."""
