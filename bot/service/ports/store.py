"""The database: transactions, and what is due in it."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Protocol

from bot.core.audit import Event
from bot.core.model import AccessRequest, Effect, Grant, GrantStatus, StepUp
from bot.core.stepup import Attempts
from bot.core.strays import Stray
from bot.service.crowds import Crowds
from bot.service.history import History
from bot.service.records import (
    AuditRecord,
    Authenticator,
    Claim,
    Draft,
    Enrolment,
    Invite,
    PostedMessage,
)
from bot.service.versions import Versions


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

        Each such news ends one wait, unless a ``claim`` came before; of several waits one alone is ended by
        ``timeout``.
        """
        ...

    def rouse(self, lanes: Iterable[str]) -> None:
        """End a wait of every thread that waits in these lanes, the current or else the next."""
        ...

    def ping(self) -> datetime:
        """The database's clock. Raises StoreUnavailable."""
        ...

    def close(self) -> None: ...
