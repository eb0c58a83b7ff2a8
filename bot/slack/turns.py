"""Several choices made in one modal within a moment: what is shown last is what goes with the last of them."""

import asyncio
from dataclasses import dataclass, field

MOST = 1_000
"""Modals of which it is remembered when somebody acted in them last; beyond it the oldest go."""


@dataclass(slots=True)
class _Turn:
    latest: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(slots=True)
class Turns:
    """When somebody last acted in each modal, in Slack's seconds. For one event loop; not for threads."""

    _turns: dict[str, _Turn] = field(default_factory=dict)

    def note(self, view: str, at: float) -> None:
        """Somebody acted in it."""
        turn = self._turns.pop(view, None) or _Turn()
        turn.latest = max(turn.latest, at)
        self._turns[view] = turn
        while len(self._turns) > MOST:
            del self._turns[next(iter(self._turns))]

    def is_over(self, view: str, at: float) -> bool:
        """Whether somebody acted in it later than this."""
        turn = self._turns.get(view)
        return turn is not None and at < turn.latest

    def lock(self, view: str) -> asyncio.Lock:
        """Whoever changes the modal holds it, so that changes reach Slack one after the other."""
        turn = self._turns.get(view)
        return turn.lock if turn else asyncio.Lock()
