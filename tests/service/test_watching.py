"""Closing the ticket ends the access, and nothing else that a tracker says or does not say ends it."""

from dataclasses import replace

import pytest

from bot.core.audit import SYSTEM
from bot.core.model import EndReason, Grant, GrantStatus
from bot.core.rules import TicketRule, Tracker
from bot.service.effects import LEASE
from bot.service.ports import Store
from bot.service.watching import LOOK_EVERY
from tests.core.examples import HOUR, READ
from tests.service.fakes import FakeClock
from tests.service.world import World

RULE = TicketRule("PAY-[0-9]+", "PAY-1", "jira", ends_access=True)


@pytest.fixture
def office(store: Store, clock: FakeClock) -> World:
    """On each kind of store: the ticket of ``s3-read`` ends it."""
    return of_tickets(World(store=store, clock=clock))


@pytest.fixture
def desk(world: World) -> World:
    """As ``office``, on SQLite."""
    return of_tickets(world)


def of_tickets(world: World, rule: TicketRule = RULE) -> World:
    world.change_role("s3-read", ticket=rule)
    world.catalogue = replace(world.catalogue, trackers={"jira": Tracker("jira", "jira", "https://acme.example")})
    world.outside.has("PAY-7")
    return world


def granted(world: World) -> Grant:
    return world.granted(ticket="PAY-7")


def watches(world: World) -> int:
    """How many looks are on the books, due or not."""
    return int(world.store.next_due("sources") is not None)


def test_closing_the_ticket_ends_the_access_which_is_logged_as_any_revocation(office: World) -> None:
    grant = granted(office)
    office.later(LOOK_EVERY)
    assert office.grant(grant.id).status is GrantStatus.ACTIVE
    office.outside.has("PAY-7", is_open=False)
    office.later(LOOK_EVERY)
    ended = office.grant(grant.id)
    assert (ended.status, ended.end_reason) == (GrantStatus.ENDED, EndReason.REVOKED)
    assert (ended.ended_by, ended.end_note) == ("prodaccess", "Its ticket PAY-7 was closed.")
    assert not office.is_written(grant)
    assert office.tags("grant.")[-2:] == ["grant.revoking", "grant.ended"]
    revoking = next(record for record in office.log() if record["tag"] == "grant.revoking")
    assert revoking["data"] == {"role": "s3-read", "reason": "revoked", "note": "Its ticket PAY-7 was closed."}
    assert not watches(office)


@pytest.mark.parametrize("said", ["not found", "cannot say", "open"])
def test_only_a_ticket_that_is_there_and_closed_ends_it(desk: World, said: str) -> None:
    grant = granted(desk)
    desk.outside.tickets.pop("PAY-7")
    if said != "cannot say":
        desk.outside.has("PAY-7", found=said == "open", is_open=said == "open")
    asked = len(desk.outside.asked)
    for _ in range(3):
        desk.later(LOOK_EVERY)
    assert len(desk.outside.asked) == asked + 3, "it is looked at again and again"
    assert desk.grant(grant.id).status is GrantStatus.ACTIVE


@pytest.mark.parametrize("changes", [{"ends_access": False}, {"tracker": "", "ends_access": True}])
def test_where_the_role_does_not_say_so_nobody_looks(desk: World, changes: dict[str, object]) -> None:
    of_tickets(desk, replace(RULE, **changes))  # type: ignore[arg-type]
    granted(desk)
    asked = len(desk.outside.asked)
    desk.later(LOOK_EVERY)
    assert len(desk.outside.asked) == asked
    assert not watches(desk)


def test_it_is_looked_for_until_the_access_is_over_and_not_beyond(desk: World) -> None:
    grant = granted(desk)
    desk.later(HOUR)
    assert desk.grant(grant.id).end_reason is EndReason.EXPIRED
    asked = len(desk.outside.asked)
    desk.later(LOOK_EVERY)
    assert len(desk.outside.asked) == asked
    assert not watches(desk)


def test_a_catalogue_that_no_longer_says_so_ends_nothing(desk: World) -> None:
    grant = granted(desk)
    desk.change_role("s3-read", ticket=None)
    desk.outside.has("PAY-7", is_open=False)
    desk.later(LOOK_EVERY)
    assert desk.grant(grant.id).status is GrantStatus.ACTIVE
    assert not watches(desk)


def test_the_watch_is_on_the_books_before_the_cloud_is_asked(desk: World) -> None:
    """A crash right after the grant must not leave access that no closed ticket ends."""
    seen: list[int] = []
    desk.around = lambda call, done: seen.append(watches(desk)) if (call.operation, done) == ("grant", False) else None
    granted(desk)
    assert seen == [1]


def test_a_worker_that_died_between_revoking_and_saying_so_leaves_no_second_revocation(desk: World) -> None:
    grant = granted(desk)
    desk.outside.has("PAY-7", is_open=False)
    desk.clock.move(LOOK_EVERY)
    claim = desk.claim("ticket.watch")
    desk.access.revoke(grant.id, None, SYSTEM, "Its ticket PAY-7 was closed.")
    desk.later(LEASE)
    assert desk.tags("grant.").count("grant.revoking") == 1
    assert not watches(desk)
    assert claim.subject == grant.id


def test_a_grant_that_never_begins_is_watched_by_nobody(desk: World) -> None:
    grant = desk.scheduled(ticket="PAY-7")
    desk.change_role("s3-read", statements=READ.statements * 2)
    desk.run()
    assert desk.grant(grant.id).end_reason is EndReason.FAILED
    assert not watches(desk)
