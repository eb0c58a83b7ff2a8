"""What goes on while a request waits: reminders, escalation, and who gets a card when."""

from datetime import timedelta

import pytest

from bot.core.decisions import Decision
from bot.core.rules import Escalation, Stage
from bot.service.cards import Notice, NudgeCard, RequestCard
from bot.service.effects import LEASE
from tests.core.examples import HOUR, MINUTE, actor
from tests.service.world import World, done

LEADS, SECURITY = frozenset({"leads"}), frozenset({"sam"})
MONA, OTTO, SAM = "@U3", "@U4", "@U5"
TOLD_WITHIN = 2 * MINUTE


def reminded(world: World, destination: str) -> list[int]:
    """How many requests each reminder there was about."""
    cards = [message.shows[0] for message in world.chat.to(destination)]
    return [len(card.requests) for card in cards if isinstance(card, NudgeCard)]


def has_card(world: World, destination: str) -> bool:
    return any(isinstance(message.shows[0], RequestCard) for message in world.chat.to(destination))


def goes_by(world: World, time: timedelta) -> None:
    """Minute by minute, with everything that is due."""
    until = world.clock.now() + time
    while world.clock.now() < until:
        world.later(MINUTE, "access", "chat")


# --- reminders -------------------------------------------------------------------------------------------


