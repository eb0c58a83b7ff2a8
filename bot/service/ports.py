"""What the service needs from outside, as Protocols; each has a fake and passes one contract suite on both.

All times are timezone-aware UTC. Methods block: they are called from worker threads, never from an event loop.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from bot.core.audit import Event
from bot.core.model import AccessRequest, Account, Ask, Effect, Grant, Role, StepUp, digest_of
from bot.core.stepup import Attempts

# --- store -----------------------------------------------------------------------------------------------


class StoreUnavailable(Exception):
    """The database did not answer, or refused the transaction for a passing reason.

    Nothing was written, unless the message says that it is not known (the connection broke during the commit).
    """


class StaleWrite(Exception):
    """A record was saved with a version that is no longer the stored one; nothing was written."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An effect that this worker may run until ``lease_until``; ``fence`` rises with every claim."""

    id: int
    kind: str
    subject: str
    key: str
    payload: Mapping[str, str]
    due_at: datetime
    attempts: int
    """How often it was claimed, this time included."""
    fence: int
    generation: int
    """How often the key was enqueued; a change since the claim means: run once more."""
    lease_until: datetime


@dataclass(frozen=True, slots=True)
class PostedMessage:
    """Where a copy of a card is. ``ref`` is the chat's own message id (Slack: ts), empty until it was posted."""

    subject: str
    """What it shows: a request id, an enrolment id, a person id …"""
    kind: str
    """Which card: ``approvers``, ``own`` …"""
    destination: str
    """A channel id, or ``@`` and a chat user id for a direct message."""
    channel: str = ""
    """The channel that it was posted in (a direct message's own id)."""
    ref: str = ""
    shown: str = ""
    """Digest of what it shows."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An ask between its form and its code. Its id becomes the request's id."""

    id: str
    person: str
    ask: Ask
    made_at: datetime

    def digest(self) -> str:
        """SHA-256 (hex) of what a step-up confirms: this draft and all that it asks for."""
        return digest_of({"draft": self.id, "ask": self.ask.digest()})


@dataclass(frozen=True, slots=True)
class Authenticator:
    """A person's enrolled TOTP secret, sealed. ``last_timecode`` only ever rises."""

    person: str
    sealed: bytes = field(repr=False)
    key_id: str
    enrolled_at: datetime
    vouched_by: str
    last_timecode: int = 0
    attempts: Attempts = Attempts()


class EnrolmentStatus(StrEnum):
    """``requested → vouched → shown → done``, or ``refused``; one that is past ``expires_at`` counts for nothing."""

    REQUESTED = "requested"
    VOUCHED = "vouched"
    SHOWN = "shown"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One try at enrolling. ``link_hash`` is the SHA-256 (hex) of the one-time page's token, empty once used."""

    id: str
    person: str
    status: EnrolmentStatus
    requested_at: datetime
    expires_at: datetime
    vouched_by: str = ""
    sealed: bytes = field(default=b"", repr=False)
    key_id: str = ""
    first_timecode: int = 0
    """The time step of the first right code; the second must be the next one."""
    attempts: Attempts = Attempts()
    link_hash: str = field(default="", repr=False)
    version: int = 0


@dataclass(frozen=True, slots=True)
class Invite:
    """A one-time code by which a first admin enrols; only its SHA-256 (hex) is kept."""

    code_hash: str = field(repr=False)
    person: str
    expires_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """A stored record: ``body`` are the exact canonical bytes, ``chain`` the chain's value after it."""

    seq: int
    at: datetime
    body: bytes
    leaf: bytes
    chain: bytes


