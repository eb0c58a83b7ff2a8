import threading
from collections import deque
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from bot.core.model import Effect
from bot.service import effects
from bot.service.effects import BACKOFF_MOST, LEASE, LostLease, Retry, Runner, Worker, backoff, finish
from bot.service.ports import Store
from bot.service.records import ChatError, Claim, CloudError, StoreUnavailable
from bot.store import open_store
from tests.core.examples import MINUTE, NOW
from tests.service.fakes import FakeClock
from tests.service.world import at_once

SECOND = timedelta(seconds=1)
PATIENCE = 20.0


class Flaky:
    """A store whose next claims, or whatever is named, raise."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.errors: dict[str, deque[Exception]] = {}

    def fail(self, method: str, *errors: Exception) -> None:
        self.errors.setdefault(method, deque()).extend(errors)

    def __getattr__(self, name: str) -> Any:
        waiting = self.errors.get(name)
        if waiting:
            raise waiting.popleft()
        return getattr(self._store, name)


class Bench:
    """A worker whose handlers are the test's."""

    def __init__(self, url: str) -> None:
        self.clock = FakeClock(NOW)
        self.real_store = open_store(url, clock=self.clock)
        self.store: Any = Flaky(self.real_store)
        self.seen: list[Claim] = []
        self.handle: Callable[[Claim], object] = lambda _: None
        self.runner = Runner(self.store, self.clock, {"grant.test": self._run, "chat.test": self._run})
        self.worker = Worker(self.runner, {"access": 2, "chat": 1})

    def _run(self, claim: Claim) -> None:
        self.seen.append(claim)
        self.handle(claim)
        finish(self.real_store, claim)

    def enqueue(self, key: str = "a", kind: str = "grant.test", due_in: timedelta = timedelta(0)) -> None:
        with self.real_store.transaction() as tx:
            tx.enqueue([Effect(kind, key, key, self.clock.now() + due_in)])

    def due_in(self, lane: str = "access") -> timedelta | None:
        due = self.real_store.next_due(lane)
        return None if due is None else due - self.clock.now()

    def failing(self, *errors: Exception) -> None:
        """The next runs raise these, the ones after none."""
        waiting = deque(errors)

        def handle(_: Claim) -> None:
            if waiting:
                raise waiting.popleft()

        self.handle = handle


@pytest.fixture
def bench(sqlite_url: str) -> Iterator[Bench]:
    bench = Bench(sqlite_url)
    yield bench
    bench.worker.stop()
    bench.real_store.close()


def test_what_is_due_is_run_once(bench: Bench) -> None:
    bench.enqueue("a")
    bench.enqueue("b", due_in=MINUTE)
    assert bench.worker.run_due("access") == 1
    assert bench.worker.run_due("access") == 0
    assert [claim.key for claim in bench.seen] == ["a"]
    bench.clock.move(MINUTE)
    assert bench.worker.run_due("access") == 1
    assert bench.due_in() is None


def test_lanes_do_not_wait_for_each_other(bench: Bench) -> None:
    bench.enqueue("talk", "chat.test")
    bench.enqueue("revoke")
    assert bench.worker.run_due("access") == 1
    assert [claim.key for claim in bench.seen] == ["revoke"]