def test_those_who_have_not_spoken_are_reminded_at_growing_gaps_until_the_lapse(world: World) -> None:
    world.asked()
    goes_by(world, 5 * HOUR)
    assert reminded(world, MONA) == reminded(world, OTTO) == [1, 1, 1, 1]
    waited = [record["data"]["waited_seconds"] // 60 for record in world.log() if record["tag"] == "request.reminded"]
    assert waited == [10, 40, 100, 220]
    assert world.tags("request.") == ["request.submitted", *["request.reminded"] * 4, "request.lapsed"]


def test_after_a_decision_nobody_is_reminded(world: World) -> None:
    request_id = world.asked()
    done(world.access.deciding.deny(request_id, world.person("otto"), "No.", actor("otto")))
    goes_by(world, HOUR)
    assert reminded(world, MONA) == []
    assert "request.reminded" not in world.tags()


def test_a_decision_between_the_reminder_and_its_message_leaves_the_message_unsaid(world: World) -> None:
    request_id = world.asked()
    world.later(10 * MINUTE)
    assert "request.reminded" in world.tags()
    done(world.access.deciding.deny(request_id, world.person("otto"), "No.", actor("otto")))
    world.later(TOLD_WITHIN, "access", "chat")
    assert reminded(world, MONA) == []


def test_who_has_said_yes_is_not_reminded_and_the_others_have_their_time(world: World) -> None:
    world.change_role("s3-read", stages=(Stage(people=frozenset({"mona", "otto", "sam"}), quorum=2),))
    request_id = world.asked()
    goes_by(world, 8 * MINUTE)
    done(world.approve(request_id, "mona"))
    goes_by(world, 8 * MINUTE)
    assert reminded(world, OTTO) == []
    goes_by(world, 5 * MINUTE)
    assert (reminded(world, OTTO), reminded(world, SAM), reminded(world, MONA)) == ([1], [1], [])


def test_many_that_wait_for_somebody_are_one_message(world: World) -> None:
    for _ in range(5):
        world.asked()
    world.asked(requester="bob")
    goes_by(world, 16 * MINUTE)
    assert max(reminded(world, OTTO)) == 6
    assert len(reminded(world, OTTO)) <= 4


def test_after_an_outage_people_are_reminded_once_and_the_gaps_go_on(world: World) -> None:
    world.asked()
    world.later(101 * MINUTE, "access", "chat")
    goes_by(world, TOLD_WITHIN)
    assert reminded(world, MONA) == [1]
    goes_by(world, 119 * MINUTE)
    assert reminded(world, MONA) == [1, 1]


def test_a_worker_that_died_on_the_way_reminds_nobody_twice(world: World) -> None:
    world.asked()
    world.clock.move(10 * MINUTE)
    late = world.claim("people.nudge")
    world.clock.move(LEASE)
    world.run()
    world.runner.run(late)
    assert world.tags("request.reminded") == ["request.reminded"]
    world.chat.fail(MONA, passing=True, after=True)
    world.later(TOLD_WITHIN, "access", "chat")
    goes_by(world, TOLD_WITHIN)
    assert reminded(world, MONA) == [1]


def test_while_the_directory_is_away_it_is_not_known_whose_turn_it_is(world: World) -> None:
    world.asked()
    world.directory.down = True
    world.later(10 * MINUTE)
    assert "request.reminded" not in world.tags()
    world.directory.down = False
    world.later(MINUTE)
    assert world.tags("request.reminded") == ["request.reminded"]


# --- whose turn it is ------------------------------------------------------------------------------------


def test_who_has_their_turn_later_gets_a_card_then_and_not_before(world: World) -> None:
    world.change_role("s3-read", stages=(Stage(title="Lead", groups=LEADS), Stage(title="Security", people=SECURITY)))
    request_id = world.asked()
    goes_by(world, 11 * MINUTE)
    assert (has_card(world, OTTO), has_card(world, SAM)) == (True, False)
    assert reminded(world, SAM) == []
    done(world.approve(request_id, "otto"))
    goes_by(world, MINUTE)
    assert has_card(world, SAM)
    card = world.queries.request_card(request_id, "approvers")
    assert card is not None
    (board,) = card.boards
    assert [(stage.title, stage.yeses, stage.is_on) for stage in board.stages] == [
        ("Lead", ("otto",), False),
        ("Security", (), True),
    ]


def test_a_no_of_a_later_stage_denies_at_once(world: World) -> None:
    world.change_role("s3-read", stages=(Stage(title="Lead", groups=LEADS), Stage(title="Security", people=SECURITY)))
    request_id = world.asked()
    done(world.access.deciding.deny(request_id, world.person("sam"), "Never on a Friday.", actor("sam")))
    assert world.request(request_id).status == "denied"


def test_where_it_takes_two_noes_the_first_is_shown_and_the_second_denies(world: World) -> None:
    world.change_role("s3-read", stages=(Stage(people=frozenset({"mona", "otto", "sam"}), refusals=2),))
    request_id = world.asked()
    done(world.access.deciding.deny(request_id, world.person("otto"), "Use the replica.", actor("otto")))
    card = world.queries.request_card(request_id, "own")
    assert card is not None
    assert (card.request.status, card.boards[0].stages[0].noes) == ("pending", ("otto",))
    done(world.access.deciding.deny(request_id, world.person("sam"), "I agree.", actor("sam")))
    assert world.request(request_id).status == "denied"
    assert world.tags("request.") == ["request.submitted", "request.denial-added", "request.denied"]


# --- escalation ------------------------------------------------------------------------------------------


@pytest.fixture
def escalating(world: World) -> World:
    stage = Stage(
        groups=LEADS, escalate=(Escalation(HOUR, people=SECURITY), Escalation(2 * HOUR, people=frozenset({"mona"})))
    )
    world.change_role("s3-read", stages=(stage,))
    return world


def test_further_people_are_asked_when_it_has_waited_and_the_requester_is_told(escalating: World) -> None:
    world = escalating
    request_id = world.asked()
    goes_by(world, 59 * MINUTE)
    assert (has_card(world, OTTO), has_card(world, SAM), has_card(world, MONA)) == (True, False, False)
    goes_by(world, 2 * MINUTE)
    assert (has_card(world, SAM), has_card(world, MONA)) == (True, False)
    goes_by(world, HOUR)
    assert has_card(world, MONA)
    told = [m.shows[0] for m in world.chat.to("@U1") if isinstance(m.shows[0], Notice)]
    assert [notice.what for notice in told] == ["escalated", "escalated"]
    logged = [record["data"]["to"] for record in world.log() if record["tag"] == "request.escalated"]
    assert logged == [["sam"], ["mona"]]
    assert isinstance(world.approve(request_id, "sam"), Decision)


def test_where_nobody_new_comes_in_nothing_is_said(world: World) -> None:
    world.change_role("s3-read", stages=(Stage(groups=LEADS, escalate=(Escalation(HOUR, groups=LEADS),)),))
    world.asked()
    goes_by(world, 61 * MINUTE)
    assert "request.escalated" not in world.tags()
    assert not any(isinstance(message.shows[0], Notice) for message in world.chat.to("@U1"))


def test_what_is_decided_is_not_escalated(escalating: World) -> None:
    request_id = escalating.asked()
    done(escalating.access.cancel(request_id, escalating.person("alice"), actor("alice")))
    goes_by(escalating, 3 * HOUR)
    assert not has_card(escalating, SAM)
    assert "request.escalated" not in escalating.tags()


def test_an_escalation_of_a_worker_that_died_is_made_once(escalating: World) -> None:
    escalating.asked()
    escalating.clock.move(HOUR)
    late = escalating.claim("people.escalate")
    escalating.clock.move(LEASE)
    escalating.run()
    escalating.runner.run(late)
    assert escalating.tags("request.escalated") == ["request.escalated"]
