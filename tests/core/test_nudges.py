"""When people are reminded of what waits."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from bot.core import commands as c
from bot.core import nudges
from bot.core.decisions import Decision, State
from bot.core.lifecycle import decide
from bot.core.model import Approval
from tests.core.examples import DAY, HOUR, MINUTE, NOW, PENDING, YES, actor

MINUTES = [10, 40, 100, 220]


def minutes(*moments: datetime) -> list[int]:
    return [int((at - NOW) / MINUTE) for at in moments]


def test_the_gaps_between_reminders_grow() -> None:
    found = nudges.reminders(replace(PENDING, lapses_at=NOW + 3 * DAY))
    assert minutes(*found)[:4] == MINUTES
    gaps = [later - sooner for sooner, later in pairwise((NOW, *found))]
    assert gaps == sorted(set(gaps))


@pytest.mark.parametrize(
    ("lapses_after", "wanted"),
    [(4 * HOUR, MINUTES), (HOUR, [10, 40]), (15 * MINUTE, [10]), (14 * MINUTE, []), (MINUTE, [])],
)
def test_nobody_is_reminded_when_there_is_no_time_to_act_on_it(lapses_after: timedelta, wanted: list[int]) -> None:
    assert minutes(*nudges.reminders(replace(PENDING, lapses_at=NOW + lapses_after))) == wanted


def test_after_a_yes_the_gaps_begin_anew_for_those_who_have_their_turn_then() -> None:
    moved = replace(PENDING, approvals=(Approval("mona", NOW + HOUR, None),))
    assert minutes(*nudges.reminders(moved)) == [70, 100, 160]


def test_what_was_meant_for_those_before_a_yes_is_not_said() -> None:
    moved = replace(PENDING, approvals=(Approval("mona", NOW + 5 * MINUTE, None),))
    found = decide(State(moved), c.Remind(NOW + 10 * MINUTE, ("otto",)), NOW + 10 * MINUTE)
    assert isinstance(found, Decision)
    assert (found.events, [effect.key for effect in found.effects]) == ((), ["nudge:r-1"])


def test_a_first_yes_of_several_puts_the_next_reminder_on_the_books() -> None:
    moved = replace(PENDING, approvals=(Approval("mona", NOW + HOUR, None),))
    (effect,) = nudges.remind(moved, NOW + HOUR)
    assert (effect.key, effect.due_at, effect.lane) == ("nudge:r-1", NOW + 70 * MINUTE, "people")


def test_reminders_of_the_same_minute_are_one_message_and_those_of_the_next_another() -> None:
    keys = [nudges.tell("mona", NOW + timedelta(seconds=at)).key for at in (0, 59, 60)]
    assert keys[0] == keys[1] != keys[2]
    assert nudges.tell("mona", NOW + timedelta(seconds=59)).due_at > NOW + MINUTE


def test_further_people_come_in_one_after_the_other_and_none_after_the_lapse() -> None:
    afters = (HOUR, 2 * HOUR, 5 * HOUR)
    assert nudges.escalation_after(PENDING, afters, NOW) == NOW + HOUR
    assert nudges.escalation_after(PENDING, afters, NOW + HOUR) == NOW + 2 * HOUR
    assert nudges.escalation_after(PENDING, afters, NOW + 2 * HOUR) is None


def test_escalations_are_on_the_books_with_the_request() -> None:
    command = c.Submit(actor("alice"), PENDING, YES, proved=True, escalations=(2 * HOUR, HOUR))
    found = decide(State(None), command, NOW)
    assert isinstance(found, Decision)
    assert {effect.key: effect.due_at for effect in found.effects}["escalate:r-1"] == NOW + HOUR
