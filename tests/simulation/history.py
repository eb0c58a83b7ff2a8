"""One history: a seed, the steps that it draws, and what must be so during and after them."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from random import Random

from bot.core.model import LANES
from bot.core.strays import Fate
from bot.service.records import Draft
from tests.core.examples import DAY, MINUTE
from tests.simulation.company import ENROLLED, SECOND, Company
from tests.simulation.hands import decided, look_at_all
from tests.simulation.people import Click, outcome_of
from tests.simulation.replica import Replica
from tests.simulation.rules import stand_in
from tests.simulation.steps import OPENING, STEPS
from tests.simulation.tasks import Broken, Task
from tests.simulation.ways import reviewed
from tests.simulation.weather import SERVICES

REPLICAS = "ABC"
SKEWS = (0, 0, 0, 0.5, -0.5, 4, -4, 20, -600)
"""By how many seconds a replica's clock may be off."""
TURN_TAKES = timedelta(milliseconds=50)
"""A worker's turn, at the end, when nothing but work goes on."""
PATIENCE = 2000
"""Turns of workers, after all faults are over, within which all must be done."""


class History:
    """Draws everything from ``Random(seed)``: the same seed is the same history, step by step."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rng = Random(seed)
        self.company = Company(self.rng)
        self.replicas = [self._new_replica(name) for name in REPLICAS[: self.rng.choice((1, 2, 2, 3))]]
        self.trace: list[str] = []
        """Every step in words."""
        self.clicks: list[Click] = []
        self.drafts: list[Draft] = []
        self.used: dict[str, object] = {}
        self.steps = max(5, int(self.rng.gauss(25, 8)))
        self._weights = [step.weight * self.rng.choice(step.often) for step in STEPS]

    def run(self) -> None:
        """Take every step, then let all faults end and all work be done. Raises Broken."""
        try:
            for do in OPENING[: self.rng.choice((1, 2, 3, 4, 5))]:
                self._do(do)
            while len(self.trace) < self.steps:
                (step,) = self.rng.choices(STEPS, self._weights)
                self._do(step.do)
            self._calm_down()
        finally:
            self._abandon()

    # --- what steps use ----------------------------------------------------------------------------------

    def any_replica(self) -> Replica:
        return self.rng.choice(self.replicas)

    def pick_request(self) -> str | None:
        """Mostly one that waits; sometimes an old one, or one that there is not."""
        book = self.company.invariants.book
        return self._pick(book.open_requests(), list(book.requests), "r-0")

    def pick_grant(self) -> str | None:
        """Mostly one that has not ended; sometimes an old one, or one that there is not."""
        book = self.company.invariants.book
        return self._pick(book.open_grants(), list(book.grants), "g-0")

    def pick_approver(self, request_id: str) -> str:
        """Mostly one who was asked and has not said yes; sometimes anybody."""
        entry = self.company.invariants.book.requests.get(request_id)
        away = self.company.invariants.book.away(self.company.time.now())
        approvers = {stand_in(each, away) for each in entry.data.get("approvers", ())} if entry else set()
        asked = sorted((approvers - set(entry.said_yes)) & set(ENROLLED)) if entry else []
        return self.rng.choice(asked if asked and self.rng.random() < 0.8 else ENROLLED)

    def click(self, click: Click) -> str:
        """A person's click, taken by some replica."""
        words, act = click
        replica = self.any_replica()
        return self.start(f"{words}, at {replica.name}", replica, lambda: outcome_of(act, replica))

    def start(self, words: str, replica: Replica, work: Callable[[], str]) -> str:
        """Begin something, which may stand still on its way."""
        task = Task(words, replica, work, len(self.company.setups) - 1, could_grant=replica.may_grant)
        said = self.company.tasks.start(task)
        self._after(task)
        return f"{words}: {said}"

    def resume(self, task: Task) -> str:
        """Let something go on that stood still."""
        where = task.where
        said = self.company.tasks.resume(task)
        self._after(task)
        return f"goes on from {where}: {task.name}: {said}"

    def adjust_clock(self, replica: Replica) -> str:
        """The replica's clock jumps; it does not know before it compares."""
        replica.clock.skew = self.rng.choice(SKEWS) * SECOND
        return f"{replica.name}'s clock is off by {replica.clock.skew}"

    def kill(self, replica: Replica) -> str:
        """The process dies, and another one is started in its place."""
        doomed = [task for task in self.company.tasks.parked if task.replica is replica]
        for task in doomed:
            self.company.tasks.kill(task)
            self.company.invariants.after_task(task, in_order=False)
        self.replicas[self.replicas.index(replica)] = self._new_replica(replica.name)
        return f"{replica.name} dies with {len(doomed)} tasks and {len(replica.held)} claims, and is started again"

    def pass_time(self, by: object) -> str:
        self.company.time.move(by)  # type: ignore[arg-type]
        return f"{by} pass"

    # --- pieces ------------------------------------------------------------------------------------------

    def _do(self, do: Callable[["History"], str | None]) -> None:
        at = self.company.time.now()
        self.trace.append(f"{len(self.trace) + 1:3} {at:%d %H:%M:%S} …")
        words = do(self)
        if words is None:
            self.trace.pop()
            return
        self.trace[-1] = f"{len(self.trace):3} {at:%d %H:%M:%S} {words}"
        self.company.forget_next_looks()
        self.company.invariants.after_step()

    def _after(self, task: Task) -> None:
        if task not in self.company.tasks.parked:
            self.company.invariants.after_task(task, in_order=True)

    def _pick(self, likely: list[str], every: list[str], unknown: str) -> str | None:
        if not every:
            return None
        if likely and self.rng.random() < 0.85:
            return self.rng.choice(likely)
        return self.rng.choice([*every, unknown])

    def _new_replica(self, name: str) -> Replica:
        return Replica(name, self.company, self.rng.choice(SKEWS) * SECOND)

    # --- the end -----------------------------------------------------------------------------------------

    def _calm_down(self) -> None:
        """All faults end (in some histories the chat's last, for which nothing else waits); all is done."""
        company = self.company
        company.tasks.stillness = 0.0
        if self.rng.random() < 0.5:
            company.weather.bring_down("chat", 30 * DAY)
            company.weather.bring_down("directory", 30 * DAY)
            company.weather.heal(("cloud", "database"))
        else:
            company.weather.heal(SERVICES)
        company.take_back_edits()
        for replica in self.replicas:
            replica.clock.skew = timedelta(0)
            replica.compare_clocks()
        while company.tasks.parked:
            self._do(lambda history: history.resume(history.rng.choice(company.tasks.parked)))
        for request_id in company.invariants.book.all_owed():
            click = reviewed(request_id, "sam", known=company.catalogue.people["sam"])
            self._do(lambda history, click=click: history.click(click))  # type: ignore[misc]
        if company.went_around or company.anybody_left:
            self._look_at_all()
        self._work_off(("access", "people", "cloud", "drift"), until_done=("access", "cloud", "drift"))
        company.invariants.all_is_decided()
        company.invariants.nobody_needs_to_clean_up()
        company.weather.heal(SERVICES)
        self._clean_up()
        self._work_off(LANES, until_done=LANES)
        company.invariants.at_the_end()

    def _look_at_all(self) -> None:
        """Everything is looked at, once what anybody had leased or begun is over; and what is seen is acted on."""
        company = self.company
        company.time.move(3 * MINUTE)
        looked_at, until = company.time.now(), company.time.now() + MINUTE
        self._do(look_at_all)
        lanes = tuple(lane for lane in LANES if lane != "chat")
        while (waiting := self._waiting(lanes)) and (due := min(waiting.values())) <= until:
            company.time.move(max(due - company.time.now(), TURN_TAKES))
            self._work_in(waiting)
        company.invariants.drift.all_is_seen(looked_at)
        if company.weather.strike("directory") is None:
            company.invariants.drift.leavers_have_nothing()

    def _clean_up(self) -> None:
        """An admin lets everything be removed that was found, until there is nothing left to be found."""
        company, drift = self.company, self.company.invariants.drift
        for _ in range(3):
            if company.cloud.written():
                self._look_at_all()
            elif not company.store_has_strays:
                return
            for stray_id in drift.undecided():
                click = decided(self, stray_id, "sam", Fate.REMOVED)
                self._do(lambda history, click=click: history.click(click))  # type: ignore[misc]
            self._work_off(("access", "people", "cloud", "drift"), until_done=("drift",))

    def _waiting(self, lanes: tuple[str, ...]) -> dict[str, datetime]:
        """When the next effect of each lane is due that has any."""
        return {lane: at for lane in lanes if (at := self.company.store.next_due(lane)) is not None}

    def _work_off(self, lanes: tuple[str, ...], until_done: tuple[str, ...]) -> None:
        company = self.company
        for _ in range(PATIENCE):
            waiting = self._waiting(lanes)
            if not waiting.keys() & set(until_done):
                return
            company.time.move(max(min(waiting.values()) - company.time.now(), TURN_TAKES))
            self._work_in(waiting)
        raise Broken(f"I8: after {PATIENCE} turns without faults there is still something to do")

    def _work_in(self, waiting: Mapping[str, datetime]) -> None:
        """Some replica works on the lane that waits longest."""
        lane, replica = min(waiting, key=lambda lane: waiting[lane]), self.any_replica()
        words = f"{replica.name} works on {lane}"
        self._do(lambda history: history.start(words, replica, lambda: f"{replica.worker.run_due(lane)} claimed"))

    def _abandon(self) -> None:
        """What still stands still is given up, so that nothing of it is left in this process."""
        for task in list(self.company.tasks.parked):
            self.company.tasks.kill(task)
