"""2. What a tick and an approval cost when there is much that is not due."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from bot import serving
from bot.core.model import LANES
from bot.slack.cards import request_card
from bot.slack.home import home
from tests.benchmarks.bench import Bench, millis
from tests.benchmarks.filling import Filler
from tests.benchmarks.machine import meter
from tests.benchmarks.report import Cell, Row, Table, Target
from tests.benchmarks.world import World, world

NOTE = """In this process, with a Slack that answers at once over HTTP and an AWS that answers at once in the
process. Tick: what a replica does where nothing is due: run_due once for each lane, and each of the periodic jobs
of bot.serving. Approval: all that acts from the ask to the end of the access, which is revoked at once: ask,
Access.approve, start, IAM call, second decision, revocation, read back, end. Page: a request's card and a person's
home page as Slack gets them. Medians of many, after a warm-up and ANALYZE. Active grants have their timers on the
books; ended ones their requests and approvals. The ratio is to the first row."""

FLAT = 1.3
APPROVERS = 8

Work = Callable[[int], None]
"""Something to measure, told how many times it was done before."""


def run(bench: Bench) -> list[Table]:
    """Both databases, growing."""
    table = Table("2", "Cost of a tick and of an approval, with many grants that are not due", NOTE)
    for database in bench.databases:
        with bench.place(database) as place, world(place, bench.slack.url) as here:
            for number in range(bench.sizes.warm_up * APPROVERS):
                _approve(here, number)
            filler, works = Filler.of(here, APPROVERS), _works(here)
            first: dict[str, Measured] = {}
            active = ended = 0
            for count in bench.sizes.active:
                more = bench.sizes.ended * count // max(bench.sizes.active)
                filler.active(count - active, here.parts.store.ping() + timedelta(hours=10), first=active)
                filler.ended(more - ended, here.parts.store.ping(), first=ended)
                filler.analyze()
                active, ended = count, more
                for name, work in works.items():
                    measured = _measure(here, bench, work)
                    grown = {"": f"{place.name} {name}", "active": active, "ended": ended}
                    table.rows.append(_row(grown, measured, first.setdefault(name, measured)))
    return [table]


@dataclass(frozen=True, slots=True)
class Measured:
    """Medians, in seconds."""

    wall: float
    cpu: float
    bound: str


def _measure(here: World, bench: Bench, work: Work) -> Measured:
    walls, cpus = [], []
    with meter(here.place, [os.getpid()]) as used:
        for number in range(-min(10, bench.sizes.repeats), bench.sizes.repeats):
            here.say_no_more()
            here.look_no_more()
            wall, cpu = time.perf_counter(), time.process_time()
            work(number)
            if number >= 0:  # those before warm up
                cpus.append(time.process_time() - cpu)
                walls.append(time.perf_counter() - wall)
    return Measured(median(walls), median(cpus), used.bound(bench.machine))


def _row(grown: Mapping[str, Cell], measured: Measured, first: Measured) -> Row:
    ratio, cpu_ratio = measured.wall / first.wall, measured.cpu / first.cpu
    cells = {
        **grown,
        "wall ms": millis(measured.wall),
        "ratio": round(ratio, 2),
        "CPU ms": millis(measured.cpu),
        "CPU ratio": round(cpu_ratio, 2),
    }
    flat = Target(f"flat: at most {FLAT} times the first row", max(ratio, cpu_ratio) <= FLAT)
    return Row(cells, measured.bound, [flat] if grown["active"] else [])


def _works(here: World) -> Mapping[str, Work]:
    jobs = serving.periodic(here.parts, here.worker)
    queries = here.parts.desk.queries
    requests = [here.granted(number).request_id for number in range(APPROVERS)]

    def tick(_: int) -> None:
        for lane in LANES:
            here.worker.run_due(lane)
        for job in jobs:
            job()

    def page(number: int) -> None:
        card = queries.request_card(requests[number % APPROVERS], "approvers")
        assert card is not None
        request_card(card)
        home(queries.home(card.requester))

    return {"tick": tick, "approval": lambda number: _approve(here, number), "page": page}


def _approve(here: World, number: int) -> None:
    """Ask, approve, and take it back, so that the next approval finds what this one found."""
    grant = here.granted(number % APPROVERS)
    here.revoke(grant.id)
    here.run_lanes()
