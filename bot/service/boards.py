"""Where a pending request stands now: who has spoken, whose turn it is, who is waited for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.core.model import AccessRequest, RequestStatus, Way
from bot.core.policy import Asking
from bot.core.policy.boards import Board, asked_so_far, awaited, boards_of
from bot.service.absent import also_waiting
from bot.service.cases import Absences, Case, Cases, absences
from bot.service.ports import Store, Tx

DIRECT_MOST = 20
"""Approvers who get a card of their own, and are reminded; the channel's card is there for all."""
LOOKED_AT = 50
"""Requests that wait for a person of which it is looked up whether they wait for a word of theirs."""


@dataclass(frozen=True, slots=True)
class Boards:
    """Looks where requests stand. Blocks, and reads the directory."""

    store: Store
    cases: Cases

    def of(self, request: AccessRequest) -> tuple[Board, ...]:
        """One for each of its targets, as of its decision where it is decided. Raises DirectoryError.

        None where no approver is asked, and of what access.yaml knows no more.
        """
        with self.store.transaction() as tx:
            away, now = absences(tx, request.approvals), tx.now()
        return self.as_of(request, away, now)

    def as_of(self, request: AccessRequest, away: Absences, now: datetime) -> tuple[Board, ...]:
        """As ``of``, by what was read from the database at ``now`` (UTC). Raises DirectoryError."""
        case = self.case(request)
        return boards_with(case, request, request.decided_at or now, away) if case is not None else ()

    def case(self, request: AccessRequest) -> Case | None:
        """A request for approvers, with what is known outside; ``None``: see ``of``. Raises DirectoryError."""
        return self.cases.case(request) if request.way is Way.APPROVERS else None

    def asked(self, request: AccessRequest) -> tuple[str, ...]:
        """Who gets a card of their own by now (person ids). Raises DirectoryError."""
        return asked_by(request, self.of(request))

    def awaiting(self, person: str) -> tuple[AccessRequest, ...]:
        """Requests that wait for a word of this person (id), the oldest first. Raises DirectoryError."""
        with self.store.transaction() as tx:
            waiting = also_waiting(tx, person)
        return tuple(each for each in waiting[:LOOKED_AT] if person in awaited(each, self.of(each)))


def asked_by(request: AccessRequest, boards: Sequence[Board]) -> tuple[str, ...]:
    """Who gets a card of their own (person ids), where it stands so."""
    found, known = asked_so_far(request, boards), request.approvers_asked
    return found if request.status is RequestStatus.PENDING else tuple(each for each in found if each in known)


def boards(tx: Tx, case: Case, request: AccessRequest, now: datetime) -> tuple[Board, ...]:
    """Where each target stands at ``now`` (UTC), by what the transaction knows of who is away."""
    return boards_with(case, request, now, absences(tx, request.approvals))


def boards_with(case: Case, request: AccessRequest, now: datetime, away: Absences) -> tuple[Board, ...]:
    """As ``boards``, with what was read before."""
    first, *more = map(away.on, case.facts)
    return boards_of(request, Asking(case.catalogue, case.requester, request.ask, now, first, tuple(more)))
