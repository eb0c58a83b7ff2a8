"""Being away: for how long, and who may stand in."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.core.audit import Actor, Event, Tag
from bot.core.model import Absence, Catalogue, digest_of

LONGEST = timedelta(days=90)
"""How far ahead somebody can say that they are away."""


def why_not(catalogue: Catalogue, absence: Absence) -> str:
    """Why this cannot be, as a sentence; empty when it can."""
    person = catalogue.people.get(absence.person)
    if person is None:
        return "Only somebody who is in access.yaml can be away."
    if absence.until <= absence.since:
        return "That is over already."
    if absence.until - absence.since > LONGEST:
        return f"At most {LONGEST.days} days ahead."
    if absence.delegate is None:
        return ""
    stand_in = catalogue.people.get(absence.delegate)
    if stand_in is None:
        return "Only somebody who is in access.yaml can stand in."
    return "Somebody else has to stand in." if stand_in.is_same_human(person) else ""


def parse_until(text: str, zone: str) -> datetime:
    """Read "2026-12-01" (until that day begins) or "2026-12-01 09:00", local to ``zone`` without an offset; in UTC.

    Raises ValueError with a sentence that says what to write.
    """
    try:
        found = datetime.fromisoformat(text.strip())
        return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("Until when? Write it like 2026-12-01 or 2026-12-01 09:00.") from None


def digest(absence: Absence) -> str:
    """SHA-256 (hex) of what a code for it confirms."""
    about = {"until": absence.until.isoformat(), "delegate": absence.delegate or ""}
    return digest_of({"away": absence.person, **about})


def began(absence: Absence, actor: Actor) -> Event:
    """For the log."""
    about = {"until": absence.until.isoformat(), "delegate": absence.delegate or ""}
    return Event(Tag.ABSENCE_SET, actor, person=absence.person, data=about)


def ended(absence: Absence, actor: Actor) -> Event:
    """For the log."""
    return Event(Tag.ABSENCE_ENDED, actor, person=absence.person, data={"delegate": absence.delegate or ""})
