"""One replica of the service: the real parts, wired as ``bot/app.py`` does, on ports of its own."""

from datetime import timedelta
from typing import TYPE_CHECKING

from bot.core.model import LANES, Person
from bot.service.absences import Absences
from bot.service.access import Access
from bot.service.alarms import Alarms
from bot.service.breaker import Accounts
from bot.service.clock import DatabaseClock
from bot.service.effects import Runner, Worker
from bot.service.enrolment import Enrolments
from bot.service.extending import Extending
from bot.service.granting import Granting
from bot.service.leaving import Leaving
from bot.service.looking import Looking
from bot.service.nudging import Nudging
from bot.service.overdue import Overdue
from bot.service.people import People
from bot.service.proof import Codes
from bot.service.queries import Queries
from bot.service.reconciling import Reconciling
from bot.service.records import Claim, StoreUnavailable
from bot.service.reviews import Reviews
from bot.service.showing import Showing
from bot.service.strays import Strays
from bot.service.tending import Tending
from tests.service.fakes import PlainBox
from tests.simulation.clock import SkewedClock
from tests.simulation.store import ReplicaStore

if TYPE_CHECKING:
    from tests.simulation.company import Company


class Replica:
    """A process: what it has in memory is gone when it dies."""

    def __init__(self, name: str, company: "Company", skew: timedelta) -> None:
        self.name = name
        self.company = company
        self.held: list[Claim] = []
        """Claims that it took and has not run yet."""
        self.clock = SkewedClock(company.time, skew)
        self.store = ReplicaStore(company)
        self.people = People(lambda: company.catalogue, company.directory)
        self.codes = Codes(self.store, PlainBox(), company.ids)
        providers = {"cloud": company.cloud}
        self.access = Access(self.store, lambda: company.catalogue, self.people, providers, self.codes, company.ids)
        queries = Queries(self.store, lambda: company.catalogue, self.people, providers)
        enrolments = Enrolments(
            self.store, lambda: company.catalogue, self.people, self.codes, PlainBox(), company.ids, "prodaccess", ""
        )
        self.database_clock = DatabaseClock(self.clock, self.store)
        accounts = Accounts(2, self._stopwatch)
        self.granting = Granting(self.access, self.database_clock, accounts, stopwatch=self._stopwatch)
        looking = Looking(self.access, accounts)
        self.strays = Strays(looking, company.ids)
        self.reconciling = Reconciling(looking, self.clock, company.ids, pause=lambda _: None)
        showing = Showing(self.store, queries, company.chat, enrolments, self.strays)
        self.overdue = Overdue(self.store, lambda: company.catalogue, self.people, company.chat)
        self.reviews = Reviews(self.access)
        self.extending = Extending(self.access)
        self.absences = Absences(self.store, lambda: company.catalogue, self.codes)
        handlers = {
            **self.granting.handlers(),
            **showing.handlers(),
            **self.overdue.handlers(),
            **enrolments.handlers(self.access),
            **Leaving(self.store, self.people).handlers(),
            **self.reconciling.handlers(),
            **Tending(self.access, self.database_clock, accounts).handlers(),
            **self.reviews.handlers(),
            **self.extending.handlers(),
            **Alarms(self.store, queries, company.chat, self.reviews).handlers(),
            **Nudging(queries, company.chat).handlers(),
        }
        self.runner = Runner(self.store, self.clock, handlers, self.granting.batches())
        self.worker = Worker(self.runner, dict.fromkeys(LANES, 1))
        self.measured = timedelta(0)
        """How far the clock was off when it was last compared with the database's."""
        self.compare_clocks()

    @property
    def may_grant(self) -> bool:
        """Whether the replica can believe its clock, for all that it knows."""
        return abs(self.measured) <= timedelta(seconds=5)

    def compare_clocks(self) -> str:
        """As the ticker does."""
        try:
            self.database_clock.measure()
            self.access.stops.settle()
        except StoreUnavailable as error:
            return f"no database: {error}"
        self.measured = self.clock.skew
        return f"it is off by {self.measured}"

    def _stopwatch(self) -> float:
        return self.company.time.now().timestamp()

    def person(self, name: str) -> Person:
        """As an edge finds them: by their chat account. Raises Refused."""
        return self.people.identify(self.people.chat_id(name), "T1")
