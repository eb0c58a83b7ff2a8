"""Somebody is away: who approves in their place, from when to when, and what is told of it."""

from datetime import timedelta

import pytest

from bot.core import absences as rules
from bot.core.decisions import Refusal
from bot.core.model import Absence
from bot.core.rules import Stage
from bot.service.absences import Absences
from bot.service.cards import DelegateCard, RequestCard
from bot.service.effects import LEASE
from tests.core.examples import DAY, HOUR, MINUTE, NOW, actor
from tests.service.world import World, done, refused

OTTO = "@U4"


@pytest.fixture
def only_mona(world: World) -> World:
    """One approver, who may be away."""
    world.change_role("s3-read", stages=(Stage(people=frozenset({"mona"})),))
    return world


def absences(world: World) -> Absences:
    return Absences(world.store, lambda: world.catalogue, world.codes)


def away(
    world: World,
    person: str = "mona",
    *,
    delegate: str | None = "otto",
    until: timedelta = DAY,
    by: str = "",
    code: str = "",
) -> Absence | Refusal:
    who = by or person
    wanted = Absence(person, NOW, NOW + until, delegate)
    return absences(world).begin(wanted, world.person(who), actor(who), code or world.code(who))


def has_card(world: World, destination: str) -> int:
    return sum(isinstance(message.shows[0], RequestCard) for message in world.chat.to(destination))


# --- who approves ----------------------------------------------------------------------------------------


def test_while_the_only_approver_is_away_their_delegate_approves_and_nobody_else(only_mona: World) -> None:
    assert isinstance(away(only_mona), Absence)
    request = only_mona.asked()
    assert "may not approve" in refused(only_mona.approve(request, "mona")).text
    assert "may not approve" in refused(only_mona.approve(request, "sam")).text
    assert done(only_mona.approve(request, "otto")).grants != ()
    only_mona.run()
    assert [str(grant.status) for grant in only_mona.grants(request)] == ["active"]


def test_after_the_date_the_delegate_approves_no_more_and_who_is_back_does(only_mona: World) -> None:
    away(only_mona, until=HOUR)
    request = only_mona.asked()
    only_mona.later(HOUR)
    assert "may not approve" in refused(only_mona.approve(request, "otto")).text
    assert done(only_mona.approve(request, "mona")).grants != ()


def test_what_waited_already_is_put_to_the_delegate_who_may_approve_it(only_mona: World) -> None:
    request = only_mona.asked()
    only_mona.run("chat")
    assert not has_card(only_mona, OTTO)
    away(only_mona)
    only_mona.later(timedelta(0), "access", "chat")
    assert has_card(only_mona, OTTO) == 1
    assert [each.id for each in only_mona.queries.home(only_mona.person("otto")).waiting_for_me] == [request]
    assert done(only_mona.approve(request, "otto")).grants != ()


def test_a_delegate_never_approves_their_own(world: World) -> None:
    world.change_role("s3-read", stages=(Stage(people=frozenset({"mona", "sam"})),))
    away(world, delegate="alice")
    request = world.asked()
    assert refused(world.approve(request, "alice")).code == "policy"


def test_a_yes_in_somebodys_place_counts_when_they_are_back(world: World) -> None:
    world.change_role("s3-read", stages=(Stage(people=frozenset({"mona", "sam"}), quorum=2),))
    away(world, until=HOUR)
    request = world.asked(start_at=NOW + 3 * HOUR)
    assert done(world.approve(request, "otto")).grants == ()
    world.later(HOUR)
    assert done(world.approve(request, "sam")).grants != ()
    world.later(2 * HOUR)
    assert [str(grant.status) for grant in world.grants(request)] == ["active"]


def test_a_yes_counts_though_who_said_it_went_away_after_it(world: World) -> None:
    world.change_role("s3-read", stages=(Stage(people=frozenset({"mona", "sam"}), quorum=2),))
    request = world.asked()
    done(world.approve(request, "mona"))
    away(world, delegate=None)
    assert done(world.approve(request, "sam")).grants != ()
    world.run()
    assert [str(grant.status) for grant in world.grants(request)] == ["active"]


def test_a_yes_of_whoever_stood_in_for_nobody_does_not_count_by_it(world: World) -> None:
    world.change_role("s3-read", stages=(Stage(people=frozenset({"mona", "sam", "otto"}), quorum=2),))
    away(world, delegate="bob", until=HOUR)
    request = world.asked()
    done(world.approve(request, "otto"))
    world.change_role("s3-read", stages=(Stage(people=frozenset({"mona", "sam"}), quorum=2),))
    assert done(world.approve(request, "sam")).grants == ()


