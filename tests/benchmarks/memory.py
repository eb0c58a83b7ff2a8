"""4. What one process holds in memory."""

import time
from datetime import timedelta

from tests.benchmarks import clicks
from tests.benchmarks.bench import Bench
from tests.benchmarks.filling import Filler
from tests.benchmarks.processes import Replica
from tests.benchmarks.report import Row, Table, Target
from tests.benchmarks.world import World, world

NOTE = """One replica (bot.serving). Resident memory (VmRSS) after the same traffic (clicks, commands and all that
follows, twice) and two rounds of the periodic work: with no grant active, and again, in the same process, with
many; their timers are on the books."""
MOST = 150
GROWTH = 1.05
"""More than this would be growth: a heap breathes."""


def run(bench: Bench) -> list[Table]:
    """Both databases."""
    table = Table("4", "Memory of one process", NOTE)
    for database in bench.databases:
        with bench.place(database) as place, world(place, bench.slack.url) as here, here.replica() as replica:
            empty = _after_traffic(here, replica, bench)
            filler = Filler.of(here, 0, run=False)
            filler.active(bench.sizes.remembered, here.parts.store.ping() + timedelta(hours=10))
            filler.analyze()
            full = _after_traffic(here, replica, bench)
            targets = [
                Target(f"at most {MOST} MB", full <= MOST),
                Target("no growth with the number of grants", full <= empty * GROWTH),
            ]
            cells = {
                "": place.name,
                "at 0, MB": empty,
                f"at {bench.sizes.remembered:,}, MB": full,
                "ratio": full / empty,
            }
            table.rows.append(Row(cells, f"the target of {MOST} MB: {full / MOST:.0%}", targets))
    return [table]


def _after_traffic(here: World, replica: Replica, bench: Bench) -> float:
    for _ in range(2):
        clicks.warm_up(here, [replica], bench)
    time.sleep(bench.sizes.look * 15)
    return replica.use().rss / 1_000_000
