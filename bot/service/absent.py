"""In whose place somebody approves, and what waits for them because of it."""

from bot.core.model import AccessRequest, Person
from bot.core.policy import Facts
from bot.core.policy.approvers import stands_for
from bot.service.cases import away_now
from bot.service.ports import Tx


def also_waiting(tx: Tx, person: str) -> tuple[AccessRequest, ...]:
    """Pending requests of which this person (id) was asked, or those in whose place they are; the oldest first."""
    found = {request.id: request for each in (person, *in_place_of(tx, person)) for request in tx.pending_for(each)}
    return tuple(sorted(found.values(), key=lambda request: (request.asked_at, request.id)))


def in_place_of(tx: Tx, person: str) -> tuple[str, ...]:
    """Who is away now (person ids) and has this person in their place, be it by way of others who are away too."""
    facts, now, stand_in = Facts(away=away_now(tx)), tx.now(), Person(person, person)
    return tuple(sorted(each for each in facts.away if stands_for(facts, stand_in, [each], now)))
