"""Read models: what cards, lists and the command line show. Nothing here writes."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.core.model import AccessRequest, Catalogue, Grant, GrantStatus, Person, RequestStatus
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
from bot.service.going_on import how_it_goes_on, may_go_on
from bot.service.pages import Pages
from bot.service.pairs import longest, refused_by_it, section_of_pairs
from bot.service.people import People
from bot.service.ports import CloudProvider, Store
from bot.service.records import DirectoryError, Permission
from bot.service.summary import Period, sections
from bot.service.summary_ways import sections_of_ways
from bot.service.targets import account_title, by_target, role_title, targets_of, titles_of


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
            if request is None:
                return None
            grants = tx.grants(request_id)
            pending = request.status is RequestStatus.PENDING
            held = tx.unfinished_grants(request.ask.requester) if pending else ()
            extends = request.ask.extends
            extending = tx.grants_by_id([extends]).get(extends) if extends else None
        role_title, account_title, number = self._titles(request)
        role, work = self.catalogue().roles.get(request.ask.role), self.catalogue().work.get(request.ask.work)
        deciders = [
            *(approval.person for approval in request.approvals),
            *(denial.person for denial in request.denials),
        ]
        enders = [grant.ended_by for grant in grants]
        boards = self._boards(request)
        waited_for = [person for board in boards for stage in board.stages for person in (*stage.asked, *stage.yeses)]
        return RequestCard(
            audience=audience,
            request=request,
            grants=grants,
            requester=self.person(request.ask.requester),
            role_title=role_title,
            account_title=account_title,
            account_number=number,
            work_title=work.title if work else request.ask.work,
            held=tuple(grant for grant in held if grant.request_id != request_id),
            how_to_use=self._how_to_use(grants) if audience == "own" and len(grants) == 1 else (),
            names=self.people.names(
                request.ask.requester,
                request.decided_by,
                request.claimed_by,
                *deciders,
                *enders,
                *(waited_for or request.approvers_asked),
                _reviewer(request),
            ),
            parameter_titles={parameter.id: parameter.title for parameter in role.parameters} if role else {},
            targets=targets_of(self.catalogue(), request, grants),
            extending=extending,
            boards=boards,
        )

    def asked_now(self, request: AccessRequest) -> tuple[str, ...]:
        """Whose turn it is (person ids); all who may have one where nobody can say."""
        try:
            return self.boards.asked(request) or request.approvers_asked
        except DirectoryError:
            return request.approvers_asked

    def _boards(self, request: AccessRequest) -> tuple[Board, ...]:
        """While it is pending; without them a card is still a card."""
        try:
            return self.boards.of(request) if request.status is RequestStatus.PENDING else ()
        except DirectoryError:
            return ()

    def notice(self, what: str, subject: str) -> Notice | None:
        """What a person is told once; ``subject`` is a grant id or a request id."""
        with self.store.transaction() as tx:
            request_id = tx.request_id_of_grant(subject) or subject
            request, grants = tx.request(request_id), tx.grants(request_id)
            grant = next((grant for grant in grants if grant.id == subject), None)
            asked = tx.extensions_of(subject) if grant else ()
            going_on = how_it_goes_on(tx, asked)
        if request is None:
            return None
        catalogue, enders = self.catalogue(), [each.ended_by for each in ([grant] if grant else grants)]
        titles = titles_of(catalogue, request.ask)
        if grant is not None:
            titles = role_title(catalogue, grant.role), account_title(catalogue, grant.account)
        return Notice(
            what=what,
            request=request,
            grant=grant,
            role_title=titles[0],
            account_title=titles[1],
            how_to_use=self._how_to_use([grant] if grant else []),
            names=self.people.names(
                request.ask.requester,
                request.decided_by,
                *enders,
                _reviewer(request),
                *(approval.person for approval in request.approvals),
            ),
            targets=() if grant else targets_of(catalogue, request, grants, lambda one: self._how_to_use([one])),
            going_on=going_on,
            extendable=grant is not None and may_go_on(self.catalogue(), request, grant, asked),
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

    def _titles(self, request: AccessRequest) -> tuple[str, str, str]:
        catalogue = self.catalogue()
        account = catalogue.accounts.get(request.ask.account)
        return (*titles_of(catalogue, request.ask), account.number if account else "")

    def _how_to_use(self, grants: Iterable[Grant]) -> tuple[tuple[str, str], ...]:
        for grant in grants:
            account, provider = self.catalogue().accounts.get(grant.account), self.providers.get(grant.provider)
            if grant.status is GrantStatus.ACTIVE and account and provider:
                permission = Permission(
                    grant.id, account, grant.principal, grant.policy, grant.starts_at, grant.expires_at, grant.person
                )
                return tuple(provider.how_to_use(permission))
        return ()


def _reviewer(request: AccessRequest) -> str | None:
    return request.review.by if request.review else None
