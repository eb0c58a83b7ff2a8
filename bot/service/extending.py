"""Access that goes on: from which grant, what is asked for then, and what stops with a grant that was stopped."""

from dataclasses import dataclass, replace
from datetime import timedelta

from bot.core.audit import SYSTEM
from bot.core.decisions import Refusal
from bot.core.model import Ask, EndReason, Grant, GrantStatus, Person, RequestStatus
from bot.service.access import Access
from bot.service.effects import Handler, finish
from bot.service.going_on import may_go_on
from bot.service.handling import UNKNOWN
from bot.service.records import Claim

STOPPED = {
    EndReason.RELEASED: "was released",
    EndReason.REVOKED: "was revoked",
    EndReason.LOST: "was removed outside of prodaccess",
}


@dataclass(frozen=True, slots=True)
class Extendable:
    """A grant that may be made longer, what is asked for unless it is changed, and by how much at most."""

    grant: Grant
    ask: Ask
    longest: timedelta


@dataclass(frozen=True, slots=True)
class Extending:
    """Making access longer: a request of its own, that is decided like any other. Blocks."""

    access: Access

    def handlers(self) -> dict[str, Handler]:
        """By effect kind."""
        return {"grant.follow": self.follow}

    def of(self, grant_id: str, person: Person) -> Extendable | Refusal:
        """What would be asked for to go on from this grant of theirs; why it cannot be."""
        with self.access.store.transaction() as tx:
            grant = tx.grants_by_id([grant_id]).get(grant_id)
            request = tx.request(grant.request_id) if grant else None
            asked = tx.extensions_of(grant_id)
        if grant is None or request is None or grant.person != person.id:
            return UNKNOWN
        role = self.access.catalogue().roles.get(grant.role)
        if role is None or role.extend is None:
            return Refusal("policy", "This access is not made longer; ask for it anew.")
        if not may_go_on(self.access.catalogue(), request, grant, asked):
            live = grant.status is GrantStatus.ACTIVE
            text = "was made longer once" if live else "is not live any more"
            return Refusal("policy", f"This access {text}; ask for it anew.")
        item = request.ask.items[grant.item]
        ask = replace(
            request.ask,
            role=item.role,
            account=item.account,
            params=item.params,
            duration=min(request.ask.duration, role.extend.longest),
            start_at=None,
            more=(),
            break_glass=False,
            extends=grant.id,
        )
        return Extendable(grant, ask, role.extend.longest)

    def follow(self, claim: Claim) -> None:
        """What was to go on from a grant that was stopped before its end stops too, at once."""
        with self.access.store.transaction() as tx:
            old = tx.grants_by_id([claim.subject]).get(claim.subject)
            requests = tx.extensions_of(claim.subject)
        how = STOPPED.get(old.end_reason, "has ended") if old and old.end_reason else "has ended"
        note = f"The access that this goes on from {how}."
        for request in requests:
            if request.status is RequestStatus.PENDING:
                self.access.withdraw(request.id, SYSTEM, note)
        # After that: none can get a grant any more that is not there by now.
        with self.access.store.transaction() as tx:
            grants = [grant for each in tx.grants_of([r.id for r in requests]).values() for grant in each]
        for grant in grants:
            if grant.status is not GrantStatus.ENDED:
                self.access.revoke(grant.id, None, SYSTEM, note)
        finish(self.access.store, claim)
