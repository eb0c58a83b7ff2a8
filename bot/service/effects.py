"""The worker: claims due effects, runs them, gives back what has to be tried again.

Lanes have threads of their own (``core.model.LANES``): a revocation never waits for a message. Nothing is kept in
memory between two claims; what a dead worker had leased is claimed again when its lease is over.
"""

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby

import structlog

from bot.core.model import Effect, lane_of
from bot.core.text import clean
from bot.service.ports import Clock, Store, Tx
from bot.service.records import ChatError, Claim, CloudError, DirectoryError, StaleWrite, StoreUnavailable
from bot.service.sources import SourceError

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=90)
"""Longer than the slowest effect: two cloud calls with their time-outs and one retry each."""
BATCH = 8
"""Claims a thread takes at once, to begin with; all must fit into one lease."""
BATCH_MOST = 256
"""What a thread takes at once when there is a flood and each costs little."""
QUICK = timedelta(seconds=1)
"""A full batch that took no longer may be followed by one of twice the size."""
TICK = timedelta(seconds=1)
"""How long a worker sleeps at most: the safety net under wake-ups."""
PATIENT = frozenset({"chat", "drift", "sources"})
"""Lanes that leave the processor to the others, and to clicks, while these have something to do."""
PATIENCE = 1.0
"""Seconds that they wait at most."""
BACKOFF = timedelta(seconds=1)
BACKOFF_MOST = timedelta(seconds=60)

Handler = Callable[[Claim], None]
NotDone = Mapping[int, Exception]
"""Why effects are not done, by the claim's id."""
BatchHandler = Callable[[Sequence[Claim]], NotDone]
"""Runs many of a kind; what it raises is about all of them, and nothing of them was written."""


class Retry(Exception):
    """The effect is not done; try it again ``after`` a while. The message says why, without secrets."""

    def __init__(self, message: str, after: timedelta) -> None:
        super().__init__(message)
        self.after = after


class LostLease(Exception):
    """Somebody else has the effect by now: there is nothing to finish and nothing to give back."""


def backoff(attempts: int) -> timedelta:
    """How long to wait after that many attempts: doubling, capped, with jitter; it never gives up."""
    longest = min(BACKOFF_MOST, BACKOFF * 2 ** min(attempts - 1, 10))
    return timedelta(seconds=longest.total_seconds() * random.uniform(0.5, 1))  # noqa: S311 - jitter


