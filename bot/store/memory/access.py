"""Requests and grants."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from bot.core.model import AccessRequest, Grant, GrantStatus, RequestStatus
from bot.service.records import StaleWrite
from bot.store.memory.state import MemorySession, check
from bot.store.requests import refuse_doubles


class MemoryAccess(MemorySession):
    """The part of a transaction that knows requests and grants."""

    def request(self, request_id: str, *, lock: bool = False) -> AccessRequest | None:
        return self._state.requests.get(request_id)

    def requests(self, request_ids: Sequence[str], *, lock: bool = False) -> dict[str, AccessRequest]:
        found = ((request_id, self.request(request_id)) for request_id in sorted(set(request_ids)))
        return {request_id: request for request_id, request in found if request is not None}

    def save_request(self, request: AccessRequest) -> None:
        check(request, "request")
        refuse_doubles(request)
        stored = self._state.requests.get(request.id)
        if request.version != (0 if stored is None else stored.version):
            raise StaleWrite(f"request {request.id} was changed by someone else")
        saved = request
        if stored is not None:
            saved = replace(
                stored,
                status=request.status,
                lapses_at=request.lapses_at,
                channel=request.channel,
                approvals=request.approvals,
                quorum=request.quorum,
                decided_at=request.decided_at,
                decided_by=request.decided_by,
                decision_note=request.decision_note,
                denials=request.denials,
                claimed_by=request.claimed_by,
                review=request.review,
            )
        self._state.requests.put(request.id, replace(saved, version=request.version + 1))

    def request_id_of_grant(self, grant_id: str) -> str | None:
        grant = self._state.grants.get(grant_id)
        return None if grant is None else grant.request_id

    def grants(self, request_id: str) -> tuple[Grant, ...]:
        return self._grants(lambda grant: grant.request_id == request_id, lambda grant: grant.id)

    def grants_by_id(self, grant_ids: Sequence[str]) -> dict[str, Grant]:
        found = ((grant_id, self._state.grants.get(grant_id)) for grant_id in sorted(set(grant_ids)))
        return {grant_id: grant for grant_id, grant in found if grant is not None}

    def request_ids_of(self, grant_ids: Sequence[str]) -> dict[str, str]:
        return {grant.id: grant.request_id for grant in self.grants_by_id(grant_ids).values()}

    def grants_of(self, request_ids: Sequence[str]) -> dict[str, tuple[Grant, ...]]:
        return {request_id: self.grants(request_id) for request_id in request_ids}

    def save_grants(self, changed: Sequence[Grant]) -> None:
        for grant in changed:
            if grant.version == 0:
                raise StaleWrite(f"grant {grant.id} is not stored yet")
            self.save_grant(grant)

    def save_grant(self, grant: Grant) -> None:
        check(grant, "grant")
        stored = self._state.grants.get(grant.id)
        if grant.version != (0 if stored is None else stored.version):
            raise StaleWrite(f"grant {grant.id} was changed by someone else")
        saved = grant
        if stored is None:
            self._refuse_second(grant)
        else:
            saved = replace(
                stored,
                status=grant.status,
                starts_at=grant.starts_at,
                expires_at=grant.expires_at,
                granted_at=grant.granted_at,
                revoking_since=grant.revoking_since,
                ended_at=grant.ended_at,
                end_reason=grant.end_reason,
                ended_by=grant.ended_by,
                end_note=grant.end_note,
            )
        self._state.grants.put(grant.id, replace(saved, version=grant.version + 1))

    def _refuse_second(self, grant: Grant) -> None:
        if self._state.requests.get(grant.request_id) is None:
            raise ValueError("the database refused the row: it breaks grants_request_id_fk")
        if any(other.item == grant.item for other in self.grants(grant.request_id)):
            raise StaleWrite(f"grant {grant.id}, or one for the same item of its request, is there already")

    def requests_of(self, person: str, limit: int = 20) -> tuple[AccessRequest, ...]:
        return self._requests(lambda request: request.ask.requester == person)[:limit]

    def pending_requests(self, person: str | None = None) -> tuple[AccessRequest, ...]:
        return self._requests(
            lambda request: request.status is RequestStatus.PENDING and person in {None, request.ask.requester}
        )

    def pending_for(self, approver: str) -> tuple[AccessRequest, ...]:
        asked = self._requests(
            lambda request: request.status is RequestStatus.PENDING and approver in request.approvers_asked
        )
        return asked[::-1]

    def requests_between(self, start: datetime, end: datetime) -> tuple[AccessRequest, ...]:
        return self._requests(
            lambda request: (
                start <= request.asked_at < end
                or (request.decided_at is not None and start <= request.decided_at < end)
            )
        )

    def unfinished_grants(self, person: str | None = None) -> tuple[Grant, ...]:
        return self._grants(
            lambda grant: grant.status is not GrantStatus.ENDED and person in {None, grant.person},
            lambda grant: (grant.expires_at, grant.id),
        )

    def count_unfinished(self) -> dict[GrantStatus, int]:
        return dict(Counter(grant.status for grant in self.unfinished_grants()))

    def principals_with_grants(self, account: str) -> tuple[str, ...]:
        return tuple(sorted({grant.principal for grant in self.unfinished_grants() if grant.account == account}))

    def grants_of_principal(self, account: str, principal: str) -> tuple[Grant, ...]:
        here = (account, principal)
        return tuple(grant for grant in self.unfinished_grants() if (grant.account, grant.principal) == here)

    def overdue_grants(self, before: datetime) -> tuple[Grant, ...]:
        return tuple(
            grant
            for grant in self.unfinished_grants()
            if grant.expires_at < before or (grant.revoking_since is not None and grant.revoking_since < before)
        )

    def grants_between(self, start: datetime, end: datetime) -> tuple[Grant, ...]:
        def live_since(grant: Grant) -> datetime:
            return grant.granted_at or grant.starts_at

        def was_there(grant: Grant) -> bool:
            if grant.status is GrantStatus.ENDED:
                ended = grant.ended_at
                return ended is not None and start <= ended and (ended < end or live_since(grant) < end)
            return grant.status is not GrantStatus.SCHEDULED and live_since(grant) < end

        return self._grants(was_there, lambda grant: (live_since(grant), grant.id))[::-1]

    def _requests(self, which: Callable[[AccessRequest], bool]) -> tuple[AccessRequest, ...]:
        """Newest first."""
        found = filter(which, self._state.requests.rows())
        return tuple(sorted(found, key=lambda request: (request.asked_at, request.id), reverse=True))

    def _grants(self, which: Callable[[Grant], bool], order: Callable[[Grant], object]) -> tuple[Grant, ...]:
        return tuple(sorted(filter(which, self._state.grants.rows()), key=order))  # type: ignore[arg-type]
