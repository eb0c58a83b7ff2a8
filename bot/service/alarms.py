"""What is said of broken glass: to the security channel and every admin at once, then until somebody has reviewed it.

Each is a copy of the request's card, of a kind of its own: posted once, and kept up to date with the others.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from bot.core.model import AccessRequest, Effect
from bot.service.boards import DIRECT_MOST
from bot.service.chat import Chat
from bot.service.copies import Copies
from bot.service.effects import Handler, finish, finished
from bot.service.ports import Store
from bot.service.queries import Queries
from bot.service.records import Claim
from bot.service.reviews import Reviews

ALARM, OBJECTION, OVERDUE, REMINDER = "alarm", "objection", "overdue", "reminder"


@dataclass(frozen=True, slots=True)
class Alarms:
    """Handlers of ``chat.alarm`` and ``chat.review``."""

    store: Store
    queries: Queries
    chat: Chat
    reviews: Reviews

    def handlers(self) -> dict[str, Handler]:
        """By effect kind."""
        return {"chat.alarm": self.alarm, "chat.review": self.told}

    def alarm(self, claim: Claim) -> None:
        """Somebody broke glass."""
        self._post(claim, ALARM)

    def told(self, claim: Claim) -> None:
        """A review is owed, or overdue, or it was an objection."""
        self._post(claim, claim.payload["what"])

    def _post(self, claim: Claim, what: str) -> None:
        card = self.queries.request_card(claim.subject, what)
        if card is None or _is_stale(what, card.request):
            finish(self.store, claim)
            return
        request = card.request
        for destination in self._destinations(what, request):
            self._copies.show(claim, request.id, (what, destination), card)
        with self.store.transaction() as tx:
            if finished(tx, claim):
                # What changed while these were on their way found no copy to bring up to date.
                tx.enqueue([Effect("chat.cards", request.id, f"cards:{request.id}", tx.now())])

    @property
    def _copies(self) -> Copies:
        return Copies(self.store, self.chat)

    def _destinations(self, what: str, request: AccessRequest) -> Iterator[str]:
        """The channel first: it does not wait for the directory."""
        catalogue, kind = self.queries.catalogue(), what.partition("-")[0]
        if kind != REMINDER:
            yield catalogue.security_channel
        people = [person.id for person in self.reviews.reviewers(request)] if kind == REMINDER else []
        if kind in {ALARM, OVERDUE}:
            people = sorted(catalogue.admins)
        for person in people[:DIRECT_MOST]:
            if direct := self.queries.people.direct(person):
                yield direct


def _is_stale(what: str, request: AccessRequest) -> bool:
    """Whether it asks for what was done meanwhile."""
    asks = what.partition("-")[0] in {REMINDER, OVERDUE}
    return asks and (request.review is None or not request.review.is_owed)
