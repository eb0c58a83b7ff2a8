"""For every test."""

import gc


def pytest_collection_finish() -> None:
    """Let the garbage collector look no more at the thousands of tests that were collected: they stay to the end."""
    gc.collect()
    gc.freeze()
