"""Opsgenie: who is on call by one of its schedules."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urlencode

from pydantic import Field

from bot.core.rules import Schedule
from bot.service.sources import SourceError
from bot.sources.answers import Shape
from bot.sources.asking import Call, Http, base_of
from bot.sources.tokens import Tokens

KIND: Final = "opsgenie"
URL: Final = "https://api.opsgenie.com"
"""Accounts in the EU have https://api.eu.opsgenie.com."""


class _Parent(Shape):
    enabled: bool = True


class _OnCalls(Shape):
    parent: _Parent = Field(default=_Parent(), alias="_parent")
    recipients: tuple[str, ...] = Field(alias="onCallRecipients")


class _Answer(Shape):
    data: _OnCalls


@dataclass(frozen=True, slots=True)
class Opsgenie:
    """See ports: OnCall. ``Schedule.source`` is the id of a schedule there, a UUID."""

    http: Http
    tokens: Tokens

    def on_call(self, schedule: Schedule, at: datetime) -> tuple[str, ...]:
        """E-mail addresses in lower case; nobody by a schedule that is switched off. Raises SourceError."""
        base = base_of(schedule.id, schedule.url or URL)
        token = self.tokens.of(schedule.id, KIND, base)
        query = urlencode({"flat": "true", "date": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")})
        url = f"{base}/v2/schedules/{quote(schedule.source, safe='')}/on-calls?{query}"
        answer = self.http.ask(Call(schedule.id, url, f"GenieKey {token}"))
        if answer.status == 404:
            raise SourceError(f"{schedule.id} is not there under the id that access.yaml gives", passing=False)
        answer.expect()
        told = answer.read(_Answer).data
        # Whoever is named without an address could be mistaken for a person id.
        names = (name.lower() for name in told.recipients if "@" in name)
        return tuple(dict.fromkeys(names)) if told.parent.enabled else ()
