"""After an outage: one digest for each person, one message for a channel, and nobody is told twice."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import pytest

from bot.core.model import Effect, Grant
from bot.service import floods
from bot.service.cards import DigestCard, Notice, RequestCard
from bot.service.effects import LEASE
from bot.service.floods import CARDS_MOST, LATE_APART, LINES_MOST, QUIET, TELLS_MOST
from tests.core.examples import HOUR, MINUTE, actor
from tests.service.fakes import Message
from tests.service.world import World, at_once, done

ALICE, BOB, CHANNEL = "@U1", "@U2", "C-APPROVERS"
LATER = QUIET + timedelta(seconds=1)
FEW = 4


@pytest.fixture(autouse=True)
def bob_has_a_manager(world: World) -> None:
    world.change_person("bob", manager="mona")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of cards begins sooner, so that it is made in less time."""
    monkeypatch.setattr(floods, "CARDS_MOST", FEW)


def ended(world: World, count: int, by: str = "alice", **asked: object) -> list[Grant]:
    """Grants that ended while no message could be sent; they were told that each was active."""
    grants = [world.granted(requester=by, reason=f"Ticket number {number}.", **asked) for number in range(count)]
    world.run("chat")
    world.later(HOUR)
    assert {str(world.grant(grant.id).status) for grant in grants} == {"ended"}
    return grants


def lapsed(world: World, count: int) -> list[str]:
    """Requests that lapsed while no message could be sent; their cards were posted."""
    ids = [world.asked(reason=f"Ticket number {number}.") for number in range(count)]
    world.run("chat")
    world.later(4 * HOUR)
    return ids


def digests(world: World, destination: str) -> list[Message]:
    return [message for message in world.chat.to(destination) if isinstance(message.shows[0], DigestCard)]


def digest(world: World, destination: str) -> DigestCard:
    (message,) = digests(world, destination)
    card = message.shows[-1]
    assert isinstance(card, DigestCard)
    return card


def told(world: World, destination: str) -> list[str]:
    return [m.shows[0].what for m in world.chat.to(destination) if isinstance(m.shows[0], Notice)]


def subjects(lines: Sequence[Notice]) -> list[str]:
    return [line.grant.id if line.grant else line.request.id for line in lines]


def catch_up(world: World) -> None:
    """Messages go out again."""
    world.run("chat")
    for _ in range(3):
        world.later(LATER, "chat")


# --- people ----------------------------------------------------------------------------------------------


def test_a_person_is_told_of_many_ends_in_one_message(world: World) -> None:
    grants = ended(world, 8)
    catch_up(world)
    card = digest(world, ALICE)
    assert (card.total, card.counts) == (8, (("expired", 8),))
    assert sorted(subjects(card.lines)) == sorted(grant.id for grant in grants)
    assert told(world, ALICE) == ["active"] * 8
    with world.store.transaction() as tx:
        assert tx.waiting("chat.tell", "person:alice", 9) == 0


def test_a_few_are_told_one_by_one(world: World) -> None:
    ended(world, TELLS_MOST)
    catch_up(world)
    assert told(world, ALICE) == ["active"] * TELLS_MOST + ["ended"] * TELLS_MOST
    assert digests(world, ALICE) == []


def test_one_more_than_a_few_is_a_digest(world: World) -> None:
    ended(world, TELLS_MOST + 1)
    catch_up(world)
    assert digest(world, ALICE).total == TELLS_MOST + 1
    assert "ended" not in told(world, ALICE)


def test_each_person_has_a_digest_of_their_own(world: World) -> None:
    ended_alice, ended_bob = 5, 6
    grants = [world.granted(requester="alice", reason=f"Ticket number {n}.") for n in range(ended_alice)]
    grants += [world.granted(requester="bob", reason=f"Ticket number {n}.") for n in range(ended_bob)]
    world.run("chat")
    world.later(2 * HOUR)
    catch_up(world)
    assert digest(world, ALICE).total == ended_alice
    assert digest(world, BOB).total == ended_bob
    assert set(subjects(digest(world, ALICE).lines)) == {grant.id for grant in grants[:ended_alice]}


def test_it_says_how_each_came_to_an_end(world: World) -> None:
    released = world.granted(reason="This one is given back.")
    expired = [world.granted(reason=f"Ticket number {number}.") for number in range(3)]
    denied = world.asked(reason="This one is denied.")
    world.run("chat")
    done(world.access.release(released.id, world.person("alice"), actor("alice")))
    done(world.access.deciding.deny(denied, world.person("otto"), "Not now.", actor("otto")))
    world.later(2 * HOUR)
    catch_up(world)
    card = digest(world, ALICE)
    assert dict(card.counts) == {"expired": 3, "released": 1, "denied": 1}
    how = {subject: line.what for subject, line in zip(subjects(card.lines), card.lines, strict=True)}
    assert how == {**{grant.id: "expired" for grant in expired}, released.id: "released", denied: "denied"}
    assert not {"ended", "denied"} & set(told(world, ALICE))


