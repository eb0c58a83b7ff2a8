"""Effects of the access, people and cloud lanes: timers become commands, and the cloud is made to be as grants say."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from bot.core import commands
from bot.core.decisions import Outcome, Refusal, converge
from bot.core.model import Grant, GrantStatus
from bot.service.access import Access
from bot.service.breaker import Accounts
from bot.service.clock import DatabaseClock
from bot.service.effects import BatchHandler, Handler, LostLease, NotDone, Retry, backoff, in_words
from bot.service.handling import OnTimer, handle_timers
from bot.service.ports import CloudProvider
from bot.service.records import Claim, CloudError, Permission
from bot.service.summary import OVERDUE_AFTER

LOOK_AGAIN = timedelta(seconds=1)
"""After a removal that cannot be seen yet: IAM is eventually consistent."""
GRANT_TAKES = timedelta(seconds=60)
"""Longer than an AssumeRole and a put with all their tries: a grant is begun only where the lease lasts as long."""
EARLY = timedelta(seconds=1)
"""After a timer that fired before the database's clock agreed."""
SKEWED = timedelta(seconds=15)
"""Until the clocks are compared once more."""
TELL_WITHIN = 0.25
"""Seconds for which what came of cloud calls is held back, to be written with what comes of the next ones."""
STARTS_WITHIN = 20.0
"""Seconds after its claim in which a batch may begin another cloud call; what is left goes to other threads."""
BUSY = timedelta(seconds=0.1)

Result = commands.Granted | commands.GrantFailed | commands.Removed


