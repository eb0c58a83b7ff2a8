"""Running what ``bot.app`` wires: workers, the periodic work, and the event loop of Slack and the web page."""

import asyncio
import gc
import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

import boto3
import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from bot import app, web
from bot.app import Parts
from bot.service import summary
from bot.service.effects import Worker
from bot.service.ports import Clock
from bot.service.records import StoreUnavailable
from bot.settings import Settings, Transport
from bot.slack import app as slack_app
from bot.slack.running import Running
from bot.store import migrate, serve_lock

log = structlog.get_logger(__name__)

EDGE_THREADS = 16
WATCH_EVERY = timedelta(seconds=15)
"""How often overdue access, the daily summary and accounts that nobody looks at are looked for."""
LOOK_EVERY = timedelta(seconds=3)
"""How often the catalogue's file, and what is live by the database, are looked at."""
UP_WITHIN = 30.0
"""Seconds for Slack and the web page to be up."""
CONNECT_WITHIN = 5.0
"""Seconds that the start waits for Slack before it goes on without."""
STOP_WITHIN = 9.0
"""Seconds for a stop in all: what still runs then is cut off, as by a crash, and found again by whoever is next."""
ENDING = 0.3
"""Seconds after that for threads that have nothing more to do."""
ANSWERS_WITHIN = 4.0
"""Seconds of a stop in which what came in from Slack is answered."""


class ServiceError(Exception):
    """The service cannot start, or had to stop; says why."""


class Service:
    """The bot, running while the context is open: workers, the periodic work, Slack and the web page.

    Raises on entering: CatalogueError, StoreUnavailable, StoreInUse, ServiceError.
    """

    def __init__(self, settings: Settings, *, session: boto3.Session | None = None, clock: Clock | None = None) -> None:
        self._settings, self._session, self._clock = settings, session, clock
        self._stack = ExitStack()
        self._patience = _Patience(STOP_WITHIN)
        self._edge: _Edge
        self.parts: Parts

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def wait(self, stopped: threading.Event, reload: threading.Event | None = None) -> None:
        """Block until ``stopped`` is set; read the catalogue's file each time that ``reload`` is, which clears it.

        Raises ServiceError when Slack or the web page ended by themselves.
        """
        while not stopped.wait(0.5):
            self._edge.check()
            if reload is not None and reload.is_set():
                reload.clear()
                _unless_away(self.parts.reloading.reload)

    @property
    def url(self) -> str:
        """Where the web page listens."""
        return self._edge.url

    def _start(self, stack: ExitStack) -> None:
        url = self._settings.database_url.reveal()
        stack.enter_context(serve_lock(url))
        migrate(url)
        parts = stack.enter_context(app.assemble(self._settings, session=self._session, clock=self._clock, strict=True))
        self.parts = parts
        parts.reloading.begin()
        # Before anything is granted: whether this machine's clock and the database's agree.
        parts.database_clock.measure()
        parts.reconciling.begin()
        # A new installation counts from its start, not from the first tick: a restart before that loses no day.
        summary.enqueue_due(parts.store, parts.catalogue)
        running = Running()
        worker = Worker(parts.runner, app.threads(self._settings), busy=lambda: running.count > 0)
        worker.start()
        stack.callback(lambda: worker.stop(timedelta(seconds=self._patience.left())))
        ticker = _ticker(parts, worker)
        ticker.start()
        stack.callback(lambda: _in_thread(ticker.shutdown, self._patience.left()))
        self._edge = _Edge(parts, worker, running)
        stack.callback(lambda: self._edge.stop(self._patience.left()))
        # The first to hear of a stop: no worker begins anything while Slack gets its last answers.
        stack.callback(worker.stop, timedelta(0))
        self._edge.start()


def keep_what_is_there() -> None:
    """Let the garbage collector look no more at what a running service was made of: it stays until the process ends.

    Else every full collection goes through some hundred thousand objects, which cost a sixth of a flood's time. It
    looks less often, too: a flood's batch of records, which makes no cycles, was gone through again and again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def leave_behind_what_hangs() -> None:
    """End the process, status 0, if a thread still waits for Slack, AWS or the database: Python would wait for it too.

    To the work that it cuts off this is a crash, which leaves nothing that the next start does not find.
    """
    until = time.monotonic() + ENDING
    others = [each for each in threading.enumerate() if each is not threading.current_thread() and not each.daemon]
    for thread in others:
        thread.join(max(0.0, until - time.monotonic()))
    hanging = sorted(thread.name for thread in others if thread.is_alive())
    if hanging:
        log.warning("stop.cut-off", threads=hanging)
        logging.shutdown()
        os._exit(0)


class _Patience:
    """Seconds that all parts of a stop share; the first who asks starts the clock."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: float | None = None

    def left(self) -> float:
        """What remains, 0 at the end."""
        if self._until is None:
            self._until = time.monotonic() + self._seconds
        return max(0.0, self._until - time.monotonic())


