"""Who is on call, wherever it is kept. See service.sources.OnCall."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from bot.core.oncall import rota
from bot.core.rules import Schedule
from bot.service.caching import Cache
from bot.service.sources import OnCall, SourceError
from bot.sources import opsgenie, pagerduty
from bot.sources.asking import Http
from bot.sources.tokens import Tokens

LIVES: Final = timedelta(seconds=30)


class Schedules:
    """``clock``: seconds, monotonic. Thread-safe."""

    def __init__(self, http: Http, tokens: Tokens, clock: Callable[[], float] = time.monotonic) -> None:
        self._cache: Cache[tuple[Schedule, int], tuple[str, ...]] = Cache(LIVES, clock)
        self._kept: Mapping[str, OnCall] = {
            pagerduty.KIND: pagerduty.PagerDuty(http, tokens),
            opsgenie.KIND: opsgenie.Opsgenie(http, tokens),
        }

    def on_call(self, schedule: Schedule, at: datetime) -> tuple[str, ...]:
        """A static rota is never old; others are asked once for moments of the same half minute. Raises SourceError."""
        if schedule.kind == "static":
            return _static(schedule, at)
        kept = self._kept.get(schedule.kind)
        if kept is None:
            raise SourceError(f"{schedule.id} is of a kind that nobody knows: {schedule.kind}", passing=False)
        moment = at.astimezone(UTC).replace(microsecond=0)
        key = schedule, int(moment.timestamp() // LIVES.total_seconds())
        where = f"{schedule.kind} {schedule.url}"
        return self._cache.get(key, where, schedule.id, lambda: kept.on_call(schedule, moment))


def _static(schedule: Schedule, at: datetime) -> tuple[str, ...]:
    try:
        return rota(schedule, at)
    except ValueError as error:
        raise SourceError(f"{schedule.id} says nothing: {error}", passing=False) from error
