"""The worker: claims due effects, runs them, gives back what has to be tried again.

Two lanes with threads of their own, ``access`` and ``chat``: a revocation never waits for a message. Nothing is kept in
memory between two claims; what a dead worker had leased is claimed again when its lease is over.
"""

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from bot.core.model import Effect
from bot.core.text import clean
from bot.service.ports import Clock, Store
from bot.service.records import ChatError, Claim, CloudError, DirectoryError, StoreUnavailable

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=90)
"""Longer than the slowest effect: two cloud calls with their time-outs and one retry each."""
BATCH = 8
"""Claims a thread takes at once; all must fit into one lease."""
TICK = timedelta(seconds=1)
"""How long a worker sleeps at most: the safety net under wake-ups."""
BACKOFF = timedelta(seconds=1)
BACKOFF_MOST = timedelta(seconds=60)

Handler = Callable[[Claim], None]


class Retry(Exception):
    """The effect is not done; try it again ``after`` a while. The message says why, without secrets."""

    def __init__(self, message: str, after: timedelta) -> None:
        super().__init__(message)
        self.after = after


def backoff(attempts: int) -> timedelta:
    """How long to wait after that many attempts: doubling, capped, with jitter; it never gives up."""
    longest = min(BACKOFF_MOST, BACKOFF * 2 ** min(attempts - 1, 10))
    return timedelta(seconds=longest.total_seconds() * random.uniform(0.5, 1))  # noqa: S311 - jitter


def in_words(error: Exception) -> str:
    """What an error says, fit to be kept: the database refuses NUL and lone surrogates, whoever sent them."""
    return clean(str(error)[:500], limit=2000)


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs one claim. What a handler raises is a reason to try again, never a reason to stop."""

    store: Store
    clock: Clock
    handlers: Mapping[str, Handler]

    def run(self, claim: Claim) -> bool:
        """True when the effect is done; else it was given back."""
        handler = self.handlers.get(claim.kind)
        if handler is None:
            self._give_back(claim, BACKOFF_MOST, f"Nothing here handles {claim.kind}.")
            return False
        try:
            handler(claim)
        except Retry as error:
            self._give_back(claim, error.after, in_words(error))
        except DirectoryError as error:
            self._give_back(claim, backoff(claim.attempts), str(error))
        except (CloudError, ChatError) as error:
            self._give_back(claim, error.retry_after or backoff(claim.attempts), in_words(error))
        except StoreUnavailable as error:
            self._give_back(claim, backoff(claim.attempts), in_words(error))
        except Exception as error:
            # The effect stays in the queue; the traceback goes to the operators.
            log.exception("effect.failed", kind=claim.kind, subject=claim.subject, attempts=claim.attempts)
            self._give_back(claim, backoff(claim.attempts), type(error).__name__)
        else:
            return True
        return False

    def _give_back(self, claim: Claim, after: timedelta, why: str) -> None:
        log.info("effect.retry", kind=claim.kind, subject=claim.subject, attempts=claim.attempts, why=why)
        try:
            self.store.release(claim, self.clock.now() + after, why)
        except StoreUnavailable as error:
            log.warning("effect.database-away", kind=claim.kind, subject=claim.subject, error=str(error))


def finish(store: Store, claim: Claim, then: tuple[Effect, ...] = ()) -> bool:
    """Mark an effect done (and enqueue what follows), unless the lease was lost."""
    with store.transaction() as tx:
        held = tx.holds(claim)
        if held:
            tx.finish(claim)
            tx.enqueue(then)
    return held


@dataclass(slots=True)
class Worker:
    """Threads that run the lanes. ``beats`` tells by lane when a thread last looked (``clock`` time)."""

    runner: Runner
    lanes: Mapping[str, int]
    """Threads by lane."""
    beats: dict[str, float] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Start the threads."""
        for lane, count in self.lanes.items():
            for number in range(count):
                thread = threading.Thread(target=self._loop, args=(lane,), name=f"{lane}-{number}", daemon=True)
                self._threads.append(thread)
                thread.start()

    def stop(self, timeout: timedelta = timedelta(seconds=10)) -> None:
        """Let running effects end, for ``timeout`` in all; what is still leased then is claimed again later."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout.total_seconds() / max(1, len(self._threads)))

    def run_due(self, lane: str, limit: int = BATCH) -> int:
        """Claim and run what is due now, in this thread; how many were claimed."""
        claims = self.runner.store.claim(lane, limit, LEASE)
        # From the claim's end: a clock that was put forward while it waited must not make it look old at birth.
        since = self.runner.clock.now()
        for claim in claims:
            if self.runner.clock.now() - since >= LEASE:
                break  # the others took so long that the rest is somebody else's by now
            self.runner.run(claim)
        return len(claims)

    def _loop(self, lane: str) -> None:
        while not self._stop.is_set():
            self.beats[lane] = self.runner.clock.now().timestamp()
            try:
                if self.run_due(lane) == 0:
                    self.runner.store.wait(TICK)
            except StoreUnavailable as error:
                log.warning("worker.database-away", lane=lane, error=str(error))
                self._stop.wait(TICK.total_seconds())
            except Exception:
                # A lane without threads would let access outlive its end: the operators are told, the thread goes on.
                log.exception("worker.failed", lane=lane)
                self._stop.wait(TICK.total_seconds())
