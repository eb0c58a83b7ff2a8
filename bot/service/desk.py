"""What every way in (Slack, HTTP, the command line) is handed: the use cases, and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from bot.service.absences import Absences
from bot.service.access import Access
from bot.service.changes import Changes
from bot.service.enrolment import Enrolments
from bot.service.explaining import Explaining
from bot.service.extending import Extending
from bot.service.favourites import Favourites
from bot.service.lookups import LookUps
from bot.service.people import People
from bot.service.queries import Queries
from bot.service.reviews import Reviews
from bot.service.strays import Strays

T = TypeVar("T")


class Pin(Protocol):
    """See ``service.current.InUse.pinned``."""

    def __call__(self, work: Callable[[], T], /) -> Callable[[], T]: ...


def _as_it_is(work: Callable[[], T]) -> Callable[[], T]:
    return work


@dataclass(frozen=True, slots=True)
class Desk:
    """The use cases. Everything here blocks: call it from a worker thread."""

    access: Access
    enrolments: Enrolments
    people: People
    queries: Queries
    strays: Strays
    changes: Changes
    pinned: Pin = _as_it_is
    """Makes work that goes by one catalogue from its beginning to its end."""

    @property
    def explaining(self) -> Explaining:
        """What would become of an ask."""
        return Explaining(self.access.store, self.access.catalogue, self.people, self.access.cases)

    @property
    def lookups(self) -> LookUps:
        """What can be chosen, listed live."""
        return LookUps(self.access.providers, self.access.sources)

    @property
    def extending(self) -> Extending:
        """Making access longer."""
        return Extending(self.access)

    @property
    def favourites(self) -> Favourites:
        """What people keep at hand."""
        return Favourites(self.access.store, self.access.ids, self.access.catalogue)

    @property
    def reviews(self) -> Reviews:
        """What somebody else says afterwards."""
        return Reviews(self.access)

    @property
    def absences(self) -> Absences:
        """Who is away."""
        return Absences(self.access.store, self.access.catalogue, self.access.codes)
