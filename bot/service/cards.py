"""What people are shown, free of any chat platform. A card is made from state and never read back. See service.chat."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.core.difference import Line
from bot.core.model import Absence, AccessRequest, Catalogue, Favourite, Grant, Person, Role
from bot.core.policy.boards import Board
from bot.core.strays import Stray
from bot.core.versions import Version
from bot.service.going_on import GoingOn
from bot.service.records import Enrolment
from bot.service.targets import Target
from bot.service.turns import Turn


@dataclass(frozen=True, slots=True)
class Names:
    """How to write people: display name and, where known, the chat user id to mention, by person id."""

    shown: Mapping[str, str] = field(default_factory=dict)
    mention: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RequestCard:
    """A request and its grants. ``audience``: ``approvers`` (with Approve and Deny), ``own`` (the requester's), or what
    is said of broken glass: ``alarm``, ``reminder-1``, ``overdue-5``, ``objection``."""

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
    targets: tuple[Target, ...] = ()
    """Where there are several: the titles then stand for all of them, and ``how_to_use`` is each target's own."""
    extending: Grant | None = None
    """The grant that it goes on from."""
    boards: tuple[Board, ...] = ()
    """Where it stands, target by target, while it is pending; empty where nobody can say."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a person is told once, in a direct message.

    ``what``: ``active``, ``goes-on``, ``ended``, ``denied``, ``cancelled``, ``lapsed``, ``reminder``, ``escalated``,
    ``reviewed``.
    """

    what: str
    request: AccessRequest
    grant: Grant | None
    role_title: str
    account_title: str
    how_to_use: tuple[tuple[str, str], ...]
    names: Names
    targets: tuple[Target, ...] = ()
    """What it is about where that is several targets; ``grant`` is none of theirs then."""
    going_on: GoingOn | None = None
    extendable: bool = False
    """Whether it may be offered that the grant be made longer."""


@dataclass(frozen=True, slots=True)
class NudgeCard:
    """Requests that wait for a person's word, the oldest first: the reminder that they are told."""

    person: str
    requests: tuple[AccessRequest, ...]
    catalogue: Catalogue
    names: Names


@dataclass(frozen=True, slots=True)
class DelegateCard:
    """Told to ``absence.delegate``: that they approve in somebody's place."""

    absence: Absence
    names: Names


@dataclass(frozen=True, slots=True)
class DigestCard:
    """What came to an end, when there was too much of it for a message each.

    ``audience``: ``person`` (of their own requests and access) or ``channel`` (of requests that were asked there).
    """

    audience: str
    counts: tuple[tuple[str, int], ...]
    """How many, by outcome (``expired``, ``released``, ``revoked``, ``failed``, ``denied`` …), largest first."""
    lines: tuple[Notice, ...]
    """The newest of them; ``what`` is the outcome."""

    @property
    def total(self) -> int:
        """How many in all."""
        return sum(count for _, count in self.counts)


@dataclass(frozen=True, slots=True)
class OverdueLine:
    """A grant that should be gone ``since`` (UTC) and is not, and why: the last error."""

    grant: Grant
    role_title: str
    since: datetime
    why: str


@dataclass(frozen=True, slots=True)
class OverdueCard:
    """What should be gone from one account and is not; stays until that is solved."""

    account_title: str
    lines: tuple[OverdueLine, ...]
    """Those that wait longest."""
    total: int
    seen: int
    """How many it was about since ``opened_at`` (UTC)."""
    opened_at: datetime
    solved_at: datetime | None
    """When it was noticed (UTC) that all were observed absent."""
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
    at: datetime | None = None
    """When it was found out (UTC), where that is known."""


@dataclass(frozen=True, slots=True)
class StrayCard:
    """A policy that the ledger does not account for: for the security channel, until it is settled."""

    stray: Stray
    account_title: str
    account_number: str
    owners: tuple[str, ...]
    """Person ids in access.yaml whose principal it is."""
    grant: Grant | None
    """The grant that was altered, has ended, or took over what was adopted."""
    end: datetime | None
    """The end (UTC) that the policy itself carries, if it can be read."""
    not_offered: str
    """Why it can only be removed, as a sentence; empty where it may be adopted or restored."""
    names: Names


@dataclass(frozen=True, slots=True)
class CatalogueCard:
    """A change of access.yaml: for the security channel. ``lines`` are its difference, most dangerous first."""

    version: Version
    lines: tuple[Line, ...]
    unknown: str
    """Why the difference cannot be shown, as a sentence; empty when it can."""
    approvers: tuple[str, ...]
    """Person ids of those who may approve it: who may approve changes, and gains nothing by this one."""
    names: Names


@dataclass(frozen=True, slots=True)
class UnreadableCard:
    """An access.yaml that cannot be used, seen ``at`` (UTC); ``in_use`` is the digest of what stays."""

    problems: str
    in_use: str
    at: datetime


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
    going_on: Mapping[str, GoingOn] = field(default_factory=dict)
    """By the id of the grant that is made longer."""
    extendable: frozenset[str] = frozenset()
    """Ids of grants of which it may be offered that they be made longer."""
    turns: Mapping[str, Turn] = field(default_factory=dict)
    """By request id, of those that wait for this person."""
    favourites: tuple[Favourite, ...] = ()
    away: Absence | None = None
    """The person's own."""
    in_place_of: tuple[str, ...] = ()
    """Whose requests they approve meanwhile (person ids)."""
    owes_review: tuple[AccessRequest, ...] = ()
    """Where the person broke glass and nobody has reviewed it; what is due first stands first, here and below."""
    to_review: tuple[AccessRequest, ...] = ()
    """Where somebody else did, and the person's word counts."""
