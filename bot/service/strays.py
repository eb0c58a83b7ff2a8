"""What an admin may do about a stray: remove it, adopt it, restore what was approved."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core import commands, stepup
from bot.core.audit import Actor, Tag
from bot.core.decisions import Decision, Refusal, State
from bot.core.lifecycle import decide
from bot.core.model import Approval, Person, StepUpPolicy, StepUpRule
from bot.core.strays import (
    NEEDS_CODE,
    Deciding,
    DriftKind,
    Fate,
    Stray,
    adopted_for,
    adopted_request,
    show_stray,
    stray_event,
    tend,
    why_not,
)
from bot.service.cards import StrayCard
from bot.service.deciding import WRONG_CODE
from bot.service.handling import UNKNOWN
from bot.service.looking import Looking
from bot.service.ports import Ids, Tx

NO_STRAY = Refusal(UNKNOWN.code, "There is no such policy on record.")
CHANGED = Refusal("changed", "The policy was changed since you looked. Nothing was done; look at the card again.")
NOBODYS = "Nobody in access.yaml has this identity, so nobody could hold it."
ALWAYS = StepUpPolicy(StepUpRule.ALWAYS)


@dataclass(frozen=True, slots=True)
class Strays:
    """The use cases. Deciding commits what is to be done; the cloud is changed by ``drift.tend``."""

    looking: Looking
    ids: Ids

    def card(self, stray_id: str) -> StrayCard | None:
        """What the security channel is shown."""
        access = self.looking.access
        with access.store.transaction() as tx:
            stray = tx.stray(stray_id)
        if stray is None:
            return None
        end, problem = self._end(stray)
        account, owners = access.catalogue().accounts.get(stray.account), self.looking.owners(*_where(stray))
        return StrayCard(
            stray=stray,
            account_title=account.title if account else stray.account,
            account_number=account.number if account else "",
            owners=tuple(owner.id for owner in owners),
            grant=access.grant(stray.grant_id) if stray.grant_id else None,
            end=end,
            not_offered=problem or (NOBODYS if stray.kind is DriftKind.UNKNOWN and not owners else ""),
            names=access.people.names(stray.settled_by or None, *(owner.id for owner in owners)),
        )

    def _end(self, stray: Stray) -> tuple[datetime | None, str]:
        """The policy's own end, and why it cannot be granted as it is."""
        provider = self.looking.access.providers.get(stray.provider)
        try:
            end = provider.statements(stray.text)[1] if provider else None
        except ValueError as problem:
            return None, _not_adoptable(problem) if stray.kind is DriftKind.UNKNOWN else ""
        return end, ""

    def unsettled(self) -> tuple[Stray, ...]:
        """Strays that wait for a decision, or for what was decided to be done; oldest first."""
        with self.looking.access.store.transaction() as tx:
            return tx.unsettled_strays()

    def why_not(self, stray_id: str, fate: Fate, person: Person, actor: Actor) -> Refusal | None:
        """Why this person may not decide this, now; ``None`` when they may. Attempts that may not be are logged."""
        with self.looking.access.store.transaction() as tx:
            stray = tx.stray(stray_id)
            if stray is None:
                return NO_STRAY
            refusal = self._refusal(tx, stray, fate, person)
            if refusal is not None and refusal.code in {"policy", "separation"}:
                tx.append([stray_event(Tag.STRAY_REFUSED, actor, stray, fate=str(fate), why=refusal.text)])
        return refusal

    def decide(self, stray_id: str, fate: Fate, person: Person, actor: Actor, code: str = "") -> Stray | Refusal:
        """Decide. What lets somebody in needs a code, which is bound to exactly this fate of exactly this text."""
        refusal = self.why_not(stray_id, fate, person, actor)
        if refusal is not None:
            return refusal
        with self.looking.access.store.transaction() as tx:
            seen = tx.stray(stray_id)
        if seen is None:
            return NO_STRAY
        digest = seen.digest(fate)
        if fate in NEEDS_CODE and self.looking.access.codes.verify(person.id, code, digest, actor) is None:
            return Refusal(WRONG_CODE, "")
        return self._commit(stray_id, fate, person, actor, digest)

    def _commit(self, stray_id: str, fate: Fate, person: Person, actor: Actor, digest: str) -> Stray | Refusal:
        with self.looking.access.store.transaction() as tx:
            stray = tx.stray(stray_id, lock=True)
            refusal = NO_STRAY if stray is None else self._refusal(tx, stray, fate, person)
            if stray is None or refusal is not None:
                return refusal or NO_STRAY
            if fate in NEEDS_CODE and stray.digest(fate) != digest:
                return CHANGED
            now, proved_at = tx.now(), self._proved_at(tx, person, digest)
            if fate in NEEDS_CODE and proved_at is None:
                return Refusal("step-up", "A code from your authenticator is needed.")
            done = Decision()
            if fate is Fate.ADOPTED:
                adopted = self._adopt(stray, Approval(person.id, now, proved_at), actor, now)
                if isinstance(adopted, Refusal):
                    return adopted
                done = adopted
            decided = replace(stray, fate=fate, decided_at=now, settled_by=person.id)
            if done.request is not None and done.grants:
                tx.save_request(done.request)
                tx.save_grant(done.grants[0])
                decided = replace(decided, grant_id=done.grants[0].id)
            tx.save_stray(decided)
            tx.enqueue([*done.effects, tend(decided, now), show_stray(decided, now)])
            tx.append([stray_event(Tag.STRAY_DECIDED, actor, decided, fate=str(fate), digest=digest), *done.events])
        return decided

    def _adopt(self, stray: Stray, yes: Approval, actor: Actor, now: datetime) -> Decision | Refusal:
        try:
            policy, end = self.looking.access.providers[stray.provider].statements(stray.text)
        except ValueError as problem:
            return Refusal("policy", _not_adoptable(problem))
        lives = adopted_for(end, now)
        if lives <= timedelta(0):
            return Refusal("late", "Its own end has passed: it lets nobody in any more. Remove it.")
        owner = self.looking.owners(*_where(stray))[0]
        request = adopted_request(
            replace(stray, person=owner.id),
            request_id=self.ids.new("r"),
            policy=policy,
            approval=yes,
            lives=lives,
            catalogue=self.looking.access.catalogue(),
        )
        return decide(
            State(None), commands.Adopt(actor, request, commands.Giving((self.ids.new("g"),), (stray.provider,))), now
        )

    def _refusal(self, tx: Tx, stray: Stray, fate: Fate, person: Person) -> Refusal | None:
        request_id = tx.request_id_of_grant(stray.grant_id) if stray.grant_id else None
        grant = State(None, tx.grants(request_id) if request_id else ()).grant(stray.grant_id)
        catalogue = self.looking.access.catalogue()
        return why_not(
            Deciding(
                stray=stray,
                fate=fate,
                person=person,
                is_admin=person.id in catalogue.admins,
                owners=self.looking.owners(*_where(stray)),
                holder=catalogue.people.get(grant.person if grant else stray.person),
                grant=grant,
                now=tx.now(),
            )
        )

    @staticmethod
    def _proved_at(tx: Tx, person: Person, digest: str) -> datetime | None:
        """When they typed a code for exactly this; waits for a reset of their authenticator that is under way."""
        tx.authenticator(person.id, lock=True)
        proof = tx.latest_step_up(person.id, digest)
        return proof.at if proof is not None and stepup.is_fresh(ALWAYS, proof, digest, tx.now()) else None


def _not_adoptable(problem: ValueError) -> str:
    return f"This cannot be adopted: {problem}."


def _where(stray: Stray) -> tuple[str, str]:
    return stray.account, stray.principal
