"""How many of Slack's payloads are being handled: what a stop waits for."""

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

LOOK_EVERY = 0.05
"""Seconds; longer than a payload is between two counts."""


@dataclass(slots=True)
class Running:
    """Counts what was begun and has not ended. For one event loop; not for threads."""

    count: int = 0

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """Something runs while the context is open."""
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1

    def counted(self, listener: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        """The same listener, counted while it runs; Bolt reads its arguments' names through the wrapper."""

        @functools.wraps(listener)
        async def counting(*arguments: Any, **named: Any) -> None:
            with self.one_more():
                await listener(*arguments, **named)

        return counting

    async def ended(self, within: float) -> bool:
        """Wait until nothing runs, for as many seconds at most; whether that came to be."""
        until, quiet = time.monotonic() + within, 0
        while (quiet := 0 if self.count else quiet + 1) < 2:
            if time.monotonic() >= until:
                return False
            await asyncio.sleep(LOOK_EVERY)
        return True
