"""Plays histories by their seeds, the same in every process."""

import logging
import random
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from tests.simulation.history import History
from tests.simulation.tasks import Broken


@dataclass(frozen=True, slots=True)
class Played:
    """What came of one history. ``why`` is empty when every promise was kept; ``end`` is the audit log's chain."""

    seed: int
    why: str
    trace: tuple[str, ...]
    end: str

    @property
    def ok(self) -> bool:
        return not self.why

    def in_words(self) -> str:
        """All of it, and how to see it again."""
        verdict = f"BROKEN: {self.why}" if self.why else "every promise was kept"
        return "\n".join(
            (*self.trace, f"{verdict} (log: {self.end})", f"replay: python -m tests.simulation {self.seed}")
        )


def play(seed: int) -> Played:
    """Play one history. What it finds is in the answer, whatever it is: nothing is raised."""
    with _from_seed(seed):
        history, why = History(seed), ""
        try:
            history.run()
        except Broken as broken:
            why = str(broken)
        except Exception as error:  # a defect all the same, with the steps that lead to it
            why = f"{type(error).__name__}: {error}"
        return Played(seed, why, tuple(history.trace), history.company.invariants.chain)


def first_broken(seeds: range) -> Played | None:
    """The first of these histories that breaks a promise."""
    return next((played for seed in seeds if not (played := play(seed)).ok), None)


@contextmanager
def _from_seed(seed: int) -> Iterator[None]:
    """The service's own jitter is drawn from the seed too; and what it would log as an error is a broken promise."""
    state, config = random.getstate(), structlog.get_config()
    random.seed(seed)
    structlog.configure(processors=[_alarm], wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    try:
        yield
    finally:
        random.setstate(state)
        structlog.configure(**config)


EXPECTED = frozenset({"grant.overdue", "revocation.unrecorded", "review.overdue"})
"""What operators are told of while all goes as it should under faults."""


def _alarm(_: object, __: str, event: MutableMapping[str, Any]) -> str:
    if event.get("event") in EXPECTED:
        raise structlog.DropEvent
    error = event.pop("exc_info", None)
    raise Broken(f"an error was logged: {dict(event)}, {error!r}") from (
        error if isinstance(error, Exception) else None
    )
