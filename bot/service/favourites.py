"""What a person asks for again and again, kept at hand."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from bot.core.decisions import Refusal
from bot.core.model import Ask, Catalogue, Favourite, Person
from bot.service.handling import UNKNOWN
from bot.service.ports import Ids, Store

MOST = 10
"""Favourites of one person."""
TITLE_MOST = 150

FULL = Refusal("full", f"You keep {MOST} favourites already. Take one away first.")


@dataclass(frozen=True, slots=True)
class Favourites:
    """Each person's own. Nothing is asked for by keeping it. Safe to share between threads; blocks."""

    store: Store
    ids: Ids
    catalogue: Callable[[], Catalogue]

    def keep(self, request_id: str, person: Person) -> Favourite | Refusal:
        """Keep what they asked for in this request; the one that is kept already, if it is."""
        with self.store.transaction() as tx:
            request = tx.request(request_id)
            if request is None or request.ask.requester != person.id:
                return UNKNOWN
            tx.guard([f"favourites:{person.id}"])
            kept = tx.favourites(person.id)
            if same := same_as(request.ask, kept):
                return same
            if len(kept) >= MOST:
                return FULL
            ask = replace(request.ask, start_at=None, extends="", break_glass=False)
            favourite = Favourite(self.ids.new("f"), self._title(ask), ask, tx.now())
            tx.save_favourite(favourite)
        return favourite

    def forget(self, favourite_id: str, person: Person) -> bool:
        """Whether they had it."""
        with self.store.transaction() as tx:
            return tx.remove_favourite(favourite_id, person.id)

    def ask(self, favourite_id: str, person: Person) -> Ask | None:
        """What their favourite asks for; ``None`` when it is not theirs, or gone."""
        with self.store.transaction() as tx:
            found = tx.favourite(favourite_id)
        return found.ask if found is not None and found.ask.requester == person.id else None

    def _title(self, ask: Ask) -> str:
        role, account = self.catalogue().roles.get(ask.role), self.catalogue().accounts.get(ask.account)
        title = f"{role.title if role else ask.role} in {account.title if account else ask.account}"
        return title[:TITLE_MOST]


def same_as(ask: Ask, kept: Iterable[Favourite]) -> Favourite | None:
    """The favourite for the same targets."""
    return next((each for each in kept if each.ask.items == ask.items), None)
