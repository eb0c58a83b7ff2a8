"""The nouns of prodaccess: frozen records that every floor shares.

All times are timezone-aware UTC. Nothing here does I/O or reads a clock.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache

from bot.core.lookups import LookUp
from bot.core.rules import (
    AskRule,
    Auto,
    BreakGlass,
    Bundle,
    Caps,
    Extension,
    Hours,
    Schedule,
    Separation,
    Stage,
    TicketRule,
    Tracker,
)


class RequestStatus(StrEnum):
    """Where a request stands; all but ``pending`` are terminal."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"


class GrantStatus(StrEnum):
    """Where a grant stands; ``ended`` is terminal."""

    SCHEDULED = "scheduled"
    GRANTING = "granting"
    ACTIVE = "active"
    REVOKING = "revoking"
    ENDED = "ended"


class EndReason(StrEnum):
    """Why a grant ended."""

    EXPIRED = "expired"
    RELEASED = "released"
    REVOKED = "revoked"
    LOST = "lost"
    """It was removed outside of prodaccess."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Person:
    """A human. Two records are the same person when they share any identity.

    ``identities`` maps an account id to the principal that is theirs there, ``user/NAME`` or ``role/NAME``.
    A person known only from the chat directory has an id that starts with ``slack:`` and no identities.
    """

    id: str
    name: str
    email: str | None = None
    slack_ids: frozenset[str] = frozenset()
    manager: str | None = None
    groups: frozenset[str] = frozenset()
    identities: Mapping[str, str] = field(default_factory=dict)

    def is_same_human(self, other: "Person") -> bool:
        """Whether any identity is shared: id, Slack id, e-mail or a principal in some account."""
        if self.id == other.id or self.slack_ids & other.slack_ids:
            return True
        if self.email and other.email and self.email.casefold() == other.email.casefold():
            return True
        return bool(set(self.identities.items()) & set(other.identities.items()))


@dataclass(frozen=True, slots=True)
class Account:
    """A cloud account. ``broker_role`` is the ARN assumed there; empty means the bot's own credentials."""

    id: str
    title: str
    number: str
    region: str = "us-east-1"
    tags: frozenset[str] = frozenset()
    broker_role: str = ""
    external_id: str = ""
    profile: str = ""
    """The name that people give this account in ``~/.aws/config``; the id where empty."""


@dataclass(frozen=True, slots=True)
class Work:
    """A kind of work and the longest access that it justifies."""

    id: str
    title: str
    longest: timedelta


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that the requester fills in; ``pattern`` must match in full."""

    id: str
    title: str
    pattern: str
    hint: str = ""
    choices: tuple[str, ...] = ()
    default: str | None = None
    """``None``: the value is required."""
    lookup: LookUp | None = None
    """What is offered beside typing it; it permits nothing."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a role's policy; resources and condition values may hold ``{parameter}`` or
    ``{account}`` (number) and ``{region}``."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)


class StepUpRule(StrEnum):
    """How fresh a proof must be; ``WITHIN`` goes with a duration."""

    ALWAYS = "always"
    WITHIN = "within"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class StepUpPolicy:
    """``rule`` and, for ``WITHIN``, the longest age of a proof."""

    rule: StepUpRule = StepUpRule.ALWAYS
    within: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Role:
    """Something that can be asked for."""

    id: str
    title: str
    provider: str
    accounts: frozenset[str]
    statements: tuple[Statement, ...]
    longest: timedelta
    work: tuple[str, ...]
    """The kinds of work it may be asked for, in the order shown."""
    ask: tuple[AskRule, ...]
    """Any of these makes eligible."""
    stages: tuple[Stage, ...]
    """In this order; all of them have to say yes."""
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    shortest: timedelta = timedelta(minutes=1)
    ask_step_up: StepUpPolicy = StepUpPolicy()
    approve_step_up: StepUpPolicy = StepUpPolicy(StepUpRule.WITHIN, timedelta(minutes=15))
    ticket: TicketRule | None = None
    """``None``: no ticket is asked for."""
    reason_min: int = 10
    lapses_after: timedelta = timedelta(hours=4)
    remind_before: timedelta = timedelta(minutes=10)
    channel: str = ""
    """Slack channel id of the approvers; the catalogue's own where empty."""
    only_accounts: Mapping[str, tuple[AskRule, ...]] = field(default_factory=dict)
    """Account id → whoever asks there has to be eligible by one of these too."""
    only_tags: Mapping[str, tuple[AskRule, ...]] = field(default_factory=dict)
    """The same for accounts that carry a tag."""
    longest_by_work: Mapping[str, timedelta] = field(default_factory=dict)
    hours: str = ""
    """The hours in which it begins; empty: at any time."""
    outside: timedelta | None = None
    """The longest outside of ``hours``; ``None``: none at all."""
    critical: bool = False
    """Two approvers and a code for exactly this on both sides, always; nothing goes without them."""
    sensitive: bool = False
    """Never approved without a word."""
    auto: Auto | None = None
    break_glass: BreakGlass | None = None
    separation: Separation = Separation()
    caps: Caps = Caps()
    extend: Extension | None = None

    @property
    def quorum(self) -> int:
        """How many distinct persons have to say yes, all stages together."""
        return sum(max(1, stage.quorum) for stage in self.stages)


