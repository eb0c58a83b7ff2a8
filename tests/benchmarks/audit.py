"""5. The audit log: how fast it grows, and how fast it is verified."""

import os
import threading
from collections.abc import Callable

from bot.core.audit import Actor, ActorKind, Event, Tag
from bot.service import ledger
from bot.service.ports import Store
from tests.benchmarks.bench import Bench, millis
from tests.benchmarks.machine import commit_rate, meter
from tests.benchmarks.report import Row, Table, Target
from tests.benchmarks.world import World, world

NOTE = """In this process. Appends: transactions that hold nothing but audit events; "100 in one": a hundred events
in each. The head row is locked by each, so threads take turns. "of bare commits" is the share of what bare psycopg
does with UPDATE and COMMIT of one row, on one connection (1 thread) or as many (threads), measured here. Verify:
prodaccess audit verify's own ledger.verify over records that the store's own append made, in transactions of 1,000."""

THREADS = 8
MANY = 100
PER_TRANSACTION = 1_000
_ACTOR = Actor(ActorKind.PERSON, "manager-1", "slack", "U0MANAGER1")
_ABOUT = {
    "role": "read",
    "digest": "0" * 64,
    "stepped_up_at": "2026-11-25T09:00:00+00:00",
    "quorum": 1,
}


def run(bench: Bench) -> list[Table]:
    """Both databases."""
    table = Table("5", "The audit log", NOTE)
    for database in bench.databases:
        with bench.place(database) as place, world(place, bench.slack.url) as here:
            bare = {n: commit_rate(place, bench.sizes.look, n) if place.server else 0.0 for n in (1, THREADS)}
            for threads, events in ((1, 1), (THREADS, 1), (1, MANY), (THREADS, MANY)):
                table.rows.append(_appends(bench, here, threads, events, bare[threads]))
            table.rows.append(_verify(bench, here))
    return [table]


def _appends(bench: Bench, here: World, threads: int, events: int, bare: float) -> Row:
    each = max(1, bench.sizes.appends // (threads * (4 if events > 1 else 1)))
    with meter(here.place, [os.getpid()]) as used:
        _together(threads, lambda: _append(here.parts.store, each, events))
    transactions = each * threads / used.wall
    cells = {
        "": f"{here.place.name} append, {events} in one",
        "threads": threads,
        "transactions/s": transactions,
        "records/s": transactions * events,
        "of bare commits": f"{transactions / bare:.0%}" if bare else None,
        "CPU ms/record": millis(sum(used.ours) / (each * threads * events)),
    }
    return Row(cells, used.bound(bench.machine))


def _verify(bench: Bench, here: World) -> Row:
    store = here.parts.store
    with store.transaction() as tx:
        there = tx.audit_head()[0]
    _append(store, max(1, (bench.sizes.records - there) // PER_TRANSACTION), min(PER_TRANSACTION, bench.sizes.records))
    with meter(here.place, [os.getpid()]) as used:
        found = ledger.verify(store)
    assert found.ok, found
    cells = {
        "": f"{here.place.name} verify {found.records:,}",
        "threads": 1,
        "records/s": found.records / used.wall,
        "CPU ms/record": millis(sum(used.ours) / found.records),
        "seconds": used.wall,
    }
    million = used.wall * 1_000_000 / found.records
    return Row(cells, used.bound(bench.machine), [Target("1,000,000 records in less than 60 s", million < 60)])


def _append(store: Store, transactions: int, events: int) -> None:
    for number in range(transactions):
        batch = [
            Event(Tag.REQUEST_APPROVED, _ACTOR, f"r-{number}", "", f"engineer-{place}", "account-1", _ABOUT)
            for place in range(events)
        ]
        with store.transaction() as tx:
            tx.append(batch)


def _together(count: int, work: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
