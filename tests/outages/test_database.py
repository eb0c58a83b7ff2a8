"""The database gone: in the middle of a click, of an effect, of a commit; cut, refused, silent."""

import psycopg
import pytest

from bot.slack import edge, ids
from bot.slack.trouble import DATABASE_AWAY, OUTCOME_UNKNOWN
from tests.faults.proxy import Then
from tests.outages.world import LOOK, USER, World
from tests.scenarios.company import APPROVALS
from tests.scenarios.harness import wait_for


def wait_until_told(world: World, text: str) -> None:
    """Ravi, beside the card that he clicked."""
    wait_for(lambda: world.told("ravi", APPROVALS, text), f"Ravi to be told {text!r}")


# --- a click ---------------------------------------------------------------------------------------------


def test_a_click_while_the_database_is_away_is_told_so_and_works_when_it_is_back(postgres_world: World) -> None:
    world = postgres_world
    request_id = world.ask(LOOK)
    card = world.card("ravi", request_id)
    world.to_database.refuse()
    world.to_database.cut()
    assert world.ready()["database"] == "does not answer"

    world.click("ravi", card, ids.APPROVE)
    wait_until_told(world, DATABASE_AWAY)
    assert world.state(request_id) == ("pending", [])
    world.visitor("maya").command("/prodaccess status")
    wait_for(lambda: world.told("maya", None, DATABASE_AWAY), "Maya to be told")

    world.to_database.heal()
    world.wait_until_ready()
    world.click("ravi", card, ids.APPROVE)
    world.wait_for_state(request_id, "approved", "active")
    assert len(world.iam.asked("PutUserPolicy")) == 1


@pytest.mark.parametrize(
    ("then", "says", "after"),
    [(Then.CUT, OUTCOME_UNKNOWN, "pending"), (Then.LOSE_ANSWER, OUTCOME_UNKNOWN, "approved")],
    ids=["not done", "done"],
)
def test_a_click_whose_commit_gets_no_answer_is_not_said_to_have_changed_nothing(
    postgres_world: World, then: Then, says: str, after: str
) -> None:
    world = postgres_world
    request_id = world.ask(LOOK)
    card = world.card("ravi", request_id)
    world.to_database.when(b"COMMIT", then, after=b"request.approved")
    world.click("ravi", card, ids.APPROVE)
    wait_until_told(world, says)
    assert world.to_database.sprung == {b"COMMIT": 1}
    assert world.state(request_id)[0] == after

    world.click("ravi", card, ids.APPROVE)
    world.wait_for_state(request_id, "approved", "active")
    assert [record["tag"] for record in world.audit("request.approved", "grant.active")] == [
        "request.approved",
        "grant.active",
    ]


def test_a_click_cut_before_its_commit_changed_nothing_and_says_so(postgres_world: World) -> None:
    world = postgres_world
    request_id = world.ask(LOOK)
    card = world.card("ravi", request_id)
    world.to_database.when(b"request.approved", Then.CUT)
    world.click("ravi", card, ids.APPROVE)
    wait_until_told(world, DATABASE_AWAY)
    assert world.state(request_id) == ("pending", [])


# --- an effect -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("then", [Then.CUT, Then.LOSE_ANSWER], ids=["not done", "done"])
@pytest.mark.parametrize("tag", ["grant.started", "grant.active", "grant.revoking", "grant.ended"])
def test_an_effect_whose_commit_gets_no_answer_is_done_once(postgres_world: World, tag: str, then: Then) -> None:
    world = postgres_world
    world.to_database.when(b"COMMIT", then, after=tag.encode())
    request_id = world.ask(LOOK)
    world.approve(request_id, "ravi")
    world.wait_for_state(request_id, "approved", "active")
    (grant,) = world.grants_of(request_id)
    world.visitor("maya").command(f"/prodaccess release {grant.id}")
    if tag == "grant.revoking":
        wait_for(lambda: world.to_database.sprung, "the commit of the release")
        world.visitor("maya").command(f"/prodaccess release {grant.id}")
    world.wait_for_state(request_id, "approved", "ended")
    assert world.to_database.sprung == {b"COMMIT": 1}
    tags = ("grant.scheduled", "grant.started", "grant.active", "grant.revoking", "grant.ended")
    assert [record["tag"] for record in world.audit(*tags)] == list(tags)
    assert not world.iam.policies(USER)


def test_access_ends_by_itself_when_the_database_was_away_at_its_end(postgres_world: World) -> None:
    world = postgres_world
    grant = world.granted(LOOK, by="ravi")
    world.to_database.refuse()
    world.to_database.cut()
    world.clock.advance(grant.expires_at - world.clock.now())
    assert world.iam.policies(USER)
    world.to_database.heal()
    world.wait_for_state(grant.request_id, "approved", "ended")
    assert not world.iam.policies(USER)


# --- listening -------------------------------------------------------------------------------------------


def listeners(world: World) -> list[int]:
    """Server processes that listen for the bot."""
    with psycopg.connect(world.direct_url) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        )
        return [pid for (pid,) in rows]


def test_a_cut_listener_comes_back_and_what_was_missed_is_done(postgres_world: World) -> None:
    world = postgres_world
    wait_for(lambda: listeners(world), "the listener")
    before = listeners(world)
    world.to_database.refuse()
    world.to_database.cut()
    wait_for(lambda: not listeners(world), "the listener to be gone")
    world.poke()
    world.to_database.heal()
    wait_for(world.is_idle, "what nobody was woken for to be done")
    wait_for(lambda: listeners(world), "a new listener")
    assert not set(before) & set(listeners(world))
    world.poke()
    wait_for(world.is_idle, "what another replica made due to be done")


# --- silence ---------------------------------------------------------------------------------------------


def test_a_database_that_takes_everything_and_answers_nothing_is_noticed_and_forgotten(
    postgres_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = postgres_world
    request_id = world.ask(LOOK)
    # The click waits for the database, and not only for the edge's own end of patience.
    monkeypatch.setattr(edge, "ANSWER_WITHIN", 15.0)
    card = world.card("ravi", request_id)
    world.to_database.black_hole()
    assert world.ready()["database"] == "does not answer"
    world.click("ravi", card, ids.APPROVE)
    wait_until_told(world, DATABASE_AWAY)

    world.to_database.heal()
    world.wait_until_ready()
    world.click("ravi", card, ids.APPROVE)
    world.wait_for_state(request_id, "approved", "active")
