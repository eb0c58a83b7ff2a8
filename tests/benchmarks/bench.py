"""What every section is given: sizes, the machine, the databases and the stubs."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Self

from tests.benchmarks import places
from tests.benchmarks.large import Large
from tests.benchmarks.machine import Machine, measure
from tests.benchmarks.places import Place
from tests.benchmarks.processes import Stub, stub
from tests.databases import PostgresServer


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything."""

    at_once: tuple[int, ...] = (1, 8, 32, 128)
    in_a_second: tuple[int, ...] = (8, 32)
    click_replicas: tuple[int, ...] = (1, 2)
    """That take the clicks in turn, on PostgreSQL."""
    clicks: int = 320
    """At least so many of each, in rounds of ``at_once``, and 3 rounds."""
    local_at_once: tuple[int, ...] = (1, 8, 32)
    local_clicks: int = 32
    """The same on the local Slack and AWS."""
    active: tuple[int, ...] = (0, 1_000, 100_000)
    ended: int = 1_000_000
    """Beside the most active ones; in proportion beside fewer."""
    repeats: int = 100
    """Of each tick and each approval."""
    warm_up: int = 6
    """Approvals of each approver before: a home page lists a person's five latest requests."""
    burst: int = 10_000
    holders: int = 16
    """People who hold what is due in a burst."""
    replicas: tuple[int, ...] = (1, 2, 4)
    remembered: int = 100_000
    """Active grants that the memory is looked at with."""
    appends: int = 2_000
    records: int = 1_000_000
    """Audit records to verify."""
    starts: int = 5
    large: Large = Large()
    """The catalogue that modals are opened on."""
    modals: int = 200
    """How often each is opened, changed and searched."""
    look: float = 2.0
    """Seconds that each look at what the machine can do takes."""
    patience: float = 900.0
    """Seconds that a burst may take."""


QUICK = Sizes(
    at_once=(1, 8, 32),
    in_a_second=(32,),
    clicks=64,
    local_at_once=(1, 8),
    local_clicks=8,
    active=(0, 1_000, 10_000),
    ended=50_000,
    repeats=30,
    burst=2_000,
    replicas=(1, 2),
    remembered=10_000,
    appends=500,
    records=50_000,
    starts=3,
    modals=60,
    look=0.5,
)
TINY = Sizes(
    at_once=(2,),
    in_a_second=(2,),
    click_replicas=(1,),
    clicks=2,
    local_at_once=(2,),
    local_clicks=2,
    active=(0, 10),
    ended=20,
    repeats=2,
    warm_up=0,
    burst=20,
    holders=2,
    replicas=(1,),
    remembered=10,
    appends=8,
    records=100,
    starts=1,
    large=Large(roles=12, accounts=6, people=40, teams=4),
    modals=2,
    look=0.05,
    patience=30.0,
)
"""Measures nothing; shows that everything still runs."""


class Bench:
    """The stubs and the server, started once. Use as a context manager."""

    def __init__(self, sizes: Sizes, databases: tuple[str, ...]) -> None:
        self.sizes, self.databases = sizes, databases
        self.machine: Machine
        self.slack: Stub
        self.aws: Stub
        self._server: PostgresServer
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.machine = measure(self.sizes.look)
            self.slack, self.aws = stack.enter_context(stub("slack")), stack.enter_context(stub("aws"))
            if "postgresql" in self.databases:
                self._server = stack.enter_context(places.durable_postgres())
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextmanager
    def place(self, database: str) -> Iterator[Place]:
        """A fresh database of a kind."""
        with places.sqlite() if database == "sqlite" else places.postgresql(self._server) as place:
            yield place


def millis(seconds: float) -> float:
    """For a table."""
    return round(seconds * 1000, 3)
