"""Replicas in processes of their own, on one database, that act at the same instant when told to.

Each has its own ``Access`` and worker on the real PostgreSQL and its clock; behind the other ports are fakes.
"""

import multiprocessing
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier, Event
from typing import Any, Self

from bot.core import commands
from bot.core.decisions import Decision, Outcome, Refusal
from bot.core.model import LANES
from bot.providers.fake import Call
from bot.service.access import Access
from bot.service.breaker import Accounts
from bot.service.clock import DatabaseClock
from bot.service.effects import Runner, Worker
from bot.service.enrolment import Enrolments
from bot.service.extending import Extending
from bot.service.granting import Granting
from bot.service.handling import handle_timers
from bot.service.ids import RandomIds, SystemClock
from bot.service.looking import Looking
from bot.service.people import People
from bot.service.proof import Codes
from bot.service.queries import Queries
from bot.service.records import ChatUser, Claim
from bot.service.showing import Showing
from bot.service.strays import Strays
from bot.store import open_store
from tests.core.examples import actor
from tests.races.company import CATALOGUE
from tests.service.fakes import Cloud, FakeChat, FakeDirectory, PlainBox

PATIENCE = 120.0
"""Seconds for a whole batch, on a machine that is busy."""
LEASE = timedelta(hours=1)
TEAM = "T1"
DONE, WAITS = "done", "waits"

_CONTEXT = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Order:
    """``what`` (a method of ``_Replica`` below) with ``subject``, a request or a grant, by ``person``."""

    what: str
    subject: str
    person: str = ""
    wait: float = 0.0
    """Seconds from the common start: the other's head start."""
    ends_after: float = 0.0
    """Seconds that the subject still has when both are made to wait for each other; 0 leaves its end as it is."""


@dataclass(frozen=True, slots=True)
class Told:
    """What came of an order: ``done``, ``waits``, a refusal's code, or a traceback.

    Begun and ended by ``time.monotonic``.
    """

    outcome: str
    began: float
    ended: float


class Replica:
    """The test's side of one process."""

    def __init__(self, gate: Barrier) -> None:
        self._pipe, theirs = _CONTEXT.Pipe()
        self.stalled: Event = _CONTEXT.Event()
        self.go_on: Event = _CONTEXT.Event()
        self._process = _CONTEXT.Process(target=_serve, args=(theirs, gate, self.stalled, self.go_on), daemon=True)
        self._process.start()
        theirs.close()

    def start(self, method: str, *arguments: Any) -> None:
        """Let it call a method of ``_Replica``."""
        self._pipe.send((method, arguments))

    def result(self) -> Any:
        """What that returned. Raises AssertionError with the traceback of what it raised."""
        assert self._pipe.poll(PATIENCE), "the replica does not answer"
        good, value = self._pipe.recv()
        assert good, value
        return value

    def call(self, method: str, *arguments: Any) -> Any:
        """Both of them."""
        self.start(method, *arguments)
        return self.result()

    def close(self) -> None:
        with suppress(OSError):
            self._pipe.send(("stop", ()))
        self._process.join(10)
        self._process.kill()
        self._process.join()


class Two:
    """Two replicas on one database."""

    def __init__(self) -> None:
        # Kept: its semaphores go when the last of its owners here does, though a process may not have them yet.
        self._gate = _CONTEXT.Barrier(2)
        self.replicas = (Replica(self._gate), Replica(self._gate))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for replica in self.replicas:
            replica.close()

    def both(self, method: str, *arguments: Sequence[Any]) -> list[Any]:
        """Call it in both at once, with the first of each argument in the one, the second in the other."""
        for replica, own in zip(self.replicas, zip(*arguments, strict=True) if arguments else ((), ()), strict=True):
            replica.start(method, *own)
        return [replica.result() for replica in self.replicas]

    def open(self, url: str) -> None:
        """Work on this database from now on."""
        self.both("open", (url, url))


def _serve(pipe: Connection, gate: Barrier, stalled: Event, go_on: Event) -> None:
    replica = _Replica(gate, stalled, go_on)
    while True:
        method, arguments = pipe.recv()
        if method == "stop":
            return
        try:
            pipe.send((True, getattr(replica, method)(*arguments)))
        except Exception:  # the test's side raises it
            pipe.send((False, traceback.format_exc()))


