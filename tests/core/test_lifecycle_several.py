"""A request for several targets: stopped together where that is asked for, and told of as one."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.core import commands as c
from bot.core.decisions import Decision, State
from bot.core.lifecycle import decide
from bot.core.model import Effect, EndReason, Grant, GrantStatus, Item, Part
from tests.core.examples import ASK, HOUR, MINUTE, NOW, PENDING, YES, actor
from tests.core.test_lifecycle_ways import refusal

GIVING = c.Giving(("g-1", "g-2", "g-3"), ("cloud",) * 3, 10 * MINUTE)
ASKED = replace(
    PENDING,
    ask=replace(ASK, more=(Item("deploy", "search", {}), Item("deploy", "payments", {}))),
    more_parts=(Part("role/alice", "[]"), Part("user/alice", "[]")),
)


def step(state: State, command: c.Command, now: datetime = NOW) -> tuple[State, Decision]:
    outcome = decide(state, command, now)
    assert isinstance(outcome, Decision), outcome
    changed = {grant.id: grant for grant in outcome.grants}
    kept = tuple(changed.pop(grant.id, grant) for grant in state.grants)
    return State(outcome.request or state.request, (*kept, *changed.values())), outcome


def approved() -> tuple[State, Decision]:
    return step(State(ASKED), c.Approve(actor("mona"), YES, NOW, GIVING, completes=True))


def put(state: State, *ids: str) -> State:
    """These are active."""
    for each in ids:
        state, _ = step(state, c.Start(each, ()))
        state, _ = step(state, c.Granted(each))
    return state


def told(decision: Decision) -> list[str]:
    """What people are told, by the keys of the effects."""
    return sorted(effect.key for effect in decision.effects if effect.kind == "chat.tell")


def outcomes(effects: Iterable[Effect]) -> list[str]:
    return [effect.payload["outcome"] for effect in effects if effect.kind == "chat.tell"]


def ids(grants: Iterable[Grant], status: GrantStatus) -> list[str]:
    return [grant.id for grant in grants if grant.status is status]


def test_there_is_one_reminder_for_all_and_it_goes_with_the_last() -> None:
    state, decision = approved()
    assert [(e.key, e.subject) for e in decision.effects if e.kind == "chat.remind"] == [("remind:r-1", "r-1")]
    state = put(state, "g-1", "g-2", "g-3")
    state, first = step(state, c.Release("g-1", actor("alice"), allowed=True))
    assert "remind:r-1" not in first.cancels
    _, last = step(state, c.Release("g-2", actor("alice"), allowed=True, also=("g-3",)))
    assert "remind:r-1" in last.cancels


def test_that_it_began_is_told_once_and_only_when_all_are_there() -> None:
    state = put(approved()[0], "g-1")
    state, _ = step(state, c.Start("g-3", ()))
    state, early = step(state, c.Granted("g-3"))
    assert told(early) == []
    state, _ = step(state, c.Start("g-2", ()))
    before, decision = step(state, c.Granted("g-2"))
    assert told(decision) == ["tell:active:r-1"]
    assert not ids(before.grants, GrantStatus.GRANTING)
    assert told(step(put(approved()[0], "g-1"), c.Start("g-2", ()))[1]) == []


def test_one_that_ends_while_the_others_go_on_is_told_by_itself() -> None:
    state = put(approved()[0], "g-1", "g-2", "g-3")
    state, decision = step(state, c.Release("g-1", actor("alice"), allowed=True))
    assert ids(decision.grants, GrantStatus.REVOKING) == ["g-1"]
    _, decision = step(state, c.Removed("g-1"))
    assert told(decision) == ["tell:ended:g-1"]


@pytest.mark.parametrize(
    ("command", "outcome"),
    [
        (c.Release("g-1", actor("alice"), allowed=True, also=("g-2", "g-3")), "released"),
        (c.Revoke("g-1", actor("sam"), "Odd traffic.", allowed=True, also=("g-2", "g-3")), "revoked"),
    ],
)
def test_what_is_stopped_together_is_told_once_at_the_end_of_the_last(command: c.Command, outcome: str) -> None:
    state, decision = step(put(approved()[0], "g-1", "g-2", "g-3"), command)
    assert ids(state.grants, GrantStatus.REVOKING) == ["g-1", "g-2", "g-3"]
    assert {"converge:g-1", "converge:g-2", "converge:g-3"} <= {effect.key for effect in decision.effects}
    assert [str(event.tag) for event in decision.events] == ["grant.revoking"] * 3
    found = []
    for each in ("g-2", "g-1", "g-3"):
        state, decision = step(state, c.Removed(each), NOW + MINUTE)
        found.append((told(decision), outcomes(decision.effects)))
    assert found == [([], []), ([], []), (["tell:ended:r-1"], [outcome])]


def test_what_expires_together_is_told_once_in_whatever_order_the_clock_is_heard() -> None:
    state, end = put(approved()[0], "g-1", "g-2", "g-3"), NOW + HOUR
    said: list[str] = []
    # One is gone before the next one's timer was heard.
    for each in ("g-1", "g-2", "g-3"):
        state, _ = step(state, c.Expire(each), end)
        state, decision = step(state, c.Removed(each), end + timedelta(seconds=1))
        said += told(decision)
    assert said == ["tell:ended:r-1"]


def test_where_one_cannot_be_given_it_is_told_once_that_it_could_not() -> None:
    state = put(approved()[0], "g-1")
    state, decision = step(state, c.Start("g-2", ("It is no more.",)))
    assert ids(state.grants, GrantStatus.ENDED) == ["g-2", "g-3"]
    assert told(decision) == []
    state, decision = step(state, c.Removed("g-1"))
    assert (told(decision), outcomes(decision.effects)) == (["tell:ended:r-1"], ["failed"])
    assert {grant.end_reason for grant in state.grants} == {EndReason.FAILED}


def test_what_was_never_begun_is_told_of_once_too() -> None:
    state, _ = approved()
    _, decision = step(state, c.Revoke("g-1", actor("sam"), "No.", allowed=True, also=("g-2", "g-3")))
    assert told(decision) == ["tell:ended:r-1"]


def test_what_has_ended_already_is_left_out_and_refused_only_where_nothing_is_left() -> None:
    state = put(approved()[0], "g-1", "g-2", "g-3")
    all_of_it = c.Release("g-1", actor("alice"), allowed=True, also=("g-2", "g-3"))
    state, _ = step(state, c.Release("g-1", actor("alice"), allowed=True))
    state, decision = step(state, all_of_it)
    assert ids(decision.grants, GrantStatus.REVOKING) == ["g-2", "g-3"]
    assert refusal(state, all_of_it).code == "late"
