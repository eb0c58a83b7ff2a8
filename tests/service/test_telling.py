"""What it takes to tell: what is read, how often the database is asked, and what the chat will not take yet."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from bot.core.model import Effect, RequestStatus
from bot.core.rules import Stage
from bot.service.cards import Notice, RequestCard
from bot.service.effects import LEASE
from bot.service.records import Claim
from bot.store import open_store
from tests.core.examples import HOUR, MINUTE, NOW, actor
from tests.service.fakes import FakeClock
from tests.service.world import World, done

OWN, MONA, OTTO, CHANNEL = "@U1", "@U3", "@U4", "C-APPROVERS"
COPIES = {OWN, MONA, OTTO, CHANNEL}
SOON = timedelta(seconds=5)


class Counting:
    """A store that counts its transactions, and what is asked of them; ``after`` each, something may happen."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.transactions = 0
        self.asked: Counter[str] = Counter()
        self.after: Callable[[], object] = lambda: None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        self.transactions += 1
        with self._store.transaction() as tx:
            yield _Counted(tx, self.asked)
        self.after()

    def begin(self) -> None:
        """Count from here."""
        self.transactions = 0
        self.asked.clear()


class _Counted:
    def __init__(self, tx: Any, asked: Counter[str]) -> None:
        self._tx, self._asked = tx, asked

    def __getattr__(self, name: str) -> Any:
        self._asked[name] += 1
        return getattr(self._tx, name)


@pytest.fixture
def store(sqlite_url: str) -> Counting:
    return Counting(open_store(sqlite_url, clock=FakeClock(NOW)))


@pytest.fixture
def world(store: Counting) -> Iterator[World]:
    world = World(store=store, clock=store._store._clock)  # type: ignore[arg-type]
    yield world
    world.close()


def statuses(world: World) -> dict[str, RequestStatus]:
    """What the request's card says by now, by place."""
    last = ((message.destination, message.shows[-1]) for message in world.chat.messages)
    return {place: card.request.status for place, card in last if isinstance(card, RequestCard)}


def told(world: World) -> list[str]:
    shown = (message.shows[0] for message in world.chat.to(OWN))
    return [card.what for card in shown if isinstance(card, Notice)]


def enqueued_anew(world: World) -> Claim:
    with world.store.transaction() as tx:
        tx.enqueue([Effect("chat.cards", "r-1", "cards:r-1", tx.now())])
    return world.claim("chat.cards")


def denied(world: World) -> str:
    """A request whose cards are out, and which was denied since."""
    request_id = world.asked()
    world.run("chat")
    done(world.access.deciding.deny(request_id, world.person("otto"), "No.", actor("otto")))
    return request_id


# --- what is read ----------------------------------------------------------------------------------------


def test_a_request_is_read_once_for_all_of_its_cards(world: World, store: Counting) -> None:
    world.asked()
    claim = world.claim("chat.cards")
    store.begin()
    assert world.runner.run(claim)
    assert set(statuses(world)) == COPIES
    assert (store.asked["request"], store.asked["grants"], store.asked["absences"]) == (1, 1, 1)
    assert store.transactions == 1 + len(COPIES) + 1


def test_what_all_have_is_brought_up_to_date_in_a_transaction_for_each(world: World, store: Counting) -> None:
    denied(world)
    claim = world.claim("chat.cards")
    store.begin()
    assert world.runner.run(claim)
    assert statuses(world) == dict.fromkeys(COPIES, RequestStatus.DENIED)
    # Nobody new is asked about what is decided, so that it is no matter who is away.
    assert (store.asked["request"], store.asked["absences"]) == (1, 0)
    assert store.transactions == 1 + len(COPIES)


def test_what_shows_the_same_already_costs_two_transactions(world: World, store: Counting) -> None:
    denied(world)
    world.run("chat")
    claim = enqueued_anew(world)
    store.begin()
    assert world.runner.run(claim)
    assert store.transactions == 2


def test_a_notice_takes_a_transaction_before_and_one_after(world: World, store: Counting) -> None:
    world.granted()
    claim = world.claim("chat.tell")
    store.begin()
    assert world.runner.run(claim)
    assert told(world) == ["active"]
    assert store.transactions == 2


def test_who_was_never_sent_a_card_gets_it_decided(world: World) -> None:
    world.chat.waits[MONA] = SOON
    denied(world)
    world.chat.waits.clear()
    world.later(MINUTE, "chat")
    assert statuses(world) == dict.fromkeys(COPIES, RequestStatus.DENIED)


