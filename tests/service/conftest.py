"""A world on each kind of database."""

from collections.abc import Iterator

import pytest

from tests.databases import database_url, postgres_server, postgres_url, sqlite_url
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