def in_words(error: Exception) -> str:
    """What an error says, fit to be kept: the database refuses NUL and lone surrogates, whoever sent them."""
    return clean(str(error)[:500], limit=2000)


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs claims. What a handler raises is a reason to try again, never a reason to stop.

    Kinds in ``batches`` are run many at a time, and one by one where that fails.
    """

    store: Store
    clock: Clock
    handlers: Mapping[str, Handler]
    batches: Mapping[str, BatchHandler] = field(default_factory=dict)

    def run(self, claim: Claim) -> bool:
        """True when the effect is done; else it was given back."""
        handler = self.handlers.get(claim.kind)
        if handler is None:
            self._give_back([claim], BACKOFF_MOST, f"Nothing here handles {claim.kind}.")
            return False
        try:
            handler(claim)
        except LostLease:
            return False
        except Exception as error:  # every way to fail ends with the effect back in the queue
            self._try_again(claim, error)
            return False
        return True

    def run_all(self, kind: str, claims: Sequence[Claim], stopping: Callable[[], bool] = lambda: False) -> None:
        """Run claims of one kind that were made just now; what is not begun when ``stopping`` goes back at once."""
        batch = self.batches.get(kind)
        if batch is None or len(claims) == 1 or stopping():
            self._one_by_one(claims, stopping)
            return
        try:
            not_done = batch(claims)
        except StoreUnavailable as error:
            self._give_back(claims, backoff(min(claim.attempts for claim in claims)), in_words(error))
        except Exception:
            # One that cannot be handled must not keep the others: each by itself, it is found.
            log.exception("effect.batch-failed", kind=kind, count=len(claims))
            self._one_by_one(claims, stopping)
        else:
            self._try_all_again([(claim, not_done[claim.id]) for claim in claims if claim.id in not_done])

    def _one_by_one(self, claims: Sequence[Claim], stopping: Callable[[], bool]) -> None:
        # From here: a clock that was put forward while they waited must not make them look old at birth.
        since = self.clock.now()
        for number, claim in enumerate(claims):
            if self.clock.now() - since >= LEASE:
                break  # the others took so long that the rest is somebody else's by now
            if stopping():
                self._give_back(claims[number:], timedelta(0), "Not begun.")
                break
            self.run(claim)

    def _try_all_again(self, failed: Iterable[tuple[Claim, Exception]]) -> None:
        """Those that failed alike go back together."""
        alike = sorted(failed, key=lambda item: (type(item[1]).__name__, str(item[1]), item[0].attempts))
        for _, same in groupby(alike, lambda item: (type(item[1]).__name__, str(item[1]), item[0].attempts)):
            group = list(same)
            error = group[0][1]
            if not isinstance(error, LostLease):
                self._try_again_together([claim for claim, _ in group], error)

    def _try_again(self, claim: Claim, error: Exception) -> None:
        self._try_again_together([claim], error)

    def _try_again_together(self, claims: Sequence[Claim], error: Exception) -> None:
        attempts = claims[0].attempts
        match error:
            case Retry():
                self._give_back(claims, error.after, in_words(error))
            case CloudError() | ChatError():
                self._give_back(claims, error.retry_after or backoff(attempts), in_words(error))
            case DirectoryError() | SourceError() | StoreUnavailable():
                self._give_back(claims, backoff(attempts), in_words(error))
            case _:
                # The effect stays in the queue; the traceback goes to the operators.
                first = claims[0]
                log.error("effect.failed", kind=first.kind, subject=first.subject, attempts=attempts, exc_info=error)
                self._give_back(claims, backoff(attempts), type(error).__name__)

    def _give_back(self, claims: Sequence[Claim], after: timedelta, why: str) -> None:
        first = claims[0]
        log.info("effect.retry", kind=first.kind, subject=first.subject, count=len(claims), why=why)
        try:
            if len(claims) == 1:
                self.store.release(first, after, why)
            else:
                self.store.release_all(claims, after, why)
        except StoreUnavailable as error:
            log.warning("effect.database-away", kind=first.kind, subject=first.subject, error=str(error))


def finish(store: Store, claim: Claim, then: tuple[Effect, ...] = ()) -> bool:
    """Mark an effect done (and enqueue what follows), unless the lease was lost."""
    with store.transaction() as tx:
        held = finished(tx, claim)
        if held:
            tx.enqueue(then)
    return held


def finished(tx: Tx, claim: Claim) -> bool:
    """Finish it in this transaction; false, and nothing is changed, where the lease was lost."""
    try:
        tx.finish(claim)
    except StaleWrite:
        return False
    return True


@dataclass(slots=True)
class Worker:
    """Threads that run the lanes. ``beats`` tells by lane when a thread last looked (``clock`` time)."""

    runner: Runner
    lanes: Mapping[str, int]
    """Threads by lane."""
    beats: dict[str, float] = field(default_factory=dict)
    busy: Callable[[], bool] = lambda: False
    """Whether somebody waits for what is done outside of the lanes, such as for a click."""
    _urgent: int = 0
    """Threads of other lanes than ``PATIENT`` that run something now."""
    away: set[str] = field(default_factory=set)
    """Lanes whose last claim the database did not take."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _counting: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Start the threads."""
        for lane, count in self.lanes.items():
            for number in range(count):
                thread = threading.Thread(target=self._loop, args=(lane,), name=f"{lane}-{number}", daemon=True)
                self._threads.append(thread)
                thread.start()

    def stop(self, timeout: timedelta = timedelta(seconds=10)) -> None:
        """Let running effects end, for ``timeout`` in all; what was not begun is given back at once.

        What is still leased after that is claimed again when its lease is over.
        """
        self._stop.set()
        self.runner.store.rouse(self.lanes)
        until = time.monotonic() + timeout.total_seconds()
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def run_due(self, lane: str, limit: int = BATCH) -> int:
        """Claim and run what is due now, in this thread; how many were claimed."""
        claims = self.runner.store.claim(lane, limit, LEASE)
        for kind, same in groupby(sorted(claims, key=lambda claim: claim.kind), lambda claim: claim.kind):
            self.runner.run_all(kind, list(same), self._stop.is_set)
        return len(claims)

    def _loop(self, lane: str) -> None:
        limit, most = BATCH, BATCH_MOST if lane in map(lane_of, self.runner.batches) else BATCH
        while not self._stop.is_set():
            self.beats[lane] = self.runner.clock.now().timestamp()
            try:
                began = time.monotonic()
                claimed = self._in_turn(lane, limit)
                # At once: after a wait it would be old news, and write over what another thread found meanwhile.
                self.away.discard(lane)
                took = timedelta(seconds=time.monotonic() - began)
                # A claim that was not full has left nothing; what was made due since ends the wait.
                if claimed == 0 or (claimed < limit and took < TICK):
                    self.runner.store.wait(lane, TICK)
                limit = min(most, _next_limit(limit, claimed, took))
            except StoreUnavailable as error:
                self.away.add(lane)
                log.warning("worker.database-away", lane=lane, error=str(error))
                self._stop.wait(TICK.total_seconds())
            except Exception:
                # A lane without threads would let access outlive its end: the operators are told, the thread goes on.
                log.exception("worker.failed", lane=lane)
                self._stop.wait(TICK.total_seconds())

    def _in_turn(self, lane: str, limit: int) -> int:
        """As ``run_due``; who talks lets those go first, for a while, for whom somebody waits."""
        if lane in PATIENT:
            until = time.monotonic() + PATIENCE
            while (self._urgent or self.busy()) and time.monotonic() < until:
                self._stop.wait(PATIENCE / 100)
            return self.run_due(lane, limit)
        with self._counting:
            self._urgent += 1
        try:
            return self.run_due(lane, limit)
        finally:
            with self._counting:
                self._urgent -= 1


def _next_limit(limit: int, claimed: int, took: timedelta) -> int:
    """A flood is taken in larger batches while they are quick; else there is something for every thread."""
    if claimed == limit and took <= QUICK:
        return min(BATCH_MOST, limit * 2)
    return BATCH if claimed < limit // 2 or took > 10 * QUICK else limit