def _in_thread(work: Callable[[], object], within: float) -> None:
    """Do what blocks, and wait for it ``within`` seconds."""
    thread = threading.Thread(target=work, name="stopping", daemon=True)
    thread.start()
    thread.join(within)


def periodic(parts: Parts, worker: Worker) -> tuple[Callable[[], object], ...]:
    """What every replica does each ``WATCH_EVERY``."""
    stops = parts.desk.access.stops
    return (
        parts.database_clock.measure,
        parts.overdue.watch,
        parts.leaving.keep_looking,
        lambda: summary.enqueue_due(parts.store, parts.catalogue),
        parts.reconciling.keep_at_it,
        stops.settle,
        # In either lane: access that expires is first written by the one, and then taken away by the other.
        lambda: stops.sweep() if {"access", "cloud"} & worker.away else None,
    )


def _ticker(parts: Parts, worker: Worker) -> BackgroundScheduler:
    ticker = BackgroundScheduler(timezone="UTC")
    jobs = [(job, WATCH_EVERY) for job in periodic(parts, worker)]
    for job, every in (*jobs, (parts.reloading.look, LOOK_EVERY)):
        ticker.add_job(
            _unless_away,
            "interval",
            args=[job],
            seconds=every.total_seconds(),
            coalesce=True,
            max_instances=1,
            next_run_time=datetime.now(UTC),
        )
    return ticker


def _unless_away(job: Callable[[], object]) -> None:
    try:
        job()
    except StoreUnavailable as error:
        log.warning("ticker.database-away", error=str(error))


class _Edge:
    """The event loop of Slack and the web page, in a thread of its own."""

    def __init__(self, parts: Parts, worker: Worker, running: Running) -> None:
        self._parts, self._worker, self._running = parts, worker, running
        self._thread = threading.Thread(target=self._run, name="edge", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._up = threading.Event()
        self._failure: BaseException | None = None
        self.url = ""

    def start(self) -> None:
        """Return when the page listens, and Slack is connected if it can be. Raises ServiceError."""
        self._thread.start()
        if not self._up.wait(UP_WITHIN):
            raise ServiceError("the web page did not come up in time")
        self.check()

    def stop(self, within: float) -> None:
        """Answer what came in, take nothing more in; ``within`` seconds. A second call does nothing."""
        if self._loop is not None and self._stopping is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(within)

    def check(self) -> None:
        """Raises ServiceError when it ended by itself."""
        if self._failure is not None:
            raise ServiceError(f"the bot had to stop: {self._failure}") from self._failure

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # handed to the main thread, which ends the process with it
            self._failure = error
        finally:
            self._up.set()

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        settings, config = self._parts.settings, app.slack_config(self._parts.settings)
        async with AsyncExitStack() as stack:
            executor = ThreadPoolExecutor(EDGE_THREADS, thread_name_prefix="edge")
            stack.callback(executor.shutdown, wait=False, cancel_futures=True)
            running = self._running
            bolt = slack_app.build(self._parts.desk, config, executor, self._parts.directory, running)
            socket = slack_app.SocketMode(bolt, config)
            over_http = settings.slack_transport is Transport.HTTP
            site = web.build(
                self._parts.desk,
                executor,
                self._readiness(None if over_http else socket),
                web.new_registry(self._parts.store, self._skew, lambda: self._parts.reloading.is_refused),
                slack_app.http_handler(bolt).handle if over_http else None,
                notes=lambda: {"catalogue": self._parts.reloading.problem},
            )
            self.url = await stack.enter_async_context(web.serve(site, settings.http_host, settings.http_port))
            if not over_http:
                await self._connect(socket, stack)
            self._up.set()
            await self._stopping.wait()
            if not await running.ended(ANSWERS_WITHIN):
                log.warning("stop.unanswered", count=running.count)

    async def _connect(self, socket: slack_app.SocketMode, stack: AsyncExitStack) -> None:
        """Without Slack the service runs all the same: access ends on time. It connects as soon as Slack is there."""
        stack.push_async_callback(socket.stop)
        connecting = asyncio.create_task(socket.start(), name="slack-connect")
        stack.callback(connecting.cancel)
        done, _ = await asyncio.wait({connecting}, timeout=CONNECT_WITHIN)
        if not done:
            log.warning("slack.not-connected", waited_seconds=CONNECT_WITHIN)

    def _readiness(self, socket: slack_app.SocketMode | None) -> web.Readiness:
        def slack() -> str:
            return "" if socket is None or socket.connected else "is not connected"

        parts = self._parts
        return web.Readiness(parts.store, parts.clock, self._worker.beats, slack=slack, skew=self._skew)

    def _skew(self) -> timedelta:
        return self._parts.database_clock.skew
