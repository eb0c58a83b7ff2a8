from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.model import Grant, GrantStatus, Summary
from bot.providers.fake import Fault
from bot.service.cards import SummaryCard
from bot.service.summary import enqueue_due, is_overdue, last_due
from tests.core.examples import DAY, HOUR, MINUTE, NOW, SCHEDULED, actor
from tests.service.drifting import looked, take_away
from tests.service.world import World, at_once, done

VIENNA = ZoneInfo("Europe/Vienna")
SECTIONS = [
    "Granted",
    "Still active",
    "Expired",
    "Released",
    "Revoked",
    "Removed outside of prodaccess",
    "Denied",
    "Lapsed",
    "Cancelled",
    "Failed",
    "Overdue",
    "Without a word",
    "Broken glass",
    "Reviews owed",
]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- when ------------------------------------------------------------------------------------------------

# Vienna, 2026: clocks go from 02:00 to 03:00 on 29 March, and from 03:00 back to 02:00 on 25 October.
DUE = [
    ("09:00", "2026-11-23 07:59:59", "2026-11-22 08:00"),
    ("09:00", "2026-11-23 08:00:00", "2026-11-23 08:00"),
    ("09:00", "2026-11-23 23:30:00", "2026-11-23 08:00"),  # past midnight in Vienna
    ("00:00", "2026-11-23 22:59:59", "2026-11-22 23:00"),
    ("00:00", "2026-11-23 23:00:00", "2026-11-23 23:00"),
    # spring: 09:00 comes 23 hours after 09:00
    ("09:00", "2026-03-29 06:59:59", "2026-03-28 08:00"),
    ("09:00", "2026-03-29 07:00:00", "2026-03-29 07:00"),
    # spring: 02:30 does not come; half an hour after the jump does
    ("02:30", "2026-03-29 01:29:59", "2026-03-28 01:30"),
    ("02:30", "2026-03-29 01:30:00", "2026-03-29 01:30"),
    ("02:30", "2026-03-30 00:30:00", "2026-03-30 00:30"),
    # autumn: 09:00 comes 25 hours after 09:00
    ("09:00", "2026-10-25 07:59:59", "2026-10-24 07:00"),
    ("09:00", "2026-10-25 08:00:00", "2026-10-25 08:00"),
    # autumn: 02:30 comes twice, the first counts
    ("02:30", "2026-10-25 00:29:59", "2026-10-24 00:30"),
    ("02:30", "2026-10-25 00:30:00", "2026-10-25 00:30"),
    ("02:30", "2026-10-25 01:30:00", "2026-10-25 00:30"),
    ("02:30", "2026-10-26 01:30:00", "2026-10-26 01:30"),
]


@pytest.mark.parametrize(("at", "now", "due"), DUE)
def test_when_the_newest_summary_was_due(at: str, now: str, due: str) -> None:
    hour, minute = map(int, at.split(":"))
    assert last_due(Summary("C", "Europe/Vienna", hour, minute), utc(now)) == utc(due)