@dataclass(frozen=True, slots=True)
class Summary:
    """When and where the daily summary is posted: local ``hour``:``minute`` in the IANA ``zone``."""

    channel: str
    zone: str = "UTC"
    hour: int = 9
    minute: int = 0


@dataclass(frozen=True, slots=True)
class ChangeRule:
    """Whose word a change of the catalogue waits for: one of these."""

    admins: bool = False
    people: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that access.yaml says, with the SHA-256 of what it says."""

    accounts: Mapping[str, Account]
    people: Mapping[str, Person]
    groups: Mapping[str, frozenset[str]]
    roles: Mapping[str, Role]
    work: Mapping[str, Work]
    admins: frozenset[str]
    """Person ids of the security admins."""
    channel: str
    """Slack channel id of the approvers."""
    security_channel: str
    summary: Summary
    digest: str
    zone: str = "UTC"
    """IANA zone in which a start time typed without an offset is read."""
    hours: Mapping[str, Hours] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    trackers: Mapping[str, Tracker] = field(default_factory=dict)
    bundles: Mapping[str, Bundle] = field(default_factory=dict)
    limits: Caps = Caps()
    """For all roles together, beside each role's own."""
    changes: ChangeRule | None = None
    """Who has to approve what comes after this catalogue; ``None``: nobody."""


@dataclass(frozen=True, slots=True)
class Item:
    """One target of an ask: a role in an account, with its parameters."""

    role: str
    account: str
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ask:
    """What someone asks for, before anybody was asked. ``start_at`` ``None`` means at the approval."""

    requester: str
    role: str
    account: str
    params: Mapping[str, str]
    work: str
    duration: timedelta
    reason: str
    ticket: str = ""
    start_at: datetime | None = None
    more: tuple[Item, ...] = ()
    """Further targets: all of them or none."""
    break_glass: bool = False
    """At once and without an approver, to be reviewed afterwards."""
    extends: str = ""
    """The id of the grant that this goes on from."""

    @property
    def items(self) -> tuple[Item, ...]:
        """Every target, the first one included."""
        return (Item(self.role, self.account, self.params), *self.more)

    def digest(self) -> str:
        """SHA-256 (hex) of all that a step-up or an approval confirms."""
        said: dict[str, object] = {
            "requester": self.requester,
            "role": self.role,
            "account": self.account,
            "params": dict(self.params),
            "work": self.work,
            "duration": int(self.duration.total_seconds()),
            "reason": self.reason,
            "ticket": self.ticket,
            "start_at": self.start_at.isoformat() if self.start_at else None,
        }
        # Only where they are used: the digests of what was asked before there were these stay what they were.
        if self.more:
            said["more"] = [[item.role, item.account, dict(item.params)] for item in self.more]
        if self.break_glass:
            said["break_glass"] = True
        if self.extends:
            said["extends"] = self.extends
        return digest_of(said)


@dataclass(frozen=True, slots=True)
class Absence:
    """Somebody approves nothing until ``until`` (UTC, exclusive); ``delegate`` (person id) does it meanwhile."""

    person: str
    since: datetime
    until: datetime
    delegate: str | None = None


@dataclass(frozen=True, slots=True)
class Favourite:
    """An ask that a person keeps at hand under ``title``; its requester is that person."""

    id: str
    title: str
    ask: Ask
    kept_at: datetime


@dataclass(frozen=True, slots=True)
class StepUp:
    """Proof that ``person`` was there at ``at``; ``confirms`` is the digest of what the code was typed for."""

    id: str
    person: str
    at: datetime
    confirms: str


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's yes."""

    person: str
    at: datetime
    stepped_up_at: datetime | None


class Way(StrEnum):
    """On whose word."""

    APPROVERS = "approvers"
    AUTOMATIC = "automatic"
    BREAK_GLASS = "break-glass"
    EXTENSION = "extension"


@dataclass(frozen=True, slots=True)
class Denial:
    """One person's no, where it takes several."""

    person: str
    at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class Part:
    """What one target of a request comes to: whose permission, in words of the cloud."""

    principal: str
    """The requester's own ``user/NAME`` or ``role/NAME`` in the account, as it was when asked."""
    policy: str
    """The rendered statements (JSON) without the time window: what approvers are shown."""


