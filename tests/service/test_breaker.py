"""Accounts that do not answer are left alone, those that complain are asked more slowly, the rest are as before."""

from datetime import timedelta

import pytest

from bot.service.breaker import CROWDED, OPENS_AFTER, REST, REST_MOST, SLOWEST, Accounts

SICK, WELL = "sick", "well"


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def move(self, by: timedelta) -> None:
        self.seconds += by.total_seconds()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(clock: Clock) -> Accounts:
    return Accounts(at_once=3, clock=clock)


def call(accounts: Accounts, account: str = SICK, *, answered: bool, throttled: bool = False) -> None:
    assert not accounts.enter(account)
    accounts.leave(account, answered=answered, throttled=throttled)


def trip(accounts: Accounts) -> None:
    for _ in range(OPENS_AFTER):
        call(accounts, answered=False)


def test_an_account_that_does_not_answer_rests_and_the_others_do_not(accounts: Accounts) -> None:
    trip(accounts)
    assert accounts.enter(SICK) == REST
    assert accounts.resting() == (SICK,)
    assert accounts.enter(WELL) == timedelta(0)


def test_one_answer_in_between_is_enough(accounts: Accounts) -> None:
    for _ in range(5):
        for _ in range(OPENS_AFTER - 1):
            call(accounts, answered=False)
        call(accounts, answered=True)
    assert accounts.resting() == ()


def test_after_its_rest_one_call_alone_shows_whether_it_is_well(accounts: Accounts, clock: Clock) -> None:
    trip(accounts)
    clock.move(REST)
    assert accounts.enter(SICK) == timedelta(0)
    assert accounts.enter(SICK) == CROWDED
    accounts.leave(SICK, answered=True)
    assert [accounts.enter(SICK) for _ in range(3)] == [timedelta(0)] * 3


def test_each_rest_is_longer_up_to_a_most_and_an_answer_ends_that(accounts: Accounts, clock: Clock) -> None:
    trip(accounts)
    rests = []
    for _ in range(7):
        rests.append(accounts.enter(SICK))
        clock.move(rests[-1])
        call(accounts, answered=False)
    assert rests == [min(REST_MOST, REST * 2**number) for number in range(7)]
    clock.move(REST_MOST)
    call(accounts, answered=True)
    trip(accounts)
    assert accounts.enter(SICK) == REST


def test_no_account_takes_all_the_threads(accounts: Accounts) -> None:
    assert [accounts.enter(SICK) for _ in range(4)] == [*[timedelta(0)] * 3, CROWDED]
    assert accounts.enter(WELL) == timedelta(0)
    accounts.leave(SICK, answered=True)
    assert accounts.enter(SICK) == timedelta(0)


def test_what_complains_is_asked_at_half_the_pace_then_faster_again(accounts: Accounts, clock: Clock) -> None:
    for _ in range(100):
        call(accounts, answered=True)
        clock.move(timedelta(milliseconds=5))
    call(accounts, answered=False, throttled=True)
    passed = calls_in(accounts, clock, timedelta(seconds=1))
    assert 80 <= passed <= 120, "it was asked 200 times a second before"
    clock.move(timedelta(seconds=60))
    assert calls_in(accounts, clock, timedelta(seconds=1)) == 200


def test_however_often_it_complains_it_is_asked_once_a_second(accounts: Accounts, clock: Clock) -> None:
    for _ in range(40):
        while accounts.enter(SICK):
            clock.move(timedelta(milliseconds=100))
        accounts.leave(SICK, answered=True, throttled=True)
    assert accounts.enter(SICK) <= timedelta(seconds=1 / SLOWEST)


def calls_in(accounts: Accounts, clock: Clock, period: timedelta) -> int:
    """How many calls get through when one is tried every 5 ms."""
    passed = 0
    for _ in range(int(period / timedelta(milliseconds=5))):
        if not accounts.enter(SICK):
            passed += 1
            accounts.leave(SICK, answered=True)
        clock.move(timedelta(milliseconds=5))
    return passed