class _Replica:
    """The process's side."""

    def __init__(self, gate: Barrier, stalled: Event, go_on: Event) -> None:
        self._gate, self._stalled, self._go_on = gate, stalled, go_on
        self._stall_at: tuple[str, bool] | None = None
        self._claims: dict[str, Claim] = {}

    def open(self, url: str) -> None:
        if hasattr(self, "store"):
            self.store.close()
        users = [ChatUser(u, TEAM, p.name, p.email or "") for p in CATALOGUE.people.values() for u in p.slack_ids]
        self.people = People(lambda: CATALOGUE, FakeDirectory(*users))
        self.store, ids, clock = open_store(url), RandomIds(), SystemClock()
        principals = [item for person in CATALOGUE.people.values() for item in person.identities.items()]
        self.cloud = Cloud(principals, around=self._around)
        codes = Codes(self.store, PlainBox(), ids)
        clouds = {"cloud": self.cloud}
        self.access = Access(self.store, lambda: CATALOGUE, self.people, clouds, codes, ids)
        queries = Queries(self.store, lambda: CATALOGUE, self.people, clouds)
        enrolments = Enrolments(self.store, lambda: CATALOGUE, self.people, codes, PlainBox(), ids, "prodaccess", "")
        self.chat = FakeChat()
        showing = Showing(self.store, queries, self.chat, enrolments, Strays(Looking(self.access), ids))
        granting = Granting(self.access, DatabaseClock(clock, self.store), Accounts(16))
        handlers = {**granting.handlers(), **showing.handlers(), **Extending(self.access).handlers()}
        self.worker = Worker(Runner(self.store, clock, handlers, granting.batches()), {})

    # --- racing ------------------------------------------------------------------------------------------

    def claim(self, lane: str) -> int:
        """Lease all that is due, to run it when told; how many there were."""
        claims = self.store.claim(lane, 5_000, LEASE)
        self._claims = {claim.subject: claim for claim in claims}
        return len(claims)

    def race(self, orders: Sequence[Order]) -> list[Told]:
        """Each order at the instant at which the other process runs its own."""
        return [self._race(order) for order in orders]

    def copies(self, order: Order, count: int, threads: int) -> Counter[str]:
        """The same order many times from several threads; how often each outcome."""
        self._gate.wait(PATIENCE)
        with ThreadPoolExecutor(threads) as pool:
            return Counter(pool.map(lambda _: self._carry_out(order), range(count)))

    def _race(self, order: Order) -> Told:
        if order.ends_after:
            self._put_end(order.subject, timedelta(seconds=order.ends_after))
        self._gate.wait(PATIENCE)
        time.sleep(order.wait)
        began = time.monotonic()
        outcome = self._carry_out(order)
        return Told(outcome, began, time.monotonic())

    def _carry_out(self, order: Order) -> str:
        command: Callable[[str, str], Outcome | str] = getattr(self, order.what)
        try:
            outcome = command(order.subject, order.person)
        except Exception:  # a loser is told, never an exception: the test looks at it
            return traceback.format_exc()
        if isinstance(outcome, Refusal):
            return outcome.code
        return outcome if isinstance(outcome, str) else DONE

    def _put_end(self, subject: str, after: timedelta) -> None:
        with self.store.transaction() as tx:
            if request := tx.request(subject, lock=True):
                tx.save_request(replace(request, lapses_at=tx.now() + after))
            for grant in tx.grants_by_id([subject]).values():
                tx.save_grant(replace(grant, expires_at=tx.now() + after))

    # --- orders ------------------------------------------------------------------------------------------

    def submit(self, draft_id: str, person: str) -> Outcome | str:
        """Ask for what was drafted, whose code was typed; ``WAITS`` where somebody has to say yes to it."""
        draft = self.access.find_draft(draft_id, CATALOGUE.people[person])
        assert draft is not None
        outcome = self.access.submit(draft, CATALOGUE.people[person], actor(person))
        return WAITS if isinstance(outcome, Decision) and not outcome.grants else outcome

    def approve(self, request_id: str, person: str) -> Outcome:
        return self.access.deciding.approve(request_id, CATALOGUE.people[person], actor(person))

    def deny(self, request_id: str, person: str) -> Outcome:
        return self.access.deciding.deny(request_id, CATALOGUE.people[person], "Not tonight.", actor(person))

    def cancel(self, request_id: str, person: str) -> Outcome:
        return self.access.cancel(request_id, CATALOGUE.people[person], actor(person))

    def lapse(self, request_id: str, _: str) -> Outcome:
        return self._on_timer(request_id, commands.Lapse())

    def expire(self, grant_id: str, _: str) -> Outcome:
        return self._on_timer(grant_id, commands.Expire(grant_id))

    def _on_timer(self, subject: str, command: commands.Command) -> Outcome:
        """As the worker does, which tries again while it is early."""
        while True:
            (outcome,) = handle_timers(self.store, [(self._claims[subject], command)])
            if not isinstance(outcome, Refusal) or outcome.code != "early":
                return outcome

    def revoke(self, grant_id: str, person: str) -> Outcome:
        return self.access.revoke(grant_id, CATALOGUE.people[person], actor(person), "Stop.")

    def release(self, grant_id: str, person: str) -> Outcome:
        return self.access.release(grant_id, CATALOGUE.people[person], actor(person))

    # --- working -----------------------------------------------------------------------------------------

    def drain(self, lanes: Sequence[str] = LANES) -> list[str]:
        """Run all that is due and what that makes due; the cloud's changes as ``grant g-…``, in order."""
        before = len(self.cloud.calls)
        while sum(self.worker.run_due(lane) for lane in lanes):
            pass
        return [
            f"{call.operation} {call.grant_id}" for call in self.cloud.calls[before:] if call.operation != "observe"
        ]

    def run_claims(self) -> list[bool]:
        """Run what ``claim`` leased: whether each was done."""
        return [self.worker.runner.run(claim) for claim in self._claims.values()]

    def stall_at(self, operation: str, done: bool) -> None:
        """Stand still before (or, ``done``, after) the work of the next such cloud call, until ``go_on``."""
        self._stall_at = (operation, done)

    def shown(self) -> int:
        """How many messages it posted, changes left out."""
        return len(self.chat.messages)

    def _around(self, call: Call, done: bool) -> None:
        if self._stall_at == (call.operation, done):
            self._stall_at = None
            self._stalled.set()
            assert self._go_on.wait(PATIENCE)
