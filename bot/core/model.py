"""The nouns of prodaccess: frozen records that every floor shares.

All times are timezone-aware UTC. Nothing here does I/O or reads a clock.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


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
class ApproverRule:
    """Who may say yes. ``quorum`` counts distinct persons."""

    manager: bool = False
    people: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    slack_groups: frozenset[str] = frozenset()
    quorum: int = 1


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
    ask_people: frozenset[str]
    ask_groups: frozenset[str]
    approvers: ApproverRule
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    shortest: timedelta = timedelta(minutes=1)
    ask_step_up: StepUpPolicy = StepUpPolicy()
    approve_step_up: StepUpPolicy = StepUpPolicy(StepUpRule.WITHIN, timedelta(minutes=15))
    ticket_pattern: str = ""
    """Empty: no ticket is asked for."""
    ticket_hint: str = ""
    reason_min: int = 10
    lapses_after: timedelta = timedelta(hours=4)
    remind_before: timedelta = timedelta(minutes=10)
    channel: str = ""
    """Slack channel id of the approvers; the catalogue's own where empty."""


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
    changes: ChangeRule | None = None
    """Who has to approve what comes after this catalogue; ``None``: nobody."""


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

    def digest(self) -> str:
        """SHA-256 (hex) of all that a step-up or an approval confirms."""
        return digest_of(
            {
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
        )


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

    def digest(self) -> str:
        """SHA-256 (hex) of what is approved: this request, its ask, the principal and the exact permissions."""
        return digest_of({"id": self.id, "ask": self.ask.digest(), "principal": self.principal, "policy": self.policy})


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


LANES = ("access", "people", "cloud", "drift", "chat")
"""Lanes have threads of their own, so that none waits for what another waits for.

``access`` waits for nothing but the database, ``people`` for the chat's directory, ``cloud`` for what is granted and
revoked, ``drift`` for long looks at the cloud, ``chat`` for messages.
"""


def lane_of(kind: str) -> str:
    """The lane of an effect's kind."""
    match kind.partition(".")[0]:
        case "chat" | "people" | "drift" as lane:
            return lane
    return {"grant.converge": "cloud", "grant.start": "people"}.get(kind, "access")


def digest_of(value: Mapping[str, object]) -> str:
    """SHA-256 (hex) of a JSON object, independent of the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
