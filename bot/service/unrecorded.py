"""Revoking while nothing can be written: the access goes first, and is recorded as soon as that works again.

What is owed to the log is kept in memory, and in the process's own log at once: a process that dies before it could
write leaves the cloud without the permission, which the next reconcile finds and records.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from bot.core import commands
from bot.core.decisions import Decision, Outcome, Refusal, State
from bot.core.lifecycle import decide
from bot.core.model import Grant, GrantStatus
from bot.service.handling import UNKNOWN, MakeCommand, handle
from bot.service.ports import CloudProvider, Store
from bot.service.records import CloudError, Permission, StoreUnavailable

log = structlog.get_logger(__name__)

UNRECORDED = Refusal(
    "unrecorded",
    "The access was taken away, but it cannot be written down just now: the database takes nothing. "
    "It is recorded as soon as that works again.",
)


SWEEP_MOST = 500
"""Grants that one sweep asks for."""


@dataclass(slots=True)
class Owed:
    """Commands that were carried out and are still to be recorded, by grant id. Thread-safe."""

    _commands: dict[str, commands.Command] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, grant_id: str, command: commands.Command) -> None:
        """The first word counts."""
        with self._lock:
            self._commands.setdefault(grant_id, command)

    def pop(self, grant_id: str) -> None:
        """It is recorded."""
        with self._lock:
            self._commands.pop(grant_id, None)

    def all(self) -> Mapping[str, commands.Command]:
        """As of now."""
        with self._lock:
            return dict(self._commands)


@dataclass(frozen=True, slots=True)
class Stops:
    """Stops a grant: recorded first where that can be done, else in the cloud first."""

    store: Store
    providers: Mapping[str, CloudProvider]
    permission: Callable[[Grant], Permission | None]
    owed: Owed = field(default_factory=Owed)

    def stop(self, grant_id: str, make: MakeCommand) -> Outcome:
        """Decide and write. Raises StoreUnavailable when not even that can be read, or the cloud does not answer."""
        try:
            return self._record(grant_id, make)
        except StoreUnavailable as error:
            return self._stop_unrecorded(grant_id, make, error)

    def settle(self) -> int:
        """Record what is owed; how many are still owed."""
        for grant_id, command in self.owed.all().items():
            try:
                self._record(grant_id, _always(command))
            except StoreUnavailable as error:
                log.warning("revocation.still-unrecorded", grant=grant_id, why=str(error))
            else:
                self.owed.pop(grant_id)
        return len(self.owed.all())

    def sweep(self) -> int:
        """Remove what should be gone by now, without the queue, which cannot be written; how many were asked for.

        Nothing is recorded: the queue does it once more and sees that it is gone. Raises StoreUnavailable when the
        database cannot be read either: then the permissions' own end stands.
        """
        with self.store.transaction() as tx:
            due = tx.overdue_grants(tx.now())[:SWEEP_MOST]
        removed = 0
        for grant in due:
            permission = self.permission(grant)
            if permission is None or not grant.is_live:
                continue
            try:
                self.providers[grant.provider].revoke(permission)
            except CloudError as error:
                log.warning("revocation.failed", grant=grant.id, why=str(error))
            else:
                removed += 1
        return removed

    def _record(self, grant_id: str, make: MakeCommand) -> Outcome:
        with self.store.transaction() as tx:
            request_id = tx.request_id_of_grant(grant_id)
        return UNKNOWN if request_id is None else handle(self.store, request_id, make)

    def _stop_unrecorded(self, grant_id: str, make: MakeCommand, why: StoreUnavailable) -> Outcome:
        with self.store.transaction() as tx:
            grant = tx.grants_by_id([grant_id]).get(grant_id)
            request = tx.request(grant.request_id) if grant else None
            state, now = State(request, (grant,) if grant else ()), tx.now()
            command = make(tx, state, now)
        outcome = command if isinstance(command, Refusal) else decide(state, command, now)
        if grant is None or isinstance(command, Refusal) or not isinstance(outcome, Decision):
            return outcome
        permission = self.permission(grant)
        if permission is None or grant.status is GrantStatus.SCHEDULED:
            raise why
        try:
            self.providers[grant.provider].revoke(permission)
        except CloudError as error:
            log.warning("revocation.failed", grant=grant_id, why=str(error))
            raise why from error
        self.owed.add(grant_id, command)
        actor = command.actor
        log.error(
            "revocation.unrecorded",
            grant=grant_id,
            person=grant.person,
            account=grant.account,
            command=type(command).__name__.lower(),
            actor=actor.id,
            via=actor.via,
            note=getattr(command, "note", ""),
        )
        return UNRECORDED


def _always(command: commands.Command) -> MakeCommand:
    return lambda *_: command
