"""What would become of an ask, and why. Nothing is written, and the cloud is not asked."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import structlog

from bot.core import policy
from bot.core.model import Ask, Catalogue, Person
from bot.service.cases import Cases
from bot.service.people import People
from bot.service.ports import Store
from bot.service.records import DirectoryError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Explained:
    """A verdict with its reasons. ``granted`` is what was taken for granted, in words; ``asking`` what was known."""

    found: policy.Explanation
    asking: policy.Asking
    granted: tuple[str, ...]
    asked: bool
    """Whether the chat could be asked about the people."""


@dataclass(frozen=True, slots=True)
class Explaining:
    """Explains. Blocks; safe to share between threads."""

    store: Store
    catalogue: Callable[[], Catalogue]
    people: People
    cases: Cases

    def outlook(
        self, offered: Catalogue, person: Person, ask: Ask, blank: Collection[str] = ()
    ) -> policy.Outlook | None:
        """What the form shows, from what is known already: nobody is asked. ``offered``: as this person may see it.

        ``None`` where it cannot be said just now, or there is no such role: a form is shown all the same.
        """
        roles = [offered.roles[item.role] for item in ask.items if item.role in offered.roles]
        if len(roles) < len(ask.items):
            return None
        try:
            facts, *more = (self.people.facts_at_hand(role, person) for role in roles)
            with self.store.transaction() as tx:
                asked = policy.Asking(offered, person, ask, tx.now(), facts, tuple(more))
                asking = self.cases.counted(tx, asked)
            return policy.outlook(asking, blank)
        except Exception as error:  # the form matters more than what it foretells
            log.warning("outlook.failed", role=ask.role, why=type(error).__name__)
            return None

    def explain(self, person: Person, ask: Ask) -> Explained:
        """Every rule's word on all of ``ask`` if this person sent it now. Asks the chat, where that matters."""
        now, asked = self.store.ping(), True
        try:
            asking = self.cases.asking(person, ask, now)
        except DirectoryError:
            asking, asked = policy.Asking(self.catalogue(), person, ask, now), False
        with self.store.transaction() as tx:
            asking = self.cases.counted(tx, asking)
        known, granted = policy.with_granted(asking)
        return Explained(policy.explain(known), asking, granted, asked)
