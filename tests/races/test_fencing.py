"""I7: a worker that lost its lease changes no state, wherever it stood when it lost it.

One replica stands still in the middle of an effect until its lease is over and the other has done the work; then it
goes on. The end of the lease is put back in the database: the worker's own clock gives it no hint.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import psycopg
import pytest

from bot.core.model import Effect, EndReason, GrantStatus
from bot.store import open_store
from tests.core.examples import APPROVED, HOUR, SCHEDULED
from tests.races.conftest import prepare_grants, prepare_requests
from tests.races.racing import facts_of
from tests.races.replica import Replica, Two

TABLES = ("requests", "approvals", "grants", "audit_log", "audit_head", "effects", "messages")


@dataclass(frozen=True)
class Scene:
    """The database, the replica that is slow, and the one that is not."""

    url: str
    slow: Replica
    quick: Replica

    def leases_end(self) -> None:
        """As when their time has passed."""
        with psycopg.connect(self.url) as connection:
            changed = connection.execute("UPDATE effects SET lease_until = clock_timestamp() WHERE lease_until > now()")
        assert changed.rowcount > 0, "nothing is leased"

    def state(self) -> dict[str, list[tuple[object, ...]]]:
        """Everything that is stored."""
        with psycopg.connect(self.url) as connection:
            return {table: sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=str) for table in TABLES}


@pytest.fixture
def scene(two: Two, postgres_url: str) -> Iterator[Scene]:
    two.open(postgres_url)
    slow, quick = two.replicas
    slow.stalled.clear()
    slow.go_on.clear()
    yield Scene(postgres_url, slow, quick)
    slow.go_on.set()


def due_grant(url: str, status: GrantStatus) -> None:
    """A grant, half-way, whose cloud call is due."""
    store = open_store(url)
    with store.transaction() as tx:
        now = tx.now()
        request = replace(APPROVED, id="r-0", asked_at=now, decided_at=now)
        revoking = {"revoking_since": now, "end_reason": EndReason.REVOKED, "ended_by": "sam"}
        tx.save_request(request)
        tx.save_grant(
            replace(
                SCHEDULED,
                id="g-0",
                request_id="r-0",
                digest=request.digest(),
                status=status,
                starts_at=now,
                expires_at=now + HOUR,
                **(revoking if status is GrantStatus.REVOKING else {}),
            )
        )
        tx.enqueue([Effect("grant.converge", "g-0", "converge:g-0", now)])
    store.close()


# --- between the claim and the work ----------------------------------------------------------------------


def waiting_request(url: str) -> None:
    prepare_requests(url, ("r-0",))
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE requests SET lapses_at = clock_timestamp()")


LANES_OF_DUE = pytest.mark.parametrize(
    ("prepare", "lane"),
    [
        (waiting_request, "access"),
        (lambda url: prepare_grants(url, ("g-0",)), "access"),
        (lambda url: due_grant(url, GrantStatus.GRANTING), "cloud"),
        (lambda url: due_grant(url, GrantStatus.REVOKING), "cloud"),
    ],
    ids=["lapse", "expire", "grant", "revoke"],
)


@LANES_OF_DUE
def test_a_claim_that_is_run_while_another_has_it_changes_nothing(
    scene: Scene, prepare: Callable[[str], None], lane: str
) -> None:
    prepare(scene.url)
    assert scene.slow.call("claim", lane) == 1
    assert scene.quick.call("claim", lane) == 0, "it is leased"
    scene.leases_end()
    assert scene.quick.call("claim", lane) == 1
    before = scene.state()
    scene.slow.call("run_claims")
    changed = {table for table, rows in scene.state().items() if rows != before[table]}
    assert changed <= {"effects"}, changed
    assert scene.quick.call("run_claims") == [True], "the other's lease holds all the same"
    assert len(scene.state()["audit_log"]) == len(before["audit_log"]) + 1


@LANES_OF_DUE
def test_a_claim_that_is_run_when_another_has_done_it_changes_nothing(
    scene: Scene, prepare: Callable[[str], None], lane: str
) -> None:
    prepare(scene.url)
    assert scene.slow.call("claim", lane) == 1
    scene.leases_end()
    scene.quick.call("drain")
    done = scene.state()
    scene.slow.call("run_claims")
    scene.quick.call("drain")
    assert scene.state() == done
    facts_of(scene.url)


# --- in the middle of a call to the cloud ----------------------------------------------------------------


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("status", "operation", "ends"),
    [(GrantStatus.GRANTING, "grant", "active"), (GrantStatus.REVOKING, "revoke", "ended")],
    ids=["grant", "revoke"],
)
def test_a_call_that_outlives_its_lease_changes_nothing(
    scene: Scene, status: GrantStatus, operation: str, ends: str, done: bool
) -> None:
    due_grant(scene.url, status)
    scene.slow.call("stall_at", operation, done)
    scene.slow.start("drain", ("cloud",))
    assert scene.slow.stalled.wait(30)
    assert scene.quick.call("drain") == [], "it is leased"
    scene.leases_end()
    scene.quick.call("drain")
    before = scene.state()
    assert [row for row in before["grants"] if ends in row], before["grants"]

    scene.slow.go_on.set()
    scene.slow.result()
    scene.quick.call("drain")
    assert scene.state() == before


# --- messages --------------------------------------------------------------------------------------------


def test_two_workers_never_run_the_same_effect(two: Two, postgres_url: str) -> None:
    prepare_grants(postgres_url, tuple(f"g-{number}" for number in range(100)))
    two.open(postgres_url)
    calls = [call for calls in two.both("drain") for call in calls]
    assert sorted(calls) == sorted(f"revoke g-{number}" for number in range(100))
    with psycopg.connect(postgres_url) as connection:
        statuses = connection.execute("SELECT DISTINCT status, end_reason FROM grants").fetchall()
    assert statuses == [("ended", "expired")]
