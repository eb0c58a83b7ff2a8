"""The effect that makes the cloud be as a stray's record says: denied while it is open, settled once it is decided.

A decision is committed before any of this, and nothing that no admin decided on is ever deleted.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta

from bot.core import commands
from bot.core.audit import SYSTEM, Actor, ActorKind, Tag
from bot.core.decisions import converge
from bot.core.model import Account, Grant, GrantStatus
from bot.core.strays import DriftKind, Fate, Stray, look_again, show_stray, stray_event
from bot.service.access import Access
from bot.service.breaker import Accounts
from bot.service.clock import DatabaseClock
from bot.service.effects import Handler, Retry, backoff, finish, finished, in_words
from bot.service.granting import GRANT_TAKES, LOOK_AGAIN, SKEWED
from bot.service.handling import handle
from bot.service.ports import CloudProvider
from bot.service.records import Claim, CloudError

GRANT_ENDS = timedelta(seconds=2)
"""When to look again for a grant whose removal is under way."""


@dataclass(frozen=True, slots=True)
class Tending:
    """Handler of ``drift.tend``."""

    access: Access
    clock: DatabaseClock
    accounts: Accounts = field(default_factory=lambda: Accounts(at_once=1))
    """The same as for granting."""

    def handlers(self) -> dict[str, Handler]:
        """By effect kind."""
        return {"drift.tend": self.tend}

    def tend(self, claim: Claim) -> None:
        """One stray."""
        with self.access.store.transaction() as tx:
            stray = tx.stray(claim.subject)
        if stray is None:
            finish(self.access.store, claim)
            return
        account = self.access.catalogue().accounts.get(stray.account)
        if account is None or stray.provider not in self.access.providers:
            raise Retry(f"Account {stray.account} is not in access.yaml; put it back to settle this.", backoff(99))
        provider = self.access.providers[stray.provider]
        with self.accounts.place(account.id):
            if stray.fate is None:
                self._hold(claim, stray, account, provider)
            else:
                self._settle(claim, stray, account, provider)

    # --- while it is open --------------------------------------------------------------------------------

    def _hold(self, claim: Claim, stray: Stray, account: Account, provider: CloudProvider) -> None:
        """Deny what it allows; where that cannot be done, say why."""
        try:
            if provider.read(account, stray.principal, stray.quarantine) != provider.denial(stray.text):
                provider.deny(account, stray.principal, stray.quarantine, stray.text)
        except CloudError as error:
            if error.passing:
                raise
            self._note(claim, stray, in_words(error))
        else:
            self._note(claim, stray, "")

    def _note(self, claim: Claim, seen: Stray, problem: str) -> None:
        with self.access.store.transaction() as tx:
            stray = tx.stray(seen.id, lock=True)
            if not finished(tx, claim):
                return
            if stray is None or stray.fate is not None or stray.text != seen.text:
                return  # decided, or found to say something else: it is tended once more for that
            held = replace(stray, problem=problem, quarantined_at=None if problem else stray.quarantined_at or tx.now())
            if held == stray:
                return
            tx.save_stray(held)
            tx.enqueue([show_stray(held, tx.now())])
            tx.append([stray_event(Tag.STRAY_QUARANTINED, SYSTEM, held, quarantined=not problem, problem=problem)])

    # --- once it is decided ------------------------------------------------------------------------------

    def _settle(self, claim: Claim, stray: Stray, account: Account, provider: CloudProvider) -> None:
        if stray.settled_at is None:
            if stray.kind is DriftKind.ALTERED and stray.fate is Fate.REMOVED:
                self._end_its_grant(stray)
            elif stray.fate in {Fate.REMOVED, Fate.ADOPTED}:
                _take_away(provider, account, stray.principal, stray.name)
            elif stray.fate is Fate.RESTORED:
                self._restore(claim, stray, provider)
        _take_away(provider, account, stray.principal, stray.quarantine)
        if stray.settled_at is None and stray.fate is Fate.ADOPTED:
            self._start(stray)
        self._done(claim, stray)

    def _end_its_grant(self, stray: Stray) -> None:
        """Removing a live grant's policy is revoking the grant; that is observed absent by its own effect."""
        grant = self.access.grant(stray.grant_id)
        if grant is None or grant.status is GrantStatus.ENDED:
            return
        actor = Actor(ActorKind.PERSON, stray.settled_by)
        note = "Its policy was altered outside of prodaccess."
        self.access.revoke(grant.id, None, actor, note)
        raise Retry("Its grant is being removed.", GRANT_ENDS)

    def _restore(self, claim: Claim, stray: Stray, provider: CloudProvider) -> None:
        grant = self.access.grant(stray.grant_id)
        permission = self.access.permission(grant) if grant else None
        if grant is None or permission is None or not self._is_on(grant):
            return  # it ended meanwhile, and whatever is there goes with it
        if self.clock.is_skewed:
            raise Retry("The database's clock and this machine's differ: nothing is granted.", SKEWED)
        if self.clock.now() + GRANT_TAKES > claim.lease_until:
            raise Retry("Too late to restore under this lease.", LOOK_AGAIN)
        try:
            provider.grant(permission)
        except CloudError as error:
            if error.passing:
                raise
            # There may be no room beside what was altered and what denies it: they go first.
            _take_away(provider, permission.account, stray.principal, stray.name)
            _take_away(provider, permission.account, stray.principal, stray.quarantine)
            provider.grant(permission)
        after = self.access.grant(grant.id)
        if after is None or not self._is_on(after):
            with self.access.store.transaction() as tx:
                tx.enqueue([converge(grant, tx.now())])  # it may have been taken away before it was put
        elif not provider.observe(permission).as_asked:
            raise Retry("What was restored cannot be seen yet.", LOOK_AGAIN)

    def _is_on(self, grant: Grant) -> bool:
        return grant.status is GrantStatus.ACTIVE and self.clock.now() < grant.expires_at

    def _start(self, stray: Stray) -> None:
        """What was adopted is granted, under its own name and with its end, now that the old policy is gone."""
        grant = self.access.grant(stray.grant_id)
        if grant is not None:
            handle(self.access.store, grant.request_id, lambda *_: commands.Start(grant.id, ()))

    def _done(self, claim: Claim, seen: Stray) -> None:
        with self.access.store.transaction() as tx:
            stray = tx.stray(seen.id, lock=True)
            if not finished(tx, claim):
                return
            if stray is None or stray.settled_at is not None:
                return
            settled = replace(stray, settled_at=tx.now())
            tx.save_stray(settled)
            tx.enqueue([show_stray(settled, tx.now())])
            if settled.fate is Fate.VANISHED:
                # What reappeared under its name meanwhile was taken for this one, of which nothing is asked any more.
                where = (settled.account, settled.provider, settled.principal, settled.name)
                tx.enqueue([look_again(where, "", tx.now())])
            tx.append([stray_event(Tag.STRAY_SETTLED, SYSTEM, settled, fate=str(settled.fate), by=settled.settled_by)])


def _take_away(provider: CloudProvider, account: Account, principal: str, name: str) -> None:
    """Remove one policy and see that it is gone. Raises Retry while it can be seen."""
    provider.remove(account, principal, name)
    if provider.read(account, principal, name) is not None:
        raise Retry("It is still visible.", LOOK_AGAIN)
