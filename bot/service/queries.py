"""Read models: what cards, lists and the command line show. Nothing here writes."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.core.model import AccessRequest, Catalogue, Grant, Person, RequestStatus
from bot.core.policy.boards import Board
from bot.service.boards import Boards
from bot.service.cards import (
    EnrolmentCard,
    HomeCard,
    Names,
    Notice,
    RequestCard,
    SummaryCard,
)
from bot.service.cases import Cases
from bot.service.facts import Gathering, Sources
from bot.service.going_on import GoingOn, how_it_goes_on, may_go_on
from bot.service.pages import Pages
from bot.service.pairs import longest, refused_by_it, section_of_pairs
from bot.service.people import People
from bot.service.ports import CloudProvider, Store, Tx
from bot.service.records import DirectoryError
from bot.service.request_cards import Reading, RequestCards, how_to_use, read, reviewer
from bot.service.summary import Period, sections
from bot.service.summary_ways import sections_of_ways
from bot.service.targets import account_title, by_target, role_title, targets_of, titles_of


@dataclass(frozen=True, slots=True)
class Told:
    """All that the database knows of what a person is told once."""

    request: AccessRequest
    grants: tuple[Grant, ...]
    grant: Grant | None
    """The one that it is about; ``None``: the request as a whole."""
    asked: tuple[AccessRequest, ...]
    """Requests to make that grant longer."""
    going_on: GoingOn | None


def read_told(tx: Tx, subject: str) -> Told | None:
    """``subject`` is a grant id or a request id; ``None`` where there is neither."""
    request_id = tx.request_id_of_grant(subject) or subject
    request = tx.request(request_id)
    if request is None:
        return None
    grants = tx.grants(request_id)
    grant = next((grant for grant in grants if grant.id == subject), None)
    asked = tx.extensions_of(subject) if grant else ()
    return Told(request, grants, grant, asked, how_it_goes_on(tx, asked))


@dataclass(frozen=True, slots=True)
class Queries:
    """Everything that is only looked at. Blocks for one short transaction a call."""

    store: Store
    catalogue: Callable[[], Catalogue]
    people: People
    providers: Mapping[str, CloudProvider] = field(default_factory=dict)
    sources: Sources = field(default_factory=Sources)

    @property
    def boards(self) -> Boards:
        """Where pending requests stand."""
        return Boards(self.store, self._cases(self.catalogue))

    def home(self, person: Person) -> HomeCard:
        """A person's own page, as of now."""
        catalogue = self.catalogue()
        return Pages(self.store, catalogue, self.people, self._cases(lambda: catalogue)).home(person)

    def request_card(self, request_id: str, audience: str) -> RequestCard | None:
        """A request's card for ``approvers`` or for the requester (``own``)."""
        with self.store.transaction() as tx:
            request = tx.request(request_id)
            # Where it stands is shown while it is pending.
            reading = read(tx, request, stands=request.status is RequestStatus.PENDING) if request else None
        return self.cards_of(reading, self.boards_if_known(reading), [audience])[audience] if reading else None

    def cards_of(self, reading: Reading, boards: Sequence[Board], audiences: Iterable[str]) -> dict[str, RequestCard]:
        """Its cards by audience, of what was read: no transaction of their own. ``boards``: where it stands."""
        return RequestCards(self.catalogue(), self.people, self.providers, self.person).of(reading, boards, audiences)

    def boards_of(self, reading: Reading) -> tuple[Board, ...]:
        """Where it stands, as of its decision where it is decided, if that was read. Raises DirectoryError."""
        stands = reading.standing
        return self.boards.as_of(reading.request, stands.absences, stands.at) if stands else ()

    def boards_if_known(self, reading: Reading) -> tuple[Board, ...]:
        """The same; without them a card is still a card."""
        try:
            return self.boards_of(reading)
        except DirectoryError:
            return ()

    def asked_now(self, request: AccessRequest) -> tuple[str, ...]:
        """Whose turn it is (person ids); all who may have one where nobody can say."""
        try:
            return self.boards.asked(request) or request.approvers_asked
        except DirectoryError:
            return request.approvers_asked

    def notice(self, what: str, subject: str) -> Notice | None:
        """What a person is told once; ``subject`` is a grant id or a request id."""
        with self.store.transaction() as tx:
            found = read_told(tx, subject)
        return self.notice_of(what, found) if found else None

    def notice_of(self, what: str, told: Told) -> Notice:
        """The same of what was read: no transaction of its own."""
        catalogue, request, grant = self.catalogue(), told.request, told.grant
        titles = titles_of(catalogue, request.ask)
        if grant is not None:
            titles = role_title(catalogue, grant.role), account_title(catalogue, grant.account)

        def used(one: Grant) -> tuple[tuple[str, str], ...]:
            return how_to_use(catalogue, self.providers, one)

        return Notice(
            what=what,
            request=request,
            grant=grant,
            role_title=titles[0],
            account_title=titles[1],
            how_to_use=used(grant) if grant else (),
            names=self.people.names(
                request.ask.requester,
                request.decided_by,
                *(each.ended_by for each in ([grant] if grant else told.grants)),
                reviewer(request),
                *(approval.person for approval in request.approvals),
            ),
            targets=() if grant else targets_of(catalogue, request, told.grants, used),
            going_on=told.going_on,
            extendable=grant is not None and may_go_on(catalogue, request, grant, told.asked),
        )

    def enrolment_card(self, enrolment_id: str) -> EnrolmentCard | None:
        """Somebody's wish to enrol."""
        with self.store.transaction() as tx:
            enrolment = tx.enrolment(enrolment_id)
        if enrolment is None:
            return None
        names = self.people.names(enrolment.person, enrolment.vouched_by or None)
        return EnrolmentCard(enrolment, self.person(enrolment.person), names)

    def summary(self, start: datetime, end: datetime, zone: str) -> SummaryCard:
        """What happened in ``[start, end)`` (UTC), and what is live at its end."""
        with self.store.transaction() as tx:
            requests = {request.id: request for request in tx.requests_between(start, end)}
            grants, now, owed = tx.grants_between(start, end), tx.now(), tx.reviews_owed()
            # Only where a role limits how often two people approve for each other.
            per = longest(self.catalogue())
            before = tx.requests_between(start - per, end) if per else ()
            refused = refused_by_it(tx, start) if per else ()
            for request_id in {grant.request_id for grant in grants} - set(requests):
                if older := tx.request(request_id):
                    requests[request_id] = older
        period = Period(start, end, now)
        found = (
            *sections(self.catalogue(), requests.values(), grants, period),
            *sections_of_ways(self.catalogue(), requests.values(), owed, period),
            *section_of_pairs(self.catalogue(), before, refused, period),
        )
        ids = {person for _, lines in found for line in lines for person in (line.person, *line.by)}
        return SummaryCard(start, end, zone, found, self.people.names(*sorted(ids)))

    def unfinished(self, person: str | None = None) -> tuple[Grant, ...]:
        """Grants that have not ended, soonest end first; everybody's for ``None``."""
        with self.store.transaction() as tx:
            return tx.unfinished_grants(person)

    def pending(self, person: str | None = None) -> tuple[AccessRequest, ...]:
        """Pending requests; everybody's for ``None``."""
        with self.store.transaction() as tx:
            return tx.pending_requests(person)

    def history(self, person: str, limit: int = 10) -> tuple[tuple[AccessRequest, tuple[Grant, ...]], ...]:
        """A person's newest requests with their grants."""
        with self.store.transaction() as tx:
            return tuple((request, tx.grants(request.id)) for request in tx.requests_of(person, limit=limit))

    def policy_text(self, request_id: str) -> str:
        """The exact statements of a request, indented JSON, by target where it has several; empty without a request."""
        with self.store.transaction() as tx:
            request = tx.request(request_id)
        if request is None or not request.more_parts:
            return json.dumps(json.loads(request.policy), indent=2) if request else ""
        return json.dumps({where: json.loads(text) for where, text in by_target(request)}, indent=2)

    def person(self, person_id: str) -> Person:
        """The catalogue's person, or one that has only the id."""
        chat_only = frozenset({person_id.removeprefix("slack:")} if person_id.startswith("slack:") else ())
        return self.catalogue().people.get(person_id) or Person(person_id, person_id, slack_ids=chat_only)

    def names(self, *ids: str | None) -> Names:
        """How to write these person ids."""
        return self.people.names(*ids)

    def _cases(self, catalogue: Callable[[], Catalogue]) -> Cases:
        gathering = Gathering(self.people, self.providers, self.sources, self.store.ping)
        return Cases(catalogue, gathering, self.providers)
