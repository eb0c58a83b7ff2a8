"""Chromium, and the demo itself, as `prodaccess demo` runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from bot.demo import Demo
from tests.browser.chromium import launched
from tests.browser.story.visiting import Visit
from tests.scenarios.harness import TravelClock

BEHIND = timedelta(minutes=5)
SHOTS = Path(__file__).parents[3] / "test-output" / "story"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def clock() -> TravelClock:
    """The bot's and the phones': a story puts it forward where a visitor would wait for a code, or for an end.

    It begins behind: AWS goes by the machine's clock, and lets nobody in before access starts.
    """
    return TravelClock(BEHIND)


@pytest.fixture
def demo(browser: Browser, clock: TravelClock, tmp_path: Path) -> Iterator[Demo]:
    with Demo(tmp_path / "demo", port=0, clock=clock) as running:
        yield running


@pytest.fixture
def visit(browser: Browser, demo: Demo, clock: TravelClock) -> Iterator[Callable[[str, int, int], Visit]]:
    """Opens the demo in a window of a size; console errors and uncaught exceptions fail the test."""
    complaints: list[str] = []
    contexts = []

    def open_window(name: str, width: int, height: int) -> Visit:
        context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
        contexts.append(context)
        context.set_default_timeout(30_000)
        page: Page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        return Visit(page, demo.url, clock, SHOTS, name)

    yield open_window
    for context in contexts:
        context.close()
    assert complaints == []
