"""Requests that wait: those whose turn it is are reminded, further people come in. Each effect enqueues the next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.core import commands, nudges
from bot.core.decisions import State
from bot.core.model import AccessRequest
from bot.core.policy.boards import awaited
from bot.service.absences import over
from bot.service.boards import DIRECT_MOST, Boards, boards
from bot.service.cards import DelegateCard, NudgeCard
from bot.service.cases import Case
from bot.service.chat import Chat
from bot.service.copies import Copies
from bot.service.effects import Handler, finish
from bot.service.handling import handle
from bot.service.ports import Tx
from bot.service.queries import Queries
from bot.service.records import Claim


@dataclass(frozen=True, slots=True)
class Nudging:
    """Handlers of what time brings about where people are waited for. They read the directory."""

    queries: Queries
    chat: Chat

    @property
    def _boards(self) -> Boards:
        return self.queries.boards

    def handlers(self) -> Mapping[str, Handler]:
        """By effect kind."""
        return {
            "people.nudge": self.nudge,
            "people.escalate": self.escalate,
            "chat.nudge": self.tell,
            "chat.away": self.tell_delegate,
            "absence.end": lambda claim: over(self.queries.store, claim),
        }

    def nudge(self, claim: Claim) -> None:
        """Remind those whose turn it is and who have said nothing."""
        case = self._case(claim)

        def make(tx: Tx, state: State, now: datetime) -> commands.Command:
            request = state.request
            waits_for = awaited(request, boards(tx, case, request, now)) if case and request else ()
            return commands.Remind(datetime.fromisoformat(claim.payload["at"]), waits_for[:DIRECT_MOST])

        handle(self.queries.store, claim.subject, make, claim)

    def escalate(self, claim: Claim) -> None:
        """Ask those who may approve from now on, too."""
        case, since = self._case(claim), datetime.fromisoformat(claim.payload["since"])
        roles = [self.queries.catalogue().roles[item.role] for item in case.request.ask.items] if case else []

        def make(tx: Tx, state: State, now: datetime) -> commands.Command:
            further = _further(tx, case, state.request, since, now) if case and state.request else ()
            return commands.Escalate(further, nudges.escalations(roles))

        handle(self.queries.store, claim.subject, make, claim)

    def tell(self, claim: Claim) -> None:
        """One message to a person about all that waits for them; none when nothing does any more."""
        waiting = self._boards.awaiting(claim.subject)
        destination = self.queries.people.direct(claim.subject) if waiting else ""
        if destination:
            ids = {person for request in waiting for person in (request.ask.requester, request.claimed_by) if person}
            card = NudgeCard(claim.subject, waiting, self.queries.catalogue(), self.queries.names(*sorted(ids)))
            Copies(self.queries.store, self.chat).post(claim, destination, card)
        finish(self.queries.store, claim)

    def tell_delegate(self, claim: Claim) -> None:
        """In whose place they approve; not any more once that is over, or said anew."""
        with self.queries.store.transaction() as tx:
            absence = tx.absences().get(claim.subject)
        is_so = absence is not None and absence.since.isoformat() == claim.payload["since"]
        destination = self.queries.people.direct(absence.delegate) if is_so and absence and absence.delegate else ""
        if absence and destination:
            card = DelegateCard(absence, self.queries.names(absence.person))
            Copies(self.queries.store, self.chat).post(claim, destination, card)
        finish(self.queries.store, claim)

    def _case(self, claim: Claim) -> Case | None:
        """What is known outside of a request that waits. Raises DirectoryError: then it is not known yet."""
        with self.queries.store.transaction() as tx:
            request = tx.request(claim.subject)
        return self._boards.case(request) if request else None


def _further(tx: Tx, case: Case, request: AccessRequest, since: datetime, now: datetime) -> tuple[str, ...]:
    """Whose turn it is by now and was not ``since`` (UTC), because it has waited for so long."""
    before = set(awaited(request, boards(tx, case, request, since)))
    return tuple(person for person in awaited(request, boards(tx, case, request, now)) if person not in before)
