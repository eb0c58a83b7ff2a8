"""``prodaccess`` with some of its constants changed, as ``TOLD_…`` in its environment says; run as a module."""

import functools
import os
import resource
import sys
from datetime import timedelta
from pathlib import Path

from bot import app, cli, serving
from bot.service import effects
from bot.web import health
from tests.crashes.clock import SharedClock

CLOCK = "TOLD_CLOCK"
"""The path of a ``SharedClock``."""
WATCH_EVERY = "TOLD_WATCH_EVERY"
"""Seconds, for all that is done periodically."""
TICK = "TOLD_TICK"
"""Seconds, for workers that nobody wakes."""
IDLE = "TOLD_IDLE"
"""Without workers: it takes clicks only."""
FULL = "TOLD_FULL"
"""Its disk is full from the start."""


def main() -> int:
    """``prodaccess``, told otherwise in some things."""
    told = os.environ
    if FULL in told:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    if CLOCK in told:
        clock = SharedClock(Path(told[CLOCK]))
        serving.Service = functools.partial(serving.Service, clock=clock)  # type: ignore[assignment,misc]
        app.assemble = functools.partial(app.assemble, clock=clock)
    if WATCH_EVERY in told:
        serving.WATCH_EVERY = health.WRITE_EVERY = timedelta(seconds=float(told[WATCH_EVERY]))
    if TICK in told:
        effects.TICK = timedelta(seconds=float(told[TICK]))
    if IDLE in told:
        app.threads = lambda _: {}
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
