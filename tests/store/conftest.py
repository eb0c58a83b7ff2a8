"""Stores of each kind, with a clock that the test sets."""

from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("tests.contracts.store")

from bot.service.ports import Store  # noqa: E402
from bot.store import open_store  # noqa: E402
from bot.store.memory import MemoryStore  # noqa: E402
from tests.contracts.store.makers import SetClock  # noqa: E402
from tests.databases import database_url, postgres_server, postgres_url, sqlite_url  # noqa: E402

__all__ = ["database_url", "postgres_server", "postgres_url", "sqlite_url"]


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, clock: SetClock) -> Iterator[Store]:
    """Each kind of store in turn, empty."""
    if request.param == "memory":
        yield MemoryStore(clock)
        return
    url = request.getfixturevalue({"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param])
    opened = open_store(url, clock=clock, pool_size=24)
    yield opened
    opened.close()
