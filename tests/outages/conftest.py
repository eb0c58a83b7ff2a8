"""Worlds whose every connection can fail; what holds after every outage is checked at the end."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from bot.providers import aws_clients
from bot.slack import app as slack_app
from bot.slack import config as slack_config
from tests.databases import postgres_server, postgres_url
from tests.outages.world import OpenWorld, World

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture
def impatient_with_slack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorter time-outs than the usual ones, for tests in which Slack is what fails."""
    monkeypatch.setattr(slack_app, "PING_SECONDS", 0.5)
    monkeypatch.setattr(slack_app, "CONNECT_SECONDS", 1.0)
    monkeypatch.setattr(slack_config, "ANSWER_TIMEOUT", 2)


@pytest.fixture
def impatient_with_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorter time-outs than the usual ones, for tests in which AWS is what fails."""
    quick = aws_clients._CONFIG.merge(Config(connect_timeout=1, read_timeout=1))
    monkeypatch.setattr(aws_clients, "_CONFIG", quick)


@pytest.fixture
def open_world(tmp_path: Path) -> Iterator[OpenWorld]:
    """Opens a world with these settings; checks at the end what holds after every outage."""
    with ExitStack() as stack:
        worlds: list[World] = []

        def run(**settings: Any) -> World:
            worlds.append(stack.enter_context(World(tmp_path, stack, **settings)))
            return worlds[-1]

        yield run
        for world in worlds:
            world.check()


@pytest.fixture
def world(open_world: OpenWorld) -> World:
    """On SQLite, over Socket Mode."""
    return open_world()


@pytest.fixture
def postgres_world(postgres_url: str, open_world: OpenWorld) -> World:
    """On PostgreSQL, over Socket Mode."""
    return open_world(postgres_url=postgres_url)
