"""On whose word, as it plays out in time: stages in order, escalation, somebody who is away."""

from datetime import timedelta

from bot.sandbox.slack import screen
from bot.slack import ids
from tests.scenarios.company import APPROVALS
from tests.scenarios.harness import World, wait_for
from tests.scenarios.test_approving import cards

STAGES = "/prodaccess two-stages payments-prod 30m --work incident the ledger does not add up"
ESCALATING = "/prodaccess escalating payments-prod 30m --work incident the ledger does not add up"


def test_two_stages_have_their_turn_in_order(world: World) -> None:
    request_id = world.ask(STAGES)
    words = screen.words(world.card("ravi", request_id, None, "Next: Team lead"))
    assert "Then Security" in words
    sam = world.visitor("sam")
    assert not cards(world, "sam", request_id)
    sam.click(world.card("sam", request_id), ids.APPROVE, value=request_id)
    sam.wait_for_message("It is the turn of Team lead", APPROVALS)
    world.visitor("ravi").click(world.card("ravi", request_id), ids.APPROVE, value=request_id)
    world.visitor("ravi").wait_for_modal("You approve")
    world.type_code("ravi")
    words = screen.words(world.card("sam", request_id, None, "Next: Security"))
    assert "Team lead: <@U0RAVI> said yes" in words
    assert world.is_pending(request_id)
    world.approve(request_id, "sam")
    world.wait_for_grant(request_id, "active")


def test_who_comes_in_after_a_while_is_asked_then_and_may_approve(world: World) -> None:
    request_id = world.ask(ESCALATING)
    world.card("ines", request_id, None)
    assert not cards(world, "olga", request_id)
    world.advance(timedelta(minutes=31))
    world.card("olga", request_id, None)
    world.visitor("maya").wait_for_message("more people were asked")
    assert [record["data"]["to"] for record in world.wait_for_audit("request.escalated")] == [["olga"]]
    world.advance(timedelta(minutes=2))
    world.visitor("ines").wait_for_message("A request waits for your word")
    world.approve(request_id, "olga")
    world.wait_for_grant(request_id, "active")


def test_who_is_away_is_stood_in_for_until_they_are_back(world: World) -> None:
    ines, until = world.visitor("ines"), world.clock.now() + timedelta(hours=3)
    ines.command(f"/prodaccess away until {until:%Y-%m-%dT%H:%M}+00:00 delegate <@U0OLGA>")
    ines.wait_for_modal("Who approves meanwhile")
    assert world.type_code("ines").action == "clear"
    first = world.ask()
    world.visitor("ines").click(world.card("ines", first), ids.APPROVE, value=first)
    ines.wait_for_message("may not approve", APPROVALS)
    world.card("olga", first, None)
    world.approve(first, "olga")
    world.wait_for_grant(first, "active")
    second = world.ask()
    world.card("olga", second, None)
    world.advance(timedelta(hours=3))
    world.wait_for_audit("absence.ended")
    wait_for(lambda: cards(world, "ines", second), "a card for who is back")
    world.visitor("olga").click(world.card("olga", second), ids.APPROVE, value=second)
    world.visitor("olga").wait_for_message("may not approve", APPROVALS)
    world.approve(second, "ines")
    wait_for(lambda: not world.is_pending(second), "the approval")
