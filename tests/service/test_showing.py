import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.decisions import BEGINS_WITHIN
from bot.core.model import Effect, GrantStatus, Person, RequestStatus
from bot.providers.fake import Fault
from bot.service.cards import (
    AlertCard,
    EnrolmentCard,
    Names,
    Notice,
    RequestCard,
    SummaryCard,
)
from bot.service.chat import Card, fingerprint
from bot.service.effects import LEASE
from tests.core.examples import HOUR, MINUTE, NOW, PENDING, actor
from tests.service.fakes import Message
from tests.service.world import World, done

OWN, MONA, OTTO, CHANNEL = "@U1", "@U3", "@U4", "C-APPROVERS"
COPIES = {OWN, MONA, OTTO, CHANNEL}


def card_at(world: World, destination: str) -> Message:
    """The one request card there."""
    (message,) = [m for m in world.chat.to(destination) if isinstance(m.shows[0], RequestCard)]
    return message


def shown(world: World, destination: str) -> RequestCard:
    card = card_at(world, destination).shows[-1]
    assert isinstance(card, RequestCard)
    return card


def told(world: World, person: str = "@U1") -> list[str]:
    """What a person was told, in order."""
    return [m.shows[0].what for m in world.chat.to(person) if isinstance(m.shows[0], Notice)]


# --- cards -----------------------------------------------------------------------------------------------


def test_a_request_is_shown_to_its_requester_the_channel_and_each_approver(world: World) -> None:
    world.asked()
    world.run("chat")
    assert {message.destination for message in world.chat.messages} == COPIES
    assert shown(world, OWN).audience == "own"
    assert {shown(world, place).audience for place in COPIES - {OWN}} == {"approvers"}


def test_every_copy_shows_the_outcome_and_who_decided(world: World) -> None:
    request_id = world.asked()
    world.run("chat")
    done(world.access.deciding.deny(request_id, world.person("otto"), "Use the replica.", actor("otto")))
    world.run("chat")
    for place in COPIES:
        request = shown(world, place).request
        assert (request.status, request.decided_by, request.decision_note) == ("denied", "otto", "Use the replica.")
    assert told(world) == ["denied"]


def test_a_card_is_posted_once_and_updated_from_then_on(world: World) -> None:
    grant = world.scheduled()
    world.run("chat")
    world.run()
    world.run("chat")
    world.later(HOUR, "access", "chat")
    assert len(world.chat.to(CHANNEL)) == 1
    statuses = [card.grants[0].status for card in card_at(world, CHANNEL).shows if isinstance(card, RequestCard)]
    assert statuses == ["scheduled", "active", "ended"]
    assert shown(world, CHANNEL).grants[0].id == grant.id


def test_granted_is_said_only_after_the_cloud_said_so(world: World) -> None:
    world.cloud.fail("grant", Fault.THROTTLED)
    world.scheduled()
    world.run()
    world.run("chat")
    assert told(world) == []
    assert [grant.status for grant in shown(world, OWN).grants] == ["granting"]
    world.later(MINUTE, "access", "chat")
    assert told(world) == ["active"]
    assert shown(world, OWN).how_to_use == (("Profile", "export AWS_PROFILE=payments"),)
    assert shown(world, CHANNEL).how_to_use == ()


def test_a_copy_that_shows_the_same_already_is_left_alone(world: World) -> None:
    request_id = world.asked()
    world.run("chat")
    for _ in range(3):
        with world.store.transaction() as tx:
            tx.enqueue([Effect("chat.cards", request_id, f"cards:{request_id}", tx.now())])
        world.run("chat")
    assert all(len(card_at(world, place).shows) == 1 for place in COPIES)


def test_a_copy_whose_reader_left_the_catalogue_is_brought_up_to_date_too(world: World) -> None:
    request_id = world.asked()
    world.run("chat")
    world.without(people="otto")
    world.approve(request_id)
    world.later(BEGINS_WITHIN, "chat")
    assert {shown(world, place).request.status for place in COPIES} == {"approved"}


def test_from_the_click_to_the_access_a_card_is_updated_once(world: World) -> None:
    request_id = world.asked()
    world.run("chat")
    world.approve(request_id)
    world.run("chat")
    world.run()
    world.run("chat")
    for place in COPIES:
        first, last = card_at(world, place).shows
        assert (first.grants, last.grants[0].status) == ((), GrantStatus.ACTIVE)


def test_one_place_that_never_takes_it_does_not_keep_the_others(world: World) -> None:
    world.chat.fail(CHANNEL, passing=False, times=9)
    world.asked()
    world.run("chat")
    assert {message.destination for message in world.chat.messages} == COPIES - {CHANNEL}
    assert world.store.next_due("chat") is None


