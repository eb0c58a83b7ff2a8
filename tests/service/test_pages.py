"""A person's own page: what stands on it, in which order, for whom it is kept up to date; favourites."""

from dataclasses import replace

import pytest

from bot.core.decisions import Refusal
from bot.core.model import Ask, Favourite
from bot.core.rules import Extension, Stage
from bot.service import favourites, homes
from bot.service.cards import HomeCard
from bot.service.favourites import Favourites
from tests.core.examples import ASK, HOUR, MINUTE, actor
from tests.service.fakes import CountingIds
from tests.service.world import World, done

TWO_STAGES = (Stage(title="Lead", groups=frozenset({"leads"})), Stage(title="Security", people=frozenset({"sam"})))


def page(world: World, person: str = "alice") -> HomeCard:
    return world.queries.home(world.person(person))


def published(world: World) -> set[str]:
    return {chat_id for chat_id, _ in world.chat.homes}


# --- for whom ----------------------------------------------------------------------------------------------


def test_a_page_is_kept_up_to_date_for_whoever_looked_at_it_and_for_nobody_else(world: World) -> None:
    world.opens_home("mona")
    request = world.asked()
    done(world.approve(request))
    world.run()
    world.run("chat")
    assert published(world) == {"U3"}
    assert world.store.next_due("chat") is None or world.store.next_due("chat") > world.clock.now()  # type: ignore[operator]


def test_nothing_is_enqueued_for_the_pages_of_approvers_who_never_looked_at_theirs(world: World) -> None:
    world.opens_home("mona")
    world.asked()
    assert world.runner.run(world.claim("chat.cards"))
    with world.store.transaction() as tx:
        assert [tx.is_enqueued(f"home:{person}") for person in ("mona", "otto")] == [True, False]


def test_a_page_that_nobody_looked_at_for_long_is_left_alone_until_it_is_opened(world: World) -> None:
    world.opens_home("alice")
    world.clock.move(homes.KEPT - MINUTE)
    world.asked()
    world.run("chat")
    assert published(world) == {"U1"}
    world.chat.homes.clear()
    world.clock.move(2 * MINUTE)
    world.asked(duration=2 * HOUR)
    world.run("chat")
    assert published(world) == set()
    world.opens_home("alice")
    world.asked(duration=HOUR / 2)
    world.run("chat")
    assert published(world) == {"U1"}


def test_opening_a_page_again_the_same_day_writes_nothing(world: World) -> None:
    def noted() -> str | None:
        with world.store.transaction() as tx:
            return tx.fact("home.opened:alice")

    world.opens_home("alice")
    first = noted()
    world.clock.move(homes.NOTED_EVERY - MINUTE)
    world.opens_home("alice")
    assert noted() == first
    world.clock.move(MINUTE)
    world.opens_home("alice")
    assert noted() != first


# --- what stands on it ---------------------------------------------------------------------------------------


def test_what_ends_first_stands_first_and_what_is_being_removed_last(world: World) -> None:
    late, soon, gone = (world.granted(duration=n * HOUR, work="incident") for n in (3, 2, 1))
    done(world.access.release(gone.id, world.person("alice"), actor("alice")))
    assert [grant.id for grant in page(world).live] == [soon.id, late.id, gone.id]


def test_the_page_says_what_goes_on_and_what_could(world: World) -> None:
    world.change_role("s3-read", extend=Extension(HOUR, approval=False))
    one, other = world.granted(), world.granted(duration=2 * HOUR)
    found = page(world)
    assert (found.extendable, dict(found.going_on)) == (frozenset({one.id, other.id}), {})
    draft = world.drafted(replace(ASK, extends=one.id))
    (further,) = done(world.access.submit(draft, world.person("alice"), actor("alice"))).grants
    found = page(world)
    assert found.extendable == frozenset({other.id})
    assert found.going_on[one.id].until == further.expires_at == one.expires_at + HOUR


def test_whose_turn_it_is_is_said_and_what_is_ones_own_turn_stands_first(world: World) -> None:
    world.change_role("deploy", stages=TWO_STAGES)
    staged = world.asked(role="deploy", params={})
    plain = world.asked()
    sam = page(world, "sam")
    assert [request.id for request in sam.waiting_for_me] == [staged]
    turn = sam.turns[staged]
    assert (turn.stage, turn.stages, turn.title, turn.mine) == (1, 2, "Lead", False)
    otto = page(world, "otto")
    assert [request.id for request in otto.waiting_for_me] == [staged, plain]
    assert otto.turns[staged].mine
    world.change_role("deploy", stages=tuple(reversed(TWO_STAGES)))
    assert [request.id for request in page(world, "otto").waiting_for_me] == [plain, staged]


