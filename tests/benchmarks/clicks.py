"""1. A click until the cloud is called, and a command until its modal opens, many at one instant."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa

from bot.slack import ids
from bot.slack.cards import request_card
from bot.store.tables import grants
from tests.benchmarks import company, crowd
from tests.benchmarks.bench import Bench, millis
from tests.benchmarks.machine import Used, meter
from tests.benchmarks.processes import Replica, wait_until
from tests.benchmarks.report import Row, Table, Target, percentile
from tests.benchmarks.world import World, world

NOTE = """One replica in a process of its own (bot.serving, Slack over HTTP). N requests, signed as Slack signs, are
sent at one instant, each on a connection of its own that is open already; then it is waited until nothing acts any
more, what waits to be said is dropped, and N more are sent. "in 1 s": evenly over
a second instead. Click: from the last byte sent to the moment at which
IAM's PutUserPolicy is called, so Bolt, guard, decision, commit, wake-up, claim, start and the second decision are
in it; each click is another approver's, on another request. Command: from the last byte sent until views.open has
reached Slack. "ack" is the answer's first line. CPU is the replica's own, a request, until nothing acts any more
(grants are active), with the messages that were sent by then: Slack's limits pace the rest. A row's bound is looked
at until the last call was made."""


@dataclass(slots=True)
class Taken:
    """What a size's rounds gave."""

    latencies: list[float]
    acks: list[float]
    cpu: float
    """Seconds, of all rounds."""
    used: Used
    """Of all rounds, each until its last call was made."""


def run(bench: Bench) -> list[Table]:
    """Both databases, every size."""
    table = Table("1", "Click and command, with a Slack and an AWS that answer at once", NOTE)
    for database in bench.databases:
        with bench.place(database) as place, world(place, bench.slack.url) as here, here.replica() as replica:
            warm_up(here, replica, bench)
            for size in bench.sizes.at_once:
                taken = _rounds(here, replica, bench, size, _click)
                table.rows.append(row(bench, f"{place.name} click", size, taken, _targets(database, size, taken)))
            for size in bench.sizes.in_a_second:
                taken = _rounds(here, replica, bench, size, partial(_click, within=1.0))
                table.rows.append(row(bench, f"{place.name} click, in 1 s", size, taken))
            for size in bench.sizes.at_once:
                taken = _rounds(here, replica, bench, size, _command)
                table.rows.append(row(bench, f"{place.name} command", size, taken))
    return [table]


def warm_up(here: World, replica: Replica, bench: Bench) -> None:
    """Connections, caches and compiled statements are there before anything is measured."""
    for work in (_click, _command):
        work(here, replica, bench, min(8, max(bench.sizes.at_once)))
        here.wait_until_quiet()
        here.say_no_more()


def row(bench: Bench, name: str, size: int, taken: Taken, targets: Sequence[Target] = ()) -> Row:
    """One size's."""
    cells = {
        "": name,
        "at once": size,
        "requests": len(taken.latencies),
        "p50 ms": millis(percentile(taken.latencies, 0.5)),
        "p99 ms": millis(percentile(taken.latencies, 0.99)),
        "ack p99 ms": millis(percentile(taken.acks, 0.99)) if taken.acks else None,
        "CPU ms": millis(taken.cpu / len(taken.latencies)),
    }
    return Row(cells, taken.used.bound(bench.machine), targets)


def _targets(database: str, size: int, taken: Taken) -> list[Target]:
    if database != "postgresql":
        return []
    cpu = millis(taken.cpu / len(taken.latencies))
    found = [Target("at most 15 ms of CPU a click", cpu <= 15)]
    if size == 32:
        found.insert(0, Target("p99 at most 50 ms at 32 at once", percentile(taken.latencies, 0.99) <= 0.050))
    return found


def rounds(requests: int, size: int) -> int:
    """How many make up so many requests; three at least, where there are more than a few."""
    return max(-(-requests // size), 3 if requests > 2 else 1)


Round = tuple[list[float], list[float], Used]
"""Latencies, times to the answer, and what was used until the last call."""


def _rounds(here: World, replica: Replica, bench: Bench, size: int, work: Callable[..., Round]) -> Taken:
    taken = Taken([], [], 0.0, Used())
    for _ in range(rounds(bench.sizes.clicks, size)):
        latencies, acks, used = work(here, replica, bench, size)
        with meter_of(here, replica, bench) as after:
            here.wait_until_quiet()
        here.say_no_more()
        taken.latencies += latencies
        taken.acks += acks
        taken.cpu += sum(used.ours) + sum(after.ours)
        taken.used = taken.used.plus(used)
    return taken


def _click(here: World, replica: Replica, bench: Bench, size: int, within: float = 0.0) -> Round:
    requests = [here.ask(number) for number in range(size)]
    here.prove(range(size))
    here.wait_until_quiet()
    forms = [_form(here, request_id, number, bench) for number, request_id in enumerate(requests)]
    replica.put()
    with meter_of(here, replica, bench) as used:
        sent = crowd.at_once(replica.url, forms, within)
        put = calls(replica, size)
    called = by_request(here, put)
    return [called[request_id] - each.at for request_id, each in zip(requests, sent, strict=True)], _acks(sent), used


def _form(here: World, request_id: str, number: int, bench: Bench) -> dict[str, str]:
    card = here.parts.desk.queries.request_card(request_id, "approvers")
    assert card is not None
    return crowd.click(company.manager(number), ids.APPROVE, request_id, request_card(card).blocks, bench.slack.url)


def _command(here: World, replica: Replica, bench: Bench, size: int) -> Round:
    forms = [crowd.command(company.engineer(number), bench.slack.url) for number in range(size)]
    bench.slack.taken()
    opened: dict[str, float] = {}
    with meter_of(here, replica, bench) as used:
        sent = crowd.at_once(replica.url, forms)

        def all_open() -> bool:
            opened.update(bench.slack.taken())
            return len(opened) >= size

        wait_until(all_open, f"{size} modals to open")
    return [opened[form["trigger_id"]] - each.at for form, each in zip(forms, sent, strict=True)], _acks(sent), used


def meter_of(here: World, replica: Replica, bench: Bench) -> AbstractContextManager[Used]:
    """What one replica and its world use."""
    return meter(here.place, [replica.pid], {"Slack stub": bench.slack.pid})


def calls(replica: Replica, count: int) -> dict[str, float]:
    """When each grant's policy was put (monotonic seconds), as soon as there are so many."""
    put: dict[str, float] = {}

    def all_put() -> bool:
        for grant_id, at in replica.put():
            put.setdefault(grant_id, at)
        time.sleep(0.03)
        return len(put) >= count

    wait_until(all_put, f"{count} grants to be made")
    return put


def by_request(here: World, put: dict[str, float]) -> dict[str, float]:
    """The same by request."""
    with here.engine.connect() as connection:
        rows = connection.execute(sa.select(grants.c.id, grants.c.request_id).where(grants.c.id.in_(put)))
        return {row.request_id: put[row.id] for row in rows}


def _acks(sent: Sequence[crowd.Sent]) -> list[float]:
    wrong = [each.status for each in sent if each.status != 200]
    assert not wrong, f"answered with {wrong}"
    return [each.answered_at - each.at for each in sent]