def test_who_never_had_their_turn_is_sent_no_card_when_it_is_decided(world: World) -> None:
    stages = Stage(people=frozenset({"otto"})), Stage(people=frozenset({"sam"}))
    world.change_role("s3-read", stages=stages)
    denied(world)
    world.run("chat")
    assert statuses(world) == dict.fromkeys(COPIES - {MONA}, RequestStatus.DENIED)


# --- leases ----------------------------------------------------------------------------------------------


def test_who_loses_the_lease_between_two_copies_notes_the_first_and_has_it_shown_anew(
    world: World, store: Counting
) -> None:
    request_id = denied(world)
    claim = world.claim("chat.cards")
    passes_the_lease_after_the_first(world, store)
    assert not world.runner.run(claim)
    (first,) = [place for place, status in statuses(world).items() if status is RequestStatus.DENIED]
    with world.store.transaction() as tx:
        noted = {message.destination: message.shown for message in tx.messages(request_id)}
    assert [place for place in COPIES if noted[place] != noted[OTTO]] == [first]
    world.run("chat")
    assert statuses(world) == dict.fromkeys(COPIES, RequestStatus.DENIED)


def test_what_a_late_worker_wrote_over_between_two_copies_is_put_right(world: World, store: Counting) -> None:
    denied(world)
    claim = world.claim("chat.cards")
    passes_the_lease_after_the_first(world, store, then=lambda: world.run("chat"))
    assert not world.runner.run(claim)
    assert [each.key for each in world.store.claim("chat", 100, LEASE)] == [claim.key]


@pytest.mark.parametrize("kind", ["chat.cards", "chat.tell"])
def test_what_was_seen_of_a_lease_counts_for_a_moment_only(
    world: World, store: Counting, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.service.copies.FRESH", -1.0)
    denied(world)
    claim = world.claim(kind)
    before = statuses(world), told(world)
    passes_the_lease_after_the_first(world, store)
    assert not world.runner.run(claim)
    assert (statuses(world), told(world)) == before


def passes_the_lease_after_the_first(world: World, store: Counting, then: Callable[[], object] = lambda: None) -> None:
    """Transaction, that is: what it read is right, what comes next is late. ``then``: what others do meanwhile."""

    def once() -> None:
        store.after = lambda: None
        world.clock.move(LEASE)
        then()

    store.after = once


# --- what the chat does not take yet ---------------------------------------------------------------------


def test_a_place_that_takes_nothing_yet_keeps_no_other_waiting_and_is_not_searched_afterwards(world: World) -> None:
    world.chat.waits[CHANNEL] = SOON
    world.asked()
    world.run("chat")
    assert set(statuses(world)) == COPIES - {CHANNEL}
    world.chat.waits.clear()
    world.later(SOON, "chat")
    assert set(statuses(world)) == COPIES
    assert len(world.chat.messages) == len(COPIES)
    assert (CHANNEL, True) not in world.chat.maybes


def test_while_no_update_is_taken_no_card_is_made(world: World, store: Counting) -> None:
    denied(world)
    world.chat.waits[""] = SOON
    claim = world.claim("chat.cards")
    store.begin()
    assert not world.runner.run(claim)
    assert store.asked["grants"] == 0
    assert statuses(world) == dict.fromkeys(COPIES, RequestStatus.PENDING)
    world.chat.waits.clear()
    world.later(SOON, "chat")
    assert statuses(world) == dict.fromkeys(COPIES, RequestStatus.DENIED)


def test_a_notice_that_is_not_taken_yet_is_said_later_without_a_search(world: World) -> None:
    world.chat.waits[OWN] = SOON
    world.granted()
    world.run("chat")
    assert told(world) == []
    world.chat.waits.clear()
    world.later(SOON, "chat")
    assert told(world) == ["active"]
    assert (OWN, True) not in world.chat.maybes


@pytest.mark.parametrize("what", ["active", "ended"])
def test_nor_is_one_searched_that_the_chat_itself_refused_until_later(world: World, what: str) -> None:
    world.granted()
    if what == "ended":
        world.run("chat")
        world.later(HOUR)
    world.run("people")
    claim = world.claim("chat.tell")
    world.chat.refuse(OWN, SOON)
    world.runner.run(claim)
    world.chat.maybes.clear()
    world.later(LEASE, "chat")
    assert told(world)[-1] == what
    assert (OWN, True) not in world.chat.maybes


def test_one_that_may_have_been_said_before_it_was_refused_is_searched(world: World) -> None:
    world.granted()
    claim = world.claim("chat.tell")
    world.chat.fail(OWN, passing=True, after=True)
    world.runner.run(claim)
    world.chat.refuse(OWN, SOON)
    world.later(MINUTE, "chat")
    world.later(MINUTE, "chat")
    assert told(world) == ["active"]