class Tx(Protocol):
    """One open transaction. Reads see its own writes."""

    def now(self) -> datetime:
        """The database's clock (SQLite: the process's), the same for the whole transaction."""
        ...

    def request(self, request_id: str, *, lock: bool = False) -> AccessRequest | None:
        """A request; ``lock`` keeps other transactions from writing it or its grants until this one ends."""
        ...

    def request_id_of_grant(self, grant_id: str) -> str | None: ...
    def grants(self, request_id: str) -> tuple[Grant, ...]: ...
    def save_request(self, request: AccessRequest) -> None:
        """Insert at version 0, else update the row of version ``request.version``; the stored version is one more.

        Raises StaleWrite.
        """
        ...

    def save_grant(self, grant: Grant) -> None:
        """As ``save_request``."""
        ...

    def append(self, events: Sequence[Event]) -> None:
        """Add to the audit log: gapless sequence, chained; takes the head's lock, so call it last."""
        ...

    def enqueue(self, effects: Sequence[Effect]) -> None:
        """Upsert by key: the earlier ``due_at``, the newer payload, ``generation`` + 1, ``attempts`` 0."""
        ...

    def cancel(self, keys: Sequence[str]) -> None:
        """Remove effects that are not leased; unknown keys are fine."""
        ...

    def holds(self, claim: Claim) -> bool:
        """Whether the claim's fence is still the newest and its lease not over; locks the effect's row."""
        ...

    def finish(self, claim: Claim) -> None:
        """Remove the effect, or leave it to run once more if it was enqueued again since the claim.

        Call after ``holds``. Raises StaleWrite when the claim is not held any more.
        """
        ...

    def once(self, key: str, until: datetime) -> bool:
        """True the first time for ``key``; keys are forgotten some time after ``until``."""
        ...

    def save_draft(self, draft: Draft) -> None: ...
    def draft(self, draft_id: str) -> Draft | None: ...

    def authenticator(self, person: str, *, lock: bool = False) -> Authenticator | None: ...
    def save_authenticator(self, authenticator: Authenticator) -> None:
        """Insert or replace, whatever is stored; sets ``last_timecode`` and ``attempts`` too."""
        ...

    def set_attempts(self, person: str, attempts: Attempts) -> None: ...
    def advance_timecode(self, person: str, timecode: int) -> bool:
        """Compare-and-swap: true when ``timecode`` is higher than the stored one, which it then becomes."""
        ...

    def remove_authenticator(self, person: str) -> bool: ...
    def save_step_up(self, step_up: StepUp) -> None: ...
    def latest_step_up(self, person: str, confirms: str | None = None) -> StepUp | None:
        """The newest proof of a person, or the newest for one digest."""
        ...

    def forget_step_ups(self, person: str) -> None: ...

    def enrolment(self, enrolment_id: str, *, lock: bool = False) -> Enrolment | None: ...
    def latest_enrolment(self, person: str) -> Enrolment | None: ...
    def enrolment_by_link(self, link_hash: str) -> Enrolment | None: ...
    def save_enrolment(self, enrolment: Enrolment) -> None:
        """As ``save_request``."""
        ...

    def save_invite(self, invite: Invite) -> None: ...
    def use_invite(self, code_hash: str, person: str) -> bool:
        """Mark it used; true only the first time, for that person, before it expires."""
        ...

    def messages(self, subject: str) -> tuple[PostedMessage, ...]: ...
    def save_message(self, message: PostedMessage) -> None:
        """Insert or replace by (subject, kind, destination)."""
        ...

    def fact(self, key: str) -> str | None:
        """A small remembered value, such as the last catalogue digest."""
        ...

    def set_fact(self, key: str, value: str) -> None: ...

    # read models; newest first where nothing else is said
    def requests_of(self, person: str, limit: int = 20) -> tuple[AccessRequest, ...]: ...
    def pending_requests(self, person: str | None = None) -> tuple[AccessRequest, ...]: ...
    def pending_for(self, approver: str) -> tuple[AccessRequest, ...]:
        """Pending requests that asked this person id among others, oldest first."""
        ...

    def unfinished_grants(self, person: str | None = None) -> tuple[Grant, ...]:
        """Grants that have not ended, soonest end first."""
        ...

    def overdue_grants(self, before: datetime) -> tuple[Grant, ...]:
        """Grants not ended whose end, or revocation, was due before ``before``."""
        ...

    def grants_between(self, start: datetime, end: datetime) -> tuple[Grant, ...]:
        """Grants that became active, ended or were live in ``[start, end)``."""
        ...

    def requests_between(self, start: datetime, end: datetime) -> tuple[AccessRequest, ...]:
        """Requests asked or decided in ``[start, end)``."""
        ...

    def audit(self, after: int = 0, limit: int = 1000) -> tuple[AuditRecord, ...]:
        """Records with a sequence number above ``after``, in order."""
        ...

    def audit_head(self) -> tuple[int, bytes]:
        """The last sequence number and the chain's value; (0, 32 zero bytes) when empty."""
        ...


class Store(Protocol):
    """The database."""

    def transaction(self) -> AbstractContextManager[Tx]:
        """Commit at the end of the block, roll back on an exception. Raises StoreUnavailable.

        Committed effects that are due wake the workers.
        """
        ...

    def claim(self, lane: str, limit: int, lease: timedelta) -> tuple[Claim, ...]:
        """Lease what is due in a lane (oldest first), in its own transaction; never the same row to two callers."""
        ...

    def release(self, claim: Claim, due_at: datetime, error: str) -> bool:
        """Give a claim back, to be tried again at ``due_at``; false (and no change) when the fence was lost.

        A key that was enqueued again since the claim becomes due at once.
        """
        ...

    def next_due(self, lane: str) -> datetime | None:
        """When the lane's next effect is due, leased ones at the end of their lease."""
        ...

    def wait(self, timeout: timedelta) -> None:
        """Block until some transaction here (PostgreSQL: anywhere) enqueued something due, or ``timeout``."""
        ...

    def ping(self) -> datetime:
        """The database's clock. Raises StoreUnavailable."""
        ...

    def close(self) -> None: ...


