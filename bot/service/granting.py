"""Effects of the access lane: timers become commands, and the cloud is made to be as a grant's status says."""

from dataclasses import dataclass
from datetime import timedelta

from bot.core import commands
from bot.core.audit import SYSTEM, Event, Tag
from bot.core.decisions import Refusal, converge
from bot.core.model import Effect, Grant, GrantStatus
from bot.service.access import Access
from bot.service.effects import Handler, Retry, backoff, finish, in_words
from bot.service.ports import Clock, CloudProvider
from bot.service.records import Claim, CloudError, Permission
from bot.service.summary import OVERDUE_AFTER

LOOK_AGAIN = timedelta(seconds=1)
"""After a removal that cannot be seen yet: IAM is eventually consistent."""
GRANT_TAKES = timedelta(seconds=60)
"""Longer than an AssumeRole and a put with all their tries: a grant is begun only where the lease lasts as long."""
EARLY = timedelta(seconds=1)
"""After a timer that fired before the database's clock agreed."""


@dataclass(frozen=True, slots=True)
class Granting:
    """Handlers of ``request.*`` and ``grant.*`` effects."""

    access: Access
    clock: Clock

    def handlers(self) -> dict[str, Handler]:
        """By effect kind."""
        return {
            "request.lapse": self.lapse,
            "grant.start": self.start,
            "grant.expire": self.expire,
            "grant.converge": self.converge,
        }

    def lapse(self, claim: Claim) -> None:
        """Nobody decided in time."""
        _unless_early(self.access.lapse(claim))

    def start(self, claim: Claim) -> None:
        """A grant's time has come."""
        _unless_early(self.access.start(claim))

    def expire(self, claim: Claim) -> None:
        """Time is up."""
        _unless_early(self.access.on_timer(claim, commands.Expire(claim.subject)))

    def converge(self, claim: Claim) -> None:
        """Put the permission there, or take it away and see that it is gone."""
        grant = self.access.grant(claim.subject)
        if grant is None or grant.status in {GrantStatus.SCHEDULED, GrantStatus.ACTIVE}:
            finish(self.access.store, claim)
            return
        permission = self.access.permission(grant)
        if permission is None:
            raise Retry(f"Account {grant.account} is not in access.yaml; put it back to revoke.", backoff(99))
        provider = self.access.providers[grant.provider]
        if grant.status is GrantStatus.GRANTING:
            self._grant(claim, grant, permission, provider)
        else:
            self._revoke(claim, grant, permission, provider)

    def _grant(self, claim: Claim, grant: Grant, permission: Permission, provider: CloudProvider) -> None:
        now = self.clock.now()
        if now + GRANT_TAKES > claim.lease_until or now >= grant.expires_at:
            raise Retry("Too late to grant under this lease.", EARLY)
        try:
            provider.grant(permission)
        except CloudError as error:
            if error.passing:
                # It may have been done all the same, and too late.
                if self.clock.now() >= claim.lease_until:
                    self._converge_again(grant)
                raise
            self.access.on_timer(claim, commands.GrantFailed(grant.id, in_words(error)))
        else:
            outcome = self.access.on_timer(claim, commands.Granted(grant.id))
            if isinstance(outcome, Refusal) and outcome.code == "fence":
                self._converge_again(grant)

    def _converge_again(self, grant: Grant) -> None:
        """Whoever had the lease since may have taken away what was put only now."""
        with self.access.store.transaction() as tx:
            tx.enqueue([converge(grant, tx.now())])

    def _revoke(self, claim: Claim, grant: Grant, permission: Permission, provider: CloudProvider) -> None:
        provider.revoke(permission)
        if provider.observe(permission).present:
            raise Retry("It is still visible.", LOOK_AGAIN)
        # Of a grant that has ended this changes nothing: it was there once more, put by a worker that was too late.
        self.access.on_timer(claim, commands.Removed(grant.id))

    def overdue(self) -> tuple[Grant, ...]:
        """Grants that should be gone and are not."""
        with self.access.store.transaction() as tx:
            return tx.overdue_grants(tx.now() - OVERDUE_AFTER)

    def page_overdue(self) -> int:
        """Log and announce, once each, grants that should be gone and are not; how many are new."""
        store, found = self.access.store, 0
        with store.transaction() as tx:
            now = tx.now()
            for grant in tx.overdue_grants(now - OVERDUE_AFTER):
                if not tx.once(f"overdue:{grant.id}", now + timedelta(days=365)):
                    continue
                found += 1
                about = {"status": str(grant.status), "expires_at": grant.expires_at.isoformat()}
                key = f"overdue:{grant.id}"
                tx.enqueue([Effect("chat.alert", grant.id, key, now, {"what": "overdue", **about})])
                tx.append(
                    [Event(Tag.GRANT_OVERDUE, SYSTEM, grant.request_id, grant.id, grant.person, grant.account, about)]
                )
        return found


def _unless_early(outcome: object) -> None:
    if isinstance(outcome, Refusal) and outcome.code == "early":
        raise Retry(outcome.text, EARLY)
