"""An office per test, over Socket Mode unless a test asks for HTTP too."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.core.model import Role
from bot.sandbox.slack.server import LocalSlack
from tests.slack.office import Office, workspace

OpenOffice = Callable[..., Office]


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with LocalSlack(workspace()) as running:
        yield running


@pytest.fixture
def open_office(slack: LocalSlack, tmp_path: Path) -> Iterator[OpenOffice]:
    """Opens an office with these roles besides its own."""
    opened: list[Office] = []

    def run(*roles: Role, over_http: bool = False) -> Office:
        opened.append(Office(slack, tmp_path, roles, over_http=over_http))
        return opened[-1]

    yield run
    for office in opened:
        office.close()


@pytest.fixture
def office(open_office: OpenOffice) -> Office:
    return open_office()


@pytest.fixture(params=["socket", "http"])
def either_office(request: pytest.FixtureRequest, open_office: OpenOffice) -> Office:
    """Once over Socket Mode and once over signed HTTP."""
    return open_office(over_http=request.param == "http")
