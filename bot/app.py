"""The composition root: the only place where clients, engines and threads are made. ``bot.serving`` runs them."""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

import boto3

from bot import catalogue as catalogue_files
from bot.core.model import Catalogue
from bot.providers import load as load_provider
from bot.providers.aws_clients import AwsClients
from bot.service.access import Access
from bot.service.alarms import Alarms
from bot.service.breaker import Accounts
from bot.service.catalogues import Catalogues
from bot.service.changes import Announcing, Changes
from bot.service.clock import DatabaseClock
from bot.service.current import InUse
from bot.service.desk import Desk
from bot.service.effects import Runner
from bot.service.enrolment import Enrolments
from bot.service.extending import Extending
from bot.service.facts import Sources
from bot.service.granting import Granting
from bot.service.ids import RandomIds, SystemClock
from bot.service.leaving import Leaving
from bot.service.looking import Looking
from bot.service.nudging import Nudging
from bot.service.overdue import Overdue
from bot.service.people import People
from bot.service.ports import Clock, CloudProvider
from bot.service.proof import Codes
from bot.service.queries import Queries
from bot.service.reconciling import Reconciling
from bot.service.records import CloudError
from bot.service.reloading import Reloading
from bot.service.reviews import Reviews
from bot.service.secretbox import AesGcmBox, CatalogueSigner
from bot.service.showing import Showing
from bot.service.strays import Strays
from bot.service.tending import Tending
from bot.service.watching import Watching
from bot.settings import Settings
from bot.slack.config import SlackConfig, sync_client
from bot.slack.directory import SlackDirectory
from bot.slack.messenger import SlackChat
from bot.sources import Http, Schedules, Tokens, Trackers
from bot.store import SqlStore, open_store

P = ParamSpec("P")
R = TypeVar("R")

ISSUER = "prodaccess"
POOL_SPARE = 16
"""Database connections beside the workers': for clicks, the web page and the periodic work."""


SOURCE_THREADS = 8
"""For what clicks wait for of schedules, trackers and tags, each for seconds at most."""


