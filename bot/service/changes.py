"""Changes of the catalogue as people see and decide them: the card in the security channel, approving, denying."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.core import stepup
from bot.core.audit import Actor, Tag
from bot.core.decisions import Refusal
from bot.core.difference import Difference, Line, describe, difference
from bot.core.guarding import change_approvers
from bot.core.judging import Judging, gains, why_not
from bot.core.model import Catalogue, Person, StepUpPolicy, StepUpRule
from bot.core.versions import Standing, Version, show_version, version_event
from bot.service.cards import CatalogueCard, UnreadableCard
from bot.service.catalogues import Catalogues, take_turn
from bot.service.chat import Chat
from bot.service.copies import Copies
from bot.service.current import InUse
from bot.service.deciding import WRONG_CODE
from bot.service.effects import Handler, finish
from bot.service.people import People
from bot.service.ports import Tx
from bot.service.proof import Codes
from bot.service.records import BadCatalogue, Claim

KEPT = 4
"""Differences that are remembered: making one takes seconds in a large company."""
NO_CHANGE = Refusal("unknown", "There is no such change on record.")
NEEDS_CODE = Refusal("step-up", "A code from your authenticator is needed.")
NOT_OURS = Refusal("changed", "What is in use by the database was not put there by prodaccess. Tell the operators.")
ALWAYS = StepUpPolicy(StepUpRule.ALWAYS)


@dataclass(frozen=True, slots=True)
class Told:
    """What a change means: the catalogues before and after it, and their difference in lines."""

    before: Catalogue
    after: Catalogue
    found: Difference
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """What a change is about, and the use cases of deciding it."""

    catalogues: Catalogues
    in_use: InUse
    people: People
    codes: Codes
    _told: dict[tuple[str, str], Told] = field(default_factory=dict)

    # --- showing -----------------------------------------------------------------------------------------

    def card(self, version_id: str) -> CatalogueCard | None:
        """What the security channel is shown."""
        version = self._version(version_id)
        if version is None:
            return None
        told = self.told(version)
        if isinstance(told, str):
            return CatalogueCard(version, (), told, (), self.people.names(version.decided_by))
        approvers = _may_approve(told) if version.standing is Standing.WAITING else ()
        names = self.people.names(version.decided_by, *approvers)
        return CatalogueCard(version, told.lines, "", approvers, names)

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
            told = Told(old, new, found, describe(found, old, new))
            while len(self._told) >= KEPT:
                self._told.pop(next(iter(self._told)), None)
            self._told[key] = told
            return told
        return self._told[key]

    def channels(self, version: Version) -> tuple[str, ...]:
        """Where it is told: in the security channel that was there before, too, or a change could hide itself."""
        told = self.told(version)
        if isinstance(told, str):
            return (self.in_use().security_channel,)
        sides = (told.before,) if version.standing is Standing.WAITING else (told.before, told.after)
        return tuple(dict.fromkeys(side.security_channel for side in sides))

    # --- deciding ----------------------------------------------------------------------------------------

    def why_not(self, version_id: str, person: Person, actor: Actor, *, approving: bool) -> Refusal | None:
        """Why this person may not decide this, now; ``None`` when they may. Attempts that may not be are logged."""
        version = self._version(version_id)
        if version is None:
            return NO_CHANGE
        refusal = self._refusal(version, person, approving=approving)
        if refusal is not None and refusal.code in {"policy", "separation"}:
            about = {"why": refusal.text, "approving": approving}
            with self.catalogues.store.transaction() as tx:
                tx.append([version_event(Tag.CATALOGUE_REFUSED, actor, version, **about)])
        return refusal

    def decide(self, version_id: str, person: Person, actor: Actor, code: str, *, approving: bool) -> Version | Refusal:
        """Approve or deny, with a code that is bound to exactly this word on exactly this change."""
        refusal = self.why_not(version_id, person, actor, approving=approving)
        version = self._version(version_id)
        if refusal is not None or version is None:
            return refusal or NO_CHANGE
        if self.codes.verify(person.id, code, version.confirmed(approving=approving), actor) is None:
            return Refusal(WRONG_CODE, "")
        decided = self._commit(version, person, actor, approving=approving)
        if isinstance(decided, Version) and approving:
            self._go_by(decided)
        return decided

    def _commit(self, seen: Version, person: Person, actor: Actor, *, approving: bool) -> Version | Refusal:
        told = self.told(seen)
        with self.catalogues.store.transaction() as tx:
            take_turn(tx)
            version, live = tx.version(seen.id, lock=True), tx.standing(Standing.LIVE)
            if version is None or live is None:
                return NO_CHANGE
            if not self.catalogues.is_ours(live):
                return NOT_OURS
            refusal = self._refusal(version, person, approving=approving, live=live)
            if refusal is not None or isinstance(told, str):
                return refusal or Refusal("unknown", str(told))
            if not _is_proved(tx, person, version.confirmed(approving=approving)):
                return NEEDS_CODE
            if approving:
                return self.catalogues.make_live(tx, version, actor, told.found, by=person.id)
            denied = replace(version, standing=Standing.DENIED, decided_at=tx.now(), decided_by=person.id)
            tx.save_version(denied)
            tx.enqueue([show_version(denied, tx.now())])
            tx.append([version_event(Tag.CATALOGUE_DENIED, actor, denied, by=person.id)])
        return denied

    def use(self, text: str, actor: Actor, note: str) -> Version:
        """An operator at a shell says what is in use, whoever would have to approve it. Raises BadCatalogue."""
        catalogue = self.catalogues.source.parse(text)
        with self.catalogues.store.transaction() as tx:
            live = tx.standing(Standing.LIVE)
        try:
            found = difference(self.catalogues.catalogue_of(live), catalogue) if live else None
        except BadCatalogue:
            found = None
        with self.catalogues.store.transaction() as tx:
            take_turn(tx)
            version = self.catalogues.new_version(tx, catalogue, text, tx.standing(Standing.LIVE))
            return self.catalogues.make_live(tx, version, actor, found, by=f"operator {actor.id}", note=note)

    # --- pieces ------------------------------------------------------------------------------------------

    def _version(self, version_id: str) -> Version | None:
        with self.catalogues.store.transaction() as tx:
            return tx.version(version_id)

    def _refusal(
        self, version: Version, person: Person, *, approving: bool, live: Version | None = None
    ) -> Refusal | None:
        told = self.told(version)
        if isinstance(told, str):
            return Refusal("unknown", f"{told} An operator has to decide it: prodaccess catalogue use.")
        if live is not None and live.digest != version.before:
            return Refusal("late", "Another version is in use by now, so that this change is off.")
        return why_not(Judging(version, told.before, told.after, told.found, person, approving))

    def _go_by(self, version: Version) -> None:
        """Here at once; the other replicas look within seconds."""
        told = self.told(version)
        if isinstance(told, Told):
            self.in_use.swap(told.after)


def _may_approve(told: Told) -> tuple[str, ...]:
    people = (told.before.people[each] for each in sorted(change_approvers(told.before)))
    return tuple(person.id for person in people if not gains(told.found, told.before, told.after, person))


def _is_proved(tx: Tx, person: Person, digest: str) -> bool:
    """Whether they typed a code for exactly this; waits for a reset of their authenticator that is under way."""
    tx.authenticator(person.id, lock=True)
    return stepup.is_fresh(ALWAYS, tx.latest_step_up(person.id, digest), digest, tx.now())


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
