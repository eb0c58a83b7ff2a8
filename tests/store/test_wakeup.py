"""Waking: the lane that has something to do, one thread for each piece of news, and nobody else."""

import threading
from datetime import timedelta

from bot.store.wakeup import Wakeup
from tests.databases import until

LONG = timedelta(hours=1)
AT_ONCE = timedelta(0)


class Sleepers:
    """Threads that wait once each; tells how many are awake."""

    def __init__(self, wakeup: Wakeup, lane: str, count: int, timeout: timedelta = LONG) -> None:
        self._threads = [threading.Thread(target=wakeup.wait, args=(lane, timeout), daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    @property
    def awake(self) -> int:
        return sum(not thread.is_alive() for thread in self._threads)


def test_news_wakes_one_thread_of_its_lane() -> None:
    wakeup = Wakeup()
    cloud, chat = Sleepers(wakeup, "cloud", 5), Sleepers(wakeup, "chat", 5)
    wakeup.wake(["cloud"])
    until(lambda: cloud.awake == 1)
    wakeup.wake(["cloud", "chat"])
    until(lambda: (cloud.awake, chat.awake) == (2, 1))
    wakeup.close()
    until(lambda: (cloud.awake, chat.awake) == (5, 5))


def test_news_that_comes_while_all_are_busy_ends_as_many_waits_later() -> None:
    wakeup = Wakeup()
    for _ in range(2):
        wakeup.wake(["cloud"])
    sleepers = Sleepers(wakeup, "cloud", 3)
    until(lambda: sleepers.awake == 2)
    wakeup.close()
    until(lambda: sleepers.awake == 3)


def test_who_looks_leaves_of_the_news_so_far_nothing_to_the_others() -> None:
    wakeup = Wakeup()
    for _ in range(3):
        wakeup.wake(["cloud", "chat"])
    wakeup.look("cloud")
    cloud, chat = Sleepers(wakeup, "cloud", 3), Sleepers(wakeup, "chat", 3)
    until(lambda: chat.awake == 3)
    assert cloud.awake == 0
    wakeup.wake(["cloud"])
    until(lambda: cloud.awake == 1)
    wakeup.close()
    until(lambda: cloud.awake == 3)


def test_who_looks_as_all_are_roused_keeps_none_of_them_asleep() -> None:
    wakeup = Wakeup()
    before = Sleepers(wakeup, "cloud", 3)
    wakeup.rouse(["cloud"])
    wakeup.look("cloud")
    after = Sleepers(wakeup, "cloud", 3)
    until(lambda: (before.awake, after.awake) == (3, 3))


def test_all_who_wait_are_roused_at_once() -> None:
    wakeup = Wakeup()
    cloud, chat = Sleepers(wakeup, "cloud", 5), Sleepers(wakeup, "chat", 1)
    wakeup.rouse(["cloud"])
    until(lambda: cloud.awake == 5)
    assert chat.awake == 0
    wakeup.close()


def test_who_is_busy_when_all_are_roused_does_not_wait_afterwards() -> None:
    wakeup = Wakeup()
    wakeup.rouse(["cloud"])
    sleepers = Sleepers(wakeup, "cloud", 8)
    until(lambda: sleepers.awake == 8)


def test_of_those_that_wait_one_alone_looks_when_time_is_up() -> None:
    wakeup = Wakeup()
    sleepers = Sleepers(wakeup, "cloud", 4, timedelta(milliseconds=50))
    # The first to time out hands over to the next: each looks once, one after the other.
    until(lambda: sleepers.awake == 4)


def test_one_that_relies_on_another_takes_its_place() -> None:
    wakeup = Wakeup()
    first = Sleepers(wakeup, "cloud", 1, LONG)
    second = Sleepers(wakeup, "cloud", 1, AT_ONCE)
    assert second.awake == 0 or first.awake == 0
    wakeup.wake(["cloud"])
    until(lambda: first.awake + second.awake >= 1)
    wakeup.wake(["cloud"])
    until(lambda: first.awake + second.awake == 2)


def test_after_its_end_nobody_waits() -> None:
    wakeup = Wakeup()
    wakeup.close()
    wakeup.wait("a lane that nobody knew", LONG)
