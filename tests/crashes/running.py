"""Running a story: once whole, to name its points, and once for each point and side, where it dies there."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from bot.slack import ids
from tests.crashes import invariants
from tests.crashes.bots import Stopped
from tests.crashes.points import SIDES, Stop
from tests.crashes.stories import Step, Story
from tests.crashes.world import LEASE_OVER, Saved, World

OVER = timedelta(hours=6)
"""Later than every end and every time to answer."""
CALLS = ("aws ", "slack ")
START = "commit start "
READS = (
    "aws AssumeRole",
    "aws Get",
    "aws List",
    "slack auth.test",
    "slack team.profile.get",
    "slack usergroups.users.list",
    "slack users.info",
    "slack users.profile.get",
)
"""They change nothing at the other side: a process that dies before one leaves what it leaves after the one before."""
OLD_BUTTONS = (
    ("ines", "channel card", ids.APPROVE),
    ("maya", "own card", ids.CANCEL),
    ("maya", "told", ids.RELEASE),
    ("ines", "active card", ids.REVOKE),
    ("maya", "to extend", ids.EXTEND),
    ("ines", "further card", ids.APPROVE),
)
"""Who can still click what, long after: the cards as they were first seen."""


class Broken(AssertionError):
    """A promise was not kept; says where the process stopped and what was found then."""


@dataclass
class Playing:
    """A story on a world, begun from the same saved state each time."""

    story: Story
    world: World
    start: Saved

    def points(self) -> list[str]:
        """Play it whole; every point on the way, in order."""
        world = self.world
        with self._begun():
            assert self._until_stopped(iter((self._start_with(None), *self.story.steps))) is None
            names = list(world.bot.do("points")["points"])
            self._see_it_end("nowhere")
            # The others are forked from the process that has done it all once: it has compiled every statement.
            world.inherit(world.bots.pop(0))
        return names

    def stops(self, names: list[str]) -> list[Stop]:
        """Where to stop: on both sides of each point; a process is paused only where it holds no lock.

        Every story starts in the same way: only those that are told so stop there. What is told elsewhere is left out.
        """
        names = [name for name in names if not name.startswith(self.story.told_elsewhere)]
        if not self.story.paused:
            stops = [
                Stop(name, side) for name in names for side in SIDES if side == "after" or not name.startswith(READS)
            ]
            return [stop for stop in stops if self.story.stops_at_start or not stop.point.startswith(START)]
        return [Stop(name, side, signal.SIGSTOP) for name in names if name.startswith(CALLS) for side in SIDES]

    def stop_at(self, stop: Stop) -> None:
        """Play it with a process that stops there, let another go on, and look. Raises Broken."""
        where, world = f"{self.story.name}, {stop.side} {stop.point}", self.world
        with self._begun():
            steps = iter((self._start_with(stop), *self.story.steps))
            unanswered = self._until_stopped(steps)
            if unanswered is None:
                raise Broken(f"{where}: it was never reached; the points were {world.bot.do('points')['points']}")
            first = world.bots[0]
            if not first.paused_at and first.ended != -signal.SIGKILL:
                raise Broken(f"{where}: it ended by itself ({first.ended}):\n{world.look().log[-3000:]}")
            self._check(where, "at that moment", invariants.at_any_instant)
            world.later(LEASE_OVER)
            world.bot = world.bots[1] if len(world.bots) > 1 else world.start()
            self._recover()
            for step in (unanswered, *steps):
                step(world)
            # Stopped before a point or after the one before it: what is left is the same, for those who click late too.
            self._see_it_end(where, clicking=stop.side == "after" or self.story.paused)

    # --- parts -------------------------------------------------------------------------------------------

    @contextmanager
    def _begun(self) -> Iterator[None]:
        self.world.restore(self.start)
        try:
            yield
        finally:
            self.world.end()

    def _start_with(self, stop: Stop | None) -> Step:
        """The first step: every replica starts, the one that will stop first. Taken again it does nothing."""

        def start(world: World) -> None:
            if not world.bots:
                world.bot = world.start(stop, heir=stop is None)
                for _ in range(1, self.story.replicas):
                    world.start()

        return start

    def _until_stopped(self, steps: Iterator[Step]) -> Step | None:
        """The step that got no answer; ``None`` when all did."""
        for step in steps:
            try:
                step(self.world)
            except Stopped:
                return step
        return None

    def _recover(self) -> None:
        """A start finds and finishes what was left, before anybody does anything more."""
        if not self.world.slack_is_down:
            self.world.work()

    def _see_it_end(self, where: str, *, clicking: bool = True) -> None:
        world = self.world
        for step in self.story.ending:
            step(world)
        world.later(OVER)
        world.work()
        over = self._check(where, "at the end", invariants.at_the_end)
        late = [bot for bot in world.bots if bot.paused_at]
        if not (late or clicking):
            return  # nobody does anything more
        for bot in late:
            bot.wake()
        world.work()
        said = self._click_everything() if clicking else []
        after = world.look()
        self._complain(where, "after late results and clicks", [*invariants.i5(over, after), *said])

    def _click_everything(self) -> list[str]:
        """I5 says so as well: each late click is answered with a sentence."""
        return [
            f"I5: {who}'s click on {action} of the {note} was answered by nothing"
            for who, note, action in OLD_BUTTONS
            if note in self.world.notes and not self.world.is_told(who, self.world.notes[note], action)
        ]

    def _check(self, where: str, when: str, check: object) -> object:
        found = self.world.look()
        self._complain(where, when, check(found, self.world.secrets))  # type: ignore[operator]
        return found

    def _complain(self, where: str, when: str, wrong: list[str]) -> None:
        if wrong:
            raise Broken(f"{where}: {when}:\n  " + "\n  ".join(wrong))


def begun(story: Story, world: World) -> Playing:
    """Take a story to where it begins, and save that."""
    world.enrol(*story.enrolled)
    world.bot = world.start()
    try:
        for step in story.before:
            step(world)
    finally:
        world.end()
    return Playing(story, world, world.save())
