"""What the audit log says, and how its records are chained."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

GENESIS = bytes(32)
"""The chain's value before the first record."""


class Tag(StrEnum):
    """Every kind of audit record; ``subject.what-happened``."""

    REQUEST_SUBMITTED = "request.submitted"
    REQUEST_REFUSED = "request.refused"
    REQUEST_APPROVAL_ADDED = "request.approval-added"
    REQUEST_APPROVED = "request.approved"
    GLASS_BROKEN = "request.glass-broken"
    REQUEST_DENIAL_ADDED = "request.denial-added"
    REQUEST_DENIED = "request.denied"
    REQUEST_CLAIMED = "request.claimed"
    REQUEST_REMINDED = "request.reminded"
    REQUEST_ESCALATED = "request.escalated"
    REQUEST_REVIEWED = "request.reviewed"
    REVIEW_OVERDUE = "review.overdue"
    ABSENCE_SET = "absence.set"
    ABSENCE_ENDED = "absence.ended"
    REQUEST_CANCELLED = "request.cancelled"
    REQUEST_LAPSED = "request.lapsed"
    GRANT_SCHEDULED = "grant.scheduled"
    GRANT_STARTED = "grant.started"
    GRANT_ACTIVE = "grant.active"
    GRANT_REVOKING = "grant.revoking"
    GRANT_ENDED = "grant.ended"
    GRANT_OVERDUE = "grant.overdue"
    GRANT_LOST = "grant.lost"
    STRAY_FOUND = "stray.found"
    STRAY_QUARANTINED = "stray.quarantined"
    STRAY_REFUSED = "stray.refused"
    STRAY_DECIDED = "stray.decided"
    STRAY_SETTLED = "stray.settled"
    STEP_UP_PASSED = "step-up.passed"
    STEP_UP_FAILED = "step-up.failed"
    STEP_UP_LOCKED = "step-up.locked"
    MFA_INVITED = "mfa.invited"
    MFA_REQUESTED = "mfa.enrolment-requested"
    MFA_VOUCHED = "mfa.vouched"
    MFA_REFUSED = "mfa.vouching-refused"
    MFA_SHOWN = "mfa.secret-shown"
    MFA_ENROLLED = "mfa.enrolled"
    MFA_RESET = "mfa.reset"
    PERSON_LEFT = "person.left"
    PERSON_UNIDENTIFIED = "person.unidentified"
    CATALOGUE_CHANGED = "catalogue.changed"
    CATALOGUE_PROPOSED = "catalogue.proposed"
    CATALOGUE_DENIED = "catalogue.denied"
    CATALOGUE_WITHDRAWN = "catalogue.withdrawn"
    CATALOGUE_UNREADABLE = "catalogue.unreadable"
    CATALOGUE_REFUSED = "catalogue.approval-refused"
    SUMMARY_POSTED = "summary.posted"


class ActorKind(StrEnum):
    """Who acts: a person, the service itself, or an operator at a shell."""

    PERSON = "person"
    SYSTEM = "system"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it and by which way in; ``identity`` is the identity used there, such as a Slack id."""

    kind: ActorKind
    id: str
    via: str = ""
    identity: str = ""


SYSTEM = Actor(ActorKind.SYSTEM, "prodaccess")


@dataclass(frozen=True, slots=True)
class Event:
    """One fact for the log. ``data`` holds JSON values without floats; ids tie records together."""

    tag: Tag
    actor: Actor
    request_id: str = ""
    grant_id: str = ""
    person: str = ""
    """Whom it is about."""
    account: str = ""
    data: Mapping[str, object] = field(default_factory=dict)

    def record(self, seq: int, at: datetime) -> dict[str, object]:
        """The JSON object whose canonical bytes are stored; ``at`` is UTC."""
        return {
            "seq": seq,
            "at": at.isoformat(timespec="microseconds"),
            "tag": str(self.tag),
            "actor": {
                "kind": str(self.actor.kind),
                "id": self.actor.id,
                "via": self.actor.via,
                "identity": self.actor.identity,
            },
            "request_id": self.request_id,
            "grant_id": self.grant_id,
            "person": self.person,
            "account": self.account,
            "data": dict(self.data),
        }


def leaf(record: bytes) -> bytes:
    """SHA-256 of a record's stored bytes, domain-separated from inner hashes (RFC 9162, section 2.1.1)."""
    return hashlib.sha256(b"\x00" + record).digest()


def link(previous: bytes, leaf_hash: bytes) -> bytes:
    """The chain's value after a record, from its value before and the record's leaf."""
    return hashlib.sha256(b"\x01" + previous + leaf_hash).digest()
