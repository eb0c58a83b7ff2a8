"""Three replicas, each ``prodaccess serve`` in a process of its own, on one PostgreSQL: killed, paused, and at once.

The end of a lease is put back in the database, so that nobody waits for it; a paused process gets no hint of that.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.model import Grant
from bot.service import summary
from bot.settings import Transport
from bot.slack import ids
from bot.store import serve_lock
from tests.databases import PostgresServer
from tests.faults.proxy import Then, Way
from tests.outages.processes import Gate, Processes, Replica, ToAll
from tests.outages.told import IDLE, TICK
from tests.outages.world import LOOK, USER
from tests.scenarios.harness import wait_for

SUMMARIES = "C0AUDIT"
PUT, DELETE = "PutUserPolicy", "DeleteUserPolicy"
GRANTED = [
    "request.submitted",
    "request.approved",
    "grant.scheduled",
    "grant.started",
    "grant.active",
]
ENDED = [*GRANTED, "grant.revoking", "grant.ended"]


class Installation(Processes):
    """The summary of some days is due when they start."""

    def prepare(self) -> None:
        with self.service.parts.store.transaction() as tx:
            tx.set_fact(summary._UNTIL, (tx.now() - timedelta(days=3)).isoformat())


@pytest.fixture(scope="module")
def installation(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """What holds after every outage is checked at the end."""
    with ExitStack() as stack:
        url = stack.enter_context(postgres_server.database())
        folder = tmp_path_factory.mktemp("replicas")
        world = stack.enter_context(Installation(folder, stack, count=3, database_url=url, transport=Transport.HTTP))
        yield world
        world.check()


@pytest.fixture
def world(installation: Processes) -> Iterator[Processes]:
    """With three replicas that are up. In the end nothing was posted twice, and nobody holds anything."""
    world = installation
    for replica in [replica for replica in world.replicas if not replica.is_alive]:
        world.replicas.remove(replica)
        world.add()
    world.wait_until_up()
    yield world
    world.heal()
    go_on(*world.replicas)
    world.wait_until_idle()
    assert [key for key, times in posted(world).items() if times > 1] == []
    assert not world.iam.held()


def posted(world: Processes) -> Counter[str]:
    """How often each thing was said, in all channels and direct messages; the bot gives each a key."""
    people = [world.visitor(name) for name in ("maya", "tomas", "ines", "ravi", "olga", "sam")]
    channels = {channel["id"] for person in people for channel in person.state()["channels"]}
    said = [message.get("metadata") for channel in channels for message in world.slack.history(channel)]
    return Counter(about["event_payload"]["key"] for about in said if about)


def story(world: Processes, grant: Grant) -> list[str]:
    """The tags of all that the log has of it, in order."""
    return [record["tag"] for record in world.audit_of(grant.request_id)]


def calls(world: Processes, action: str, grant: Grant) -> int:
    """How often AWS was asked for it."""
    return sum(call["PolicyName"] == f"prodaccess-{grant.id}" for call in world.iam.asked(action))


def scheduled(world: Processes) -> Grant:
    """Asked and approved; workers do the rest."""
    request_id = world.ask(LOOK)
    world.approve(request_id, "ravi")
    (grant,) = world.grants_of(request_id)
    return grant


def release(world: Processes, grant: Grant) -> None:
    world.visitor(grant.person).command(f"/prodaccess release {grant.id}")


def released(world: Processes, grant: Grant) -> None:
    """Released, and seen to be gone."""
    release(world, grant)
    world.wait_for_state(grant.request_id, "approved", "ended")


def from_begin_to_end(world: Processes) -> None:
    """Somebody else's access."""
    released(world, world.granted(LOOK, who="tomas", by="ravi"))


def go_on(*replicas: Replica) -> None:
    for replica in replicas:
        if replica.is_alive and replica.is_paused:
            replica.go_on()


def leave_alone(world: Processes, replica: Replica) -> list[Replica]:
    """All others stand still when this returns; people's clicks come to this one."""
    others = [other for other in world.replicas if other is not replica]
    for other in others:
        world.pause(other)
    world.send_to(replica)
    return others


def has_come_round(world: Processes, replica: Replica) -> None:
    """It has gone on from where it stood: all alone it does something new, and each lane has one thread."""
    others = leave_alone(world, replica)
    from_begin_to_end(world)
    go_on(*others)
    world.wait_until_idle()


def holder(world: Processes, gate: Gate, grant: Grant) -> Replica:
    """Who waits for AWS at the gate, as soon as that is all that anybody has leased; people go to another."""
    replica = world.called(gate.caller())
    wait_for(lambda: world.leased() == [f"converge:{grant.id}"], "everything else to be done")
    world.send_to(next(other for other in world.replicas if other is not replica))
    return replica


# --- at once ---------------------------------------------------------------------------------------------


def test_any_replica_takes_a_click_and_what_comes_of_it_is_done_once(world: Processes) -> None:
    asked, approved, ended = world.replicas
    world.send_to(asked)
    request_id = world.ask(LOOK)
    world.send_to(approved)
    world.approve(request_id, "ravi")
    grant = world.wait_for_grant(request_id, "active")
    world.send_to(ended)
    released(world, grant)
    world.wait_until_idle()
    assert story(world, grant) == ENDED
    assert (calls(world, PUT, grant), calls(world, DELETE, grant)) == (1, 1)


