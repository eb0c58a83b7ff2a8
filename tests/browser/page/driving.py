"""Opening the page and waiting until it is live."""

from __future__ import annotations

import time
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.page.fake_server import Fake


def until(claim: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not claim():
        assert time.monotonic() < deadline, f"never came true: {what}"
        time.sleep(0.01)


def visit(page: Page, fake: Fake, place: str = "") -> None:
    """Opens the page at `place`, the part of the address after #, and waits for its live line."""
    before = fake.lines_opened
    page.goto(f"{fake.url}/#{place}")
    expect(page.locator("#app[data-ready]")).to_be_visible()
    until(lambda: fake.lines_opened > before, "the live line is open")
