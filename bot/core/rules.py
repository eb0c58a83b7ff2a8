"""The rules that a role is made of, as access.yaml says them: frozen records, nearly without behaviour.

Ids name entries of the catalogue. All moments are timezone-aware UTC; hours of the day are local to their zone.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class AskRule:
    """One way to be eligible: being any of those named, before ``until``."""

    people: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    slack_groups: frozenset[str] = frozenset()
    email_domains: frozenset[str] = frozenset()
    """Lower case, without the @; a subdomain is another domain."""
    until: datetime | None = None
    """Exclusive. From then on nobody is eligible by this, until the file is renewed."""


@dataclass(frozen=True, slots=True)
class Hours:
    """A window that opens on each of ``days`` (Monday is 0) at ``start`` and closes at ``end``, local to ``zone``.

    It goes over midnight where ``end`` is before ``start``, and is a whole day where both are the same.
    """

    id: str
    days: frozenset[int]
    start: time
    end: time
    zone: str


@dataclass(frozen=True, slots=True)
class OwnerOf:
    """The owner of a resource: who is named by e-mail or person id in ``tag`` of what ``parameter`` names."""

    parameter: str
    tag: str


@dataclass(frozen=True, slots=True)
class Escalation:
    """Who may approve too once a request has waited for ``after``."""

    after: timedelta
    people: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    slack_groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Stage:
    """Who may say yes, when it is their turn. ``quorum`` and ``refusals`` count distinct persons."""

    title: str = ""
    manager: bool = False
    people: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    slack_groups: frozenset[str] = frozenset()
    owner: OwnerOf | None = None
    on_call: str = ""
    """Whoever is on call by this schedule."""
    quorum: int = 1
    refusals: int = 1
    """How many have to say no for the request to be denied."""
    fallback: frozenset[str] = frozenset()
    """Groups that may approve where fewer than the quorum are left."""
    escalate: tuple[Escalation, ...] = ()


@dataclass(frozen=True, slots=True)
class Auto:
    """When nobody is asked: every condition given holds, fewer than ``times`` in ``per`` for each person."""

    times: int
    per: timedelta
    on_call: str = ""
    severities: frozenset[str] = frozenset()
    """Of the ticket, in lower case."""
    hours: str = ""


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """Access without an approver, reviewed by someone else within ``review_within`` of its beginning."""

    longest: timedelta = timedelta(hours=1)
    review_within: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class TicketRule:
    """A ticket that has to be named; ``pattern`` must match in full."""

    pattern: str
    hint: str = ""
    tracker: str = ""
    """Where it has to exist; empty: nobody looks."""
    must_be_open: bool = False
    ends_access: bool = False
    """Closing the ticket ends the access."""

    def fits(self, ticket: str) -> bool:
        """Whether a ticket is written as the pattern wants it."""
        return re.fullmatch(self.pattern, ticket) is not None


@dataclass(frozen=True, slots=True)
class Separation:
    """Who may not approve for whom."""

    teams: frozenset[str] = frozenset()
    """Groups; nobody approves for a member of one of them that they are a member of too."""
    pair_most: int | None = None
    """How often in ``pair_per`` two people may have approved for each other; ``None``: any number."""
    pair_per: timedelta = WEEK


@dataclass(frozen=True, slots=True)
class Caps:
    """How many grants may be live (scheduled, granting, active) at once; ``None``: any number."""

    per_person: int | None = None
    per_role: int | None = None
    per_account: int | None = None
    cool_down: timedelta = timedelta(0)
    """How long after a denial the same person may not ask for the same role."""


@dataclass(frozen=True, slots=True)
class Extension:
    """How a grant may be made longer, once, before its end. Without ``approval`` a fresh code is enough."""

    longest: timedelta
    approval: bool = True


@dataclass(frozen=True, slots=True)
class Override:
    """Somebody else is on call from ``start`` (inclusive) to ``end`` (exclusive)."""

    person: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Schedule:
    """Who is on call: people in turn (``static``), or as ``source`` there says (``pagerduty``, ``opsgenie``)."""

    id: str
    kind: str
    people: tuple[str, ...] = ()
    handover_day: int = 0
    """Day of the week of the first handover, Monday is 0; later ones follow it by ``shift``."""
    handover_at: time = time(9)
    zone: str = "UTC"
    shift: timedelta = WEEK
    """As the clock on the wall counts it: a day with a change of the hour is a day."""
    overrides: tuple[Override, ...] = ()
    source: str = ""
    """The id of the schedule where it is kept."""
    url: str = ""
    begins: date | None = None
    """The first of ``people`` takes over first on this day or on the next ``handover_day`` after it."""


@dataclass(frozen=True, slots=True)
class Tracker:
    """Where tickets are kept: ``jira``, ``github`` or ``linear``, at ``url``."""

    id: str
    kind: str
    url: str
    project: str = ""
    """``OWNER/REPOSITORY`` at GitHub."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """Several roles that are asked for together, each with the parameters that are given here."""

    id: str
    title: str
    items: tuple[tuple[str, Mapping[str, str]], ...] = field(default_factory=tuple)
