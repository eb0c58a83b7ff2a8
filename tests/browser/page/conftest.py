"""Chromium against the page with a fake server behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.chromium import launched
from tests.browser.page.fake_server import Fake, FakeServer

SHOTS = Path(__file__).parents[3] / "test-output" / "page"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def fake() -> Iterator[Fake]:
    with FakeServer(Fake()) as running:
        yield running


@pytest.fixture
def context(browser: Browser, fake: Fake) -> Iterator[BrowserContext]:
    """Closed before the server that its pages speak with stops."""
    made = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    made.set_default_timeout(30_000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext, fake: Fake) -> Iterator[Page]:
    """A page whose console errors and uncaught exceptions fail the test."""
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    yield opened
    assert complaints == []