def test_who_said_yes_sees_that_and_the_next_that_it_is_their_turn(world: World) -> None:
    world.change_role("s3-read", stages=TWO_STAGES)
    request = world.asked()
    done(world.approve(request, "otto"))
    otto, sam = page(world, "otto").turns[request], page(world, "sam").turns[request]
    assert (otto.said, otto.mine, otto.stage) == (True, False, 2)
    assert (sam.said, sam.mine, sam.title) == (False, True, "Security")


def test_a_second_yes_of_the_same_person_is_not_waited_for(world: World) -> None:
    world.change_role("s3-read", stages=(Stage(manager=True, groups=frozenset({"leads"}), quorum=2),))
    request = world.asked()
    done(world.approve(request, "otto"))
    otto, mona = page(world, "otto").turns[request], page(world, "mona").turns[request]
    assert (otto.mine, mona.mine, mona.yeses, mona.quorum) == (False, True, 1, 2)


def test_without_the_directory_the_page_is_there_and_says_nothing_of_turns(world: World) -> None:
    request = world.asked()
    world.directory.down = True
    mona = world.catalogue.people["mona"]
    found = world.queries.home(mona)
    assert [each.id for each in found.waiting_for_me] == [request]
    assert found.turns == {}


def test_what_was_asked_for_twice_is_offered_once_again(world: World) -> None:
    world.asked()
    other = world.asked(params={"bucket": "other-logs"})
    again = world.asked(duration=2 * HOUR)
    assert [request.id for request in page(world).recent] == [again, other]


# --- favourites ----------------------------------------------------------------------------------------------


def kept(world: World) -> Favourites:
    return Favourites(world.store, CountingIds(), lambda: world.catalogue)


def keep(world: World, request: str, of: Favourites, person: str = "alice") -> Favourite | Refusal:
    return of.keep(request, world.person(person))


def test_a_favourite_is_named_after_role_and_account_and_keeps_what_was_asked(world: World) -> None:
    of = kept(world)
    found = keep(world, world.asked(start_at=world.clock.now() + HOUR), of)
    assert isinstance(found, Favourite)
    assert (found.title, found.ask) == ("Read a bucket in Payments", ASK)
    assert page(world).favourites == (found,)
    assert of.ask(found.id, world.person("alice")) == ASK


def test_the_same_is_kept_once_however_often_it_is_pressed(world: World) -> None:
    of, request = kept(world), world.asked()
    assert keep(world, request, of) == keep(world, request, of)
    assert keep(world, world.asked(duration=2 * HOUR), of) == keep(world, request, of)
    assert len(page(world).favourites) == 1


def test_there_are_so_many_and_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(favourites, "MOST", 2)
    of = kept(world)
    for bucket in ("one", "two"):
        keep(world, world.asked(params={"bucket": bucket}), of)
    assert isinstance(keep(world, world.asked(params={"bucket": "three"}), of), Refusal)
    of.forget(page(world).favourites[0].id, world.person("alice"))
    assert isinstance(keep(world, world.asked(params={"bucket": "four"}), of), Favourite)


def test_favourites_are_ones_own(world: World) -> None:
    of, request = kept(world), world.asked()
    assert isinstance(keep(world, request, of, "bob"), Refusal)
    mine = keep(world, request, of)
    assert isinstance(mine, Favourite)
    bob = world.person("bob")
    assert of.ask(mine.id, bob) is None
    assert not of.forget(mine.id, bob)
    assert page(world, "bob").favourites == ()


def test_no_favourite_breaks_glass_or_makes_anything_longer(world: World) -> None:
    made = world.asked()
    with world.store.transaction() as tx:
        request = tx.request(made)
        assert request is not None
        odd: Ask = replace(request.ask, break_glass=True, extends="g-1")
        tx.save_request(replace(request, id="r-odd", ask=odd, version=0))
    found = keep(world, "r-odd", kept(world))
    assert isinstance(found, Favourite)
    assert (found.ask.break_glass, found.ask.extends) == (False, "")
