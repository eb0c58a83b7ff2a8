"""The site over an office with a database of its own."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import httpx
import pytest
from fastapi import FastAPI

from bot.service.current import InUse
from bot.service.desk import Desk
from bot.service.ids import RandomIds
from bot.service.looking import Looking
from bot.service.queries import Queries
from bot.service.strays import Strays
from bot.store import SqlStore, open_store
from bot.web import build, new_registry, serve
from bot.web.site import SlackHandler
from tests.core.examples import NOW
from tests.databases import sqlite_url
from tests.service.enrolling import Office
from tests.service.fakes import FakeClock
from tests.service.replicas import changes_of

__all__ = ["sqlite_url"]

MakeSite = Callable[..., FastAPI]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def store(sqlite_url: str, clock: FakeClock) -> Iterator[SqlStore]:
    opened = open_store(sqlite_url, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def office(store: SqlStore, clock: FakeClock) -> Office:
    return Office(store, clock)


@pytest.fixture
def executor() -> Iterator[Executor]:
    with ThreadPoolExecutor(4) as made:
        yield made


@pytest.fixture
def make_site(office: Office, executor: Executor) -> MakeSite:
    """Everything as in production but for what the test gives."""

    def make(
        readiness: Callable[[], Mapping[str, str]] = lambda: {"database": ""}, slack: SlackHandler | None = None
    ) -> FastAPI:
        queries = Queries(office.store, office.current, office.people)
        strays = Strays(Looking(office.access), RandomIds())
        changes = changes_of(office.store, InUse(office.current()), office.people)
        desk = Desk(office.access, office.enrolments, office.people, queries, strays, changes)
        return build(desk, executor, readiness, new_registry(office.store), slack)

    return make


@contextmanager
def served(site: FastAPI) -> Iterator[httpx.Client]:
    """A client of the site, which is served in a thread of its own until the context ends."""
    url, stop = Future[str](), Future[None]()

    async def run() -> None:
        async with serve(site, "127.0.0.1", 0) as where:
            url.set_result(where)
            await asyncio.wrap_future(stop)

    thread = threading.Thread(target=asyncio.run, args=(run(),), name="site")
    thread.start()
    try:
        with httpx.Client(base_url=url.result(timeout=30), timeout=30) as client:
            yield client
    finally:
        stop.set_result(None)
        thread.join()


Open = Callable[[FastAPI], httpx.Client]


@pytest.fixture
def open_site() -> Iterator[Open]:
    """Serve a site until the test ends."""
    with ExitStack() as stack:
        yield lambda site: stack.enter_context(served(site))


@pytest.fixture
def browser(open_site: Open, make_site: MakeSite) -> httpx.Client:
    return open_site(make_site())