ZONES = st.sampled_from(["UTC", "Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])


@given(
    st.timedeltas(-2 * 365 * DAY, 4 * 365 * DAY).map(lambda since: NOW + since),
    ZONES,
    st.integers(0, 23),
    st.integers(0, 59),
)
def test_there_is_always_one_within_the_last_25_hours(now: datetime, zone: str, hour: int, minute: int) -> None:
    assert timedelta(0) <= now - last_due(Summary("C", zone, hour, minute), now) <= 25 * HOUR + timedelta(seconds=1)


@pytest.mark.parametrize("day", [date(2026, 3, 28), date(2026, 10, 24)], ids=["spring", "autumn"])
@pytest.mark.parametrize("hour", [0, 2, 3, 9])
def test_looking_every_ten_minutes_over_a_dst_night_finds_one_for_each_day(day: date, hour: int) -> None:
    when = Summary("C", "Europe/Vienna", hour, 30)
    start = datetime(day.year, day.month, day.day, hour, 30, tzinfo=VIENNA).astimezone(UTC)
    found = sorted({last_due(when, start + number * 10 * MINUTE) for number in range(6 * 24 * 4)})
    days = [due.astimezone(VIENNA).date() for due in found]
    assert len(days) >= 4
    assert days == [day + timedelta(days=number) for number in range(len(days))]


# --- once ------------------------------------------------------------------------------------------------


def posted(world: World) -> list[SummaryCard]:
    cards = [message.shows[0] for message in world.chat.to("C-SUMMARY")]
    return [card for card in cards if isinstance(card, SummaryCard)]


def begun(world: World) -> None:
    """An installation that has counted since the last time a summary was due: 08:00 UTC."""
    assert enqueue_due(world.store, world.catalogue) is False


def test_a_new_installation_posts_nothing_and_counts_from_then_on(world: World) -> None:
    begun(world)
    world.later(HOUR, "chat")
    assert posted(world) == []
    world.clock.move(DAY)
    assert enqueue_due(world.store, world.catalogue) is True
    world.run("chat")
    (card,) = posted(world)
    assert (card.start, card.end, card.zone) == (utc("2026-11-23 08:00"), utc("2026-11-24 08:00"), "Europe/Vienna")


def test_an_empty_day_has_its_card_with_every_section_in_order(world: World) -> None:
    begun(world)
    world.clock.move(DAY)
    enqueue_due(world.store, world.catalogue)
    world.run("chat")
    assert [(title, lines) for title, lines in posted(world)[0].sections] == [(title, ()) for title in SECTIONS]


def test_asking_again_and_again_posts_once_a_day(world: World) -> None:
    begun(world)
    due = 0
    for _ in range(24 * 3):
        world.clock.move(HOUR)
        due += enqueue_due(world.store, world.catalogue)
        world.run("chat")
    assert due == len(posted(world)) == 3
    ends = [card.end for card in posted(world)]
    assert [card.start for card in posted(world)[1:]] == ends[:-1]
    assert world.tags("summary.") == ["summary.posted"] * 3


def test_three_days_down_make_one_summary_of_all_of_them(world: World) -> None:
    begun(world)
    world.clock.move(3 * DAY)
    assert enqueue_due(world.store, world.catalogue) is True
    world.run("chat")
    (card,) = posted(world)
    assert card.end - card.start == 3 * DAY


def test_twenty_replicas_post_one(crowded_world: World) -> None:
    world = crowded_world
    at_once([lambda: enqueue_due(world.store, world.catalogue)] * 20)
    world.clock.move(DAY)
    outcomes = at_once([lambda: enqueue_due(world.store, world.catalogue)] * 20)
    assert sum(outcomes) == 1
    at_once([lambda: world.run("chat")] * 4)
    assert len(posted(world)) == 1
    assert world.tags("summary.") == ["summary.posted"]


def test_an_hour_that_is_changed_in_the_catalogue_makes_no_second_one_for_the_same_time(world: World) -> None:
    begun(world)
    world.clock.move(DAY)
    enqueue_due(world.store, world.catalogue)
    world.catalogue = replace(world.catalogue, summary=Summary("C-SUMMARY", "Europe/Vienna", 8))
    assert enqueue_due(world.store, world.catalogue) is False
    world.clock.move(DAY)
    enqueue_due(world.store, world.catalogue)
    world.run("chat")
    first, second = posted(world)
    assert second.start == first.end


def test_one_that_the_channel_never_takes_is_not_said_to_be_posted(world: World) -> None:
    begun(world)
    world.clock.move(DAY)
    enqueue_due(world.store, world.catalogue)
    world.chat.fail("C-SUMMARY", passing=False)
    world.run("chat")
    assert posted(world) == []
    assert world.tags("summary.") == []
    assert world.store.next_due("chat") is None


def test_one_whose_answer_was_lost_is_posted_and_logged_once(world: World) -> None:
    begun(world)
    world.clock.move(DAY)
    enqueue_due(world.store, world.catalogue)
    world.chat.fail("C-SUMMARY", passing=True, after=True)
    world.run("chat")
    world.later(MINUTE, "chat")
    assert len(posted(world)) == 1
    assert world.tags("summary.") == ["summary.posted"]


# --- what ------------------------------------------------------------------------------------------------


def test_everything_that_happened_is_in_its_section_with_who_and_what(world: World) -> None:
    begun(world)
    world.change_person("bob", manager="mona")
    expired = world.granted(reason="This one runs out.")
    released = world.granted(reason="This one is given back.")
    revoked = world.granted(requester="bob", reason="This one is revoked.")
    done(world.access.release(released.id, world.person("alice"), actor("alice")))
    done(world.access.revoke(revoked.id, world.person("sam"), actor("sam"), "Odd traffic."))
    lost = world.granted(reason="This one is taken away.")
    take_away(world, lost)
    looked(world)
    denied, cancelled, lapsed = (world.asked(reason=f"Number {n} of three.") for n in range(3))
    done(world.access.deciding.deny(denied, world.person("otto"), "Use the replica.", actor("otto")))
    done(world.access.cancel(cancelled, world.person("alice"), actor("alice")))
    world.cloud.fail("grant", Fault.REFUSED)
    failed = world.scheduled(reason="The cloud says no.")
    world.run()
    world.later(5 * HOUR)
    active = world.granted(work="incident", duration=8 * HOUR)
    world.cloud.fail("revoke", Fault.THROTTLED, 100)
    overdue = world.granted(requester="bob", reason="This one stays.", duration=MINUTE)
    world.later(5 * MINUTE)

    card = world.queries.summary(NOW, world.clock.now(), "UTC")
    found = {title: [line.id for line in lines] for title, lines in card.sections}
    assert {title: set(ids) for title, ids in found.items()} == {
        "Granted": {expired.id, released.id, revoked.id, lost.id, active.id, overdue.id},
        "Still active": {active.id},
        "Expired": {expired.id},
        "Released": {released.id},
        "Revoked": {revoked.id},
        "Removed outside of prodaccess": {lost.id},
        "Denied": {denied},
        "Lapsed": {lapsed},
        "Cancelled": {cancelled},
        "Failed": {failed.id},
        **{title: set[str]() for title in ("Without a word", "Broken glass", "Reviews owed")},
        "Overdue": {overdue.id},
    }
    lines = {line.id: line for _, section in card.sections for line in section}
    assert (lines[denied].person, lines[denied].text) == ("alice", "Read a bucket in payments: Use the replica.")
    assert (lines[revoked.id].person, lines[revoked.id].text) == ("bob", "Read a bucket in payments, 1 h: Odd traffic.")
    by = {(title, line.id): line.by for title, lines in card.sections for line in lines}
    assert by["Granted", active.id] == ("mona",)
    assert by["Revoked", revoked.id] == ("sam",)
    assert by["Denied", denied] == ("otto",)
    assert by["Lapsed", lapsed] == ()


def test_what_happened_before_or_after_is_not_told(world: World) -> None:
    grant = world.granted()
    world.later(HOUR)
    after = world.queries.summary(world.clock.now() + MINUTE, world.clock.now() + DAY, "UTC")
    before = world.queries.summary(NOW - DAY, NOW, "UTC")
    assert [lines for _, lines in (*after.sections, *before.sections)] == [()] * 2 * len(SECTIONS)
    assert world.grant(grant.id).status is GrantStatus.ENDED


ACTIVE = replace(SCHEDULED, status=GrantStatus.ACTIVE, granted_at=NOW)
REVOKING = replace(ACTIVE, status=GrantStatus.REVOKING, revoking_since=NOW + MINUTE)
END = ACTIVE.expires_at


@pytest.mark.parametrize(
    ("grant", "due"),
    [
        (ACTIVE, END),
        (REVOKING, NOW + MINUTE),
        (replace(REVOKING, revoking_since=END + HOUR), END),
    ],
    ids=["not ended in time", "revoked", "noticed late"],
)
def test_it_is_overdue_two_minutes_after_it_should_have_been_gone(grant: Grant, due: datetime) -> None:
    assert not is_overdue(grant, due + 2 * MINUTE)
    assert is_overdue(grant, due + 2 * MINUTE + timedelta(microseconds=1))


def test_what_has_ended_is_never_overdue() -> None:
    assert not is_overdue(replace(REVOKING, status=GrantStatus.ENDED, ended_at=END), END + DAY)
