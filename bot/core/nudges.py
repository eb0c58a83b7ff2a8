"""When those whose turn it is are reminded of a request that waits, and when further people come in.

All times are UTC.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from bot.core.model import AccessRequest, Effect, Role

GAPS = (timedelta(minutes=10), timedelta(minutes=30), timedelta(minutes=60))
"""Before the first reminder and between those that follow; from then on each gap is twice the one before."""
LAST_CALL = timedelta(minutes=5)
"""Nobody is reminded later than this before the lapse: there would be no time to do anything about it."""
TOGETHER = timedelta(minutes=1)
"""What somebody is to be reminded of within the same minute is one message."""
SLACK = timedelta(seconds=10)
"""For commits that are under way when the minute ends."""


def waits_since(request: AccessRequest) -> datetime:
    """From when its reminders count: the last yes, as others have their turn from then on; else when it was asked."""
    return max([request.asked_at, *(approval.at for approval in request.approvals)])


def reminders(request: AccessRequest) -> tuple[datetime, ...]:
    """When those whose turn it is now are reminded, until it lapses."""
    at, found = waits_since(request), list[datetime]()
    for gap in _gaps():
        at += gap
        if at > request.lapses_at - LAST_CALL:
            break
        found.append(at)
    return tuple(found)


def _gaps() -> Iterator[timedelta]:
    yield from GAPS
    gap = GAPS[-1]
    while True:
        gap *= 2
        yield gap


def reminder_after(request: AccessRequest, moment: datetime) -> datetime | None:
    """The next reminder later than ``moment``."""
    return next((at for at in reminders(request) if at > moment), None)


def escalation_after(request: AccessRequest, escalations: Iterable[timedelta], moment: datetime) -> datetime | None:
    """When the next further people come in, later than ``moment``; ``escalations`` count from the asking."""
    due = (request.asked_at + after for after in escalations)
    return min((at for at in due if moment < at < request.lapses_at), default=None)


def remind(request: AccessRequest, now: datetime) -> tuple[Effect, ...]:
    """The next reminder, as an effect; nothing where there is none before the lapse."""
    at = reminder_after(request, now)
    return (Effect("people.nudge", request.id, nudge_key(request), at, {"at": at.isoformat()}),) if at else ()


def escalate(request: AccessRequest, afters: Iterable[timedelta], since: datetime) -> tuple[Effect, ...]:
    """The next escalation later than ``since``, as an effect; nothing where there is none before the lapse."""
    at = escalation_after(request, afters, since)
    about = {"since": since.isoformat()}
    return (Effect("people.escalate", request.id, escalate_key(request), at, about),) if at else ()


def escalations(roles: Iterable[Role]) -> tuple[timedelta, ...]:
    """After how long since the asking further people may approve, by any stage of these roles."""
    return tuple(sorted({each.after for role in roles for stage in role.stages for each in stage.escalate}))


def tell(person: str, now: datetime) -> Effect:
    """Tell a person (id) what waits for them, together with all of which they are to be reminded by the minute's end.

    Its key is that minute's: enqueued no more when it is due.
    """
    minute = now.replace(second=0, microsecond=0)
    return Effect("chat.nudge", person, f"nudged:{person}:{minute.isoformat()}", minute + TOGETHER + SLACK)


def nudge_key(request: AccessRequest) -> str:
    """The key of the effect that reminds."""
    return f"nudge:{request.id}"


def escalate_key(request: AccessRequest) -> str:
    """The key of the effect that escalates."""
    return f"escalate:{request.id}"


def keys(request: AccessRequest) -> tuple[str, ...]:
    """What need not be done any more once it is decided."""
    return nudge_key(request), escalate_key(request)
