"""A request, and what people said of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.core.model.asks import Ask
from bot.core.model.digests import digest_of


class RequestStatus(StrEnum):
    """Where a request stands; all but ``pending`` are terminal."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"


class Way(StrEnum):
    """On whose word."""

    APPROVERS = "approvers"
    AUTOMATIC = "automatic"
    BREAK_GLASS = "break-glass"
    EXTENSION = "extension"


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
