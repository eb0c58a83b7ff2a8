"""What a transaction knows of what was before: what limits and budgets count, reviews, absences, favourites."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bot.core.model import Absence, AccessRequest, Favourite, Way
from bot.core.policy import Live


class History(Protocol):
    """A part of ``Tx``. Times are UTC."""

    def guard(self, names: Sequence[str]) -> None:
        """Let one transaction at a time be past this for each name, so that what it counts stays so until it commits.

        Call it before counting, after the request's lock and before the audit head's.
        """
        ...

    def live(self, person: str, role: str, account: str, besides: str = "") -> Live:
        """Grants that are scheduled, being made or active, without those of the request ``besides``."""
        ...

    def last_denied(self, person: str, role: str, since: datetime) -> datetime | None:
        """When a request of this person for this role was last denied, not before ``since``."""
        ...

    def decided_by_way(
        self, person: str, role: str, way: Way, since: datetime, besides: str = ""
    ) -> tuple[datetime, ...]:
        """When requests of this person for this role were approved in this way, not before ``since``; oldest first.

        Without the request ``besides``.
        """
        ...

    def approved_for_each_other(self, person: str, since: datetime) -> Mapping[str, int]:
        """Person id → how many requests of the one were approved by the other since then, both ways together.

        A request counts at the time of the yes.
        """
        ...

    def reviews_owed(self, person: str | None = None) -> tuple[AccessRequest, ...]:
        """Requests whose review is owed, the earliest due first; everybody's for ``None``."""
        ...

    def extensions_of(self, grant_id: str) -> tuple[AccessRequest, ...]:
        """Requests to go on from this grant, whatever became of them; newest first."""
        ...

    def absences(self, at: datetime | None = None) -> Mapping[str, Absence]:
        """Who was away ``at`` that time (now), by person id; of each person only their last absence is known."""
        ...

    def save_absence(self, absence: Absence) -> None:
        """Insert or replace the person's."""
        ...

    def remove_absence(self, person: str) -> bool:
        """Whether there was one."""
        ...

    def favourites(self, person: str) -> tuple[Favourite, ...]:
        """The oldest first."""
        ...

    def favourite(self, favourite_id: str) -> Favourite | None: ...
    def save_favourite(self, favourite: Favourite) -> None:
        """Insert or replace."""
        ...

    def remove_favourite(self, favourite_id: str, person: str) -> bool:
        """Remove the person's own; whether there was one."""
        ...
