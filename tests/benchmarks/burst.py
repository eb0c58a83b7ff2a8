"""3. Many grants that are due at one instant."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.core.model import GrantStatus
from bot.store.tables import effects, grants
from tests.benchmarks import company
from tests.benchmarks.bench import Bench, millis
from tests.benchmarks.filling import Filler
from tests.benchmarks.machine import Used, meter
from tests.benchmarks.processes import wait_until
from tests.benchmarks.report import Row, Table, Target, percentile
from tests.benchmarks.world import World, world

NOTE = """Active grants of {people} people in {accounts} accounts, all due at one instant, which comes when the
replicas (processes of their own, as prodaccess serve runs them) are up. Lag: from that instant until a grant was
observed absent, by the database's clock. Drained a second: all of them, by the time of the last. "port": IAM's
calls are answered at once in the replica, by a boto3 session that calls nobody; the provider's own work is in it.
"botocore": each is signed and sent to a stub server in a process of its own. The chat lane is at work meanwhile, on
a Slack that answers at once. CPU: of all replicas, and of the database, a grant. AWS's own quota of IAM calls is
not in it: it is an account's, AWS does not publish it, and two calls a grant (delete, read back) are made."""

SOON = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Burst:
    """One way of doing it."""

    database: str
    replicas: int
    botocore: bool

    @property
    def name(self) -> str:
        return {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[self.database] + (
            ", botocore" if self.botocore else ", port"
        )


def run(bench: Bench) -> list[Table]:
    """PostgreSQL with each number of replicas, SQLite with its one."""
    note = NOTE.format(people=bench.sizes.holders, accounts=len(company.ACCOUNTS))
    table = Table("3", f"Burst: {bench.sizes.burst:,} grants due at one instant", note)
    for burst in _ways(bench):
        with ExitStack() as stack:
            place = stack.enter_context(bench.place(burst.database))
            aws = bench.aws.url if burst.botocore else ""
            here = stack.enter_context(world(place, bench.slack.url, aws))
            table.rows.append(_row(bench, burst, *_drain(bench, here, burst, stack)))
    return [table]


def _ways(bench: Bench) -> list[Burst]:
    ways = []
    if "postgresql" in bench.databases:
        ways += [Burst("postgresql", count, botocore) for botocore in (False, True) for count in bench.sizes.replicas]
    if "sqlite" in bench.databases:
        ways += [Burst("sqlite", 1, botocore) for botocore in (False, True)]
    return ways


def _drain(bench: Bench, here: World, burst: Burst, stack: ExitStack) -> tuple[list[float], Used]:
    count = bench.sizes.burst
    _fill(here, count, bench.sizes.holders)
    replicas = [stack.enter_context(here.replica(f"replica-{number}")) for number in range(burst.replicas)]
    here.wait_until_quiet()
    due_at = _make_due(here)
    wait_until(lambda: here.parts.store.ping() >= due_at, "the instant")
    others = {"AWS stub": bench.aws.pid} if burst.botocore else {}
    with meter(here.place, [replica.pid for replica in replicas], others) as used:
        wait_until(lambda: _left(here) == 0, f"{count} grants to end", bench.sizes.patience)
    return _lags(here, due_at), used


def _fill(here: World, count: int, holders: int) -> None:
    """Their end is far off as yet."""
    share = -(-count // holders)
    for number in range(holders):
        filler = Filler.of(here, number)
        most = max(0, min(share, count - number * share))
        filler.active(most, here.parts.store.ping() + timedelta(hours=10), first=number * share, spread=False)
    filler.analyze()


def _make_due(here: World) -> datetime:
    due_at = here.parts.store.ping() + SOON
    with here.engine.begin() as connection:
        connection.execute(sa.update(grants).where(_in_burst(grants.c.id)).values(expires_at=due_at))
        timer = sa.and_(_in_burst(effects.c.subject), effects.c.kind == "grant.expire")
        connection.execute(sa.update(effects).where(timer).values(due_at=due_at))
    return due_at


def _in_burst(column: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    return column.like("g-a-%")


def _left(here: World) -> int:
    unfinished = sa.text(f"status <> '{GrantStatus.ENDED}'")
    query = sa.select(sa.func.count()).select_from(grants).where(unfinished, _in_burst(grants.c.id))
    with here.engine.connect() as connection:
        left: int = connection.execute(query).scalar_one()
        return left


def _lags(here: World, due_at: datetime) -> list[float]:
    with here.engine.connect() as connection:
        rows = connection.execute(sa.select(grants.c.ended_at).where(_in_burst(grants.c.id)))
        return [(row.ended_at - due_at).total_seconds() for row in rows]


def _row(bench: Bench, burst: Burst, lags: Sequence[float], used: Used) -> Row:
    rate = len(lags) / max(lags)
    cells = {
        "": burst.name,
        "replicas": burst.replicas,
        "a second": rate,
        "lag p50 s": percentile(lags, 0.5),
        "p99 s": percentile(lags, 0.99),
        "max s": max(lags),
        "CPU ms": millis(sum(used.ours) / len(lags)),
        "db CPU ms": millis(used.database / len(lags)),
        "flushes/s": used.flushes / used.wall,
    }
    return Row(cells, used.bound(bench.machine), _targets(bench, burst, rate, max(lags)))


def _targets(bench: Bench, burst: Burst, rate: float, last: float) -> list[Target]:
    if burst.database != "postgresql":
        return []
    if burst.botocore:
        return [Target("at least 300 a second through botocore", rate >= 300)]
    ten = last * 10_000 / bench.sizes.burst
    return [
        Target("at least 1,500 a second at the port", rate >= 1500),
        Target("10,000 due are gone in less than 10 s", ten < 10),
    ]
