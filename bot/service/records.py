"""What crosses the ports: frozen records, and the errors that the outside answers with.

All times are timezone-aware UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core.model import Account, Ask, digest_of
from bot.core.stepup import Attempts


class BadCatalogue(Exception):
    """A catalogue that cannot be used; says everything that is wrong with it."""


class ForgedCatalogue(BadCatalogue):
    """What the database has is not what this installation put there."""


class StoreUnavailable(Exception):
    """The database did not answer, or refused the transaction for a passing reason. Nothing was written."""


class OutcomeUnknown(StoreUnavailable):
    """The connection broke while the commit was under way: nobody can tell whether it was done."""


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
class Gathered:
    """An effect that was taken out of the queue, to be told together with others. ``id`` rises with time."""

    id: int
    key: str
    subject: str
    payload: Mapping[str, str]
    tried: bool
    """Whether it was ever claimed: then it may have been told already."""


@dataclass(frozen=True, slots=True)
class DigestLine:
    """One thing that a digest tells ``who`` (``Effect.who``); ``key`` is of the effect that it stands for."""

    key: str
    who: str
    number: int
    """Higher is newer."""
    outcome: str
    """``expired``, ``released``, ``revoked``, ``failed``, ``denied``, ``cancelled`` or ``lapsed``."""
    subject: str
    """A grant id or a request id."""
    added_at: datetime
    tried: bool = False
    """Whether an earlier try may have told it by itself."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What a digest says: how many by outcome, the newest lines, and the keys of lines that may have been told."""

    counts: Mapping[str, int]
    lines: tuple[DigestLine, ...]
    tried: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PostedMessage:
    """Where a copy of a card is, or may be. ``ref`` is the chat's own message id (Slack: ts).

    It is saved before the first try to post it, with an empty ``ref``, and again when the chat has answered.
    """

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


NOT_HERE = "This Slack account is not in this workspace."
"""``ChatUser.refused`` of an account that is not there."""
NO_SUCH_ADDRESS = "There is no Slack account with this e-mail address: it was changed, or the account is deactivated."
"""``ChatUser.refused`` where an address leads to nobody, which is all that the chat says of either case."""


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
