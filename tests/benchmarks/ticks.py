"""2. What a tick and an approval cost when there is much that is not due."""

import os
import time
from collections.abc import Callable
from datetime import timedelta
from statistics import median

from bot import serving
from bot.core.model import LANES
from tests.benchmarks.bench import Bench, millis
from tests.benchmarks.filling import Filler
from tests.benchmarks.machine import Machine, meter
from tests.benchmarks.report import Row, Table, Target
from tests.benchmarks.world import World, world

NOTE = """In this process, with a Slack that answers at once over HTTP and an AWS that answers at once in the
process. Tick: what a replica does where nothing is due: run_due once for each lane, and each of the periodic jobs
of bot.serving. Approval: Access.approve and all that follows until nothing is due: start, IAM call, second
decision, cards, messages, home pages. Medians of many, after a warm-up and ANALYZE. Active grants have their timers
on the books; ended ones their requests and approvals. The ratio is to the first row."""

FLAT = 1.3
APPROVERS = 8


def run(bench: Bench) -> list[Table]:
    """Both databases, growing."""
    table = Table("2", "Cost of a tick and of an approval, with many grants that are not due", NOTE)
    for database in bench.databases:
        with bench.place(database) as place, world(place, bench.slack.url) as here:
            for _ in range(bench.sizes.warm_up):
                for number in range(APPROVERS):
                    _approve(here, number)
            filler, ticks = Filler.of(here, 0), _ticks(here)
            first: dict[str, tuple[float, float]] = {}
            active = ended = 0
            for count in bench.sizes.active:
                more = bench.sizes.ended * count // max(bench.sizes.active)
                filler.active(count - active, here.parts.store.ping() + timedelta(hours=10), first=active)
                filler.ended(more - ended, here.parts.store.ping(), first=ended)
                filler.analyze()
                active, ended = count, more
                grown = {"active": active, "ended": ended}
                for name, work in (("tick", ticks), ("approval", lambda round_: _approve(here, round_ % APPROVERS))):
                    measured = _measure(here, bench, work)
                    first.setdefault(name, measured[:2])
                    table.rows.append(_row(f"{place.name} {name}", grown, measured, first[name], bench.machine))
    return [table]


Measured = tuple[float, float, str]
"""Wall and CPU seconds, and the bound."""


def _measure(here: World, bench: Bench, work: Callable[[int], None]) -> Measured:
    walls, cpus = [], []
    for number in range(min(10, bench.sizes.repeats)):
        work(number)
    with meter(here.place, [os.getpid()]) as used:
        for number in range(bench.sizes.repeats):
            wall, cpu = time.perf_counter(), time.process_time()
            work(number)
            cpus.append(time.process_time() - cpu)
            walls.append(time.perf_counter() - wall)
    return median(walls), median(cpus), used.bound(bench.machine)


def _row(name: str, grown: dict[str, int], measured: Measured, first: tuple[float, float], machine: Machine) -> Row:
    wall, cpu, bound = measured
    ratio, cpu_ratio = wall / first[0], cpu / first[1]
    cells = {
        "": name,
        **grown,
        "wall ms": millis(wall),
        "ratio": round(ratio, 2),
        "CPU ms": millis(cpu),
        "CPU ratio": round(cpu_ratio, 2),
    }
    targets = (
        [Target(f"flat: at most {FLAT} times the first row", max(ratio, cpu_ratio) <= FLAT)] if grown["active"] else []
    )
    return Row(cells, bound, targets)


def _ticks(here: World) -> Callable[[int], None]:
    jobs = serving.periodic(here.parts, here.worker)

    def tick(_: int) -> None:
        for lane in LANES:
            here.worker.run_due(lane)
        for job in jobs:
            job()

    return tick


def _approve(here: World, number: int) -> None:
    """Ask, approve, and take it back, so that the next approval finds what this one found."""
    grant = here.granted(number)
    here.revoke(grant.id)
    here.run_lanes()
