"""A world per scenario, over Socket Mode and over HTTP; what holds after every scenario is checked at its end."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bot import cli
from bot.sandbox.aws import LocalAws
from bot.sandbox.aws_seed import Seeded
from bot.settings import Transport
from tests.databases import postgres_server, postgres_url
from tests.sandbox.aws_fixture import local_aws, seeded
from tests.scenarios.harness import Cloud, World

__all__ = ["local_aws", "postgres_server", "postgres_url", "seeded"]

OpenWorld = Callable[..., World]
Shell = Callable[..., tuple[int, str]]
TRANSPORTS = list(Transport)


@pytest.fixture(scope="session")
def shared_cloud(local_aws: LocalAws, seeded: Seeded) -> Cloud:
    return Cloud(local_aws, seeded)


@pytest.fixture
def cloud(shared_cloud: Cloud) -> Iterator[Cloud]:
    """AWS as it was found, at the end too."""
    yield shared_cloud
    shared_cloud.clear()


@pytest.fixture
def open_world(cloud: Cloud, tmp_path: Path) -> Iterator[OpenWorld]:
    """Opens a world with these settings. At the end its audit log is whole, and no secret is anywhere."""
    with ExitStack() as stack:
        worlds: list[World] = []

        def run(**settings: Any) -> World:
            worlds.append(stack.enter_context(World(tmp_path, cloud, **settings)))
            return worlds[-1]

        yield run
        for world in worlds:
            world.verify_audit()
            assert not world.leaks()
            assert "Traceback" not in "".join(world.shown_to(name) for name in ("maya", "ines", "sam"))


@pytest.fixture(params=TRANSPORTS, ids=str)
def world(request: pytest.FixtureRequest, open_world: OpenWorld) -> World:
    """Everything at work; each scenario runs once for each transport."""
    return open_world(transport=request.param)


@pytest.fixture
def socket_world(open_world: OpenWorld) -> World:
    """Where the way in makes no difference."""
    return open_world()


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Shell:
    """Runs ``prodaccess …`` beside a world: its exit status and what it printed."""

    def run(world: World, *arguments: str) -> tuple[int, str]:
        for name, value in world.environment().items():
            monkeypatch.setenv(name, value)
        capfdbinary.readouterr()
        try:
            status = cli.main(arguments)
        finally:
            world.log_as_production_does()
        return status, capfdbinary.readouterr().out.decode()

    return run
