"""What the service needs from outside, as Protocols; each has a fake and passes one contract suite on both.

All times are timezone-aware UTC. Methods block: they are called from worker threads, never from an event loop.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from bot.core.audit import Event
from bot.core.lookups import Choice, LookUp
from bot.core.model import AccessRequest, Account, Effect, Grant, GrantStatus, Role, StepUp
from bot.core.stepup import Attempts
from bot.core.strays import Stray
from bot.service.crowds import Crowds
from bot.service.history import History
from bot.service.records import (
    AuditRecord,
    Authenticator,
    ChatUser,
    Claim,
    Draft,
    Enrolment,
    Invite,
    Observation,
    Permission,
    PostedMessage,
)
from bot.service.versions import Versions

# --- store -----------------------------------------------------------------------------------------------


class Tx(Crowds, History, Versions, Protocol):
    """One open transaction. Reads see its own writes."""

    def now(self) -> datetime:
        """The database's clock (SQLite: the process's), the same for the whole transaction."""
        ...

    def request(self, request_id: str, *, lock: bool = False) -> AccessRequest | None:
        """A request; ``lock`` keeps other transactions from writing it or its grants until this one ends."""
        ...

    def requests(self, request_ids: Sequence[str], *, lock: bool = False) -> Mapping[str, AccessRequest]:
        """As ``request``, for many: by id, without those that are not there. Locks are taken in the order of ids."""
        ...

    def request_id_of_grant(self, grant_id: str) -> str | None: ...
    def grants(self, request_id: str) -> tuple[Grant, ...]: ...
    def request_ids_of(self, grant_ids: Sequence[str]) -> Mapping[str, str]:
        """As ``request_id_of_grant``, for many: by grant id, without those that are not there."""
        ...

    def grants_by_id(self, grant_ids: Sequence[str]) -> Mapping[str, Grant]:
        """Without those that are not there."""
        ...

    def grants_of(self, request_ids: Sequence[str]) -> Mapping[str, tuple[Grant, ...]]:
        """As ``grants``, for many; every id asked for is a key."""
        ...

    def save_request(self, request: AccessRequest) -> None:
        """Insert at version 0, else update the row of version ``request.version``; the stored version is one more.

        Raises StaleWrite.
        """
        ...

    def save_grant(self, grant: Grant) -> None:
        """As ``save_request``."""
        ...

    def save_grants(self, grants: Sequence[Grant]) -> None:
        """As ``save_grant`` for many that are stored already; their requests must be locked by this transaction."""
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

    def held(self, claims: Sequence[Claim]) -> frozenset[int]:
        """As ``holds``, for many: the ids of those that are. Locks are taken in the order of ids."""
        ...

    def finish(self, claim: Claim) -> None:
        """Remove the effect, or leave it to run once more if it was enqueued again since the claim.

        Raises StaleWrite, and changes nothing, when the claim is not held any more.
        """
        ...

    def finish_all(self, claims: Sequence[Claim]) -> None:
        """As ``finish``, for many. Call after ``held``."""
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

    def stray(self, stray_id: str, *, lock: bool = False) -> Stray | None: ...
    def open_stray(self, account: str, principal: str, name: str) -> Stray | None:
        """The one under this name that is not settled."""
        ...

    def unsettled_strays(self, account: str | None = None) -> tuple[Stray, ...]:
        """Strays that are not settled, oldest first; every account's for ``None``."""
        ...

    def save_stray(self, stray: Stray) -> None:
        """As ``save_request``; one that is not settled is there once for its account, principal and name."""
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

    def count_unfinished(self) -> Mapping[GrantStatus, int]:
        """How many grants have not ended, by status; without those that there are none of."""
        ...

    def holders(self) -> tuple[str, ...]:
        """Ids of everyone who has a pending request or a grant that has not ended, sorted.

        Its cost grows with the number of persons, not with that of their grants.
        """
        ...

    def principals_with_grants(self, account: str) -> tuple[str, ...]:
        """Principals for which a grant in this account has not ended, sorted."""
        ...

    def grants_of_principal(self, account: str, principal: str) -> tuple[Grant, ...]:
        """Grants for this principal that have not ended, soonest end first."""
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

    def release(self, claim: Claim, after: timedelta, error: str) -> bool:
        """Give a claim back, to be tried again ``after`` a while by the database's clock.

        False (and no change) when the fence was lost. A key that was enqueued again since the claim becomes due then.
        """
        ...

    def release_all(self, claims: Sequence[Claim], after: timedelta, error: str) -> None:
        """As ``release``, for many in one transaction."""
        ...

    def next_due(self, lane: str) -> datetime | None:
        """When the lane's next effect is due, leased ones at the end of their lease."""
        ...

    def wait(self, lane: str, timeout: timedelta) -> None:
        """Block until a transaction here (PostgreSQL: anywhere) made something due in the lane, or ``timeout``.

        Each such news ends one wait; of several waits one alone is ended by ``timeout``.
        """
        ...

    def rouse(self, lanes: Iterable[str]) -> None:
        """End a wait of every thread that waits in these lanes, the current or else the next."""
        ...

    def ping(self) -> datetime:
        """The database's clock. Raises StoreUnavailable."""
        ...

    def close(self) -> None: ...


