"""Access that should be gone and is not: a card for each account, which stays until that is solved.

What is known of an incident is one fact in the database; cards are made from it and from the grants. So it survives
restarts, and there is one card however many replicas look.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

import structlog

from bot.core.audit import SYSTEM, Event, Tag
from bot.core.model import Catalogue, Effect, Grant, GrantStatus
from bot.service.cards import OverdueCard, OverdueLine
from bot.service.chat import Chat
from bot.service.copies import Copies
from bot.service.effects import Handler, finished
from bot.service.people import People
from bot.service.ports import Store, Tx
from bot.service.records import Claim
from bot.service.summary import OVERDUE_AFTER

log = structlog.get_logger(__name__)

LINES_MOST = 15
"""Grants that a card lists."""
AHEAD = timedelta(days=1)
"""Cards are due this long before they are wanted: a page goes before every other message that is due."""
KEPT = timedelta(days=365)
"""For how long it is known that a grant was logged as overdue."""
MARGIN = timedelta(minutes=5)
"""A transaction that began to revoke before the last look, and was committed after it, is not older than this."""
_INCIDENTS, _SEEN, _TURN = "overdue.incidents", "overdue.seen", "overdue.turn"


@dataclass(frozen=True, slots=True)
class Incident:
    """Times are ISO 8601; ``solved_at`` is empty as long as anything is overdue."""

    id: str
    opened_at: str
    solved_at: str = ""
    seen: int = 0
    """How many grants it was about so far."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """Looks for what is overdue; the handler of ``chat.overdue``."""

    store: Store
    catalogue: Callable[[], Catalogue]
    people: People
    chat: Chat

    def handlers(self) -> dict[str, Handler]:
        """By effect kind."""
        return {"chat.overdue": self.show}

    def watch(self) -> int:
        """Open, keep and solve incidents; log what is new; how many grants are. Raises StoreUnavailable."""
        with self.store.transaction() as tx:
            if not _incidents(tx) and not tx.overdue_grants(tx.now() - OVERDUE_AFTER):
                return 0
        with self.store.transaction() as tx:
            # Writing comes first: replicas that look at the same moment wait here for each other, and then read.
            tx.set_fact(_TURN, "")
            now = tx.now()
            grants = tx.overdue_grants(now - OVERDUE_AFTER)
            fresh = _fresh(tx, grants, now)
            before = _incidents(tx)
            incidents = _as_they_are(before, grants, fresh, now)
            if incidents != before:
                tx.set_fact(_INCIDENTS, json.dumps({key: asdict(each) for key, each in incidents.items()}))
            tx.enqueue([_card_of(account, now) for account in incidents])
            tx.append([_event(grant) for grant in fresh])
        for grant in fresh:
            log.error("grant.overdue", grant=grant.id, account=grant.account, since=_since(grant).isoformat())
        return len(fresh)

    def show(self, claim: Claim) -> None:
        """An account's card, as it is now."""
        account = claim.subject
        with self.store.transaction() as tx:
            incident = _incidents(tx).get(account)
            due = tx.overdue_grants(tx.now() - OVERDUE_AFTER) if incident else ()
            grants = tuple(grant for grant in due if grant.account == account)
            shown = grants[:LINES_MOST]
            errors = tx.last_errors([key for grant in shown for key in _keys(grant)])
            posted = tx.messages(incident.id) if incident else ()
        # Between the end of the last grant and the next look nothing is said: that look says when it was solved.
        if incident is not None and (grants or incident.solved_at):
            card = self._card(incident, account, grants, [_line(self.catalogue(), grant, errors) for grant in shown])
            security = ("overdue", self.catalogue().security_channel)
            for place in dict.fromkeys((security, *((copy.kind, copy.destination) for copy in posted))):
                Copies(self.store, self.chat).show(claim, incident.id, place, card, wanted=place == security)
        with self.store.transaction() as tx:
            tx.set_fact(_TURN, "")
            if not finished(tx, claim):
                return
            incidents = _incidents(tx)
            if incident is not None and incident.solved_at and not grants and incidents.get(account) == incident:
                del incidents[account]
                tx.set_fact(_INCIDENTS, json.dumps({key: asdict(each) for key, each in incidents.items()}))

    def _card(
        self, incident: Incident, account: str, grants: Sequence[Grant], lines: Sequence[OverdueLine]
    ) -> OverdueCard:
        known = self.catalogue().accounts.get(account)
        return OverdueCard(
            account_title=known.title if known else account,
            lines=tuple(lines),
            total=len(grants),
            seen=incident.seen,
            opened_at=datetime.fromisoformat(incident.opened_at),
            solved_at=None if grants else datetime.fromisoformat(incident.solved_at),
            names=self.people.names(*sorted({line.grant.person for line in lines})),
        )


def _incidents(tx: Tx) -> dict[str, Incident]:
    """By account, those whose card does not yet say that it is solved."""
    found = json.loads(tx.fact(_INCIDENTS) or "{}")
    return {account: Incident(**about) for account, about in found.items()}


def _as_they_are(
    before: dict[str, Incident], grants: Sequence[Grant], fresh: Sequence[Grant], now: datetime
) -> dict[str, Incident]:
    """The incidents at ``now``: opened where something is overdue, solved where nothing is any more."""
    accounts, new = Counter(grant.account for grant in grants), Counter(grant.account for grant in fresh)
    incidents = dict(before)
    for account in sorted(accounts.keys() - before.keys()):
        incidents[account] = Incident(f"overdue:{account}:{now.isoformat()}", now.isoformat())
    for account, incident in incidents.items():
        solved_at = "" if account in accounts else incident.solved_at or now.isoformat()
        seen = max(incident.seen + new[account], accounts[account])
        incidents[account] = replace(incident, solved_at=solved_at, seen=seen)
    return incidents


def _fresh(tx: Tx, grants: Sequence[Grant], now: datetime) -> tuple[Grant, ...]:
    """Those that no look has seen before. Only what became due since the last one is looked up."""
    if not grants:
        return ()
    seen = tx.fact(_SEEN)
    horizon = datetime.fromisoformat(seen) - MARGIN if seen else None
    tx.set_fact(_SEEN, (now - OVERDUE_AFTER).isoformat())
    maybe = (grant for grant in grants if horizon is None or _since(grant) >= horizon)
    return tuple(grant for grant in maybe if tx.once(f"overdue:{grant.id}", now + KEPT))


def _event(grant: Grant) -> Event:
    about = {"status": str(grant.status), "expires_at": grant.expires_at.isoformat()}
    return Event(Tag.GRANT_OVERDUE, SYSTEM, grant.request_id, grant.id, grant.person, grant.account, about)


def _card_of(account: str, now: datetime) -> Effect:
    return Effect("chat.overdue", account, f"overdue:{account}", now - AHEAD)


def _since(grant: Grant) -> datetime:
    return min(grant.expires_at, grant.revoking_since) if grant.revoking_since else grant.expires_at


def _keys(grant: Grant) -> tuple[str, ...]:
    """The effects that are to end it, the next one first."""
    converge, expire = f"converge:{grant.id}", f"expire:{grant.id}"
    return (converge,) if grant.status is GrantStatus.REVOKING else (expire, converge)


def _line(catalogue: Catalogue, grant: Grant, errors: Mapping[str, str]) -> OverdueLine:
    waiting = [errors[key] for key in _keys(grant) if key in errors]
    untried = "It was not tried yet." if waiting else "Nothing in the queue is to remove it: tell an operator."
    role = catalogue.roles.get(grant.role)
    why = next(filter(None, waiting), untried)
    return OverdueLine(grant, role.title if role else grant.role, _since(grant), why)
