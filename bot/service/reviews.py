"""Reviews of access that went without a word: who gives them, and what happens while nobody does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.core import commands, policy
from bot.core.audit import SYSTEM, Actor, Event, Tag
from bot.core.decisions import Outcome, Refusal, State, request_event
from bot.core.model import AccessRequest, Effect, Person
from bot.service.access import Access
from bot.service.cases import Case
from bot.service.deciding import NO_DIRECTORY
from bot.service.effects import Handler, finished
from bot.service.handling import UNKNOWN, handle
from bot.service.ports import Tx
from bot.service.records import Claim, DirectoryError

log = structlog.get_logger(__name__)

REMINDED_AFTER = (1, 4, 12, 20)
"""When reviewers are reminded: 24ths of the time that there is, so after as many hours of a day."""
OVERDUE_EVERY = timedelta(days=1)
"""How often they are reminded once it is overdue."""
NO_NOTE = Refusal("note", "Say what was not right about it, in a few words.")


@dataclass(frozen=True, slots=True)
class Reviews:
    """The use case, and the handler of ``request.review``. Safe to share between threads; blocks."""

    access: Access

    def handlers(self) -> dict[str, Handler]:
        """By effect kind."""
        return {"request.review": self.remind}

    def review(self, request_id: str, person: Person, actor: Actor, *, objects: bool, note: str = "") -> Outcome:
        """Somebody else's word: it was right, or an objection, which needs a note. Reads the directory."""
        if objects and not note.strip():
            return NO_NOTE
        request = self.access.request(request_id)
        if request is None:
            return UNKNOWN
        try:
            case = self.access.cases.case(request)
        except DirectoryError:
            if person.id not in self.access.catalogue().admins:
                return NO_DIRECTORY
            case = None

        def make(tx: Tx, state: State, now: datetime) -> commands.Command:
            current = state.request or request
            requester, approvers = self._requester(current), _approvers(self.access, tx, case, now)
            refusal = policy.may_not_review(self.access.catalogue(), approvers, requester, person)
            return commands.Review(actor, objects, note, refusal)

        return handle(self.access.store, request_id, make)

    def reviewers(self, request: AccessRequest) -> tuple[Person, ...]:
        """Who may review it now, admins first; those alone while the directory does not answer."""
        try:
            case = self.access.cases.case(request)
        except DirectoryError:
            case = None
        with self.access.store.transaction() as tx:
            approvers = _approvers(self.access, tx, case, tx.now())
        return policy.reviewers(self.access.catalogue(), approvers, self._requester(request))

    def overdue(self) -> tuple[AccessRequest, ...]:
        """What should have been reviewed by now and was not."""
        with self.access.store.transaction() as tx:
            return overdue(tx.reviews_owed(), tx.now())

    # --- while it is owed --------------------------------------------------------------------------------

    def remind(self, claim: Claim) -> None:
        """Say again that it is owed where it is time to, and come back when it is again."""
        with self.access.store.transaction() as tx:
            request = tx.request(claim.subject, lock=True)
            # After the request's lock, as every command: who reviews it now waits, or is waited for.
            if not finished(tx, claim):
                return
            if request is None or request.review is None or not request.review.is_owed:
                return
            now, told = tx.now(), int(claim.payload.get("told", "0"))
            step, following = _step(request, request.review.due_at, now)
            late = step > len(REMINDED_AFTER)
            new = late and told <= len(REMINDED_AFTER)
            tx.enqueue([_look(request, following, max(step, told))])
            if step > told:
                tx.enqueue([_tell(request, now, step, late=late)])
                tx.append([_reminded(request, step), *([_overdue(request)] if new else [])])
        if new:
            log.error("review.overdue", request=request.id, person=request.ask.requester)

    def _requester(self, request: AccessRequest) -> Person:
        who = request.ask.requester
        return self.access.catalogue().people.get(who) or Person(who, who)


def overdue(owed: Sequence[AccessRequest], now: datetime) -> tuple[AccessRequest, ...]:
    """Those whose review should have been given by ``now`` (UTC)."""
    return tuple(request for request in owed if request.review and request.review.due_at <= now)


def _approvers(access: Access, tx: Tx, case: Case | None, now: datetime) -> tuple[Person, ...]:
    """Who could approve it now, in any stage of any target, with who is away counted in."""
    if case is None:
        return ()
    first, *more = case.facts
    approving = policy.Approving(
        case.catalogue, case.request, case.requester, case.requester, first, None, now, tuple(more)
    )
    counted = access.cases.approving(tx, approving)
    return tuple(person for each in counted.each for stage in each.sets for person in stage)


def _step(request: AccessRequest, due_at: datetime, now: datetime) -> tuple[int, datetime]:
    """How many times it was to be said by ``now`` that the review is owed, and when the next is (UTC)."""
    began = request.decided_at or request.asked_at
    times = [*(began + (due_at - began) * part / 24 for part in REMINDED_AFTER), due_at]
    passed = sum(at <= now for at in times)
    if passed < len(times):
        return passed, times[passed]
    late = (now - due_at) // OVERDUE_EVERY
    return len(times) + late, due_at + (late + 1) * OVERDUE_EVERY


def _look(request: AccessRequest, due_at: datetime, told: int) -> Effect:
    return Effect("request.review", request.id, f"review:{request.id}", due_at, {"told": str(told)})


def _tell(request: AccessRequest, now: datetime, step: int, *, late: bool) -> Effect:
    about = {"what": f"{'overdue' if late else 'reminder'}-{step}"}
    return Effect("chat.review", request.id, f"review-told:{request.id}:{step}", now, about)


def _reminded(request: AccessRequest, step: int) -> Event:
    return request_event(Tag.REQUEST_REMINDED, SYSTEM, request, {"of": "review", "number": step})


def _overdue(request: AccessRequest) -> Event:
    due_at = request.review.due_at.isoformat() if request.review else ""
    return request_event(Tag.REVIEW_OVERDUE, SYSTEM, request, {"due_at": due_at})
