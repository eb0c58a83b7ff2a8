"""A disk that takes nothing more: neither SQLite's pages nor the process's own log.

The process's limit for files is zero while it lasts: the kernel refuses each of its writes. Reading goes on.
"""

import resource
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest

from bot.core.model import Grant
from bot.settings import Transport
from bot.slack import ids
from bot.slack.trouble import DATABASE_AWAY
from tests.outages.processes import Processes
from tests.outages.told import CLOCK, FULL, WATCH_EVERY
from tests.outages.world import LOOK, USER
from tests.scenarios.company import APPROVALS
from tests.scenarios.harness import wait_for

pytestmark = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits another process")

Open = Callable[[Transport], Processes]


@pytest.fixture(scope="module")
def open_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    """The world of one process that is reached so, which looks often; it is sound at the end."""
    with ExitStack() as stack:
        worlds: dict[Transport, Processes] = {}

        def run(transport: Transport) -> Processes:
            if transport not in worlds:
                folder = tmp_path_factory.mktemp("disk")
                told = {CLOCK: str(folder / "clock"), WATCH_EVERY: "0.3"}
                worlds[transport] = stack.enter_context(Processes(folder, stack, transport=transport, told=told))
            return worlds[transport]

        yield run
        for world in worlds.values():
            world.check()


@pytest.fixture
def world(open_world: Open) -> Iterator[Processes]:
    """Over Socket Mode; there is room again at the end."""
    world = open_world(Transport.SOCKET)
    yield world
    free(world)


@pytest.fixture(params=list(Transport), ids=str)
def each_world(open_world: Open, request: pytest.FixtureRequest) -> Iterator[Processes]:
    """Both ways in turn; there is room again at the end."""
    world = open_world(request.param)
    yield world
    free(world)


def fill(world: Processes) -> None:
    """Readiness says so."""
    world.wait_until_ready()
    (replica,) = world.replicas
    replica.fill_disk()
    wait_for(lambda: world.ready().get("database") == "takes nothing", "readiness to say so")


def free(world: Processes) -> None:
    (replica,) = world.replicas
    replica.free_disk()
    world.wait_until_ready()


def release(world: Processes, request_id: str) -> None:
    """With room on the disk; so that the next test finds nothing."""
    (grant,) = world.grants_of(request_id)
    world.visitor("maya").command(f"/prodaccess release {grant.id}")
    world.wait_for_state(request_id, "approved", "ended")


def taken_away_and_not_recorded(world: Processes, grant: Grant) -> None:
    """AWS has it no more, and the ledger still has it."""
    wait_for(lambda: not world.iam.policies(USER), "the access to be taken away")
    assert world.state(grant.request_id) == ("approved", ["active"])


def ended(world: Processes, grant: Grant) -> tuple[str, str]:
    """As what the grant ended, and by whose hand, as soon as it has; each step is in the log once."""
    world.wait_for_state(grant.request_id, "approved", "ended")
    tags = ("grant.active", "grant.revoking", "grant.ended")
    _, revoking, _ = records = world.audit_of(grant.request_id, *tags)
    assert [record["tag"] for record in records] == list(tags)
    (after,) = world.grants_of(grant.request_id)
    return str(after.end_reason), revoking["actor"]["kind"]


def test_a_click_on_a_full_disk_is_told_that_nothing_was_changed(each_world: Processes) -> None:
    world = each_world
    request_id = world.ask(LOOK)
    card = world.card("ravi", request_id)
    fill(world)
    world.click("ravi", card, ids.APPROVE)
    wait_for(lambda: world.told("ravi", APPROVALS, DATABASE_AWAY), "Ravi to be told")
    world.visitor("maya").command(LOOK)
    wait_for(lambda: world.told("maya", None, DATABASE_AWAY), "Maya to be told")
    assert world.state(request_id) == ("pending", [])

    free(world)
    assert not world.iam.policies(USER)
    world.click("ravi", card, ids.APPROVE)
    world.wait_for_state(request_id, "approved", "active")
    assert len(world.audit_of(request_id, "request.approved", "grant.active")) == 2
    release(world, request_id)


def test_access_that_falls_due_on_a_full_disk_is_taken_away_and_recorded_later(world: Processes) -> None:
    grant = world.granted(LOOK, by="ravi")
    fill(world)
    world.clock.advance(grant.expires_at - world.clock.now())
    taken_away_and_not_recorded(world, grant)
    free(world)
    assert ended(world, grant) == ("expired", "system")


def test_a_release_on_a_full_disk_takes_the_access_away_and_says_that_it_is_not_recorded(
    each_world: Processes,
) -> None:
    world = each_world
    grant = world.granted(LOOK, by="ravi")
    card = world.card("maya", grant.request_id, None, "Active")
    fill(world)
    world.click("maya", card, ids.RELEASE)
    wait_for(lambda: world.told("maya", None, "cannot be written down"), "Maya to be told")
    taken_away_and_not_recorded(world, grant)
    free(world)
    assert ended(world, grant) == ("released", "person")


def test_an_operator_takes_everything_away_on_a_full_disk(world: Processes) -> None:
    grant = world.granted(LOOK, by="ravi")
    fill(world)
    done = world.shell("grants", "revoke", "--all", **{FULL: "1"})
    assert (done.returncode, f"{grant.id}: taken away, and not recorded" in done.stdout) == (1, True), done
    assert "run this again" in done.stderr
    taken_away_and_not_recorded(world, grant)
    free(world)
    assert world.shell("grants", "revoke", "--all").returncode == 0
    assert ended(world, grant) == ("revoked", "operator")


def test_an_operator_takes_everything_away_where_not_even_reading_is_possible(world: Processes) -> None:
    """SQLite cannot begin to read a database that nobody has open: that takes a file of its own beside it."""
    grant = world.granted(LOOK, by="ravi")
    world.replicas.pop().stop()
    for store in (world.service.parts.store, world.beside):
        store.close()
    assert not list(world.folder.glob("*-wal")), "somebody has it open"
    done = world.shell("grants", "revoke", "--all", **{FULL: "1"})
    assert (done.returncode, "Nothing of this is recorded" in done.stderr) == (1, True), done
    assert not world.iam.policies(USER)

    world.add()
    world.wait_until_up()
    world.clock.advance(grant.expires_at - world.clock.now() + timedelta(seconds=1))
    world.wait_for_state(grant.request_id, "approved", "ended")
