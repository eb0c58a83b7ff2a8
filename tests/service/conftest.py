"""A world on each kind of database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.service.ports import Store
from bot.store import open_store
from bot.store.memory import MemoryStore
from tests.core.examples import NOW
from tests.databases import database_url, postgres_server, postgres_url, sqlite_url
from tests.service.fakes import FakeClock
from tests.service.replicas import BASE, MakeReplica, Replica
from tests.service.world import World

__all__ = ["database_url", "postgres_server", "postgres_url", "sqlite_url"]


@pytest.fixture
def world(sqlite_url: str) -> Iterator[World]:
    """On SQLite."""
    world = World(sqlite_url)
    yield world
    world.close()


@pytest.fixture
def crowded_world(postgres_url: str) -> Iterator[World]:
    """On PostgreSQL, for what happens at the same moment."""
    world = World(postgres_url)
    yield world
    world.close()


@pytest.fixture
def clock() -> FakeClock:
    """The clock of ``store``."""
    return FakeClock(NOW)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, clock: FakeClock) -> Iterator[Store]:
    """Each kind of store in turn, empty."""
    if request.param == "memory":
        yield MemoryStore(clock)
        return
    url = request.getfixturevalue({"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param])
    opened = open_store(url, clock=clock, pool_size=30)
    yield opened
    opened.close()


@pytest.fixture
def replica(store: Store, tmp_path: Path) -> MakeReplica:
    """Makes replicas, each with a file of its own unless told."""
    made = iter(range(100))

    def make(text: str = BASE, *, file: Path | None = None, **options: object) -> Replica:
        return Replica(store, file or tmp_path / f"access-{next(made)}.yaml", text, **options)  # type: ignore[arg-type]

    return make