def test_a_click_that_reaches_every_replica_at_once_counts_once(world: Processes) -> None:
    request_id = world.ask(LOOK)
    card = world.card("ravi", request_id)
    world.slack.deliver_through(ToAll(world))
    world.click("ravi", card, ids.APPROVE)
    grant = world.wait_for_grant(request_id, "active")
    world.wait_until_idle()
    assert story(world, grant) == GRANTED
    assert calls(world, PUT, grant) == 1
    world.send_to(world.replicas[0])
    released(world, grant)


def test_the_daily_summary_is_posted_once_by_however_many(world: Processes) -> None:
    wait_for(lambda: world.audit("summary.posted"), "the summary")
    world.wait_until_idle()
    assert len(world.audit("summary.posted")) == len(world.slack.history(SUMMARIES)) == 1


# --- killed ----------------------------------------------------------------------------------------------


def test_a_revocation_whose_replica_is_killed_is_another_s_when_its_lease_is_over(world: Processes) -> None:
    grant = world.granted(LOOK, by="ravi")
    with Gate(world.iam, DELETE) as gate:
        release(world, grant)
        holder(world, gate, grant).kill()
        from_begin_to_end(world)
        assert world.state(grant.request_id) == ("approved", ["revoking"]), "it is leased"
        world.let_leases_run_out()
        world.wait_for_state(grant.request_id, "approved", "ended")
        assert not world.iam.policies(USER)
    assert story(world, grant) == ENDED
    assert calls(world, DELETE, grant) == 2


# --- paused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", [PUT, DELETE])
def test_a_replica_that_was_paused_while_another_did_its_work_changes_nothing(world: Processes, action: str) -> None:
    with Gate(world.iam, action) as gate:
        grant = scheduled(world)
        if action == DELETE:
            world.wait_for_state(grant.request_id, "approved", "active")
            release(world, grant)
        paused = holder(world, gate, grant)
        world.pause(paused)
        world.let_leases_run_out()
        world.wait_for_state(grant.request_id, "approved", "active" if action == PUT else "ended")
        world.wait_until_idle()
        said = posted(world)
    paused.go_on()
    has_come_round(world, paused)
    assert story(world, grant) == (GRANTED if action == PUT else ENDED)
    assert {key: times for key, times in posted(world).items() if key in said} == said
    assert len(world.iam.policies(USER)) == (action == PUT)
    if action == PUT:
        released(world, grant)


def test_what_a_paused_replica_puts_after_the_end_is_taken_away_again(world: Processes) -> None:
    with Gate(world.iam, PUT) as gate:
        grant = scheduled(world)
        paused = holder(world, gate, grant)
        world.pause(paused)
        world.let_leases_run_out()
        world.wait_for_state(grant.request_id, "approved", "active")
        released(world, grant)
        world.wait_until_idle()
        deletes = calls(world, DELETE, grant)
    wait_for(lambda: world.iam.policies(USER), "the policy to be put, too late")
    paused.go_on()
    wait_for(lambda: calls(world, DELETE, grant) > deletes, "it to be taken away")
    has_come_round(world, paused)
    assert not world.iam.policies(USER)
    assert story(world, grant) == ENDED


def test_a_replica_that_was_paused_before_it_heard_from_slack_says_nothing_twice(world: Processes) -> None:
    talking, answer = world.replicas[0], b"asks for"
    others = leave_alone(world, talking)
    world.to_slack.when(answer, Then.HOLD, way=Way.DOWN)
    request_id = world.ask(LOOK)
    wait_for(lambda: world.to_slack.sprung[answer], "a card to be posted, and not answered")
    world.pause(talking)
    go_on(*others)
    world.send_to(others[0])
    world.let_leases_run_out()
    world.wait_until_idle()
    world.to_slack.release()
    talking.go_on()
    has_come_round(world, talking)
    assert world.cards_of(request_id, "ravi") == 1
    world.approve(request_id, "ravi")
    released(world, world.wait_for_grant(request_id, "active"))


# --- two, otherwise --------------------------------------------------------------------------------------


def test_one_that_takes_a_click_wakes_another_that_looks_for_nothing_by_itself(
    postgres_url: str, tmp_path: Path
) -> None:
    """The first has no workers, and those of the second do not look again for an hour unless they are told."""
    with ExitStack() as stack:
        world = Processes(tmp_path, stack, count=0, database_url=postgres_url, transport=Transport.HTTP)
        stack.enter_context(world)
        world.add(**{IDLE: "1"})
        world.add(**{TICK: "3600"})
        world.wait_until_up()
        # While an account is looked at, it may be too busy for a grant, which is then put off: nobody would look again.
        wait_for(world.looks_are_over, "the looks that a start makes")
        # Twice: workers look once as soon as they begin to listen.
        for _ in range(2):
            from_begin_to_end(world)
        world.check()


def test_a_second_process_on_one_sqlite_file_is_refused_in_one_line_with_status_1(tmp_path: Path) -> None:
    with ExitStack() as stack:
        world = stack.enter_context(Processes(tmp_path, stack, count=0))
        with serve_lock(world.database_url):
            done = world.shell("serve")
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (1, "")
    assert line.startswith("prodaccess: ")
    assert "in use by another prodaccess" in line