def test_a_long_digest_shows_the_newest_and_counts_the_rest(world: World) -> None:
    older = [world.granted(reason=f"Ticket number {number}.") for number in range(6)]
    newer = [world.granted(reason=f"Later on, {number}.", duration=2 * HOUR) for number in range(LINES_MOST - 2)]
    world.run("chat")
    for _ in range(2):
        world.later(HOUR)
    catch_up(world)
    card = digest(world, ALICE)
    assert (card.total, len(card.lines)) == (LINES_MOST + 4, LINES_MOST)
    assert set(subjects(card.lines[:-2])) == {grant.id for grant in newer}
    assert set(subjects(card.lines[-2:])) <= {grant.id for grant in older}


def test_that_access_begins_is_told_at_once_and_by_itself(world: World) -> None:
    ended(world, 6)
    fresh = world.granted(reason="This one is needed now.", duration=2 * HOUR)
    world.run("chat")
    last = [m.shows[0] for m in world.chat.to(ALICE) if isinstance(m.shows[0], Notice)][-1]
    assert last.grant is not None
    assert (last.what, last.grant.id) == ("active", fresh.id)
    assert digests(world, ALICE) == []


def test_the_digest_waits_for_what_is_about_to_end(world: World) -> None:
    """The bot was down: its grants end one after the other while messages can be sent."""
    grants = [world.granted(reason=f"Ticket number {number}.") for number in range(6)]
    world.run("chat")
    world.clock.move(2 * HOUR)
    while any(str(world.grant(grant.id).status) != "ended" for grant in grants):
        world.worker.run_due("access", 1)
        world.worker.run_due("cloud", 1)
        world.run("chat")
        world.clock.move(timedelta(milliseconds=100))
    catch_up(world)
    assert digest(world, ALICE).total == 6
    assert "ended" not in told(world, ALICE)


def test_a_digest_that_the_chat_did_not_take_grows_until_it_does(world: World) -> None:
    ended(world, 5)
    world.run("chat")
    world.chat.fail(ALICE, passing=True, times=2)
    world.later(LATER, "chat")
    assert digests(world, ALICE) == []
    for number in range(2):
        done(world.access.cancel(world.asked(reason=f"Later on, {number}."), world.person("alice"), actor("alice")))
    for _ in range(6):
        world.later(MINUTE, "chat")
    assert digest(world, ALICE).total == 7
    assert "ended" not in told(world, ALICE)


def test_a_digest_whose_answer_was_lost_is_posted_once_and_shows_what_came_since(world: World) -> None:
    ended(world, 5)
    world.run("chat")
    world.chat.fail(ALICE, passing=True, after=True)
    world.later(LATER, "chat")
    for number in range(2):
        done(world.access.cancel(world.asked(reason=f"Later on, {number}."), world.person("alice"), actor("alice")))
    for _ in range(6):
        world.later(MINUTE, "chat")
    assert digest(world, ALICE).total == 7
    assert "ended" not in told(world, ALICE)


def test_a_digest_that_a_dead_worker_posted_is_found_by_the_next(world: World) -> None:
    ended(world, 5)
    world.run("chat")
    world.clock.move(LATER)
    claim = world.claim("chat.digest")
    with world.store.transaction() as tx:
        message, _ = tx.stamp_lines("person:alice", "digest:by-the-dead")
    world.chat.post(ALICE, DigestCard("person", (), ()), message, maybe_posted=False)
    world.later(LEASE, "chat")
    assert digest(world, ALICE).total == 5
    world.runner.run(claim)
    assert len(digests(world, ALICE)) == 1


def test_what_was_told_by_itself_without_an_answer_is_not_told_again_in_a_digest(world: World) -> None:
    (first,) = ended(world, 1)
    world.chat.fail(ALICE, passing=True, after=True)
    world.run("chat")
    assert told(world, ALICE)[-1] == "ended"
    ended(world, 5, duration=HOUR / 2)
    catch_up(world)
    card = digest(world, ALICE)
    assert card.total == 5
    assert first.id not in subjects(card.lines)
    assert told(world, ALICE).count("ended") == 1


def test_when_all_of_it_was_told_no_digest_is_posted(world: World) -> None:
    ended(world, 5)
    claims = [claim for claim in world.store.claim("chat", 100, LEASE) if claim.kind == "chat.tell"]
    for claim in claims:
        notice = world.queries.notice("ended", claim.subject)
        assert notice is not None
        world.chat.post(ALICE, notice, claim.key, maybe_posted=False)
    world.later(LEASE + MINUTE, "chat")
    catch_up(world)
    assert digests(world, ALICE) == []
    assert told(world, ALICE).count("ended") == 5


