"""Who is on call by a static rota. Pure; a rota's hours are local to its zone, everything else is UTC."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.core.rules import Schedule

FIRST = date(2024, 1, 1)
"""A Monday. A rota that does not say when it began has its first handover in this week."""


def rota(schedule: Schedule, at: datetime) -> tuple[str, ...]:
    """The person (id) on call at ``at`` (UTC): exactly one, or nobody where no people are named.

    Of overrides that overlap the one that is written last counts. Raises ValueError for a naive ``at``, a shift that is
    not longer than nothing or a zone that is not known.
    """
    if at.tzinfo is None:
        raise ValueError("a moment without a time zone")
    for override in reversed(schedule.overrides):
        if override.start <= at < override.end:
            return (override.person,)
    if not schedule.people:
        return ()
    return (schedule.people[_turn(schedule, at) % len(schedule.people)],)


def _turn(schedule: Schedule, at: datetime) -> int:
    """How many handovers there were since the first one; negative before it."""
    if schedule.shift <= timedelta(0):
        raise ValueError("a shift that takes no time")
    zone, first = _zone(schedule.zone), _first(schedule)
    wall = at.astimezone(zone).replace(tzinfo=None)
    turn = (wall - first) // schedule.shift
    # The hour that comes twice in autumn: what was handed over in its first pass stays so in its second.
    while (first + (turn + 1) * schedule.shift).replace(tzinfo=zone, fold=0).astimezone(UTC) <= at:
        turn += 1
    return turn


def _first(schedule: Schedule) -> datetime:
    """The first handover as the clock on the wall shows it."""
    day = schedule.begins or FIRST
    wait = (schedule.handover_day - day.weekday()) % 7
    return datetime.combine(day + timedelta(days=wait), schedule.handover_at.replace(tzinfo=None))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError) as error:  # not there, or a folder of zones
        raise ValueError("a time zone that is not known") from error
