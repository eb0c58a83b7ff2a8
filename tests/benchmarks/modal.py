"""7. The form in a large company: opened, changed, searched; and how long its catalogue takes to load."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot import catalogue
from tests.benchmarks import crowd
from tests.benchmarks.bench import Bench, millis
from tests.benchmarks.clicks import meter_of
from tests.benchmarks.machine import Used, meter
from tests.benchmarks.places import Place
from tests.benchmarks.processes import Replica, wait_until
from tests.benchmarks.report import Row, Table, Target, percentile
from tests.benchmarks.world import World, world

NOTE = """One replica in a process of its own (bot.serving, Slack over HTTP), with 1,000 roles, 300 accounts and 5,000
people, fewer with --quick or in the smoke test. What is offered depends on a Slack group and on the time. One request
after the other. "all": somebody who may ask for every role, in every account; "team": for their team's. Open: from the
last byte of /prodaccess until views.open has reached Slack. Choose: from a role chosen in the form until views.update
has. Type: from a letter typed into the menu of roles until its options are answered. Load: access.yaml read, checked
and built, in this process."""
SOON = 0.300
SHORT = 60.0


@dataclass(slots=True)
class _Form:
    """Where the form is opened and changed."""

    here: World
    replica: Replica
    bench: Bench
    person: str
    role: str
    count: int = 0

    def open(self) -> float:
        form = crowd.command(self.person, self.bench.slack.url)
        return self._until_shown(form, form["trigger_id"])

    def choose(self) -> float:
        self.count += 1
        view = f"V{self.person.upper().replace('-', '')}X{self.count}"
        return self._until_shown(crowd.chosen(self.person, self.role, view), view)

    def type(self) -> float:
        self.count += 1  # the same body twice would be a replay
        (sent,) = crowd.at_once([self.replica.url], [crowd.typing(self.person, f"service {self.count}")])
        assert sent.status == 200
        return sent.answered_at - sent.at

    def _until_shown(self, form: dict[str, str], what: str) -> float:
        (sent,) = crowd.at_once([self.replica.url], [form])
        assert sent.status == 200
        shown: dict[str, float] = {}

        def is_shown() -> bool:
            shown.update(self.bench.slack.taken())
            return what in shown

        wait_until(is_shown, "the form")
        return shown[what] - sent.at


def run(bench: Bench) -> list[Table]:
    """The first of the databases: it has little to do with it."""
    table, large = Table("7", "The form in a large company", NOTE), bench.sizes.large
    with bench.place(bench.databases[0]) as place:
        table.rows.append(_load(bench, place))
        with world(place, bench.slack.url, large=large) as here, here.replica() as replica:
            for name, number in (("all", 0), ("team", 1)):
                form = _Form(here, replica, bench, large.person(number), f"role-{number}")
                for what, work in (("open", form.open), ("choose", form.choose), ("type", form.type)):
                    table.rows.append(_row(form, f"{what}, {name}", work))
    return [table]


def _row(form: _Form, name: str, work: Callable[[], float]) -> Row:
    work()  # warms up
    with meter_of(form.here, [form.replica], form.bench) as used:
        taken = [work() for _ in range(form.bench.sizes.modals)]
    targets = [Target("opens in less than 300 ms", percentile(taken, 0.99) < SOON)] if name.startswith("open") else []
    return Row(_cells(name, taken, used), used.bound(form.bench.machine), targets)


def _load(bench: Bench, place: Place) -> Row:
    path = bench.sizes.large.write(place.folder / "large.yaml")
    began = time.monotonic()
    with meter(place, []) as used:
        catalogue.load(path)
    took = time.monotonic() - began
    used.ours = [used.driver]
    return Row(_cells("load", [took], used), used.bound(bench.machine), [Target("in less than a minute", took < SHORT)])


def _cells(name: str, taken: Sequence[float], used: Used) -> dict[str, str | float | int]:
    return {
        "": name,
        "times": len(taken),
        "p50 ms": millis(percentile(taken, 0.5)),
        "p99 ms": millis(percentile(taken, 0.99)),
        "CPU ms": millis(sum(used.ours) / len(taken)),
    }