def test_four_chat_workers_tell_each_person_once(crowded_world: World) -> None:
    world = crowded_world
    ended(world, 30)
    for _ in range(4):
        at_once([lambda: world.run("chat")] * 4)
        world.clock.move(LATER)
    assert digest(world, ALICE).total == 30
    assert "ended" not in told(world, ALICE)


def test_somebody_who_cannot_be_reached_holds_nothing_up(world: World) -> None:
    ended(world, 5)
    world.chat.fail(ALICE, passing=False, times=99)
    catch_up(world)
    assert world.store.next_due("chat") is None


# --- channels --------------------------------------------------------------------------------------------


def test_a_channel_is_told_of_many_settled_requests_in_one_message(world: World, few: None) -> None:
    ids = lapsed(world, LINES_MOST + 3)
    catch_up(world)
    card = digest(world, CHANNEL)
    assert (card.audience, card.counts) == ("channel", (("lapsed", len(ids)),))
    assert len(card.lines) == LINES_MOST
    assert set(subjects(card.lines)) < set(ids)


def test_up_to_twenty_cards_are_updated_at_once(world: World) -> None:
    assert CARDS_MOST == 20
    lapsed(world, CARDS_MOST)
    world.run("chat")
    shown = [m.shows[-1] for m in world.chat.to(CHANNEL)]
    assert {str(card.request.status) for card in shown if isinstance(card, RequestCard)} == {"lapsed"}
    assert digests(world, CHANNEL) == []


def test_old_cards_are_updated_later_apart_from_each_other(world: World, few: None) -> None:
    ids = lapsed(world, FEW + 5)
    catch_up(world)
    copies, updated = 4, []
    for _ in range(60):
        world.later(copies * LATE_APART, "chat")
        updated.append([stands(world, request_id) for request_id in ids].count("lapsed"))
    steps = {after - before for before, after in pairwise([0, *updated])}
    assert steps == {0, 1}
    assert updated[-1] == len(ids)
    assert len(digests(world, CHANNEL)) == 1


def test_a_request_that_is_pending_is_never_behind_them(world: World, few: None) -> None:
    lapsed(world, FEW + 5)
    pending = world.asked(reason="This one is needed now.")
    live = world.granted(reason="This one is needed, too.")
    world.run("chat")
    assert stands(world, pending) == "pending"
    assert stands(world, live.request_id) == "approved"
    assert digests(world, CHANNEL) == []


def test_what_was_put_off_while_being_removed_is_in_the_message_when_it_has_ended(world: World, few: None) -> None:
    grants = [world.granted(reason=f"Ticket number {number}.") for number in range(FEW + 3)]
    world.run("chat")
    world.clock.move(2 * HOUR)
    while world.worker.run_due("access"):
        pass
    assert {str(world.grant(grant.id).status) for grant in grants} == {"revoking"}
    world.run("chat")
    assert {stands_as(world, grant) for grant in grants} == {"active"}
    world.run()
    catch_up(world)
    assert digest(world, CHANNEL).counts == (("expired", len(grants)),)
    world.later(2 * HOUR, "chat")
    assert {stands_as(world, grant) for grant in grants} == {"ended"}


def test_approvers_pages_are_not_published_for_each_of_them(world: World, few: None) -> None:
    world.opens_home("mona")
    lapsed(world, FEW + 5)
    world.chat.homes.clear()
    catch_up(world)
    for _ in range(10):
        world.later(MINUTE, "chat")
    published = [chat_id for chat_id, _ in world.chat.homes]
    assert 1 <= published.count("U3") <= 10
    assert dict(world.chat.homes)["U3"].waiting_for_me == ()


def test_a_card_that_was_decided_anew_while_it_was_put_off_shows_what_is_so(world: World, few: None) -> None:
    ids = lapsed(world, FEW + 5)
    catch_up(world)
    with world.store.transaction() as tx:
        tx.enqueue([Effect("chat.cards", ids[-1], f"cards:{ids[-1]}", tx.now())])
    world.run("chat")
    assert stands(world, ids[-1]) == "lapsed"


def stands(world: World, request_id: str) -> str:
    """The status that the channel's card shows."""
    shown = (m.shows[-1] for m in world.chat.to(CHANNEL))
    return next(str(c.request.status) for c in shown if isinstance(c, RequestCard) and c.request.id == request_id)


def stands_as(world: World, grant: Grant) -> str:
    """The grant's status that the channel's card shows."""
    shown = (m.shows[-1] for m in world.chat.to(CHANNEL))
    cards = (c for c in shown if isinstance(c, RequestCard) and c.request.id == grant.request_id)
    return next(str(card.grants[-1].status) for card in cards)
