"""What stands on a person's own page, the most urgent first. Nothing here writes."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from bot.core import policy
from bot.core.model import AccessRequest, Catalogue, Grant, GrantStatus, Person
from bot.service.absent import also_waiting, in_place_of
from bot.service.cards import HomeCard
from bot.service.cases import Absences, Case, Cases, absences
from bot.service.going_on import GoingOn, how_it_goes_on, may_go_on
from bot.service.people import People
from bot.service.ports import Store, Tx
from bot.service.records import DirectoryError
from bot.service.turns import Turn, turn_in

RECENT = 5
LOOKED_AT = 20
"""Requests among which the recent ones are looked for; grants and waiting requests of which more is looked up."""


@dataclass(frozen=True, slots=True)
class Pages:
    """Makes people's pages. Blocks, and reads the directory."""

    store: Store
    catalogue: Catalogue
    people: People
    cases: Cases

    def home(self, person: Person) -> HomeCard:
        """A person's own page, as of now."""
        with self.store.transaction() as tx:
            live = sorted(tx.unfinished_grants(person.id), key=_soonest_end)
            pending = sorted(tx.pending_requests(person.id), key=lambda request: request.lapses_at)
            waiting, in_place = also_waiting(tx, person.id), in_place_of(tx, person.id)
            recent = tx.requests_of(person.id, limit=LOOKED_AT)
            favourites = tx.favourites(person.id)
            going_on, extendable = self._going_on(tx, live[:LOOKED_AT])
            enrolled, now = tx.authenticator(person.id) is not None, tx.now()
            known = tx.absences()
            own, away = known.get(person.id), absences(tx, (), known)
            then = {each.id: absences(tx, each.approvals, known) for each in waiting[:LOOKED_AT]}
            owed = tx.reviews_owed()
        turns = self._turns(person, waiting[:LOOKED_AT], then, now)
        ids = {request.ask.requester for request in waiting} | {request.claimed_by for request in waiting}
        to_review = self._to_review(person, owed, {person.id, *in_place}, away, now)
        ids |= {request.ask.requester for request in to_review}
        others = {grant.ended_by for grant in live} | {own.delegate if own else None, *in_place}
        roles = policy.roles_offered(self.catalogue, person, self.people.eligibility(), now)
        return HomeCard(
            person=person,
            enrolled=enrolled,
            live=tuple(live),
            pending=tuple(pending),
            waiting_for_me=tuple(sorted(waiting, key=lambda each: _urgency(each, turns))),
            recent=tuple(_each_once(recent))[:RECENT],
            roles={role.id: role for role in roles},
            catalogue=self.catalogue,
            names=self.people.names(person.id, *sorted(filter(None, ids | others))),
            now=now,
            going_on=going_on,
            extendable=extendable,
            turns=turns,
            favourites=favourites,
            away=own,
            in_place_of=in_place,
            owes_review=tuple(request for request in owed if request.ask.requester == person.id),
            to_review=to_review,
        )

    def _going_on(self, tx: Tx, live: Iterable[Grant]) -> tuple[dict[str, GoingOn], frozenset[str]]:
        """How active grants go on, and which may be made longer; only of roles that allow that."""
        going_on, extendable = dict[str, GoingOn](), set[str]()
        for grant in live:
            role = self.catalogue.roles.get(grant.role)
            if grant.status is not GrantStatus.ACTIVE or role is None or role.extend is None:
                continue
            request, asked = tx.request(grant.request_id), tx.extensions_of(grant.id)
            if on := how_it_goes_on(tx, asked):
                going_on[grant.id] = on
            if request is not None and may_go_on(self.catalogue, request, grant, asked):
                extendable.add(grant.id)
        return going_on, frozenset(extendable)

    def _turns(
        self, person: Person, waiting: Iterable[AccessRequest], then: Mapping[str, Absences], now: datetime
    ) -> dict[str, Turn]:
        """Where each stands for ``person``, by request id; without those of which nobody can say."""
        turns = dict[str, Turn]()
        for request in waiting:
            case = self._case(request)
            if case is None:
                continue
            first, *more = (then[request.id].on(facts) for facts in case.facts)
            seen = policy.Approving(case.catalogue, request, case.requester, person, first, None, now, tuple(more))
            if turn := turn_in(seen):
                turns[request.id] = turn
        return turns

    def _to_review(
        self,
        person: Person,
        owed: Iterable[AccessRequest],
        whose: AbstractSet[str],
        absences: Absences,
        now: datetime,
    ) -> tuple[AccessRequest, ...]:
        """What this person may review. Of somebody who is no admin it is what they, or one of ``whose``, approve."""
        if person.id not in self.catalogue.admins:
            owed = [each for each in owed if not whose.isdisjoint(each.approvers_asked)][:LOOKED_AT]
        return tuple(request for request in owed if self._may_review(person, request, absences, now))

    def _may_review(self, person: Person, request: AccessRequest, absences: Absences, now: datetime) -> bool:
        who = request.ask.requester
        requester, approvers = self.catalogue.people.get(who) or Person(who, who), tuple[Person, ...]()
        if person.id not in self.catalogue.admins and (case := self._case(request)):
            first, *more = map(absences.on, case.facts)
            of = policy.Approving(case.catalogue, request, case.requester, person, first, None, now, tuple(more))
            approvers = tuple(each for target in of.each for stage in target.sets for each in stage)
        return not policy.may_not_review(self.catalogue, approvers, requester, person)

    def _case(self, request: AccessRequest) -> Case | None:
        try:
            return self.cases.case(request)
        except DirectoryError:
            return None


def _soonest_end(grant: Grant) -> tuple[bool, datetime]:
    """What can still be used goes before what is being removed."""
    return grant.status is GrantStatus.REVOKING, grant.expires_at


def _urgency(request: AccessRequest, turns: dict[str, Turn]) -> tuple[bool, datetime]:
    """What waits for this very person goes first, then what lapses first."""
    turn = turns.get(request.id)
    return turn is not None and not turn.mine, request.lapses_at


def _each_once(requests: Iterable[AccessRequest]) -> Iterable[AccessRequest]:
    """The newest for the same targets; what made access longer is no ask of its own."""
    seen = []
    for request in requests:
        if not request.ask.extends and request.ask.items not in seen:
            seen.append(request.ask.items)
            yield request
