import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.duration import LONGEST, format_duration, parse_duration, parse_moment, parse_start

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
VIENNA = "Europe/Vienna"


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("1h30m", 90),
        ("90m", 90),
        ("2 hours", 120),
        ("2h", 120),
        ("2H", 120),
        ("1 day", 1440),
        ("45 min", 45),
        ("1d 2h", 1560),
        ("1 hour and 30 minutes", 90),
        ("1 hour, 30 mins", 90),
        ("1.5h", 90),
        ("120s", 2),
        ("1w", 10080),
        ("  30m\n", 30),
    ],
)
def test_durations_are_read_as_people_type_them(text: str, minutes: int) -> None:
    assert parse_duration(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no duration is given"),
        ("   ", "no duration is given"),
        ("0m", "no time at all"),
        ("0.2s", "no time at all"),
        ("-1h", "negative"),
        ("−1h", "negative"),
        ("2", "has no unit; say 2m or 2h"),
        ("1h30", "30 in “1h30” has no unit"),
        ("1:30", "has no unit"),
        ("soon", "not a duration"),
        ("2 fortnights", "“fortnights” in “2 fortnights” is not a unit; use s, m, h, d or w"),
        ("1h 2h", "twice"),
        ("367d", "the longest is 366 days"),
        ("300d 300h 9999999m", "the longest is 366 days"),
        ("9" * 400 + "h", "the longest is 366 days"),
        ("１h", "not a duration"),
        ("٢h", "not a duration"),
        ("1h\x00", "not a duration"),
        ("1e3h", "“e” in “1e3h” is not a unit"),
        ("nan h", "not a duration"),
    ],
)
def test_a_duration_that_cannot_be_meant_is_refused_with_the_fix(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)) as refusal:
        parse_duration(text)
    assert len(str(refusal.value)) < 200


@settings(deadline=None)
@given(st.integers(min_value=1, max_value=int(LONGEST.total_seconds())))
def test_what_is_written_reads_back_as_the_same_duration(seconds: int) -> None:
    length = timedelta(seconds=seconds)
    assert parse_duration(format_duration(length)) == length


@settings(deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_a_duration_within_bounds_or_a_value_error(text: str) -> None:
    try:
        length = parse_duration(text)
    except ValueError:
        return
    assert timedelta(seconds=1) <= length <= LONGEST


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5400, "1 h 30 min"), (172800, "2 d"), (45, "45 s"), (0, "0 min"), (-300, "−5 min"), (0.5, "0 min")],
)
def test_durations_are_written_as_people_read_them(seconds: float, text: str) -> None:
    assert format_duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("2026-11-24 09:00", "2026-11-24T08:00"),
        ("2026-11-24T09:00:30", "2026-11-24T08:00:30"),
        ("23:00", "2026-11-23T22:00"),
        ("09:00", "2026-11-24T08:00"),
        ("9:00", "2026-11-24T08:00"),
        ("11:00", "2026-11-24T10:00"),
        ("2026-11-24T09:00Z", "2026-11-24T09:00"),
        ("2026-11-24T09:00+0530", "2026-11-24T03:30"),
        ("2026-11-24 09:00 -05:00", "2026-11-24T14:00"),
        ("09:30Z", "2026-11-24T09:30"),
        ("2026-11-23 11:00", "2026-11-23T10:00"),
        ("2027-10-31T02:30+02:00", "2027-10-31T00:30"),
        ("2027-10-31T02:30+01:00", "2027-10-31T01:30"),
        ("2027-10-31 01:59", "2027-10-30T23:59"),
        ("2027-03-28 03:00", "2027-03-28T01:00"),
    ],
)
def test_start_times_are_read_in_the_zone_unless_they_carry_an_offset(text: str, start: str) -> None:
    assert parse_start(text, VIENNA, NOW) == datetime.fromisoformat(start).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a start time"),
        ("tomorrow", "not a start time"),
        ("٠٩:٠٠", "not a start time"),
        ("24:00", "no date and time of the calendar"),
        ("2026-02-30 10:00", "no date and time of the calendar"),
        ("0000-01-01 10:00", "no date and time of the calendar"),
        ("2026-11-24T09:00+99:00", "+99:00 is no offset"),
        ("2026-11-23 10:59", "in the past; leave the start empty"),
        ("0001-01-01 00:00", "in the past"),
        ("9999-12-31 23:59", "too far ahead; the furthest is 366 days"),
        ("2027-03-28 02:30", "does not exist in Europe/Vienna"),
        ("2027-03-28 02:30", "write 2027-03-28 03:30 or give an offset, as in 2027-03-28T03:30+02:00"),
        ("2027-10-31 02:30", "2027-10-31T02:30+02:00 for the first or 2027-10-31T02:30+01:00 for the second"),
    ],
)
def test_a_start_that_cannot_be_meant_is_refused_with_the_fix(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        parse_start(text, VIENNA, NOW)


def test_a_bare_time_on_the_night_when_the_clocks_change_is_refused_too() -> None:
    evening = datetime(2027, 3, 27, 22, 0, tzinfo=UTC)
    with pytest.raises(ValueError, match="2027-03-28 02:15 does not exist"):
        parse_start("02:15", VIENNA, evening)


@settings(deadline=None)
@given(st.datetimes(min_value=datetime(2026, 11, 23, 12, 0), max_value=datetime(2027, 11, 22, 0, 0)))  # noqa: DTZ001
def test_a_start_that_is_accepted_shows_the_typed_time_on_the_local_clock(naive: datetime) -> None:
    typed = f"{naive:%Y-%m-%d %H:%M}"
    try:
        start = parse_start(typed, VIENNA, NOW)
    except ValueError:
        assert naive.weekday() == 6
        assert naive.hour == 2
        return
    assert f"{start.astimezone(ZoneInfo(VIENNA)):%Y-%m-%d %H:%M}" == typed


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("Sat 02:00", "2026-11-28 01:00"),
        ("saturday 2:00", "2026-11-28 01:00"),
        ("Mon 10:59", "2026-11-30 09:59"),
        ("Mon 11:01", "2026-11-23 10:01"),
        ("2026-11-24 09:00", "2026-11-24 08:00"),
        ("23:00", "2026-11-23 22:00"),
    ],
)
def test_a_moment_may_be_the_next_such_day(text: str, means: str) -> None:
    now = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)  # a Monday, eleven in Vienna
    assert f"{parse_moment(text, 'Europe/Vienna', now):%Y-%m-%d %H:%M}" == means


@pytest.mark.parametrize("text", ["Sat 25:00", "Someday 02:00", "Sat", "Sat 2"])
def test_what_is_no_moment_says_how_to_write_it(text: str) -> None:
    with pytest.raises(ValueError, match="write it like"):
        parse_moment(text, "Europe/Vienna", datetime(2026, 11, 23, 10, 0, tzinfo=UTC))
