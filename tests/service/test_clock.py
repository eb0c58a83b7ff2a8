"""The database's clock, as far as it can be known without asking it each time."""

from datetime import datetime, timedelta

import pytest

from bot.service.clock import MOST_SKEW, TOO_SLOW, DatabaseClock
from tests.core.examples import NOW
from tests.service.fakes import FakeClock

SECOND = timedelta(seconds=1)


class Pinged:
    """A database whose clock is ``ahead``, and whose answer takes a while."""

    def __init__(self, clock: FakeClock, ahead: timedelta) -> None:
        self.clock, self.ahead, self.takes = clock, ahead, timedelta(0)

    def ping(self) -> datetime:
        self.clock.move(self.takes / 2)
        then = self.clock.now() + self.ahead
        self.clock.move(self.takes / 2)
        return then


@pytest.mark.parametrize("ahead", [timedelta(0), 7 * SECOND, -7 * SECOND, timedelta(hours=-3)])
def test_it_tells_the_database_s_time_however_long_the_answer_takes(ahead: timedelta) -> None:
    own = FakeClock(NOW)
    database = Pinged(own, ahead)
    clock = DatabaseClock(own, database)  # type: ignore[arg-type]
    database.takes = SECOND
    assert clock.measure() == ahead
    own.move(timedelta(minutes=1))
    assert clock.now() == own.now() + ahead
    assert clock.is_skewed is (abs(ahead) > MOST_SKEW)


def test_an_answer_that_took_too_long_says_nothing() -> None:
    own = FakeClock(NOW)
    database = Pinged(own, 10 * SECOND)
    clock = DatabaseClock(own, database)  # type: ignore[arg-type]
    clock.measure()
    database.ahead, database.takes = timedelta(0), TOO_SLOW + SECOND
    assert clock.measure() == 10 * SECOND


def test_five_seconds_are_borne() -> None:
    own = FakeClock(NOW)
    clock = DatabaseClock(own, Pinged(own, MOST_SKEW))  # type: ignore[arg-type]
    clock.measure()
    assert not clock.is_skewed
