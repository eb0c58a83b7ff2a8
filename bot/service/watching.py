"""Closing the ticket ends the access, where the role says so: an effect that looks every few minutes, nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from bot.core.audit import SYSTEM, Actor
from bot.core.decisions import Outcome
from bot.core.model import AccessRequest, Catalogue, Effect, Grant, GrantStatus, Person
from bot.core.rules import Tracker
from bot.service.effects import Handler, finish
from bot.service.facts import Gathering
from bot.service.ports import Store
from bot.service.records import Claim

log = structlog.get_logger(__name__)

LOOK_EVERY: Final = timedelta(minutes=3)
_OVER: Final = frozenset({GrantStatus.REVOKING, GrantStatus.ENDED})


class Revoke(Protocol):
    """See ``Access.revoke``."""

    def __call__(self, grant_id: str, person: Person | None, actor: Actor, note: str, /) -> Outcome: ...


def watch(catalogue: Catalogue, request: AccessRequest, grant: Grant, now: datetime) -> tuple[Effect, ...]:
    """What looks after the ticket of a grant that begins at ``now`` (UTC); nothing where no ticket ends it."""
    if _tracker(catalogue, request, grant.role) is None:
        return ()
    return (_next_look(grant.id, now),)


def _next_look(grant_id: str, now: datetime) -> Effect:
    return Effect("ticket.watch", grant_id, f"watch:{grant_id}", now + LOOK_EVERY)


def _tracker(catalogue: Catalogue, request: AccessRequest, role_id: str) -> Tracker | None:
    """Where a ticket is kept that ends the access by being closed, as the catalogue in use says."""
    role = catalogue.roles.get(role_id)
    rule = role.ticket if role else None
    return catalogue.trackers.get(rule.tracker) if rule and rule.ends_access and request.ask.ticket else None


@dataclass(frozen=True, slots=True)
class Watching:
    """Handler of ``ticket.watch``."""

    store: Store
    catalogue: Callable[[], Catalogue]
    gathering: Gathering
    revoke: Revoke

    def handlers(self) -> dict[str, Handler]:
        """By effect kind."""
        return {"ticket.watch": self.look}

    def look(self, claim: Claim) -> None:
        """Revoke if the tracker has the ticket and has it closed; otherwise look again, until the access is over.

        A tracker that cannot say, or does not find the ticket, ends nothing.
        """
        with self.store.transaction() as tx:
            grant = tx.grants_by_id([claim.subject]).get(claim.subject)
            request, now = tx.request(grant.request_id) if grant else None, tx.now()
        goes_on = grant is not None and request is not None and self._goes_on(grant, request)
        finish(self.store, claim, (_next_look(claim.subject, now),) if goes_on else ())

    def _goes_on(self, grant: Grant, request: AccessRequest) -> bool:
        tracker = _tracker(self.catalogue(), request, grant.role)
        if tracker is None or grant.status in _OVER:
            return False
        fact = self.gathering.ticket(tracker, request.ask.ticket)
        if fact is None or not fact.found or fact.open:
            return True
        log.info("ticket.closed", grant=grant.id, ticket=fact.key, tracker=tracker.id)
        self.revoke(grant.id, None, SYSTEM, f"Its ticket {fact.key} was closed.")
        return False