# --- saying it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("until", "delegate", "why"),
    [
        (91 * DAY, "otto", "90 days"),
        (-MINUTE, "otto", "over already"),
        (DAY, "mona", "Somebody else"),
        (DAY, "nobody", "in access.yaml"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(world: World, until: timedelta, delegate: str, why: str) -> None:
    found = away(world, until=until, delegate=delegate)
    assert isinstance(found, Refusal)
    assert why in found.text
    assert "absence.set" not in world.tags()


def test_naming_a_delegate_takes_a_code_for_exactly_that_and_being_away_alone_none(world: World) -> None:
    found = away(world, code="000000")
    assert isinstance(found, Refusal)
    assert found.code == "code"
    assert absences(world).of("mona") is None
    assert isinstance(away(world, delegate=None, code="000000"), Absence)
    assert rules.digest(Absence("mona", NOW, NOW + DAY, "otto")) != rules.digest(Absence("mona", NOW, NOW + DAY, "sam"))


def test_only_an_admin_says_it_of_somebody_else(world: World) -> None:
    found = away(world, by="otto")
    assert isinstance(found, Refusal)
    assert "admin" in found.text
    assert isinstance(away(world, by="sam"), Absence)
    assert absences(world).end("mona", world.person("otto"), actor("otto")) is not None
    assert absences(world).end("mona", world.person("sam"), actor("sam")) is None


# --- the end ---------------------------------------------------------------------------------------------


def test_who_is_back_early_is_asked_again_and_the_end_is_logged_once(only_mona: World) -> None:
    world = only_mona
    away(world)
    world.asked()
    world.run("chat")
    assert not has_card(world, "@U3")
    assert absences(world).end("mona", world.person("mona"), actor("mona")) is None
    world.later(2 * DAY)
    assert world.tags("absence.") == ["absence.set", "absence.ended"]
    assert absences(world).end("mona", world.person("mona"), actor("mona")) is not None


def test_who_is_back_gets_the_cards_of_what_waits(only_mona: World) -> None:
    away(only_mona, until=HOUR)
    only_mona.asked()
    only_mona.run("chat")
    assert (has_card(only_mona, "@U3"), has_card(only_mona, OTTO)) == (0, 1)
    only_mona.later(HOUR, "access", "chat")
    assert has_card(only_mona, "@U3") == 1
    assert only_mona.tags("absence.") == ["absence.set", "absence.ended"]


def test_an_absence_that_is_said_anew_ends_at_its_new_time(only_mona: World) -> None:
    away(only_mona, until=HOUR)
    away(only_mona, until=DAY)
    only_mona.later(2 * HOUR)
    assert absences(only_mona).of("mona") is not None
    only_mona.later(DAY)
    assert only_mona.tags("absence.") == ["absence.set", "absence.set", "absence.ended"]


def test_an_end_that_a_dead_worker_began_is_made_once(only_mona: World) -> None:
    away(only_mona, until=HOUR)
    only_mona.clock.move(HOUR)
    late = only_mona.claim("absence.end")
    only_mona.clock.move(LEASE)
    only_mona.run()
    only_mona.runner.run(late)
    assert only_mona.tags("absence.ended") == ["absence.ended"]


def test_an_end_that_a_worker_has_in_hand_when_they_come_back_is_not_logged_again(only_mona: World) -> None:
    away(only_mona, until=HOUR)
    away(only_mona, until=3 * HOUR)
    only_mona.clock.move(HOUR)
    late = only_mona.claim("absence.end")  # of the first, whose time came
    assert absences(only_mona).end("mona", only_mona.person("mona"), actor("mona")) is None
    only_mona.runner.run(late)
    assert only_mona.tags("absence.ended") == ["absence.ended"]
    assert only_mona.store.next_due("access") is None


# --- telling ---------------------------------------------------------------------------------------------


def test_the_delegate_is_told_once_and_home_says_it_to_both(world: World) -> None:
    away(world)
    world.chat.fail(OTTO, passing=True, after=True)
    for _ in range(3):
        world.later(MINUTE, "access", "chat")
    told = [message for message in world.chat.to(OTTO) if isinstance(message.shows[0], DelegateCard)]
    assert len(told) == 1
    mine, theirs = (world.queries.home(world.person(each)) for each in ("mona", "otto"))
    assert mine.away is not None
    assert (mine.away.delegate, theirs.in_place_of, theirs.away) == ("otto", ("mona",), None)
