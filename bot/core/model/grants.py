"""A grant, from its start to the end that was observed."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