@dataclass(frozen=True, slots=True)
class Outside:
    """The ways out beside Slack's: to AWS, and to schedules and trackers."""

    session: boto3.Session
    sources: Sources


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that is made once, wired together; nothing runs yet."""

    settings: Settings
    in_use: InUse
    store: SqlStore
    desk: Desk
    directory: SlackDirectory
    granting: Granting
    leaving: Leaving
    overdue: Overdue
    reconciling: Reconciling
    runner: Runner
    clock: Clock
    database_clock: DatabaseClock
    reloading: Reloading

    @property
    def catalogue(self) -> Catalogue:
        """What is in use now."""
        return self.in_use()


def threads(settings: Settings) -> Mapping[str, int]:
    """How many threads each lane has."""
    return {"access": 2, "people": 2, "cloud": settings.workers, "sources": 1, "drift": 1, "chat": settings.workers}


@contextmanager
def assemble(
    settings: Settings,
    *,
    session: boto3.Session | None = None,
    clock: Clock | None = None,
    ledger: bool = True,
    strict: bool = False,
) -> Iterator[Parts]:
    """Wire the service by its settings; the store is closed at the end.

    The catalogue is the one that is live by the database (see Catalogues.opened for ``strict``), or the file's without
    ``ledger``: where the database is away, or not migrated. Raises BadCatalogue.
    """
    pool = sum(threads(settings).values()) + POOL_SPARE
    store = open_store(settings.database_url.reveal(), clock=clock, pool_size=pool)
    try:
        with _sources(settings, clock) as sources:
            file, signer = catalogue_files.File(settings.catalogue), CatalogueSigner(*_sealing(settings))
            catalogues = Catalogues(store, file, signer, RandomIds())
            in_use = InUse(catalogues.opened(strict=strict) if ledger else file.parse(file.read()))
            made = session or boto3.Session()
            outside = Outside(made, sources)
            yield _wire(settings, catalogues, in_use, store, outside, clock=clock or SystemClock())
    finally:
        store.close()


def _wire(
    settings: Settings,
    catalogues: Catalogues,
    current: InUse,
    store: SqlStore,
    outside: Outside,
    *,
    clock: Clock,
) -> Parts:
    ids, box = RandomIds(), AesGcmBox(*_sealing(settings))
    slack = sync_client(slack_config(settings))
    directory = SlackDirectory(slack, settings.slack_team)
    people = People(current, directory)
    codes = Codes(store, box, ids)
    changes = Changes(catalogues, current, people, codes)
    clouds = _clouds(settings, outside.session)
    access = Access(store, current, people, clouds, codes, ids, sources=outside.sources)
    queries = Queries(store, current, people, clouds, access.sources)
    enrolments = Enrolments(store, current, people, codes, box, ids, ISSUER, settings.public_url)
    database_clock = DatabaseClock(clock, store)
    accounts = Accounts(at_once=max(1, settings.workers * 3 // 4))
    granting = Granting(access, database_clock, accounts)
    leaving, chat = Leaving(store, people), SlackChat(slack)
    looking, reviews = Looking(access, accounts), Reviews(access)
    strays, reconciling = Strays(looking, ids), Reconciling(looking, clock, ids)
    showing, overdue = Showing(store, queries, chat, enrolments, strays), Overdue(store, current, people, chat)
    handlers = {
        **granting.handlers(),
        **leaving.handlers(),
        **showing.handlers(),
        **overdue.handlers(),
        **enrolments.handlers(access),
        **reconciling.handlers(),
        **Extending(access).handlers(),
        **Tending(access, database_clock, accounts).handlers(),
        **reviews.handlers(),
        **Alarms(store, queries, chat, reviews).handlers(),
        **Announcing(changes, chat).handlers(),
        **Watching(store, current, access.gathering, access.revoke).handlers(),
        **Nudging(queries, chat).handlers(),
    }
    alone = settings.database_url.reveal().startswith("sqlite")
    return Parts(
        settings=settings,
        in_use=current,
        store=store,
        desk=Desk(access, enrolments, people, queries, strays, changes, current.pinned),
        directory=directory,
        granting=granting,
        leaving=leaving,
        overdue=overdue,
        reconciling=reconciling,
        runner=Runner(store, clock, _pinned(current, handlers), _pinned(current, granting.batches())),
        clock=clock,
        database_clock=database_clock,
        reloading=Reloading(catalogues, current, alone),
    )


@contextmanager
def _sources(settings: Settings, clock: Clock | None) -> Iterator[Sources]:
    """Schedules and trackers, with one HTTP client, and the threads in which they are waited for.

    What they said grows old by ``clock`` where there is one, else by time that nobody sets.
    """
    stopwatch = time.monotonic if clock is None else lambda: clock.now().timestamp()
    http, tokens = Http(), Tokens(settings.source_tokens, settings.source_hosts)
    executor = ThreadPoolExecutor(SOURCE_THREADS, thread_name_prefix="source")
    try:
        yield Sources(Schedules(http, tokens, stopwatch), Trackers(http, tokens, stopwatch), executor)
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
        http.close()


def _sealing(settings: Settings) -> tuple[dict[str, bytes], str]:
    """The keys by id, and the id of the one that new things are sealed and signed with."""
    return {key.id: key.key for key in settings.keys}, settings.keys[0].id


def _pinned(current: InUse, handlers: Mapping[str, Callable[P, R]]) -> dict[str, Callable[P, R]]:
    """Each runs on one catalogue from its beginning to its end."""
    return {kind: current.pinned(handler) for kind, handler in handlers.items()}


def _clouds(settings: Settings, session: boto3.Session) -> Mapping[str, CloudProvider]:
    """All that there are: what the catalogue names may change."""
    clients = AwsClients(session, endpoint_url=settings.aws_endpoint_url or None)
    return {name: load_provider(name, clients=clients) for name in catalogue_files.PROVIDERS}


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
