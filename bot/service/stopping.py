"""Stopping before the end: one grant, or everything of a request."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.core import commands
from bot.core.audit import Actor
from bot.core.decisions import Outcome, Refusal, State
from bot.core.model import Grant, GrantStatus, Person
from bot.service.handling import MakeCommand
from bot.service.ports import Tx
from bot.service.records import StoreUnavailable
from bot.service.unrecorded import UNRECORDED, Stops

STOPPABLE = frozenset({GrantStatus.SCHEDULED, GrantStatus.GRANTING, GrantStatus.ACTIVE})


@dataclass(frozen=True, slots=True)
class Stopping:
    """``subject`` is a grant's id, or a request's: then everything of it that is on is stopped, in one transaction."""

    stops: Stops
    is_stopper: Callable[[Grant, Person], bool]
    """Whether this person may revoke this grant. Reads the directory."""

    def release(self, subject: str, person: Person, actor: Actor) -> Outcome:
        """The holder is done."""

        def make(_: Tx, state: State, __: datetime) -> commands.Command:
            grants = _of(state.grants, subject)
            first, *also = [grant.id for grant in grants] or [subject]
            theirs = bool(grants) and all(grant.person == person.id for grant in grants)
            return commands.Release(first, actor, theirs, tuple(also))

        return self._stop(subject, make)

    def revoke(self, subject: str, person: Person | None, actor: Actor, note: str) -> Outcome:
        """Someone else stops what of it they may; ``person`` ``None`` is an operator, who may stop everything."""
        allowed = None if person is None else frozenset(grant.id for grant in self.revocable(subject, person))

        def make(_: Tx, state: State, __: datetime) -> commands.Command:
            wanted = [grant.id for grant in _of(state.grants, subject)]
            first, *also = [each for each in wanted if allowed is None or each in allowed] or [*wanted, subject]
            return commands.Revoke(first, actor, note, allowed is None or first in allowed, tuple(also))

        return self._stop(subject, make)

    def revocable(self, subject: str, person: Person) -> tuple[Grant, ...]:
        """What of it this person may revoke."""
        return tuple(grant for grant in _of(self._grants(subject), subject) if self.is_stopper(grant, person))

    def _stop(self, subject: str, make: MakeCommand) -> Outcome:
        grants = _of(self._grants(subject), subject)
        first, *rest = [grant.id for grant in grants] or [subject]
        outcome, trouble = self._try(first, make)
        # Where nothing can be written each is taken away by itself, whatever becomes of the others.
        if trouble or (isinstance(outcome, Refusal) and outcome.code == UNRECORDED.code):
            for grant_id in rest:
                other, problem = self._try(grant_id, make)
                outcome, trouble = outcome or other, trouble or problem
        if trouble is not None or outcome is None:
            raise trouble or StoreUnavailable("nothing could be stopped")
        return outcome

    def _try(self, grant_id: str, make: MakeCommand) -> tuple[Outcome | None, StoreUnavailable | None]:
        try:
            return self.stops.stop(grant_id, make), None
        except StoreUnavailable as error:
            return None, error

    def _grants(self, subject: str) -> tuple[Grant, ...]:
        with self.stops.store.transaction() as tx:
            return tx.grants(tx.request_id_of_grant(subject) or subject)


def _of(grants: Sequence[Grant], subject: str) -> tuple[Grant, ...]:
    """The grant of that id; else what can be stopped, or all where nothing can, so that it is said why."""
    named = tuple(grant for grant in grants if grant.id == subject)
    return named or tuple(grant for grant in grants if grant.status in STOPPABLE) or tuple(grants)
