"""A local Slack per test, and a real Bolt app to put beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.client import WebClient

from bot.sandbox.slack.clock import ShiftedClock
from bot.sandbox.slack.server import LocalSlack
from tests.sandbox.slack.harness import RunApp, RunningApp, workspace


@pytest.fixture
def clock() -> ShiftedClock:
    return ShiftedClock()


@pytest.fixture
def slack(clock: ShiftedClock) -> Iterator[LocalSlack]:
    with LocalSlack(workspace(), clock=clock) as running:
        yield running


@pytest.fixture
def client(slack: LocalSlack) -> WebClient:
    return WebClient(slack.bot_token, base_url=slack.api_url, retry_handlers=[])


@pytest.fixture(params=["socket", "http"])
def run_app(request: pytest.FixtureRequest, slack: LocalSlack) -> Iterator[RunApp]:
    """Runs an app against the workspace, once over Socket Mode and once over signed HTTP."""
    yield from _runner(slack, over_http=request.param == "http")


@pytest.fixture
def run_socket_app(slack: LocalSlack) -> Iterator[RunApp]:
    yield from _runner(slack, over_http=False)


@pytest.fixture
def run_http_app(slack: LocalSlack) -> Iterator[RunApp]:
    yield from _runner(slack, over_http=True)


def _runner(slack: LocalSlack, *, over_http: bool) -> Iterator[RunApp]:
    running: list[RunningApp] = []

    def run(build: Callable[[AsyncApp], None]) -> RunningApp:
        running.append(RunningApp(slack, build, over_http=over_http))
        return running[-1]

    yield run
    for app in running:
        app.stop()