@pytest.mark.parametrize(
    ("error", "least", "most"),
    [
        (Retry("Not yet.", 7 * SECOND), 7 * SECOND, 7 * SECOND),
        (CloudError("throttled", passing=True, retry_after=9 * SECOND), 9 * SECOND, 9 * SECOND),
        (CloudError("refused", passing=False), SECOND / 2, SECOND),
        (ChatError("ratelimited", passing=True, retry_after=30 * SECOND), 30 * SECOND, 30 * SECOND),
        (ChatError("timeout", passing=True), SECOND / 2, SECOND),
        (StoreUnavailable("the database is away"), SECOND / 2, SECOND),
        (KeyError("a bug"), SECOND / 2, SECOND),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_goes_wrong_it_is_given_back_for_later(
    bench: Bench, error: Exception, least: timedelta, most: timedelta
) -> None:
    bench.enqueue()
    bench.failing(error)
    bench.worker.run_due("access")
    due_in = bench.due_in()
    assert due_in is not None
    assert least <= due_in <= most
    bench.clock.move(due_in)
    bench.worker.run_due("access")
    assert bench.due_in() is None
    assert [claim.attempts for claim in bench.seen] == [1, 2]


def test_the_wait_doubles_up_to_a_minute_and_never_becomes_giving_up() -> None:
    for attempts, longest in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (10_000, 60)]:
        waits = {backoff(attempts) for _ in range(50)}
        assert max(waits) <= longest * SECOND <= BACKOFF_MOST
        assert min(waits) >= longest * SECOND / 2
        assert len(waits) > 1


@pytest.mark.parametrize("said", ["a NUL \x00", "half a pair \ud83d", "long " * 1000, "\u0958" * 600])
def test_whatever_an_error_says_it_can_be_given_back(bench: Bench, said: str) -> None:
    bench.enqueue()
    bench.failing(CloudError(said, passing=True))
    bench.worker.run_due("access")
    due_in = bench.due_in()
    assert due_in is not None
    assert due_in <= SECOND


def test_what_nothing_here_handles_is_left_for_who_does(bench: Bench) -> None:
    bench.enqueue("new", "grant.from-a-newer-version")
    bench.worker.run_due("access")
    assert bench.due_in() == BACKOFF_MOST


def test_one_that_fails_does_not_keep_the_others(bench: Bench) -> None:
    for key in "abc":
        bench.enqueue(key)
    bench.failing(RuntimeError("a's"))
    bench.worker.run_due("access")
    assert [claim.key for claim in bench.seen] == ["a", "b", "c"]


def test_enqueued_again_during_its_run_it_runs_again(bench: Bench) -> None:
    bench.enqueue()
    bench.handle = lambda claim: bench.enqueue() if len(bench.seen) == 1 else None
    assert [bench.worker.run_due("access") for _ in range(3)] == [1, 1, 0]
    assert [claim.generation for claim in bench.seen] == [1, 2]


def test_enqueued_again_during_a_run_that_fails_it_runs_again_at_once(bench: Bench) -> None:
    bench.enqueue()

    def handle(_: Claim) -> None:
        if len(bench.seen) == 1:
            bench.enqueue()
            raise Retry("Later.", MINUTE)

    bench.handle = handle
    assert [bench.worker.run_due("access") for _ in range(3)] == [1, 1, 0]


def test_a_lost_lease_neither_finishes_nor_gives_back(bench: Bench) -> None:
    bench.enqueue()
    (slow,) = bench.real_store.claim("access", 1, LEASE)
    bench.clock.move(LEASE)
    (fast,) = bench.real_store.claim("access", 1, LEASE)
    assert fast.fence == slow.fence + 1
    assert finish(bench.real_store, slow, (Effect("grant.test", "x", "x", NOW),)) is False
    assert bench.real_store.release(slow, timedelta(0), "late") is False
    assert bench.due_in() == LEASE
    assert finish(bench.real_store, fast)
    assert bench.due_in() is None


def test_what_a_handler_lost_is_left_to_whoever_has_it(bench: Bench) -> None:
    bench.enqueue()
    bench.failing(LostLease("Another worker has this."))
    bench.worker.run_due("access")
    assert bench.due_in() == LEASE


def test_the_rest_of_a_batch_that_took_longer_than_the_lease_is_left_alone(bench: Bench) -> None:
    for key in "abc":
        bench.enqueue(key)
    bench.handle = lambda _: bench.clock.move(LEASE)
    bench.worker.run_due("access")
    assert [claim.key for claim in bench.seen] == ["a"]


def test_a_worker_s_effect_is_done_by_another_when_it_dies(bench: Bench) -> None:
    bench.enqueue()
    bench.real_store.claim("access", 1, LEASE)
    assert bench.worker.run_due("access") == 0
    bench.clock.move(LEASE)
    assert bench.worker.run_due("access") == 1


@pytest.mark.parametrize("error", [StoreUnavailable("away"), RuntimeError("a bug")], ids=["database away", "bug"])
def test_a_thread_outlives_what_goes_wrong_with_claiming(bench: Bench, error: Exception) -> None:
    ran = threading.Event()
    bench.handle = lambda _: ran.set()
    bench.store.fail("claim", error, error, error)
    bench.worker.start()
    bench.enqueue()
    assert ran.wait(PATIENCE)


def test_a_hand_back_that_the_database_does_not_take_is_claimed_again_after_the_lease(bench: Bench) -> None:
    bench.enqueue()
    bench.failing(CloudError("throttled", passing=True))
    bench.store.fail("release", StoreUnavailable("away"))
    bench.worker.run_due("access")
    assert bench.due_in() == LEASE
    bench.clock.move(LEASE)
    assert bench.worker.run_due("access") == 1
    assert bench.due_in() is None


def test_running_threads_are_woken_by_a_commit_beat_and_stop(bench: Bench) -> None:
    ran = threading.Event()
    bench.handle = lambda _: ran.set()
    bench.worker.start()
    bench.enqueue("talk", "chat.test")
    assert ran.wait(PATIENCE)
    bench.worker.stop()
    assert set(bench.worker.beats) == {"access", "chat"}
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("access-", "chat-"))]


