"""Access that should be gone and is not: one card for each account, which stays until that is solved."""

from datetime import timedelta

from bot.core.audit import Actor, ActorKind
from bot.core.model import Grant
from bot.providers.fake import Call, Fault
from bot.service.cards import OverdueCard
from bot.service.effects import LEASE
from bot.service.overdue import LINES_MOST
from bot.service.records import CloudError
from tests.core.examples import HOUR, MINUTE
from tests.service.fakes import Message
from tests.service.world import World, at_once

SECURITY = "C-SECURITY"
SECOND = timedelta(seconds=1)
SICK = 10_000
"""More faults than any test uses up."""


OPERATOR = Actor(ActorKind.OPERATOR, "root", "cli")


def stuck(world: World, *others: Grant, **asked: object) -> Grant:
    """A grant whose end has come and whose removal fails, as does that of ``others``, which are older."""
    grant = world.granted(**asked)
    world.cloud.fail("revoke", Fault.THROTTLED, SICK)
    world.later(grant.expires_at - world.clock.now() + 2 * MINUTE + SECOND)
    assert {str(world.grant(each.id).status) for each in (grant, *others)} == {"revoking"}
    return grant


def refuse_in_search(call: Call, done: bool) -> None:
    if call.account == "search" and not done:
        raise CloudError("The account is being moved.", passing=True)


def look(world: World) -> None:
    """As the ticker and the chat's worker do."""
    world.overdue.watch()
    world.run("chat")


def mended(world: World) -> None:
    world.cloud.heal()
    for _ in range(3):
        world.later(MINUTE)


def cards(world: World) -> list[Message]:
    return [message for message in world.chat.to(SECURITY) if isinstance(message.shows[0], OverdueCard)]


def shown(message: Message) -> OverdueCard:
    card = message.shows[-1]
    assert isinstance(card, OverdueCard)
    return card


def test_what_should_be_gone_and_is_not_is_noticed_two_minutes_later_and_logged_once(world: World) -> None:
    world.granted()
    world.cloud.fail("revoke", Fault.THROTTLED, SICK)
    world.later(HOUR + 2 * MINUTE)
    assert world.overdue.watch() == 0
    world.later(SECOND)
    assert [world.overdue.watch() for _ in range(3)] == [1, 0, 0]
    world.clock.move(3 * HOUR)
    assert world.overdue.watch() == 0
    assert world.tags().count("grant.overdue") == 1


def test_twenty_replicas_page_once(crowded_world: World) -> None:
    world = crowded_world
    world.granted()
    world.clock.move(2 * HOUR)
    assert sum(at_once([world.overdue.watch] * 20)) == 1
    at_once([lambda: world.run("chat")] * 4)
    assert world.tags().count("grant.overdue") == 1
    assert len(cards(world)) == 1


def test_the_card_says_whose_what_since_when_and_why(world: World) -> None:
    grant = stuck(world)
    look(world)
    (message,) = cards(world)
    card = shown(message)
    (line,) = card.lines
    assert (card.account_title, card.total, card.solved_at) == ("Payments", 1, None)
    assert (line.grant.id, line.grant.person, line.role_title) == (grant.id, "alice", "Read a bucket")
    assert (line.since, line.why) == (grant.expires_at, "revoke was throttled")
    assert card.names.mention["alice"] == "U1"


def test_what_was_revoked_early_is_overdue_since_then(world: World) -> None:
    grant = world.granted()
    world.cloud.fail("revoke", Fault.THROTTLED, SICK)
    world.access.revoke(grant.id, None, OPERATOR, "Left the company.")
    since = world.clock.now()
    world.later(2 * MINUTE + SECOND)
    look(world)
    assert shown(cards(world)[0]).lines[0].since == since


def test_a_grant_that_nothing_in_the_queue_removes_is_said_to_be_one(world: World) -> None:
    grant = world.granted()
    with world.store.transaction() as tx:
        tx.cancel([f"expire:{grant.id}"])
    world.later(2 * HOUR)
    look(world)
    assert "Nothing in the queue" in shown(cards(world)[0]).lines[0].why


