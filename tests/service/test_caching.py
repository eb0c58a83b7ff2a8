"""What is remembered, what is shared, and when a source is left alone."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

import pytest

from bot.service import caching
from bot.service.caching import FAILURE_LIVES, Cache
from bot.service.circuit import OPENS_AFTER, REST, REST_MOST
from bot.service.sources import SourceError

LIVES = timedelta(seconds=30)


@dataclass
class Source:
    """Says what it is told to say, and counts how often it was asked."""

    asked: int = 0
    fails: Exception | None = None
    says: str = "maya"
    now: float = 1000.0
    before: Callable[[], object] = field(default=lambda: None)

    def ask(self) -> str:
        self.asked += 1
        self.before()
        if self.fails is not None:
            raise self.fails
        return self.says

    def clock(self) -> float:
        return self.now


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def cache(source: Source) -> Cache[str, str]:
    return Cache(LIVES, source.clock)


def get(cache: Cache[str, str], source: Source, key: str = "s", where: str = "pagerduty") -> str:
    return cache.get(key, where, "payments-oncall", source.ask)


def failing(cache: Cache[str, str], source: Source, key: str = "s", where: str = "pagerduty") -> SourceError:
    with pytest.raises(SourceError) as caught:
        get(cache, source, key, where)
    return caught.value


def test_an_answer_is_good_for_half_a_minute_and_no_longer(cache: Cache[str, str], source: Source) -> None:
    assert get(cache, source) == "maya"
    source.says, source.now = "jonas", source.now + 29.9
    assert get(cache, source) == "maya"
    source.now += 0.1
    assert get(cache, source) == "jonas"
    assert source.asked == 2


def test_the_time_that_an_answer_took_is_part_of_its_age(cache: Cache[str, str], source: Source) -> None:
    source.before = lambda: setattr(source, "now", source.now + 5)
    get(cache, source)
    source.now += 25
    get(cache, source)
    assert source.asked == 2


def test_a_failure_is_remembered_for_five_seconds(cache: Cache[str, str], source: Source) -> None:
    source.fails = SourceError("payments-oncall is in trouble (500)", passing=True, retry_after=timedelta(seconds=1))
    first, second = failing(cache, source), failing(cache, source)
    assert source.asked == 1
    assert (str(second), second.passing, second.retry_after) == (str(first), True, first.retry_after)
    source.fails, source.now = None, source.now + FAILURE_LIVES.total_seconds()
    assert get(cache, source) == "maya"


def test_what_is_not_the_same_question_is_asked_by_itself(cache: Cache[str, str], source: Source) -> None:
    get(cache, source, "a")
    source.says = "jonas"
    assert [get(cache, source, key) for key in ("a", "b")] == ["maya", "jonas"]


@pytest.mark.parametrize("fails", [None, SourceError("it is in trouble", passing=True)])
def test_whoever_asks_the_same_at_the_same_time_waits_for_one_call(
    cache: Cache[str, str], source: Source, fails: SourceError | None
) -> None:
    gate, waiting = threading.Event(), threading.Semaphore(0)
    source.fails, source.before = fails, lambda: gate.wait(30)

    def one() -> str:
        waiting.release()
        try:
            return get(cache, source)
        except SourceError as error:
            return str(error)

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(one) for _ in range(8)]
        for _ in range(8):
            assert waiting.acquire(timeout=30)
        gate.set()
        assert {each.result() for each in asked} == {str(fails) if fails else "maya"}
    assert source.asked == 1


def test_those_who_wait_are_let_go_when_the_one_who_asks_dies(cache: Cache[str, str], source: Source) -> None:
    arrived, gate = threading.Event(), threading.Event()
    source.fails = KeyError("a mistake of ours")
    source.before = lambda: (arrived.set(), gate.wait(30))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(get, cache, source)
        assert arrived.wait(30)
        second = pool.submit(get, cache, source)
        gate.set()
        with pytest.raises(KeyError):
            first.result()
        with pytest.raises(SourceError, match="payments-oncall failed"):
            second.result()
    source.fails, source.now = None, source.now + 60
    assert get(cache, source) == "maya"


def test_a_source_that_is_down_costs_no_call(cache: Cache[str, str], source: Source) -> None:
    source.fails = SourceError("it did not answer in time", passing=True)
    for key in "abc":
        failing(cache, source, key)
    assert source.asked == OPENS_AFTER == 3
    for key in "defgh":
        assert "is left alone for a while" in str(failing(cache, source, key))
    assert source.asked == 3


def test_another_source_is_asked_meanwhile(cache: Cache[str, str], source: Source) -> None:
    source.fails = SourceError("it did not answer in time", passing=True)
    for key in "abc":
        failing(cache, source, key)
    source.fails = None
    assert get(cache, source, "d", where="opsgenie") == "maya"


def test_what_was_answered_before_it_went_down_stays_good(cache: Cache[str, str], source: Source) -> None:
    get(cache, source, "kept")
    source.fails = SourceError("it did not answer in time", passing=True)
    for key in "abc":
        failing(cache, source, key)
    assert get(cache, source, "kept") == "maya"


def test_after_a_rest_one_call_shows_whether_it_is_well(cache: Cache[str, str], source: Source) -> None:
    source.fails = SourceError("it did not answer in time", passing=True)
    for key in "abc":
        failing(cache, source, key)
    source.now += REST.total_seconds()
    source.fails, gate, arrived = None, threading.Event(), threading.Event()
    source.before = lambda: (arrived.set(), gate.wait(30))
    with ThreadPoolExecutor(1) as pool:
        trying = pool.submit(get, cache, source, "d")
        assert arrived.wait(30)
        assert "left alone" in str(failing(cache, source, "e")), "nobody waits with it"
        gate.set()
        assert trying.result() == "maya"
    assert get(cache, source, "e") == "maya", "it was not remembered that nobody asked"


def test_the_rests_grow_while_it_stays_down_and_end_with_an_answer(cache: Cache[str, str], source: Source) -> None:
    source.fails = SourceError("it did not answer in time", passing=True)
    tries: list[float] = []
    source.before = lambda: tries.append(source.now)
    for step in range(400):
        failing(cache, source, f"k{step}")
        source.now += 1
    gaps = [later - earlier for earlier, later in pairwise(tries)]
    assert gaps == [1, 1, 5, 10, 20, 40, *[REST_MOST.total_seconds()] * 5]
    source.fails, source.now = None, source.now + 60
    assert get(cache, source, "well") == "maya"
    source.fails = SourceError("it did not answer in time", passing=True)
    failing(cache, source, "once")
    source.fails = None
    assert get(cache, source, "again") == "maya"


def test_a_refusal_is_an_answer(cache: Cache[str, str], source: Source) -> None:
    source.fails = SourceError("it does not take our token (401)", passing=False)
    for key in "abcdef":
        assert "token" in str(failing(cache, source, key))
    assert source.asked == 6


def test_one_that_wants_to_be_left_alone_is(cache: Cache[str, str], source: Source) -> None:
    source.fails = SourceError("it was asked too often", passing=True, retry_after=timedelta(seconds=40))
    failing(cache, source, "a")
    source.fails, source.now = None, source.now + 39.9
    assert "left alone" in str(failing(cache, source, "a"))
    assert source.asked == 1
    source.now += 0.1
    assert get(cache, source, "a") == "maya"


def test_no_more_is_kept_than_there_is_room_for(
    cache: Cache[str, str], source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caching, "MOST", 3)
    for key in "abcde":
        get(cache, source, key)
    for key in "edc":
        get(cache, source, key)
    assert source.asked == 5, "the newest are there"
    get(cache, source, "a")
    assert source.asked == 6
