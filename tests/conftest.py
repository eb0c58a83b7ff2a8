"""For every test."""

import asyncio
import gc
from types import SimpleNamespace

import uvicorn.server
from hypothesis import settings

# No test fails for being slow: Hypothesis would take an example of more than 200 ms for a failure.
settings.register_profile("untimed", settings(), deadline=None)
settings.load_profile("untimed")


async def _nap(seconds: float) -> None:
    await asyncio.sleep(seconds / 10)


# A server that ends sleeps twice for a tenth of a second, and hundreds of tests end two of them.
uvicorn.server.asyncio = SimpleNamespace(**{**vars(asyncio), "sleep": _nap})


def pytest_collection_finish() -> None:
    """Let the garbage collector look no more at the thousands of tests that were collected: they stay to the end."""
    gc.collect()
    gc.freeze()