def test_the_card_changes_with_what_is_overdue_and_is_posted_once(world: World) -> None:
    second = world.granted(reason="Another reason for it.", duration=2 * HOUR)
    first = stuck(world)
    look(world)
    world.later(HOUR)
    look(world)
    look(world)
    (message,) = cards(world)
    assert [[line.grant.id for line in card.lines] for card in message.shows if isinstance(card, OverdueCard)] == [
        [first.id],
        [first.id, second.id],
    ]


def test_it_is_marked_solved_when_all_were_observed_absent_and_not_before(world: World) -> None:
    stuck(world, world.granted(reason="Another reason for it."))
    look(world)
    assert shown(cards(world)[0]).total == 2
    mended(world)
    look(world)
    (message,) = cards(world)
    card = shown(message)
    assert (card.total, card.seen, card.solved_at) == (0, 2, world.clock.now())
    assert card.opened_at < card.solved_at
    shows = len(message.shows)
    world.later(HOUR)
    look(world)
    assert len(message.shows) == shows
    assert world.store.next_due("chat") is None


def test_a_new_incident_later_gets_a_card_of_its_own(world: World) -> None:
    stuck(world)
    look(world)
    mended(world)
    look(world)
    later = stuck(world, reason="Another reason for it.")
    look(world)
    first, second = cards(world)
    assert shown(first).solved_at is not None
    assert [line.grant.id for line in shown(second).lines] == [later.id]


def test_what_becomes_overdue_before_the_card_said_solved_stays_one_incident(world: World) -> None:
    stuck(world)
    look(world)
    mended(world)
    world.overdue.watch()
    stuck(world, reason="Another reason for it.")
    look(world)
    (message,) = cards(world)
    assert (shown(message).total, shown(message).solved_at) == (1, None)


def test_each_account_has_a_card_that_no_other_account_hides(world: World) -> None:
    many = [world.granted(reason=f"Ticket number {number}.") for number in range(LINES_MOST + 2)]
    other = stuck(world, *many, account="search", reason="The only one there.")
    look(world)
    by_account = {shown(message).account_title: shown(message) for message in cards(world)}
    assert (by_account["Payments"].total, len(by_account["Payments"].lines)) == (len(many), LINES_MOST)
    assert by_account["Payments"].lines[0].grant.id == many[0].id
    assert [line.grant.id for line in by_account["Search"].lines] == [other.id]


def test_one_account_is_solved_while_another_is_not(world: World) -> None:
    stuck(world, world.granted(account="search", reason="The only one there."))
    look(world)
    world.cloud.heal()
    world.around = refuse_in_search
    for _ in range(3):
        world.later(MINUTE)
    look(world)
    solved = {shown(message).account_title: shown(message).solved_at is not None for message in cards(world)}
    assert solved == {"Payments": True, "Search": False}


def test_a_chat_that_does_not_take_it_is_asked_until_it_does(world: World) -> None:
    stuck(world)
    world.chat.fail(SECURITY, passing=True, times=3)
    world.chat.fail(SECURITY, passing=False, times=3)
    for _ in range(12):
        world.clock.move(MINUTE)
        look(world)
    assert len(cards(world)) == 1
    assert shown(cards(world)[0]).total == 1


def test_a_page_whose_answer_was_lost_is_not_posted_again(world: World) -> None:
    stuck(world)
    world.chat.fail(SECURITY, passing=True, after=True)
    for _ in range(3):
        world.clock.move(MINUTE)
        look(world)
    assert len(cards(world)) == 1


def test_a_page_goes_before_every_message_that_is_due(world: World) -> None:
    stuck(world)
    world.overdue.watch()
    (first,) = world.store.claim("chat", 1, LEASE)
    assert first.kind == "chat.overdue"
