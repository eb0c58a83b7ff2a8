"""PagerDuty: who is on call by one of its schedules.

``GET /oncalls`` knows a schedule only where an escalation policy uses it, and tells it once for each of its levels.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from bot.core.rules import Schedule
from bot.service.sources import SourceError
from bot.sources.answers import Shape
from bot.sources.asking import Call, Http, base_of
from bot.sources.tokens import Tokens

KIND: Final = "pagerduty"
URL: Final = "https://api.pagerduty.com"
PAGE: Final = 100
PAGES: Final = 10
"""A schedule with more entries at one moment is not understood."""


class _Ref(Shape):
    id: str = ""


class _User(Shape):
    email: str = ""
    """Empty where the user is told as a reference only, as one that is deleted."""


class _Entry(Shape):
    user: _User | None = None
    schedule: _Ref | None = None
    start: datetime | None = None
    """``None``: always; of both."""
    end: datetime | None = None


class _Page(Shape):
    oncalls: tuple[_Entry, ...]
    more: bool = False


@dataclass(frozen=True, slots=True)
class PagerDuty:
    """See ports: OnCall. ``Schedule.source`` is the id of a schedule there, as in PI7DH85."""

    http: Http
    tokens: Tokens

    def on_call(self, schedule: Schedule, at: datetime) -> tuple[str, ...]:
        """E-mail addresses in lower case, the first level first. Raises SourceError."""
        base = base_of(schedule.id, schedule.url or URL)
        token = self.tokens.of(schedule.id, KIND, base)
        by, found = self.http.deadline(), dict[str, None]()
        for page in range(PAGES):
            query = _query(schedule.source, at, page * PAGE)
            accept = {"Accept": "application/vnd.pagerduty+json;version=2"}
            call = Call(schedule.id, f"{base}/oncalls?{query}", f"Token token={token}", accept, by=by)
            answer = self.http.ask(call)
            answer.expect()
            told = answer.read(_Page)
            found |= dict.fromkeys(_names(told, schedule.source, at))
            if not told.more:
                return tuple(found)
        raise SourceError(f"{schedule.id} has more than {PAGE * PAGES:,} entries at once", passing=False)


def _query(schedule: str, at: datetime, offset: int) -> str:
    return urlencode(
        {
            "schedule_ids[]": schedule,
            "include[]": "users",
            "since": _iso(at),
            "until": _iso(at + timedelta(seconds=1)),
            "limit": PAGE,
            "offset": offset,
        }
    )


def _names(page: _Page, schedule: str, at: datetime) -> list[str]:
    """Of the entries that overlap the time asked for, those of this schedule that hold at the moment itself."""
    return [
        entry.user.email.lower()
        for entry in page.oncalls
        if entry.schedule is not None
        and entry.schedule.id == schedule
        and (entry.start is None or _utc(entry.start) <= at)
        and (entry.end is None or at < _utc(entry.end))
        and entry.user is not None
        and "@" in entry.user.email
    ]


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
