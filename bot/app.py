"""The composition root: the only place where clients, engines and threads are made."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from bot import catalogue as catalogue_files
from bot.core.model import Catalogue
from bot.providers import load as load_provider
from bot.providers.aws_clients import AwsClients
from bot.service import housekeeping, summary
from bot.service.access import Access
from bot.service.cards import Chat
from bot.service.desk import Desk
from bot.service.effects import Runner, Worker
from bot.service.enrolment import Enrolments
from bot.service.granting import Granting
from bot.service.ids import RandomIds, SystemClock
from bot.service.people import People
from bot.service.ports import Clock, CloudProvider, Directory, StoreUnavailable
from bot.service.proof import Codes
from bot.service.queries import Queries
from bot.service.secretbox import AesGcmBox, CatalogueSigner
from bot.service.showing import Showing
from bot.settings import Settings
from bot.slack import app as slack_app
from bot.slack.directory import SlackDirectory
from bot.slack.messenger import SlackChat
from bot.store import SqlStore, migrate, open_store, serve_lock
from bot.web import server as web

log = structlog.get_logger(__name__)

ISSUER = "prodaccess"


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that is made once, wired together; nothing runs yet."""

    settings: Settings
    catalogue: Catalogue
    store: SqlStore
    desk: Desk
    granting: Granting
    showing: Showing
    runner: Runner
    signer: CatalogueSigner


def providers(settings: Settings, catalogue: Catalogue) -> Mapping[str, CloudProvider]:
    """One provider for each name that the catalogue's roles use."""
    clients = AwsClients(boto3.Session(), endpoint_url=settings.aws_endpoint_url)
    return {name: load_provider(name, clients=clients) for name in {role.provider for role in catalogue.roles.values()}}


@contextmanager
def assemble(settings: Settings, *, clock: Clock | None = None) -> Iterator[Parts]:
    """Wire the service by its settings; the store is closed at the end. Raises CatalogueError, SettingsError."""
    catalogue = catalogue_files.load(settings.catalogue)
    store = open_store(settings.database_url, clock=clock, pool_size=settings.workers + 8)
    try:
        yield _wire(settings, catalogue, store, clock or SystemClock())
    finally:
        store.close()


def _wire(settings: Settings, catalogue: Catalogue, store: SqlStore, clock: Clock) -> Parts:
    def current() -> Catalogue:
        return catalogue

    ids, box = RandomIds(), AesGcmBox(settings.keys, settings.current_key)
    directory: Directory = SlackDirectory(settings.slack)
    chat: Chat = SlackChat(settings.slack)
    people = People(current, directory)
    codes = Codes(store, box, ids)
    clouds = providers(settings, catalogue)
    access = Access(store, current, people, clouds, codes, ids)
    queries = Queries(store, current, people, clouds)
    enrolments = Enrolments(store, current, people, codes, box, ids, ISSUER, settings.public_url)
    granting = Granting(access, clock)
    showing = Showing(store, queries, chat, enrolments)
    handlers = {**granting.handlers(), **showing.handlers(), **enrolments.handlers(access)}
    return Parts(
        settings=settings,
        catalogue=catalogue,
        store=store,
        desk=Desk(access, enrolments, people, queries),
        granting=granting,
        showing=showing,
        runner=Runner(store, clock, handlers),
        signer=CatalogueSigner(settings.keys, settings.current_key),
    )
