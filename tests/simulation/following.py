"""The promises about access that goes on from other access, and about access that nobody was asked for.

Read from the audit log alone, as requests and grants are. See ``invariants.py``.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.core.model import AccessRequest
from bot.service.ports import Tx
from tests.core.examples import MINUTE
from tests.simulation.rules import may_go_without, mixed
from tests.simulation.tasks import Broken

if TYPE_CHECKING:
    from tests.simulation.book import Book
    from tests.simulation.company import Company

ON = frozenset({"pending", "scheduled", "granting", "active"})


class Following:
    """Watches one company."""

    def __init__(self, company: "Company", book: "Book") -> None:
        self._company = company
        self._book = book

    def at_record(self, tx: Tx, fact: dict[str, Any], at: datetime, since: int) -> None:
        """I3, I6: what goes on does so once, from what is there; what nobody approves is allowed and proved."""
        extends = self._extends(fact["request_id"])
        match fact["tag"]:
            case "request.submitted" if extends:
                self._is_the_first(fact, extends)
            case "request.glass-broken":
                if (owed := self._book.owed(fact["person"])) != [fact["request_id"]]:
                    raise Broken(f"I6: {fact['person']} broke glass, and owes a review of {owed}")
            case "request.approved" | "grant.started" if extends and self._book.stopped(extends):
                raise Broken(
                    f"I6: {fact['tag']} of {fact['request_id']}, which goes on from {extends}: that is stopped"
                )
            case "request.reviewed":
                self._is_reviewed_by_who_may(tx, fact, at, since)

    def may_go_without(self, tx: Tx, request: AccessRequest, at: datetime, since: int) -> None:
        """I6: nobody has to say yes to it, and a code was typed for exactly this."""
        if not any(may_go_without(setup, request) for setup in mixed(self._company.setups[since:])):
            raise Broken(f"I6: {request.id} is approved by nobody, and somebody had to")
        draft = tx.draft(request.id)
        if draft is None or not any(
            person == request.ask.requester and at - when <= 5 * MINUTE and confirms == draft.digest()
            for person, when, confirms in self._book.proofs
        ):
            raise Broken(f"I6: {request.id} is approved by nobody, and no code was typed for it")

    def is_for(self, subject: str, fact: dict[str, Any]) -> bool:
        """Whether it ends what goes on from ``subject``, which is stopped for good: that may be done late, or twice."""
        return self._extends(fact["request_id"]) == subject and self._book.stopped(subject)

    def after_step(self, tx: Tx) -> None:
        """I2: what goes on from something that was stopped is stopped too, or that is still on the books.

        I3: of several targets, all are given or none.
        """
        for request_id, request in self._book.requests.items():
            if "more" in request.data:
                self._is_whole(request_id)
            extends = request.data.get("extends", "")
            if not extends or not self._book.stopped(extends):
                continue
            grants = self._book.grants_of(request_id)
            on = [key for key in grants if self._book.grants[key].status in ON]
            if (on or request.status in ON) and not tx.is_enqueued(f"follow:{extends}"):
                raise Broken(f"I2: {request_id} goes on ({request.status}, {on}) from {extends}, which is stopped")

    def _is_whole(self, request_id: str) -> None:
        grants = [self._book.grants[key] for key in self._book.grants_of(request_id)]
        failed = any(grant.data.get("reason") == "failed" for grant in grants)
        if failed and any(grant.status in ON for grant in grants):
            raise Broken(f"I3: a target of {request_id} could not be given, and another is kept")

    def _extends(self, request_id: str) -> str:
        entry = self._book.requests.get(request_id)
        return str(entry.data.get("extends", "")) if entry else ""

    def _is_the_first(self, fact: dict[str, Any], extends: str) -> None:
        base = self._book.grants.get(extends)
        if base is None or base.status != "active" or base.person != fact["person"]:
            raise Broken(f"I6: {fact['request_id']} goes on from {extends}, which is no active access of theirs")
        if (all_of_it := self._book.extensions(extends)) != [fact["request_id"]]:
            raise Broken(f"I3: {extends} is made longer by {all_of_it}")
        if self._extends(base.request_id):
            raise Broken(f"I3: {extends}, which makes longer, is made longer itself")

    def _is_reviewed_by_who_may(self, tx: Tx, fact: dict[str, Any], at: datetime, since: int) -> None:
        request, who, away = tx.request(fact["request_id"]), fact["actor"]["id"], self._book.away(at)
        if request is None or who == request.ask.requester:
            raise Broken(f"I6: {who} reviewed {fact['request_id']}")
        for setup in mixed(self._company.setups[since:]):
            roles = [
                setup.catalogue.roles[item.role] for item in request.ask.items if item.role in setup.catalogue.roles
            ]
            requester = setup.catalogue.people[request.ask.requester]
            if who in setup.catalogue.admins or any(who in setup.approvers(role, requester, away) for role in roles):
                return
        raise Broken(f"I6: {who} may not review {request.id}")
