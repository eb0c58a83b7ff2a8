"""The composition root: the only place where clients, engines and threads are made."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

import boto3
import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from bot import catalogue as catalogue_files
from bot.core.model import Catalogue
from bot.providers import load as load_provider
from bot.providers.aws_clients import AwsClients
from bot.service import housekeeping, summary
from bot.service.access import Access
from bot.service.desk import Desk
from bot.service.effects import Runner, Worker
from bot.service.enrolment import Enrolments
from bot.service.granting import Granting
from bot.service.ids import RandomIds, SystemClock
from bot.service.people import People
from bot.service.ports import Clock, CloudError, CloudProvider, StoreUnavailable
from bot.service.proof import Codes
from bot.service.queries import Queries
from bot.service.secretbox import AesGcmBox, CatalogueSigner
from bot.service.showing import Showing
from bot.settings import Settings, Transport
from bot.slack import app as slack_app
from bot.slack.config import SlackConfig, sync_client
from bot.slack.directory import SlackDirectory
from bot.slack.messenger import SlackChat
from bot.store import SqlStore, migrate, open_store, serve_lock

log = structlog.get_logger(__name__)

ISSUER = "prodaccess"
POOL_SPARE = 16
"""Database connections beside the workers': for clicks, the web page and the periodic work."""
EDGE_THREADS = 16
WATCH_EVERY = timedelta(seconds=15)
"""How often overdue access and the daily summary are looked for."""
EDGE_PATIENCE = 30.0
"""Seconds for Slack and the web page to be up, and to be down again."""
DRAIN = timedelta(seconds=8)


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that is made once, wired together; nothing runs yet."""

    settings: Settings
    catalogue: Catalogue
    store: SqlStore
    desk: Desk
    directory: SlackDirectory
    granting: Granting
    runner: Runner
    signer: CatalogueSigner


class ServiceError(Exception):
    """The service cannot start, or had to stop; says why."""


# --- wiring ----------------------------------------------------------------------------------------------


@contextmanager
def assemble(
    settings: Settings, *, session: boto3.Session | None = None, clock: Clock | None = None
) -> Iterator[Parts]:
    """Wire the service by its settings; the store is closed at the end. Raises CatalogueError."""
    catalogue = catalogue_files.load(settings.catalogue)
    pool = 2 * settings.workers + POOL_SPARE
    store = open_store(settings.database_url.reveal(), clock=clock, pool_size=pool)
    try:
        yield _wire(settings, catalogue, store, session or boto3.Session(), clock or SystemClock())
    finally:
        store.close()


def _wire(settings: Settings, catalogue: Catalogue, store: SqlStore, session: boto3.Session, clock: Clock) -> Parts:
    def current() -> Catalogue:
        return catalogue

    keys = {key.id: key.key for key in settings.keys}
    ids, box = RandomIds(), AesGcmBox(keys, settings.keys[0].id)
    slack = sync_client(slack_config(settings))
    directory = SlackDirectory(slack, settings.slack_team)
    people = People(current, directory)
    codes = Codes(store, box, ids)
    clouds = _clouds(settings, catalogue, session)
    access = Access(store, current, people, clouds, codes, ids)
    queries = Queries(store, current, people, clouds)
    enrolments = Enrolments(store, current, people, codes, box, ids, ISSUER, settings.public_url)
    granting = Granting(access, clock)
    showing = Showing(store, queries, SlackChat(slack), enrolments)
    handlers = {**granting.handlers(), **showing.handlers(), **enrolments.handlers(access)}
    return Parts(
        settings=settings,
        catalogue=catalogue,
        store=store,
        desk=Desk(access, enrolments, people, queries),
        directory=directory,
        granting=granting,
        runner=Runner(store, clock, handlers),
        signer=CatalogueSigner(keys, settings.keys[0].id),
    )


def _clouds(settings: Settings, catalogue: Catalogue, session: boto3.Session) -> Mapping[str, CloudProvider]:
    clients = AwsClients(session, endpoint_url=settings.aws_endpoint_url or None)
    return {name: load_provider(name, clients=clients) for name in {role.provider for role in catalogue.roles.values()}}


def slack_config(settings: Settings) -> SlackConfig:
    """How Slack is reached."""
    return SlackConfig(
        bot_token=settings.slack_bot_token.reveal(),
        app_token=settings.slack_app_token.reveal(),
        signing_secret=settings.slack_signing_secret.reveal(),
        base_url=settings.slack_base_url,
        team_id=settings.slack_team,
    )


def reach_accounts(parts: Parts) -> Iterator[tuple[str, str]]:
    """(account id, what is wrong) for every account of the catalogue, nothing being empty text."""
    for account in parts.catalogue.accounts.values():
        principals = sorted(
            {p.identities[account.id] for p in parts.catalogue.people.values() if account.id in p.identities}
        )
        try:
            for cloud in parts.desk.access.providers.values():
                tuple(cloud.existing(account, principals[:1]))
        except CloudError as error:
            yield account.id, str(error)
        else:
            yield account.id, ""


# --- running ---------------------------------------------------------------------------------------------


class Service:
    """The bot, running while the context is open: workers, the periodic work, Slack and the web page.

    Raises on entering: CatalogueError, StoreUnavailable, StoreInUse, ServiceError.
    """

    def __init__(self, settings: Settings, *, session: boto3.Session | None = None, clock: Clock | None = None) -> None:
        self._settings, self._session, self._clock = settings, session, clock
        self._stack = ExitStack()
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

    def wait(self, stopped: threading.Event) -> None:
        """Block until ``stopped`` is set. Raises ServiceError when Slack or the web page ended by themselves."""
        while not stopped.wait(0.5):
            self._edge.check()

    @property
    def url(self) -> str:
        """Where the web page listens."""
        return self._edge.url

    def _start(self, stack: ExitStack) -> None:
        url = self._settings.database_url.reveal()
        stack.enter_context(serve_lock(url))
        migrate(url)
        parts = stack.enter_context(assemble(self._settings, session=self._session, clock=self._clock))
        self.parts = parts
        housekeeping.note_catalogue(parts.store, parts.catalogue, parts.signer)
        worker = Worker(parts.runner, {"access": self._settings.workers, "chat": self._settings.workers})
        worker.start()
        stack.callback(worker.stop, DRAIN)
        ticker = _ticker(parts)
        ticker.start()
        stack.callback(ticker.shutdown)
        self._edge = _Edge(parts, worker)
        self._edge.start()
        # First to go: no new work comes in while the workers drain.
        stack.callback(self._edge.stop)


def _ticker(parts: Parts) -> BackgroundScheduler:
    ticker = BackgroundScheduler(timezone="UTC")
    for job in (parts.granting.page_overdue, lambda: summary.enqueue_due(parts.store, parts.catalogue)):
        ticker.add_job(
            _unless_away,
            "interval",
            args=[job],
            seconds=WATCH_EVERY.total_seconds(),
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

    def __init__(self, parts: Parts, worker: Worker) -> None:
        self._parts, self._worker = parts, worker
        self._thread = threading.Thread(target=self._run, name="edge", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._up = threading.Event()
        self._failure: BaseException | None = None

    def start(self) -> None:
        """Return when Slack is connected and the page listens. Raises ServiceError."""
        self._thread.start()
        if not self._up.wait(EDGE_PATIENCE):
            raise ServiceError("Slack could not be reached in time; check the tokens and PRODACCESS_SLACK_BASE_URL")
        self.check()

    def stop(self) -> None:
        """Take nothing more in. A second call does nothing."""
        if self._loop is not None and self._stopping is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(EDGE_PATIENCE)

    def check(self) -> None:
        """Raises ServiceError when it ended by itself."""
        if self._failure is not None:
            raise ServiceError(f"the bot had to stop: {self._failure}") from self._failure

    @property
    def url(self) -> str:
        """Where the web page listens."""
        return ""

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # handed to the main thread, which ends the process with it
            self._failure = error
        finally:
            self._up.set()

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        parts, config = self._parts, slack_config(self._parts.settings)
        async with AsyncExitStack() as stack:
            executor = ThreadPoolExecutor(EDGE_THREADS, thread_name_prefix="edge")
            stack.callback(executor.shutdown, wait=False, cancel_futures=True)
            app = slack_app.build(parts.desk, config, executor, parts.directory)
            socket = slack_app.SocketMode(app, config)
            over_http = parts.settings.slack_transport is Transport.HTTP
            if not over_http:
                await socket.start()
                stack.push_async_callback(socket.stop)
            self._up.set()
            await self._stopping.wait()
