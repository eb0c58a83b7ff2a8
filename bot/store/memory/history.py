"""What was before: counts for the rules, absences, favourites."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from bot.core.model import Absence, AccessRequest, Favourite, Grant, GrantStatus, RequestStatus, Way
from bot.core.policy import Live
from bot.store.memory.state import MemorySession, check

_LIVE = {GrantStatus.SCHEDULED, GrantStatus.GRANTING, GrantStatus.ACTIVE}


class MemoryHistory(MemorySession):
    """The part of a transaction that knows what was before."""

    def guard(self, names: Sequence[str]) -> None:
        """One transaction at a time anyway."""

    def live(self, person: str, role: str, account: str, besides: str = "") -> Live:
        there = [grant for grant in self._state.grants.rows() if grant.status in _LIVE and grant.request_id != besides]

        def count(which: Callable[[Grant], bool]) -> int:
            return sum(map(which, there))

        return Live(
            person=count(lambda grant: grant.person == person),
            role=count(lambda grant: grant.role == role),
            account=count(lambda grant: grant.account == account),
        )

    def last_denied(self, person: str, role: str, since: datetime) -> datetime | None:
        return max(self._decided(person, role, RequestStatus.DENIED, since), default=None)

    def decided_by_way(
        self, person: str, role: str, way: Way, since: datetime, besides: str = ""
    ) -> tuple[datetime, ...]:
        return tuple(sorted(self._decided(person, role, RequestStatus.APPROVED, since, way=way, besides=besides)))

    def approved_for_each_other(self, person: str, since: datetime) -> Mapping[str, int]:
        counted: Counter[str] = Counter()
        for request in self._state.requests.rows():
            requester = request.ask.requester
            for approval in request.approvals:
                if approval.at >= since and requester == person:
                    counted[approval.person] += 1
                if approval.at >= since and approval.person == person:
                    counted[requester] += 1
        return dict(counted)

    def reviews_owed(self, person: str | None = None) -> tuple[AccessRequest, ...]:
        owed = (
            (request.review.due_at, request.id, request)
            for request in self._state.requests.rows()
            if request.review and request.review.is_owed and person in {None, request.ask.requester}
        )
        return tuple(request for _, _, request in sorted(owed, key=lambda each: each[:2]))

    def extensions_of(self, grant_id: str) -> tuple[AccessRequest, ...]:
        found = (each for each in self._state.requests.rows() if each.ask.extends == grant_id != "")
        return tuple(sorted(found, key=lambda request: (request.asked_at, request.id), reverse=True))

    def absences(self, at: datetime | None = None) -> Mapping[str, Absence]:
        then = at or self.now()
        return {each.person: each for each in self._state.absences.rows() if each.since <= then < each.until}

    def save_absence(self, absence: Absence) -> None:
        check(absence, "absence")
        self._state.absences.put(absence.person, absence)

    def remove_absence(self, person: str) -> bool:
        return self._state.absences.remove(person)

    def favourites(self, person: str) -> tuple[Favourite, ...]:
        mine = (each for each in self._state.favourites.rows() if each.ask.requester == person)
        return tuple(sorted(mine, key=lambda each: (each.kept_at, each.id)))

    def favourite(self, favourite_id: str) -> Favourite | None:
        return self._state.favourites.get(favourite_id)

    def save_favourite(self, favourite: Favourite) -> None:
        check(favourite, "favourite")
        self._state.favourites.put(favourite.id, favourite)

    def remove_favourite(self, favourite_id: str, person: str) -> bool:
        found = self.favourite(favourite_id)
        return found is not None and found.ask.requester == person and self._state.favourites.remove(favourite_id)

    def _decided(
        self,
        person: str,
        role: str,
        status: RequestStatus,
        since: datetime,
        *,
        way: Way | None = None,
        besides: str = "",
    ) -> Iterable[datetime]:
        for request in self._state.requests.rows():
            fits = (request.ask.requester, request.ask.role, request.status) == (person, role, status)
            fits = fits and request.id != besides
            if fits and request.decided_at and request.decided_at >= since and way in {None, request.way}:
                yield request.decided_at
