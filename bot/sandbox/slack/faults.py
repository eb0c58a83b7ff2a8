"""Faults to order, and Slack's rate limits: what an app meets on a bad day, on purpose."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from typing import Literal

from bot.sandbox.slack.clock import Clock

FaultKind = Literal["error", "status", "ratelimited", "delay", "hang", "drop"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One failing call.

    `error`: Slack's error code `code`. `status`: the bare HTTP `status`. `ratelimited`: 429 with Retry-After of
    `seconds`. `delay`: carried out after `seconds`. `hang`: never answered until faults are cleared, not carried
    out. `drop`: carried out, but the connection dies before the answer.
    """

    kind: FaultKind
    code: str = "internal_error"
    status: int = 500
    seconds: float = 1.0


class Faults:
    """Faults waiting for calls, by method; `*` stands for any. Used from the server's loop."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Fault]] = defaultdict(list)
        self._released = asyncio.Event()

    def order(self, method: str, fault: Fault, times: int = 1) -> None:
        self._waiting[method].extend([fault] * times)

    def clear(self) -> None:
        """Forget all faults and let go of the calls that hang."""
        self._waiting.clear()
        self._released.set()
        self._released = asyncio.Event()

    def next_for(self, method: str) -> Fault | None:
        for name in (method, "*"):
            if self._waiting[name]:
                return self._waiting[name].pop(0)
        return None

    async def hang(self) -> None:
        await self._released.wait()


class Pace:
    """About one message a second and channel, with a burst of a few (docs.slack.dev, "Rate limits")."""

    def __init__(self, clock: Clock, *, per_second: float = 1.0, burst: int = 5) -> None:
        self._clock = clock
        self._per_second = per_second
        self._burst = burst
        self._buckets: dict[str, tuple[float, float]] = {}

    def retry_after(self, channel: str) -> int | None:
        """Seconds to wait before the next message to this channel, None if it may go now (and is counted)."""
        now = self._clock.monotonic()
        tokens, at = self._buckets.get(channel, (float(self._burst), now))
        tokens = min(float(self._burst), tokens + (now - at) * self._per_second)
        if tokens < 1:
            self._buckets[channel] = (tokens, now)
            return max(1, round((1 - tokens) / self._per_second))
        self._buckets[channel] = (tokens - 1, now)
        return None
