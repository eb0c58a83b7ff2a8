"""Windows of the week, and how long access may be because of them."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.core.model import Catalogue, Role
from bot.core.rules import Hours

_DAY = timedelta(days=1)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def is_within(hours: Hours, at: datetime) -> bool:
    """Whether the window is open at ``at`` (UTC), by the clocks on the wall there.

    Raises ZoneInfoNotFoundError for a zone that does not exist.
    """
    local = at.astimezone(ZoneInfo(hours.zone))
    today, clock = local.weekday(), local.time()
    if hours.start < hours.end:
        return today in hours.days and hours.start <= clock < hours.end
    if clock >= hours.start:
        return today in hours.days
    # Before the end of a window that opened the day before.
    return clock < hours.end and (today - 1) % 7 in hours.days


def opens_after(hours: Hours, at: datetime) -> datetime | None:
    """When (UTC) the window opens next after ``at`` (UTC); ``None`` for one that has no days."""
    zone = ZoneInfo(hours.zone)
    date = at.astimezone(zone).date()
    for ahead in range(9):
        day = date + ahead * _DAY
        opens = datetime.combine(day, hours.start, zone).astimezone(at.tzinfo)
        if day.weekday() in hours.days and opens > at and is_within(hours, opens):
            return opens
    return None


def in_words(hours: Hours) -> str:
    """``Mon–Fri 09:00–18:00 Europe/Vienna``."""
    return f"{days_in_words(hours.days)} {hours.start:%H:%M}–{hours.end:%H:%M} {hours.zone}"


def days_in_words(days: frozenset[int]) -> str:
    """``Mon–Fri``, ``Sat, Sun``, ``every day``; days in a row of three or more as a range."""
    if len(days) == 7:
        return "every day"
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    shown = ([f"{_DAYS[run[0]]}–{_DAYS[run[-1]]}"] if len(run) > 2 else [_DAYS[day] for day in run] for run in runs)
    return ", ".join(part for run in shown for part in run)


def longest(catalogue: Catalogue, role: Role, work: str, at: datetime | None = None) -> timedelta:
    """The longest duration for a kind of work that begins at ``at`` (UTC); its hours are left out of it without one.

    The shortest of all that is said: the role's, the work's, the role's for this work, the one outside of its hours.
    """
    limits = [role.longest]
    if kind := catalogue.work.get(work):
        limits.append(kind.longest)
    if work in role.longest_by_work:
        limits.append(role.longest_by_work[work])
    if at is not None and role.hours and not is_within(catalogue.hours[role.hours], at):
        limits.append(role.outside or timedelta(0))
    return min(limits)
