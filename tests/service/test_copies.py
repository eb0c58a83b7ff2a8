"""A copy that may have been posted is looked for, whatever became of the effect that tried it. On both databases."""

from collections.abc import Iterator, Mapping

import pytest

from bot.core.model import Effect
from bot.service.cards import RequestCard
from tests.core.examples import MINUTE, actor
from tests.service.fakes import Message
from tests.service.world import World, done

OTTO, CHANNEL = "@U4", "C-APPROVERS"


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url)
    yield world
    world.close()


def asked_without_an_answer(world: World, place: str) -> str:
    """A request whose card came to ``place`` in a try that got no answer; the others have theirs."""
    world.chat.fail(place, passing=True, after=True)
    request_id = world.asked()
    world.run("chat")
    assert len(cards_at(world, place)) == 1
    return request_id


def deny(world: World, request_id: str) -> None:
    done(world.access.deciding.deny(request_id, world.person("mona"), "Use the replica.", actor("mona")))


def cards_at(world: World, place: str) -> list[Message]:
    return [message for message in world.chat.to(place) if isinstance(message.shows[0], RequestCard)]


def statuses_at(world: World, place: str) -> list[str]:
    """What each card there shows by now."""
    last = (message.shows[-1] for message in cards_at(world, place))
    return [str(card.request.status) for card in last if isinstance(card, RequestCard)]


def enqueue_anew(world: World, request_id: str, payload: Mapping[str, str]) -> None:
    """As when it was taken out of the queue to be told together with others."""
    key = f"cards:{request_id}"
    with world.store.transaction() as tx:
        assert tx.is_enqueued(key)
        tx.cancel([key])
        assert not tx.is_enqueued(key)
        tx.enqueue([Effect("chat.cards", request_id, key, tx.now(), payload)])


def test_a_card_that_came_through_and_was_then_refused_for_good_is_not_posted_again(world: World) -> None:
    request_id = asked_without_an_answer(world, CHANNEL)
    world.chat.fail(CHANNEL, passing=False)
    world.later(MINUTE, "chat")
    assert world.store.next_due("chat") is None
    deny(world, request_id)
    world.run("chat")
    assert statuses_at(world, CHANNEL) == ["denied"]


def test_nor_is_one_whose_effect_was_cancelled_before_it_was_tried_again(world: World) -> None:
    request_id = asked_without_an_answer(world, CHANNEL)
    enqueue_anew(world, request_id, {})
    world.run("chat")
    assert statuses_at(world, CHANNEL) == ["pending"]


def test_one_that_was_put_off_is_brought_up_to_date_too(world: World) -> None:
    request_id = asked_without_an_answer(world, CHANNEL)
    deny(world, request_id)
    enqueue_anew(world, request_id, {"late": "denied"})
    world.run("chat")
    assert statuses_at(world, CHANNEL) == ["denied"]


def test_what_was_refused_and_never_came_through_is_posted_once_it_can_be(world: World) -> None:
    world.chat.fail(CHANNEL, passing=False)
    request_id = world.asked()
    world.run("chat")
    assert cards_at(world, CHANNEL) == []
    deny(world, request_id)
    world.run("chat")
    assert statuses_at(world, CHANNEL) == ["denied"]


@pytest.mark.parametrize("after", [True, False], ids=["came through", "did not"])
def test_who_would_not_be_sent_it_any_more_gets_no_copy_but_has_theirs_updated(world: World, after: bool) -> None:
    world.chat.fail(OTTO, passing=True, after=after)
    request_id = world.asked()
    world.run("chat")
    world.without(people="otto")
    deny(world, request_id)
    world.later(MINUTE, "chat")
    assert statuses_at(world, OTTO) == (["denied"] if after else [])