def test_a_stop_wakes_every_thread_however_long_it_would_have_waited(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effects, "TICK", timedelta(hours=1))
    about_to_wait, wait = threading.Semaphore(0), bench.real_store.wait

    def wait_told(lane: str, timeout: timedelta) -> None:
        about_to_wait.release()
        wait(lane, timeout)

    bench.store.wait = wait_told
    bench.worker.start()
    for _ in range(sum(bench.worker.lanes.values())):
        assert about_to_wait.acquire(timeout=PATIENCE)
    bench.worker.stop()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("access-", "chat-"))]


def test_a_claim_that_left_nothing_is_not_followed_by_another(bench: Bench) -> None:
    did: list[str] = []
    waiting, real = threading.Event(), bench.real_store

    def claim(*asked: Any) -> tuple[Claim, ...]:
        claims = real.claim(*asked)
        did.extend(["claim"] if claims or did else [])
        return claims

    def wait(lane: str, timeout: timedelta) -> None:
        if did:
            did.append("wait")
            waiting.set()
        real.wait(lane, timeout)

    bench.store.claim, bench.store.wait, bench.worker.lanes = claim, wait, {"access": 1}
    bench.enqueue()
    bench.worker.start()
    assert waiting.wait(PATIENCE)
    assert did[:2] == ["claim", "wait"]


def test_what_talks_waits_while_a_click_is_handled(bench: Bench) -> None:
    did: list[str] = []
    ran = threading.Event()

    def busy() -> bool:
        did.append("click" if did.count("click") < 2 else "idle")
        return did[-1] == "click"

    def handle(_: Claim) -> None:
        did.append("talk")
        ran.set()

    bench.enqueue("talk", "chat.test")
    bench.worker.busy, bench.handle, bench.worker.lanes = busy, handle, {"chat": 1}
    bench.worker.start()
    assert ran.wait(PATIENCE)
    assert "click" in did[: did.index("talk")]


def test_forty_effects_and_six_workers_run_each_once(postgres_url: str) -> None:
    bench = Bench(postgres_url)
    for number in range(40):
        bench.enqueue(f"k{number}")

    def until_nothing_is_due() -> None:
        while bench.worker.run_due("access", 3):
            pass

    at_once([until_nothing_is_due] * 6)
    assert bench.due_in() is None
    assert sorted(claim.key for claim in bench.seen) == sorted(f"k{number}" for number in range(40))
    bench.real_store.close()
