"""A request's cards: read once for all who are shown it; what each of them is shown is made from that alone."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core.model import AccessRequest, Catalogue, Grant, GrantStatus, Person, RequestStatus
from bot.core.policy.boards import Board
from bot.service.cards import RequestCard
from bot.service.cases import Absences, absences
from bot.service.people import People
from bot.service.ports import CloudProvider, Tx
from bot.service.records import Permission
from bot.service.targets import targets_of, titles_of


@dataclass(frozen=True, slots=True)
class Standing:
    """What the database knows of where a request stands ``at`` a time (UTC)."""

    absences: Absences
    at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """All that the database knows of a request that its cards show."""

    request: AccessRequest
    grants: tuple[Grant, ...]
    held: tuple[Grant, ...]
    """What the requester holds elsewhere, while it is pending."""
    extending: Grant | None
    standing: Standing | None
    """By what it is seen where it stands; ``None``: nobody asked."""

    @property
    def is_pending(self) -> bool:
        """Whether it waits for somebody's word."""
        return self.request.status is RequestStatus.PENDING


def read(tx: Tx, request: AccessRequest, *, stands: bool) -> Reading:
    """What else its cards are made from; ``stands``: where it stands, too."""
    pending, extends = request.status is RequestStatus.PENDING, request.ask.extends
    held = tx.unfinished_grants(request.ask.requester) if pending else ()
    return Reading(
        request=request,
        grants=tx.grants(request.id),
        held=tuple(grant for grant in held if grant.request_id != request.id),
        extending=tx.grants_by_id([extends]).get(extends) if extends else None,
        standing=Standing(absences(tx, request.approvals), tx.now()) if stands else None,
    )


@dataclass(frozen=True, slots=True)
class RequestCards:
    """Makes cards of what was read. Asks the directory for names; needs no database."""

    catalogue: Catalogue
    people: People
    providers: Mapping[str, CloudProvider]
    person: Callable[[str], Person]

    def of(self, reading: Reading, boards: Sequence[Board], audiences: Iterable[str]) -> dict[str, RequestCard]:
        """By audience. ``boards``: where it stands; shown while it is pending."""
        card = self._card(reading, tuple(boards) if reading.is_pending else ())
        return {each: replace(card, audience=each, how_to_use=self._how_to_use(reading, each)) for each in audiences}

    def _card(self, reading: Reading, boards: tuple[Board, ...]) -> RequestCard:
        request, grants, catalogue = reading.request, reading.grants, self.catalogue
        account, role = catalogue.accounts.get(request.ask.account), catalogue.roles.get(request.ask.role)
        work, (role_title, account_title) = catalogue.work.get(request.ask.work), titles_of(catalogue, request.ask)
        return RequestCard(
            audience="",
            request=request,
            grants=grants,
            requester=self.person(request.ask.requester),
            role_title=role_title,
            account_title=account_title,
            account_number=account.number if account else "",
            work_title=work.title if work else request.ask.work,
            held=reading.held,
            how_to_use=(),
            names=self.people.names(*_named(request, grants, boards)),
            parameter_titles={parameter.id: parameter.title for parameter in role.parameters} if role else {},
            targets=targets_of(catalogue, request, grants),
            extending=reading.extending,
            boards=boards,
        )

    def _how_to_use(self, reading: Reading, audience: str) -> tuple[tuple[str, str], ...]:
        alone = audience == "own" and len(reading.grants) == 1
        return how_to_use(self.catalogue, self.providers, reading.grants[0]) if alone else ()


def how_to_use(
    catalogue: Catalogue, providers: Mapping[str, CloudProvider], grant: Grant
) -> tuple[tuple[str, str], ...]:
    """(label, text) pairs, while the grant is active."""
    account, provider = catalogue.accounts.get(grant.account), providers.get(grant.provider)
    if grant.status is not GrantStatus.ACTIVE or account is None or provider is None:
        return ()
    permission = Permission(
        grant.id, account, grant.principal, grant.policy, grant.starts_at, grant.expires_at, grant.person
    )
    return tuple(provider.how_to_use(permission))


def reviewer(request: AccessRequest) -> str | None:
    """Who has reviewed it (person id)."""
    return request.review.by if request.review else None


def _named(request: AccessRequest, grants: Iterable[Grant], boards: Iterable[Board]) -> tuple[str | None, ...]:
    """Everybody whose name stands on its cards (person ids)."""
    waited_for = [person for board in boards for stage in board.stages for person in (*stage.asked, *stage.yeses)]
    return (
        request.ask.requester,
        request.decided_by,
        request.claimed_by,
        *(approval.person for approval in request.approvals),
        *(denial.person for denial in request.denials),
        *(grant.ended_by for grant in grants),
        *(waited_for or request.approvers_asked),
        reviewer(request),
    )