# --- cloud -----------------------------------------------------------------------------------------------


class CloudError(Exception):
    """A cloud call did not do what was asked. ``passing``: trying again later may help.

    The message is fit for people: no credential, no request signature.
    """

    def __init__(self, message: str, *, passing: bool, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.passing = passing
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Permission:
    """What the cloud is asked to allow: the approved statements for one principal during a window (UTC)."""

    grant_id: str
    account: Account
    principal: str
    policy: str
    """A JSON array of statements, without the time window."""
    starts_at: datetime
    expires_at: datetime
    person: str
    """Person id, for SourceIdentity and session names."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What is there under a grant's name: nothing (``present`` false), what was asked, or something else."""

    present: bool
    as_asked: bool = False


class CloudProvider(Protocol):
    """One way to grant. Every call is idempotent and safe to repeat after a time-out."""

    def render(self, role: Role, account: Account, params: Mapping[str, str]) -> str:
        """The exact statements (a JSON array, no time window) of a role with its parameters filled in.

        Pure. Raises ValueError that names the parameter that cannot be used.
        """
        ...

    def preflight(self, permission: Permission) -> Sequence[str]:
        """Why it cannot be granted, as sentences for the requester; empty when it can.

        Reads only. Raises CloudError when it cannot be known now.
        """
        ...

    def grant(self, permission: Permission) -> None:
        """Make it so. Raises CloudError."""
        ...

    def revoke(self, permission: Permission) -> None:
        """Remove it; that it (or the principal) is not there is success. Raises CloudError."""
        ...

    def observe(self, permission: Permission) -> Observation:
        """Read what is there. Raises CloudError."""
        ...

    def existing(self, account: Account, principals: Sequence[str]) -> Iterator[tuple[str, str]]:
        """(principal, grant id) of everything of ours among these principals. Raises CloudError."""
        ...

    def how_to_use(self, permission: Permission) -> Sequence[tuple[str, str]]:
        """(label, text) pairs that tell the holder how to use it: profile, command line, console link."""
        ...


# --- chat ------------------------------------------------------------------------------------------------


class ChatError(Exception):
    """The chat did not take it. ``passing``: trying again later may help."""

    def __init__(self, message: str, *, passing: bool, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.passing = passing
        self.retry_after = retry_after


class DirectoryError(Exception):
    """The chat's directory could not be asked; whoever was looked up counts as refused."""


class NotInDirectoryError(DirectoryError):
    """The directory answered: there is no such account or group."""


@dataclass(frozen=True, slots=True)
class ChatUser:
    """A chat account as its directory knows it. ``manager`` is a chat user id, if the profile names one."""

    id: str
    team: str
    name: str
    email: str = ""
    manager: str = ""
    refused: str = ""
    """Why this account may do nothing here (deactivated, guest, bot, another team); empty when it may."""


class Directory(Protocol):
    """Who the chat's accounts are."""

    def user(self, chat_id: str) -> ChatUser:
        """Raises DirectoryError; for an unknown id NotInDirectoryError."""
        ...

    def by_email(self, email: str) -> ChatUser | None:
        """The account of an e-mail address; ``None`` when nobody has it. Raises DirectoryError."""
        ...

    def members(self, group_id: str) -> frozenset[str]:
        """Chat user ids in a user group, possibly minutes old. Raises as ``user``."""
        ...


# --- small ones ------------------------------------------------------------------------------------------


class SecretBox(Protocol):
    """Authenticated encryption with several keys. ``bound_to`` must be the same for both calls."""

    @property
    def key_id(self) -> str:
        """The key that ``seal`` uses now."""
        ...

    def seal(self, plain: bytes, bound_to: str) -> bytes: ...
    def open(self, sealed: bytes, key_id: str, bound_to: str) -> bytes:
        """Raises ValueError when the key is unknown or the bytes were changed; names neither."""
        ...


class Clock(Protocol):
    """The process's clock, for what no transaction times."""

    def now(self) -> datetime: ...


class Ids(Protocol):
    """Makes ids that are unguessable, short enough to type and safe in an IAM policy name."""

    def new(self, prefix: str) -> str: ...
