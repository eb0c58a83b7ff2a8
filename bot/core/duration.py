"""Lengths of time and start times as people type and read them. Pure."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

LONGEST = timedelta(days=366)
"""Nothing here lasts longer, or starts further ahead."""

_UNITS = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}
_NAMES = {
    **dict.fromkeys(("w", "week", "weeks"), "w"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)", re.ASCII)
_EXAMPLES = "write it like 90m, 2h, 1h30m or 1d"

_START = re.compile(
    r"(?:(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[T ])?(?P<time>[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)"
    r" ?(?P<offset>Z|UTC|[+-][0-9]{2}:?[0-9]{2})?",
    re.ASCII | re.IGNORECASE,
)


_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKDAY = re.compile(
    rf"(?P<day>{'|'.join(_WEEKDAYS)})[a-z]* (?P<time>[0-9]{{1,2}}:[0-9]{{2}})", re.ASCII | re.IGNORECASE
)


def parse_duration(text: str) -> timedelta:
    """Read "90m", "1h30m", "2 hours", "1 day 2 h", "1.5h" …, in whole seconds.

    Raises ValueError with a sentence that says what is wrong and how to write it.
    """
    shown = _shown(text)
    rest = text.strip().lower()
    if not rest:
        raise ValueError(f"no duration is given; {_EXAMPLES}")
    if rest[0] in "-−–":
        raise ValueError(f"{shown} is negative; {_EXAMPLES}")
    total = timedelta(0)
    used: set[str] = set()
    while rest:
        total += _next_part(rest, shown, used)
        rest = _PART.sub("", rest, count=1).lstrip(" ,").removeprefix("and ").lstrip()
        if total > LONGEST:
            raise ValueError(f"{shown} is too long; the longest is {LONGEST.days} days")
    total = timedelta(seconds=int(total.total_seconds()))
    if total <= timedelta(0):
        raise ValueError(f"{shown} is no time at all; {_EXAMPLES}")
    return total


def _next_part(rest: str, shown: str, used: set[str]) -> timedelta:
    """The length of the number and unit that ``rest`` starts with; the unit is added to ``used``."""
    match = _PART.match(rest)
    if not match:
        raise ValueError(f"{shown} is not a duration; {_EXAMPLES}")
    number, word = match.groups()
    if not word:
        hint = f"say {number}m or {number}h" if rest == number and not used else _EXAMPLES
        raise ValueError(f"{number} in {shown} has no unit; {hint}")
    unit = _NAMES.get(word)
    if unit is None:
        raise ValueError(f"“{word}” in {shown} is not a unit; use s, m, h, d or w")
    if unit in used:
        raise ValueError(f"{shown} gives the unit “{unit}” twice; {_EXAMPLES}")
    used.add(unit)
    if float(number) * _UNITS[unit].total_seconds() > LONGEST.total_seconds():
        raise ValueError(f"{shown} is too long; the longest is {LONGEST.days} days")
    return float(number) * _UNITS[unit]


def format_duration(length: timedelta) -> str:
    """``length`` in whole seconds as people read it: "1 h 30 min", "2 d", "45 s"; "0 min" for none, "−5 min" below."""
    seconds = int(length.total_seconds())
    if seconds < 0:
        return "−" + format_duration(timedelta(seconds=-seconds))
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 min"


def parse_start(text: str, zone: str, now: datetime) -> datetime:
    """Read a start time: "2026-11-24 09:00", "09:00" (the next one) or ISO 8601 with an offset.

    Without an offset it is local to ``zone`` (an IANA name that exists). ``now`` and the result are UTC.
    Raises ValueError with a sentence that says what is wrong and what to write.
    """
    shown = _shown(text)
    match = _START.fullmatch(text.strip())
    if not match:
        raise ValueError(
            f"{shown} is not a start time; write it like 09:00, 2026-11-24 09:00 or 2026-11-24T09:00+01:00"
        )
    here = _offset(match["offset"]) if match["offset"] else ZoneInfo(zone)
    local_now = now.astimezone(here).replace(tzinfo=None)
    try:
        naive = datetime.fromisoformat(f"{match['date'] or local_now.date()}T{match['time']:0>5}")
    except ValueError:
        raise ValueError(f"{shown} is no date and time of the calendar; write it like 2026-11-24 09:00") from None
    if not match["date"] and naive <= local_now:
        naive += timedelta(days=1)
    if naive - local_now > LONGEST:
        raise ValueError(f"{shown} is too far ahead; the furthest is {LONGEST.days} days")
    past = ValueError(f"{shown} is in the past; leave the start empty to start at the approval")
    if local_now - naive > timedelta(days=1):
        raise past
    start = _to_utc(naive, here)
    if start < now:
        raise past
    return start


def parse_moment(text: str, zone: str, now: datetime) -> datetime:
    """As ``parse_start``, and "Sat 02:00" for the next one there. ``now`` and the result are UTC."""
    match = _WEEKDAY.fullmatch(text.strip())
    if not match:
        return parse_start(text, zone, now)
    here = ZoneInfo(zone)
    local_now = now.astimezone(here).replace(tzinfo=None)
    ahead = (_WEEKDAYS.index(match["day"].lower()) - local_now.weekday()) % 7
    day = local_now.date() + timedelta(days=ahead)
    try:
        naive = datetime.fromisoformat(f"{day}T{match['time']:0>5}")
    except ValueError:
        raise ValueError(f"{_shown(text)} is no time of day; write it like Sat 02:00") from None
    return _to_utc(naive if naive > local_now else naive + timedelta(days=7), here)


def _offset(text: str) -> timezone:
    """The fixed offset that "Z", "UTC", "+01:00" or "-0530" names."""
    if text.upper() in {"Z", "UTC"}:
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 14 or minutes > 59:
        raise ValueError(f"{text} is no offset from UTC; write it like +01:00 or Z")
    return timezone((-1 if text[0] == "-" else 1) * timedelta(hours=hours, minutes=minutes))


def _to_utc(naive: datetime, here: tzinfo) -> datetime:
    """The one moment that a local time means; ValueError where the clocks skip it or show it twice."""
    first = naive.replace(tzinfo=here, fold=0)
    second = first.replace(fold=1)
    start = first.astimezone(UTC)
    if first.utcoffset() == second.utcoffset():
        return start
    after = start.astimezone(here)
    if after.replace(tzinfo=None) != naive:
        raise ValueError(
            f"{naive:%Y-%m-%d %H:%M} does not exist in {here}: the clocks go forward over it; "
            f"write {after:%Y-%m-%d %H:%M} or give an offset, as in {after.isoformat(timespec='minutes')}"
        )
    raise ValueError(
        f"{naive:%Y-%m-%d %H:%M} happens twice in {here}: the clocks go back over it; give the offset: "
        f"{first.isoformat(timespec='minutes')} for the first or {second.isoformat(timespec='minutes')} for the second"
    )


def _shown(text: str) -> str:
    """``text`` in quotes, cut short: it may be anything that somebody pasted."""
    flat = " ".join(text.split())
    return f"“{flat[:40]}…”" if len(flat) > 40 else f"“{flat}”"