# --- cloud -----------------------------------------------------------------------------------------------


class CloudProvider(Protocol):
    """One way to grant. Every call is idempotent and safe to repeat after a time-out."""

    def render(self, role: Role, account: Account, params: Mapping[str, str]) -> str:
        """The exact statements (a JSON array, no time window) of a role with its parameters filled in.

        Pure. Raises ValueError that names the parameter that cannot be used.
        """
        ...

    def preflight(self, permission: Permission, *besides: Permission) -> Sequence[str]:
        """Why it cannot be granted, together with ``besides`` on the same principal; empty when it can.

        Sentences for the requester.

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

    def read(self, account: Account, principal: str, name: str) -> str | None:
        """The whole text (JSON) of one policy of ours; ``name`` is what ``existing`` calls it. ``None`` if not there.

        The same policy always gives the same text. Raises CloudError.
        """
        ...

    def remove(self, account: Account, principal: str, name: str) -> None:
        """Remove one policy of ours; that it (or the principal) is not there is success. Raises CloudError."""
        ...

    def deny(self, account: Account, principal: str, name: str, text: str) -> None:
        """Put ``name``: a policy that denies exactly what the policy ``text`` allows, and nothing else.

        ``read`` then gives ``denial(text)``. Raises CloudError; a lasting one where there is no room for it.
        """
        ...

    def denial(self, text: str) -> str:
        """What ``deny`` puts. Pure. Raises CloudError when ``text`` allows nothing."""
        ...

    def statements(self, text: str) -> tuple[str, datetime | None]:
        """The statements of a whole policy, as ``render`` gives them, and the end (UTC) that it carries, if any.

        Pure. Raises ValueError that says why they cannot be granted, as the end of a sentence.
        """
        ...

    def how_to_use(self, permission: Permission) -> Sequence[tuple[str, str]]:
        """(label, text) pairs that tell the holder how to use it: profile, command line, console link."""
        ...


@runtime_checkable
class LooksUp(Protocol):
    """What a CloudProvider may do beside: list what can be chosen."""

    def look_up(self, account: Account, lookup: LookUp) -> tuple[Choice, ...]:
        """What there is now, in the order of its values; of very much only the first. Reads only. Raises CloudError."""
        ...


@runtime_checkable
class KnowsOwners(Protocol):
    """What a CloudProvider may know beside: whose a resource is."""

    def owner(self, account: Account, role: Role, params: Mapping[str, str], parameter: str, tag: str) -> str:
        """The value of ``tag`` of what ``parameter`` names in the role's resources; empty where there is none.

        Empty too where several resources say different things. Reads only. Raises CloudError.
        """
        ...


# --- chat ------------------------------------------------------------------------------------------------


class Directory(Protocol):
    """Who the chat's accounts are."""

    def user(self, chat_id: str) -> ChatUser:
        """Raises DirectoryError; for an unknown id NotInDirectoryError."""
        ...

    def accounts(self, chat_ids: Collection[str]) -> Mapping[str, ChatUser]:
        """As ``user`` of many, in few calls: by their ids, without their managers, and without ids that are unknown.

        Raises DirectoryError.
        """
        ...

    def by_email(self, email: str) -> ChatUser | None:
        """The account of an e-mail address; ``None`` when nobody has it. Raises DirectoryError."""
        ...

    def fresh(self, account: str) -> ChatUser:
        """An account by its id or its e-mail address, as it is now; nothing remembered counts.

        One that is not there is refused. The manager may be left out. Raises DirectoryError when it is not known.
        """
        ...

    def page(self, cursor: str = "") -> tuple[Sequence[ChatUser], str]:
        """Some of all accounts, deactivated ones included, as they are now, and the cursor to the others.

        The first page for an empty cursor; the last has an empty one. Managers may be left out. Raises as ``user``,
        NotInDirectoryError for a cursor that leads nowhere any more.
        """
        ...

    def members(self, group_id: str) -> frozenset[str]:
        """Chat user ids in a user group, possibly minutes old. Raises as ``user``."""
        ...

    def remembered(self) -> "Directory":
        """The same, asking nobody: what is not remembered raises DirectoryError."""
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