@dataclass(frozen=True, slots=True)
class Review:
    """What somebody else says afterwards of access that went without a word; it is owed until ``at``."""

    due_at: datetime
    at: datetime | None = None
    by: str = ""
    objects: bool = False
    """Whether the reviewer says that it was not right."""
    note: str = ""

    @property
    def is_owed(self) -> bool:
        """Whether nobody has reviewed it yet."""
        return self.at is None


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """A request and what became of it. ``version`` counts its writes."""

    id: str
    ask: Ask
    status: RequestStatus
    asked_at: datetime
    lapses_at: datetime
    principal: str
    """The requester's own ``user/NAME`` or ``role/NAME`` in the account, as it was when asked."""
    policy: str
    """The rendered statements (JSON) without the time window: what approvers are shown."""
    catalogue_digest: str
    approvers_asked: tuple[str, ...]
    """Person ids of the approver set when asked."""
    channel: str
    """Slack channel id where the approvers' card is."""
    approvals: tuple[Approval, ...] = ()
    quorum: int = 1
    decided_at: datetime | None = None
    decided_by: str | None = None
    decision_note: str = ""
    version: int = 0
    more_parts: tuple[Part, ...] = ()
    """What each of ``ask.more`` comes to, in the same order."""
    way: Way = Way.APPROVERS
    denials: tuple[Denial, ...] = ()
    claimed_by: str = ""
    """The approver who said that they are looking at it."""
    review: Review | None = None

    @property
    def parts(self) -> tuple[Part, ...]:
        """What each of ``ask.items`` comes to, in the same order."""
        return (Part(self.principal, self.policy), *self.more_parts)

    def digest(self) -> str:
        """SHA-256 (hex) of what is approved: this request, its ask, the principals and the exact permissions."""
        said: dict[str, object] = {
            "id": self.id,
            "ask": self.ask.digest(),
            "principal": self.principal,
            "policy": self.policy,
        }
        if self.more_parts:
            said["more"] = [[part.principal, part.policy] for part in self.more_parts]
        return digest_of(said)


@dataclass(frozen=True, slots=True)
class Grant:
    """A permission in one account for one person, from ``starts_at`` (inclusive) to ``expires_at`` (exclusive)."""

    id: str
    request_id: str
    person: str
    role: str
    account: str
    provider: str
    principal: str
    policy: str
    """The approved statements (JSON), without the time window."""
    digest: str
    """The digest of the request that was approved."""
    status: GrantStatus
    starts_at: datetime
    expires_at: datetime
    granted_at: datetime | None = None
    """When the cloud said yes."""
    revoking_since: datetime | None = None
    ended_at: datetime | None = None
    """When it was observed absent."""
    end_reason: EndReason | None = None
    ended_by: str | None = None
    end_note: str = ""
    version: int = 0
    item: int = 0
    """Which of the request's ``ask.items`` this is, counted from 0."""

    @property
    def is_live(self) -> bool:
        """Whether it may be effective in the cloud."""
        return self.status in {GrantStatus.GRANTING, GrantStatus.ACTIVE, GrantStatus.REVOKING}


@dataclass(frozen=True, slots=True)
class Effect:
    """Something to do at ``due_at`` or later, at least once; one row per ``key``.

    Enqueuing a key that waits moves ``due_at`` to the earlier of both; a key that is being run is run once more, when
    the new one is due.
    """

    kind: str
    subject: str
    key: str
    due_at: datetime
    payload: Mapping[str, str] = field(default_factory=dict)
    who: str = ""
    """Whom its message goes to, where it may be told together with others of its kind: ``person:`` or ``channel:`` and
    an id. Empty: it is always told by itself."""

    @property
    def lane(self) -> str:
        """What it may have to wait for; see ``LANES``."""
        return lane_of(self.kind)


LANES = ("access", "people", "cloud", "sources", "drift", "chat")
"""Lanes have threads of their own, so that none waits for what another waits for.

``access`` waits for nothing but the database, ``people`` for the chat's directory, ``cloud`` for what is granted and
revoked, ``sources`` for trackers, ``drift`` for long looks at the cloud, ``chat`` for messages.
"""


@cache
def lane_of(kind: str) -> str:
    """The lane of an effect's kind."""
    match kind.partition(".")[0]:
        case "chat" | "people" | "drift" as lane:
            return lane
    return {"grant.converge": "cloud", "grant.start": "people", "ticket.watch": "sources"}.get(kind, "access")


def digest_of(value: Mapping[str, object]) -> str:
    """SHA-256 (hex) of a JSON object, independent of the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
