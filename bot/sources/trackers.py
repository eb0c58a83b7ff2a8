"""What trackers say of tickets. See service.sources.Tickets."""

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from bot.core.policy.facts import TicketFact
from bot.core.rules import Tracker
from bot.service.caching import Cache
from bot.service.sources import SourceError, Tickets
from bot.sources import github, jira, linear
from bot.sources.asking import Http
from bot.sources.tokens import Tokens

LIVES: Final = timedelta(seconds=30)


class Trackers:
    """``clock``: seconds, monotonic. Thread-safe."""

    def __init__(self, http: Http, tokens: Tokens, clock: Callable[[], float] = time.monotonic) -> None:
        self._cache: Cache[tuple[Tracker, str], TicketFact] = Cache(LIVES, clock)
        self._kept: Mapping[str, Tickets] = {
            jira.KIND: jira.Jira(http, tokens),
            github.KIND: github.GitHub(http, tokens),
            linear.KIND: linear.Linear(http, tokens),
        }

    def look(self, tracker: Tracker, key: str) -> TicketFact:
        """Raises SourceError."""
        kept = self._of(tracker)
        where = f"{tracker.kind} {tracker.url}"
        return self._cache.get((tracker, key), where, tracker.id, lambda: kept.look(tracker, key))

    def check(self, tracker: Tracker) -> None:
        """It is asked, however it was before. Raises SourceError."""
        self._of(tracker).check(tracker)

    def _of(self, tracker: Tracker) -> Tickets:
        kept = self._kept.get(tracker.kind)
        if kept is None:
            raise SourceError(f"{tracker.id} is of a kind that nobody knows: {tracker.kind}", passing=False)
        return kept