def test_one_place_that_is_busy_is_tried_again_and_the_others_are_not_posted_twice(world: World) -> None:
    world.chat.fail(CHANNEL, passing=True)
    world.asked()
    world.run("chat")
    world.later(MINUTE, "chat")
    assert {message.destination for message in world.chat.messages} == COPIES
    assert len(world.chat.messages) == len(COPIES)
    assert world.chat.maybes.count((CHANNEL, False)) == 1
    assert world.chat.maybes.count((CHANNEL, True)) == 1


def test_a_post_whose_answer_was_lost_is_not_posted_again(world: World) -> None:
    world.chat.fail(CHANNEL, passing=True, after=True)
    world.asked()
    world.run("chat")
    world.later(MINUTE, "chat")
    assert len(world.chat.to(CHANNEL)) == 1


def test_not_even_when_something_new_was_to_be_shown_meanwhile(world: World) -> None:
    world.chat.fail(CHANNEL, passing=True, after=True)
    request_id = world.asked()
    world.run("chat")
    world.approve(request_id)
    world.later(MINUTE, "chat")
    assert len(world.chat.to(CHANNEL)) == 1
    world.later(2 * MINUTE, "access", "chat")
    assert shown(world, CHANNEL).grants[0].status == "active"


def test_an_update_that_is_busy_is_tried_again(world: World) -> None:
    request_id = world.asked()
    world.run("chat")
    world.chat.fail(MONA, passing=True)
    done(world.access.cancel(request_id, world.person("alice"), actor("alice")))
    world.run("chat")
    assert shown(world, MONA).request.status == "pending"
    world.later(MINUTE, "chat")
    assert {shown(world, place).request.status for place in COPIES} == {"cancelled"}


def test_what_a_slow_worker_wrote_over_is_put_right(world: World) -> None:
    request_id = world.asked()
    world.run("chat")
    done(world.access.deciding.deny(request_id, world.person("otto"), "No.", actor("otto")))
    slow = world.claim("chat.cards")
    world.clock.move(LEASE)
    world.run("chat")
    assert world.store.next_due("chat") is None
    world.runner.run(slow)
    assert world.store.next_due("chat") is not None
    world.run("chat")
    assert shown(world, CHANNEL).request.status == "denied"


def test_a_slow_worker_shows_nothing_once_its_lease_is_over(world: World) -> None:
    request_id = world.asked()
    world.run("chat")
    done(world.access.deciding.deny(request_id, world.person("otto"), "No.", actor("otto")))
    slow = world.claim("chat.cards")
    world.clock.move(LEASE)
    world.runner.run(slow)
    assert {shown(world, place).request.status for place in COPIES} == {"pending"}
    world.run("chat")
    assert {shown(world, place).request.status for place in COPIES} == {"denied"}


def test_a_slow_worker_says_nothing_once_its_lease_is_over(world: World) -> None:
    world.granted()
    slow = world.claim("chat.tell")
    world.clock.move(LEASE)
    world.run("chat")
    said = len(world.chat.messages)
    assert not world.runner.run(slow)
    assert len(world.chat.messages) == said


def test_with_the_chat_down_access_is_granted_and_ends_and_the_cards_catch_up(world: World) -> None:
    world.opens_home("alice", "mona", "otto")
    for place in COPIES | {"home:U1", "home:U3", "home:U4"}:
        world.chat.fail(place, passing=True, times=3)
    grant = world.granted()
    world.later(HOUR, "access", "chat")
    assert world.grant(grant.id).status == "ended"
    for _ in range(12):
        world.later(MINUTE, "access", "chat")
    assert {shown(world, place).grants[0].status for place in COPIES} == {"ended"}
    assert told(world) == ["ended"]  # that it was active, too, is no news by then


def test_the_card_says_what_they_hold_already_while_it_can_be_decided(world: World) -> None:
    held = world.granted()
    request_id = world.asked(duration=2 * HOUR)
    card = world.queries.request_card(request_id, "approvers")
    assert card is not None
    assert [grant.id for grant in card.held] == [held.id]
    world.approve(request_id)
    card = world.queries.request_card(request_id, "approvers")
    assert card is not None
    assert card.held == ()


# --- telling ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["cancelled", "lapsed"])
def test_the_requester_is_told_how_it_was_decided(world: World, how: str) -> None:
    request_id = world.asked()
    if how == "cancelled":
        done(world.access.cancel(request_id, world.person("alice"), actor("alice")))
    world.later(4 * HOUR, "access", "chat")
    assert told(world) == [how]


def test_a_notice_whose_answer_was_lost_is_said_once(world: World) -> None:
    world.granted()
    world.run("chat")
    world.chat.messages.clear()
    world.chat.fail(OWN, passing=True, after=True)
    world.later(HOUR, "access", "chat")
    world.later(MINUTE, "chat")
    world.later(MINUTE, "chat")
    assert told(world) == ["ended"]


