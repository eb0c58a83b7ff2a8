"""Changes of the catalogue as people see them: the card in the security channel."""

from dataclasses import dataclass, field
from datetime import datetime

from bot.core.difference import Difference, Line, describe, difference
from bot.core.model import Catalogue
from bot.core.versions import Version
from bot.service.cards import CatalogueCard, Chat, UnreadableCard
from bot.service.catalogues import Catalogues
from bot.service.copies import Copies
from bot.service.current import InUse
from bot.service.effects import Handler, finish
from bot.service.people import People
from bot.service.records import BadCatalogue, Claim

KEPT = 4
"""Differences that are remembered: making one takes seconds in a large company."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a change means: the catalogues before and after it, and their difference in lines."""

    before: Catalogue
    after: Catalogue
    found: Difference
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """What a change is about."""

    catalogues: Catalogues
    in_use: InUse
    people: People
    _told: dict[tuple[str, str], Told] = field(default_factory=dict)

    def card(self, version_id: str) -> CatalogueCard | None:
        """What the security channel is shown."""
        with self.catalogues.store.transaction() as tx:
            version = tx.version(version_id)
        if version is None:
            return None
        told = self.told(version)
        lines, unknown = (told.lines, "") if isinstance(told, Told) else ((), told)
        return CatalogueCard(version, lines, unknown, self.people.names(version.decided_by))

    def told(self, version: Version) -> Told | str:
        """What this version changes; where that cannot be said, why, as a sentence."""
        key = (version.before, version.digest)
        if key not in self._told:
            with self.catalogues.store.transaction() as tx:
                before = tx.version_of(version.before) if version.before else None
            if before is None:
                return "What was there before is not on record."
            try:
                old, new = self.catalogues.catalogue_of(before), self.catalogues.catalogue_of(version)
            except BadCatalogue:
                return "This version of prodaccess cannot read what was there before, or what is now."
            found = difference(old, new)
            while len(self._told) >= KEPT:
                self._told.pop(next(iter(self._told)), None)
            self._told[key] = Told(old, new, found, describe(found, old, new))
            return self._told[key]
        return self._told[key]

    def channels(self, version: Version) -> tuple[str, ...]:
        """Where it is told: in the security channel that was there before, too, or a change could hide itself."""
        told = self.told(version)
        sides = (told.before, told.after) if isinstance(told, Told) else (self.in_use(),)
        return tuple(dict.fromkeys(side.security_channel for side in sides))


@dataclass(frozen=True, slots=True)
class Announcing:
    """Handlers of ``chat.catalogue`` effects."""

    changes: Changes
    chat: Chat

    @property
    def _copies(self) -> Copies:
        return Copies(self.changes.catalogues.store, self.chat)

    def handlers(self) -> dict[str, Handler]:
        """By effect kind."""
        return {"chat.catalogue": self.change, "chat.catalogue-unreadable": self.unreadable}

    def change(self, claim: Claim) -> None:
        """The card of a change."""
        card = self.changes.card(claim.subject)
        if card is not None:
            for channel in self.changes.channels(card.version):
                self._copies.show(claim, claim.subject, ("catalogue", channel), card)
        finish(self.changes.catalogues.store, claim)

    def unreadable(self, claim: Claim) -> None:
        """A file that cannot be used."""
        told = claim.payload
        card = UnreadableCard(told["problems"], told["in_use"], datetime.fromisoformat(told["at"]))
        self._copies.post(claim, self.changes.in_use().security_channel, card)
        finish(self.changes.catalogues.store, claim)
