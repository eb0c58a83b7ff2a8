"""A static rota: exactly one person at each instant, in turn, also where the clock on the wall jumps."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.oncall import rota
from bot.core.rules import Override, Schedule

VIENNA, LORD_HOWE, APIA = "Europe/Vienna", "Australia/Lord_Howe", "Pacific/Apia"
TICK = timedelta(microseconds=1)
ROTA = Schedule(
    id="payments-oncall",
    kind="static",
    people=("maya", "jonas", "ines"),
    handover_day=0,
    handover_at=time(9),
    zone=VIENNA,
    begins=date(2026, 1, 5),
)

people = st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), min_size=1, max_size=5, unique=True).map(tuple)
instants = st.integers(1_100_000_000, 2_200_000_000_000).map(lambda ms: datetime.fromtimestamp(ms / 1000, UTC))
schedules = st.builds(
    Schedule,
    id=st.just("s"),
    kind=st.just("static"),
    people=people,
    handover_day=st.integers(0, 6),
    handover_at=st.times(),
    zone=st.sampled_from(["UTC", VIENNA, "America/New_York", LORD_HOWE, APIA, "Asia/Kolkata", "Africa/Casablanca"]),
    shift=st.sampled_from([timedelta(minutes=20), *(timedelta(hours=h) for h in (1, 5, 8, 12, 24, 36, 168, 336))]),
    begins=st.none() | st.dates(date(2010, 1, 1), date(2035, 1, 1)),
)


def local(*moment: int, zone: str = VIENNA, fold: int = 0) -> datetime:
    return datetime(*moment, tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)  # type: ignore[misc]


def changes(schedule: Schedule, start: datetime, end: datetime, step: timedelta) -> list[tuple[datetime, str]]:
    """When, to the second, somebody else takes over, and who."""
    found, at = [], start
    while at < end:
        before, after = at, at + step
        if rota(schedule, before) != rota(schedule, after):
            while after - before > timedelta(seconds=1):
                middle = before + (after - before) // 2
                before, after = (middle, after) if rota(schedule, middle) == rota(schedule, at) else (before, middle)
            found.append((after.replace(microsecond=0), rota(schedule, after)[0]))
        at += step
    return found


@given(schedule=schedules, at=instants)
def test_exactly_one_person_is_on_call_at_each_instant(schedule: Schedule, at: datetime) -> None:
    (person,) = rota(schedule, at)
    assert person in schedule.people
    assert rota(schedule, at.astimezone(ZoneInfo(schedule.zone))) == (person,)


@given(schedule=schedules, at=instants, ahead=st.timedeltas(timedelta(0), timedelta(hours=3)))
def test_nobody_comes_back_before_all_others_had_their_turn(schedule: Schedule, at: datetime, ahead: timedelta) -> None:
    # Shifts that are left out or begin together where the clock jumps are left to the tests below.
    schedule = replace(schedule, zone="UTC", people=("a", "b", "c", "d", "e"))
    gone = schedule.people.index(rota(schedule, at + ahead)[0]) - schedule.people.index(rota(schedule, at)[0])
    assert gone % 5 in {ahead // schedule.shift % 5, (ahead // schedule.shift + 1) % 5}


@given(schedule=schedules, turn=st.integers(-500, 5000))
def test_the_next_one_takes_over_at_the_handover_itself(schedule: Schedule, turn: int) -> None:
    schedule = replace(schedule, people=("a", "b", "c"), zone="UTC", begins=date(2020, 6, 1), handover_day=0)
    handover = datetime.combine(date(2020, 6, 1), schedule.handover_at, UTC) + turn * schedule.shift
    assert rota(schedule, handover) == (schedule.people[turn % 3],)
    assert rota(schedule, handover - TICK) == (schedule.people[(turn - 1) % 3],)


@given(
    schedule=schedules,
    year=st.integers(2010, 2035),
    minutes=st.lists(st.integers(0, 3 * 24 * 60), min_size=2, max_size=30).map(sorted),
    month=st.sampled_from([3, 4, 10, 11, 12]),
)
def test_no_change_of_the_clock_gives_a_shift_back(
    schedule: Schedule, year: int, month: int, minutes: list[int]
) -> None:
    # Many more people than shifts in the time that is looked at: their number tells how often it was handed over.
    crowd = tuple(str(number) for number in range(10_000))
    schedule = replace(schedule, people=crowd)
    for day in (1, 8, 25, 29):
        start = datetime(year, month, day, tzinfo=UTC)
        turns = [int(rota(schedule, start + timedelta(minutes=minute))[0]) for minute in minutes]
        steps = [(later - earlier) % 10_000 for earlier, later in pairwise(turns)]
        assert sum(steps) < 5_000, turns


def test_people_take_over_in_turn_at_nine_of_their_own_clock_all_year() -> None:
    found = changes(ROTA, local(2026, 3, 17, 0), local(2026, 4, 7, 0), timedelta(hours=6))
    assert found == [
        (local(2026, 3, 23, 9), "ines"),
        (local(2026, 3, 30, 9), "maya"),
        (local(2026, 4, 6, 9), "jonas"),
    ]
    assert [at.hour for at, _ in found] == [8, 7, 7], "UTC: an hour earlier in summer"


def test_a_rota_begins_with_its_first_person_on_the_day_that_it_names() -> None:
    assert rota(ROTA, local(2026, 1, 5, 9)) == ("maya",)
    assert rota(ROTA, local(2026, 1, 5, 8, 59)) == ("ines",)
    thursday = replace(ROTA, handover_day=3)
    assert changes(thursday, local(2026, 1, 5, 0), local(2026, 1, 14, 0), timedelta(hours=6)) == [
        (local(2026, 1, 8, 9), "maya")
    ]


def test_a_rota_that_does_not_say_when_it_began_keeps_its_phase() -> None:
    always = replace(ROTA, begins=None)
    assert rota(always, local(2024, 1, 1, 9)) == ("maya",)
    assert rota(always, local(2024, 1, 8, 9)) == ("jonas",)
    assert rota(always, local(2023, 12, 31, 9)) == ("ines",)


def test_half_days_are_handed_over_at_nine_and_at_nine() -> None:
    halves = replace(ROTA, shift=timedelta(hours=12))
    found = changes(halves, local(2026, 10, 24, 12), local(2026, 10, 26, 12), timedelta(hours=1))
    assert [at for at, _ in found] == [
        local(2026, 10, 24, 21),
        local(2026, 10, 25, 9),
        local(2026, 10, 25, 21),
        local(2026, 10, 26, 9),
    ]


def test_in_the_hour_that_comes_twice_a_handover_comes_once() -> None:
    daily = replace(ROTA, handover_at=time(2, 30), shift=timedelta(days=1))
    found = changes(daily, local(2026, 10, 25, 0), local(2026, 10, 25, 12), timedelta(minutes=10))
    assert [at for at, _ in found] == [local(2026, 10, 25, 2, 30, fold=0)]
    assert rota(daily, local(2026, 10, 25, 2, 10, fold=1)) == rota(daily, local(2026, 10, 25, 2, 40))


def test_in_the_hour_that_is_left_out_a_handover_is_when_the_clock_jumps() -> None:
    daily = replace(ROTA, handover_at=time(2, 30), shift=timedelta(days=1))
    found = changes(daily, local(2026, 3, 29, 0), local(2026, 3, 29, 12), timedelta(minutes=10))
    assert [at for at, _ in found] == [local(2026, 3, 29, 3)]


def test_on_a_day_that_a_place_never_had_a_handover_is_when_the_calendar_jumps() -> None:
    samoa = replace(ROTA, zone=APIA, shift=timedelta(days=1), begins=date(2011, 12, 26), people=tuple("abcdefg"))
    start, end = (local(*day, 0, zone=APIA) for day in ((2011, 12, 28), (2012, 1, 2)))
    found = changes(samoa, start, end, timedelta(hours=1))
    assert [person for _, person in found] == ["c", "d", "e", "f", "g"]
    assert found[2][0] == local(2011, 12, 31, 0, zone=APIA), "the 30th was left out: its handover is at the jump"


def test_somebody_else_steps_in_from_an_instant_to_another() -> None:
    start, end = local(2026, 1, 7, 18), local(2026, 1, 8, 6)
    covered = replace(ROTA, overrides=(Override("paul", start, end),))
    for at, person in ((start - TICK, "maya"), (start, "paul"), (end - TICK, "paul"), (end, "maya")):
        assert rota(covered, at) == (person,)


def test_of_two_who_step_in_the_one_written_last_is_on_call() -> None:
    start, end = local(2026, 1, 7, 18), local(2026, 1, 8, 6)
    both = replace(ROTA, overrides=(Override("paul", start, end), Override("rosa", start, end)))
    assert rota(both, start) == ("rosa",)
    assert rota(replace(both, people=()), start) == ("rosa",)


def test_a_rota_without_people_has_nobody() -> None:
    assert rota(replace(ROTA, people=()), local(2026, 1, 7, 0)) == ()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"shift": timedelta(0)}, "takes no time"),
        ({"zone": "Europe/Atlantis"}, "not known"),
        ({"zone": ""}, "zone|key"),
    ],
)
def test_a_rota_that_makes_no_sense_says_so(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        rota(replace(ROTA, **wrong), local(2026, 1, 7, 0))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="without a time zone"):
        rota(ROTA, datetime(2026, 1, 7))  # noqa: DTZ001
