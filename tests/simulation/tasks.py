"""What people and replicas do, as coroutines of one thread.

A task can stand still wherever it calls the database, the cloud or the chat, while others act. It is resumed later or
dies there with its process. Which of them happens is drawn from the random numbers, so that a seed replays exactly.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from greenlet import greenlet

from bot.service.records import Claim

if TYPE_CHECKING:
    from tests.simulation.replica import Replica


class Killed(BaseException):
    """The task's process died at this point. No handler catches it."""


class Broken(BaseException):
    """A promise is broken; the message says which. No handler catches it."""


@dataclass(slots=True, eq=False)
class Task:
    """One thing that is being done by a replica: a click that it took, or a turn of a worker."""

    name: str
    replica: "Replica"
    work: Callable[[], str]
    since: int
    """The number of the setup (see ``Company.setups``) when it began."""
    claims: list[Claim] = field(default_factory=list)
    """What it leased, whether it has run yet or not."""
    where: str = ""
    """At which call it stands still."""
    said: str = ""
    """What came of it."""
    late_puts: list[tuple[str, str, str]] = field(default_factory=list)
    """Policies that it wrote when the ledger did not want them any more."""
    late_updates: list[tuple[str, str]] = field(default_factory=list)
    """(channel, ref) of cards that it wrote over without a lease."""
    was_cut_off: bool = False
    """Whether the database was away for it at some time."""
    could_grant: bool = True
    """Whether its replica's clock could be believed when it began."""
    thread: greenlet | None = None


class Tasks:
    """Runs one task at a time, until it ends or stands still."""

    def __init__(self, rng: Random, stillness: float) -> None:
        """``stillness``: how likely a task is to stand still at a call."""
        self._rng = rng
        self._hub = greenlet.getcurrent()
        self.stillness = stillness
        self.parked: list[Task] = []
        self.current: Task | None = None

    def start(self, task: Task) -> str:
        """Run a new task; what came of it."""
        task.thread = greenlet(lambda: self._run(task), self._hub)
        return self._go(task)

    def resume(self, task: Task) -> str:
        """Let a parked task go on."""
        self.parked.remove(task)
        return self._go(task)

    def kill(self, task: Task) -> None:
        """Let a parked task die where it stands."""
        self.parked.remove(task)
        self.current = task
        try:
            task.thread.throw(Killed)
        finally:
            self.current = None

    def point(self, where: str, weight: float = 1) -> None:
        """A call to the outside begins or ends here: the task may stand still, ``weight`` times as often."""
        task = self.current
        if task is not None and self._rng.random() < self.stillness * weight:
            task.where = where
            self._hub.switch()
            task.where = ""

    def _run(self, task: Task) -> None:
        try:
            task.said = task.work()
        except Killed:
            task.said = "died"

    def _go(self, task: Task) -> str:
        self.current = task
        try:
            task.thread.switch()
        finally:
            self.current = None
        if task.thread.dead:
            return task.said
        self.parked.append(task)
        return f"stands still at: {task.where}"
