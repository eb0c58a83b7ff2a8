"""1. A click until the cloud is called, and a command until its modal opens, many at one instant."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
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

NOTE = """Replicas in processes of their own (bot.serving, Slack over HTTP), beside the database. N requests, signed as
Slack signs, are sent at one instant, each on a connection of its own that is open already, to the replicas in turn;
then it is waited until nothing acts any more, what waits to be said is dropped, and N more are sent. "in 1 s": evenly
over a second instead, as N people would who do not click at one instant. Click: from the last byte sent to the moment
at which IAM's PutUserPolicy is called, so Bolt, guard, decision, commit, wake-up, claim, start and the second decision
are in it; each click is another approver's, on another request. Command: from the last byte sent until views.open has
reached Slack. "ack" is the answer's first line. CPU is the replicas' own, a request, until nothing acts any more
(grants are active), with the messages that were sent by then: Slack's limits pace the rest; "talk" is the part that
those took. "least" is N requests' CPU, on a core for each replica: the last of N at one instant cannot wait less. A
row's bound is looked at until the last call was made."""


@dataclass(slots=True)
class Taken:
    """What a size's rounds gave."""

    latencies: list[float]
    acks: list[float]
    cpu: float
    """Seconds, of all rounds."""
    talk: float
    """Of these, of the threads that send messages."""
    used: Used
    """Of all rounds, each until its last call was made."""


def run(bench: Bench) -> list[Table]:
    """Both databases, every size."""
    table = Table("1", "Click and command, with a Slack and an AWS that answer at once", NOTE)
    for database in bench.databases:
        # SQLite is one process's.
        for count in bench.sizes.click_replicas if database == "postgresql" else (1,):
            with ExitStack() as stack:
                place = stack.enter_context(bench.place(database))
                here = stack.enter_context(world(place, bench.slack.url))
                replicas = [stack.enter_context(here.replica(f"replica-{number}")) for number in range(count)]
                table.rows += _table_of(bench, database, here, replicas)
    return [table]


def _table_of(bench: Bench, database: str, here: World, replicas: Sequence[Replica]) -> list[Row]:
    warm_up(here, replicas, bench)
    found, name, count = [], here.place.name, len(replicas)
    for size in bench.sizes.at_once:
        taken = _rounds(here, replicas, bench, size, _click)
        found.append(row(bench, f"{name} click", size, taken, _targets(database, size, taken), replicas=count))
    for size in bench.sizes.in_a_second:
        taken = _rounds(here, replicas, bench, size, partial(_click, within=1.0))
        targets = _targets(database, size, taken)
        found.append(row(bench, f"{name} click, in 1 s", size, taken, targets, replicas=count))
    for size in bench.sizes.at_once if count == 1 else ():
        taken = _rounds(here, replicas, bench, size, _command)
        found.append(row(bench, f"{name} command", size, taken))
    return found


def warm_up(here: World, replicas: Sequence[Replica], bench: Bench) -> None:
    """Connections, caches and compiled statements are there before anything is measured."""
    for work in (_click, _command):
        work(here, replicas, bench, min(8, max(bench.sizes.at_once + bench.sizes.in_a_second)))
        here.wait_until_quiet()
        here.say_no_more()


def row(bench: Bench, name: str, size: int, taken: Taken, targets: Sequence[Target] = (), *, replicas: int = 1) -> Row:
    """One size's."""
    cpu = taken.cpu / len(taken.latencies)
    cells = {
        "": name,
        "replicas": replicas,
        "at once": size,
        "requests": len(taken.latencies),
        "p50 ms": millis(percentile(taken.latencies, 0.5)),
        "p99 ms": millis(percentile(taken.latencies, 0.99)),
        "ack p99 ms": millis(percentile(taken.acks, 0.99)) if taken.acks else None,
        "CPU ms": millis(cpu),
        "talk ms": millis(taken.talk / len(taken.latencies)),
        "least ms": millis(cpu * size / min(replicas, bench.machine.cores)),
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


Round = tuple[list[float], list[float], Used, float]
"""Latencies, times to the answer, what was used until the last call, and what had gone into talk before."""


def _rounds(here: World, replicas: Sequence[Replica], bench: Bench, size: int, work: Callable[..., Round]) -> Taken:
    taken = Taken([], [], 0.0, 0.0, Used())
    for _ in range(rounds(bench.sizes.clicks, size)):
        latencies, acks, used, before = work(here, replicas, bench, size)
        with meter_of(here, replicas, bench) as after:
            here.wait_until_quiet()
        taken.talk += talk(replicas) - before
        here.say_no_more()
        taken.latencies += latencies
        taken.acks += acks
        taken.cpu += sum(used.ours) + sum(after.ours)
        taken.used = taken.used.plus(used)
    return taken


def talk(replicas: Sequence[Replica]) -> float:
    """CPU seconds that their threads that send messages have used."""
    return sum(replica.use().threads.get("chat", 0.0) for replica in replicas)


def _click(here: World, replicas: Sequence[Replica], bench: Bench, size: int, within: float = 0.0) -> Round:
    requests = [here.ask(number) for number in range(size)]
    here.prove(range(size))
    here.wait_until_quiet()
    forms = [_form(here, request_id, number, bench) for number, request_id in enumerate(requests)]
    for replica in replicas:
        replica.put()
    before = talk(replicas)
    with meter_of(here, replicas, bench) as used:
        sent = crowd.at_once([replica.url for replica in replicas], forms, within)
        put = calls(replicas, size)
    called = by_request(here, put)
    return (
        [called[request_id] - each.at for request_id, each in zip(requests, sent, strict=True)],
        _acks(sent),
        used,
        before,
    )


def _form(here: World, request_id: str, number: int, bench: Bench) -> dict[str, str]:
    card = here.parts.desk.queries.request_card(request_id, "approvers")
    assert card is not None
    return crowd.click(company.manager(number), ids.APPROVE, request_id, request_card(card).blocks, bench.slack.url)


def _command(here: World, replicas: Sequence[Replica], bench: Bench, size: int) -> Round:
    forms = [crowd.command(company.engineer(number), bench.slack.url) for number in range(size)]
    bench.slack.taken()
    opened: dict[str, float] = {}
    before = talk(replicas)
    with meter_of(here, replicas, bench) as used:
        sent = crowd.at_once([replica.url for replica in replicas], forms)

        def all_open() -> bool:
            opened.update(bench.slack.taken())
            return len(opened) >= size

        wait_until(all_open, f"{size} modals to open")
    return (
        [opened[form["trigger_id"]] - each.at for form, each in zip(forms, sent, strict=True)],
        _acks(sent),
        used,
        before,
    )


def meter_of(here: World, replicas: Sequence[Replica], bench: Bench) -> AbstractContextManager[Used]:
    """What these replicas and their world use."""
    return meter(here.place, [replica.pid for replica in replicas], {"Slack stub": bench.slack.pid})


def calls(replicas: Sequence[Replica], count: int) -> dict[str, float]:
    """When each grant's policy was put (monotonic seconds), as soon as there are so many."""
    put: dict[str, float] = {}

    def all_put() -> bool:
        for grant_id, at in (each for replica in replicas for each in replica.put()):
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
