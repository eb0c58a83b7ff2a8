"""The summary names people who approve for each other as often as a role allows, or oftener."""

from datetime import timedelta

import pytest

from bot.core.rules import Separation
from bot.service import pairs
from bot.service.cards import SummaryLine
from tests.core.examples import DAY, HOUR, NOW, actor
from tests.service.world import World, done, refused

SECTION = "Approved for each other"


def lines(
    world: World, start: timedelta = timedelta(0), end: timedelta = 8 * HOUR
) -> dict[str, tuple[SummaryLine, ...]]:
    return dict(world.queries.summary(NOW + start, NOW + end, "UTC").sections)


@pytest.fixture
def twice_a_week(world: World) -> World:
    world.change_role("s3-read", separation=Separation(pair_most=2))
    return world


def test_a_pair_that_reaches_the_limit_is_named_once(twice_a_week: World) -> None:
    first, second = twice_a_week.asked(), twice_a_week.asked()
    done(twice_a_week.approve(first, "mona"))
    assert lines(twice_a_week)[SECTION] == ()
    done(twice_a_week.approve(second, "mona"))
    (line,) = lines(twice_a_week)[SECTION]
    assert ({line.person, *line.by}, line.text, line.id) == ({"alice", "mona"}, "2 times in 7 d, of at most 2", second)


def test_both_ways_count_and_what_was_longer_ago_does_not(twice_a_week: World) -> None:
    done(twice_a_week.approve(twice_a_week.asked(), "mona"))
    twice_a_week.clock.move(8 * DAY)
    done(twice_a_week.approve(twice_a_week.asked(), "mona"))
    assert lines(twice_a_week, 7 * DAY, 9 * DAY)[SECTION] == ()


def test_who_was_refused_by_the_limit_is_named_with_the_request(twice_a_week: World) -> None:
    for _ in range(2):
        done(twice_a_week.approve(twice_a_week.asked(), "mona"))
    twice_a_week.clock.move(DAY)
    request = twice_a_week.asked()
    assert "Somebody else has to approve" in refused(twice_a_week.approve(request, "mona")).text
    (line,) = lines(twice_a_week, DAY, 2 * DAY)[SECTION]
    assert (line.person, line.by, line.id) == ("alice", ("mona",), request)
    assert "refused" in line.text


def test_refusals_are_found_however_long_the_log_is(twice_a_week: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "PAGE", 3)
    for _ in range(2):
        done(twice_a_week.approve(twice_a_week.asked(), "mona"))
    request = twice_a_week.asked()
    refused(twice_a_week.approve(request, "mona"))
    for _ in range(4):
        twice_a_week.prove("sam")
    with twice_a_week.store.transaction() as tx:
        assert [each.request_id for each in pairs.refused_by_it(tx, NOW)] == [request]
        monkeypatch.setattr(pairs, "PAGE", 1000)
        assert pairs.refused_by_it(tx, twice_a_week.clock.now()) == ()


def test_other_refusals_are_none_of_a_pair(twice_a_week: World) -> None:
    request = twice_a_week.asked()
    refused(twice_a_week.access.deciding.approve(request, twice_a_week.person("bob"), actor("bob")))
    assert lines(twice_a_week)[SECTION] == ()


def test_where_no_role_limits_it_there_is_no_such_section(world: World) -> None:
    done(world.approve(world.asked(), "mona"))
    assert SECTION not in lines(world)