@dataclass(frozen=True, slots=True)
class Granting:
    """Handlers of ``request.*`` and ``grant.*`` effects."""

    access: Access
    clock: DatabaseClock
    accounts: Accounts = field(default_factory=lambda: Accounts(at_once=1))
    tell_within: float = TELL_WITHIN
    stopwatch: Callable[[], float] = time.monotonic
    """Seconds, for how long things take."""

    def handlers(self) -> dict[str, Handler]:
        """By effect kind."""
        return {
            "request.lapse": _single(self.timers),
            "grant.expire": _single(self.timers),
            "grant.start": self.start,
            "grant.converge": _single(self.converge),
        }

    def batches(self) -> dict[str, BatchHandler]:
        """What is done for many at a time, by effect kind."""
        return {"request.lapse": self.timers, "grant.expire": self.timers, "grant.converge": self.converge}

    # --- timers ------------------------------------------------------------------------------------------

    def timers(self, claims: Sequence[Claim]) -> NotDone:
        """Nobody decided in time; or time is up."""
        return self._handled([(claim, _on_timer(claim)) for claim in claims])

    def start(self, claim: Claim) -> None:
        """A grant's time has come. While the clocks differ nothing is granted: no window would be right."""
        self._refuse_skewed()
        _raise_for(self.access.start(claim))

    def _handled(self, work: Sequence[OnTimer]) -> dict[int, Exception]:
        outcomes = handle_timers(self.access.store, work)
        found = ((claim.id, _trouble(outcome)) for (claim, _), outcome in zip(work, outcomes, strict=True))
        return {claim_id: trouble for claim_id, trouble in found if trouble is not None}

    def _refuse_skewed(self) -> None:
        if self.clock.is_skewed:
            seconds = self.clock.skew.total_seconds()
            raise Retry(f"The database's clock is {seconds:+.1f} s off this machine's: nothing is granted.", SKEWED)

    # --- the cloud ---------------------------------------------------------------------------------------

    def converge(self, claims: Sequence[Claim]) -> NotDone:
        """Put permissions there, or take them away and see that they are gone.

        What comes of it is written for several at once, soon: nobody waits for a slow call of somebody else's.
        """
        began, not_done, results = self.stopwatch(), dict[int, Exception](), list[tuple[Claim, Result]]()
        told_at = began
        with self.access.store.transaction() as tx:
            grants = tx.grants_by_id([claim.subject for claim in claims])
            settled = [claim for claim in claims if not _has_work(grants.get(claim.subject))]
            held = tx.held(settled)
            tx.finish_all([claim for claim in settled if claim.id in held])
        for claim in claims:
            grant = grants.get(claim.subject)
            if grant is None or not _has_work(grant):
                continue
            if self.stopwatch() - began > STARTS_WITHIN:
                not_done[claim.id] = Retry("Others of this batch took long.", BUSY)
                continue
            try:
                results.append((claim, self._make_so(claim, grant)))
            except Exception as error:  # given back with what it says
                not_done[claim.id] = error
            if results and self.stopwatch() - told_at >= self.tell_within:
                not_done |= self._record(results, grants)
                results, told_at = [], self.stopwatch()
        return {**not_done, **self._record(results, grants)}

    def _make_so(self, claim: Claim, grant: Grant) -> Result:
        permission = self.access.permission(grant)
        if permission is None:
            raise Retry(f"Account {grant.account} is not in access.yaml; put it back to revoke.", backoff(99))
        provider = self.access.providers[grant.provider]
        with self.accounts.place(grant.account):
            if grant.status is GrantStatus.GRANTING:
                return self._grant(claim, grant, permission, provider)
            provider.revoke(permission)
            if provider.observe(permission).present:
                raise Retry("It is still visible.", LOOK_AGAIN)
            return commands.Removed(grant.id)

    def _grant(self, claim: Claim, grant: Grant, permission: Permission, provider: CloudProvider) -> Result:
        self._refuse_skewed()
        now = self.clock.now()
        if now + GRANT_TAKES > claim.lease_until or now >= grant.expires_at:
            raise Retry("Too late to grant under this lease.", EARLY)
        try:
            provider.grant(permission)
        except CloudError as error:
            if not error.passing:
                return commands.GrantFailed(grant.id, in_words(error))
            # It may have been done all the same, and too late.
            if self.clock.now() >= claim.lease_until:
                self._converge_again([grant])
            raise
        return commands.Granted(grant.id)

    def _record(self, results: Sequence[tuple[Claim, Result]], grants: Mapping[str, Grant]) -> dict[int, Exception]:
        """Write what came of calls; of a grant that has ended Removed changes nothing: it was put once more, late."""
        if not results:
            return {}
        not_done = self._handled(results)
        late = [
            grants[claim.subject]
            for claim, result in results
            if isinstance(not_done.get(claim.id), LostLease) and isinstance(result, commands.Granted)
        ]
        if late:
            self._converge_again(late)
        return not_done

    def _converge_again(self, grants: Sequence[Grant]) -> None:
        """Whoever had the lease since may have taken away what was put only now."""
        with self.access.store.transaction() as tx:
            tx.enqueue([converge(grant, tx.now()) for grant in grants])

    # --- what is overdue ---------------------------------------------------------------------------------

    def overdue(self) -> tuple[Grant, ...]:
        """Grants that should be gone and are not."""
        with self.access.store.transaction() as tx:
            return tx.overdue_grants(tx.now() - OVERDUE_AFTER)


def _has_work(grant: Grant | None) -> bool:
    """Whether the cloud has to be asked: of a grant that is not begun, or is as it should be, nothing is wanted.

    Of one that has ended it is: this row is there because something may have been put since.
    """
    return grant is not None and grant.status not in {GrantStatus.SCHEDULED, GrantStatus.ACTIVE}


def _on_timer(claim: Claim) -> commands.Command:
    return commands.Lapse() if claim.kind == "request.lapse" else commands.Expire(claim.subject)


def _single(batch: BatchHandler) -> Handler:
    """A batch handler for one; raises why it is not done."""

    def handler(claim: Claim) -> None:
        for error in batch([claim]).values():
            raise error

    return handler


def _trouble(outcome: Outcome) -> Exception | None:
    """Why an effect whose command had this outcome is not done; late ones are."""
    if not isinstance(outcome, Refusal):
        return None
    if outcome.code == "early":
        return Retry(outcome.text, EARLY)
    return LostLease(outcome.text) if outcome.code == "fence" else None


def _raise_for(outcome: Outcome) -> None:
    trouble = _trouble(outcome)
    if trouble is not None:
        raise trouble