def test_they_are_reminded_before_the_end(world: World) -> None:
    grant = world.granted()
    world.run("chat")
    world.later(grant.expires_at - world.clock.now() - 10 * MINUTE - timedelta(seconds=1), "chat")
    assert told(world) == ["active"]
    world.later(timedelta(seconds=1), "chat")
    assert told(world) == ["active", "reminder"]


def test_nobody_is_reminded_of_what_they_gave_back(world: World) -> None:
    grant = world.granted()
    world.run("chat")
    done(world.access.release(grant.id, world.person("alice"), actor("alice")))
    world.later(HOUR, "access", "chat")
    assert told(world) == ["active", "ended"]


def test_a_reminder_that_comes_after_the_end_is_not_said(world: World) -> None:
    world.granted()
    world.run("chat")
    world.clock.move(55 * MINUTE)
    late = world.claim("chat.remind")
    world.clock.move(6 * MINUTE)
    world.run()
    with world.store.transaction() as tx:
        tx.enqueue([Effect("chat.remind", late.subject, late.key, tx.now())])
    world.later(LEASE, "chat")
    assert "reminder" not in told(world)


# --- home and enrolment ----------------------------------------------------------------------------------


def test_home_shows_what_is_live_pending_and_waiting(world: World) -> None:
    world.opens_home("alice", "mona")
    live = world.granted()
    pending = world.asked(duration=2 * HOUR)
    world.run("chat")
    homes = dict(world.chat.homes)
    assert [grant.id for grant in homes["U1"].live] == [live.id]
    assert [request.id for request in homes["U1"].pending] == [pending]
    assert [request.id for request in homes["U3"].waiting_for_me] == [pending]
    assert sorted(homes["U1"].roles) == ["db-admin", "deploy", "s3-read"]
    assert homes["U3"].roles == {}


def test_a_home_that_cannot_be_published_holds_nothing_up(world: World) -> None:
    world.opens_home("alice")
    world.chat.fail("home:U1", passing=False)
    world.asked()
    world.run("chat")
    assert world.store.next_due("chat") is None


def test_who_wants_to_enrol_is_shown_to_those_who_may_vouch(world: World) -> None:
    with world.store.transaction() as tx:
        tx.remove_authenticator("bob")
    world.enrolments.request(world.person("bob"), actor("bob"))
    world.run("chat")
    cards = {m.destination: m.shows[0] for m in world.chat.messages}
    assert all(isinstance(card, EnrolmentCard) for card in cards.values())
    audiences = {place: card.audience for place, card in cards.items() if isinstance(card, EnrolmentCard)}
    assert audiences["@U2"] == "own"
    assert {audience for place, audience in audiences.items() if place != "@U2"} == {"approvers"}
    assert "@U5" in audiences


# --- fingerprints ----------------------------------------------------------------------------------------


def two_orders() -> tuple[frozenset[str], frozenset[str]]:
    """Two equal sets that are walked in different orders, as by two processes."""
    words = [f"group-{number}" for number in range(100)]
    pairs = ((frozenset(pair), frozenset(reversed(pair))) for pair in itertools.combinations(words, 2))
    return next((one, other) for one, other in pairs if list(one) != list(other))


def a_card(person: Person) -> RequestCard:
    return RequestCard(
        "own", PENDING, (), person, "Read", "Payments", "1", "Bug fix", (), (), Names({"b": "B", "a": "A"})
    )


def test_equal_cards_have_one_fingerprint_in_whatever_order_their_sets_are_walked() -> None:
    one, other = two_orders()
    cards = [a_card(Person("alice", "Alice", groups=groups)) for groups in (one, other)]
    assert repr(cards[0]) != repr(cards[1])
    assert fingerprint(cards[0]) == fingerprint(cards[1])


def test_cards_that_differ_anywhere_have_different_fingerprints() -> None:
    card = a_card(Person("alice", "Alice"))
    others: list[Card] = [
        replace(card, audience="approvers"),
        replace(card, request=replace(PENDING, status=RequestStatus.DENIED)),
        replace(card, request=replace(PENDING, ask=replace(PENDING.ask, params={"bucket": "other"}))),
        replace(card, requester=Person("alice", "Alice", groups=frozenset({"x"}))),
        replace(card, how_to_use=(("a", "b"),)),
        replace(card, names=Names({"a": "A"}, {"b": "B"})),
        AlertCard("Read", ()),
        SummaryCard(NOW, NOW, "UTC", (), Names()),
    ]
    assert len({fingerprint(other) for other in [card, *others]}) == len(others) + 1
