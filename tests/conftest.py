"""For every test."""

import asyncio
import gc
import os
from itertools import islice
from types import SimpleNamespace

import pytest
import uvicorn.server
from hypothesis import settings

from tests import making_once

LONG = frozenset({"crashes", "simulation", "races"})
"""Folders of tests that take many seconds each."""

# No test fails for being slow: Hypothesis would take an example of more than 200 ms for a failure.
settings.register_profile("untimed", settings(), deadline=None)
settings.load_profile("untimed")


making_once.share_statements()
making_once.share_client_classes()
making_once.share_service_data()
making_once.share_catalogues()


async def _nap(seconds: float) -> None:
    await asyncio.sleep(seconds / 10)


# A server that ends sleeps twice for a tenth of a second, and hundreds of tests end two of them.
uvicorn.server.asyncio = SimpleNamespace(**{**vars(asyncio), "sleep": _nap})


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are cores: a good part of what tests take is waiting for processes that they started."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each process begins with its part of the long tests, so that short ones are left at the end, for all of them."""
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    long = [item for item in items if LONG & set(item.path.parts)]
    short = iter([item for item in items if not LONG & set(item.path.parts)])
    # xdist's worksteal gives each process one stretch of the list, all of about the same length.
    ends = [len(items) * (at + 1) // count for at in range(count)]
    ordered: list[pytest.Item] = []
    for at, end in enumerate(ends):
        ordered += long[at::count]
        ordered += islice(short, max(0, end - len(ordered)))
    items[:] = [*ordered, *short]


def pytest_collection_finish() -> None:
    """Let the garbage collector look no more at the thousands of tests that were collected: they stay to the end."""
    gc.collect()
    gc.freeze()
