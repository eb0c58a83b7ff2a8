"""A small company: its catalogue, its Slack workspace, and prodaccess beside them, on SQLite and a cloud in memory."""

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from slack_bolt.async_app import AsyncApp
from starlette.applications import Starlette
from starlette.routing import Route

from bot.core.model import (
    LANES,
    Account,
    Catalogue,
    Grant,
    Parameter,
    Person,
    Role,
    Statement,
    StepUpPolicy,
    StepUpRule,
    Summary,
    Work,
    digest_of,
)
from bot.core.rules import AskRule, Stage, TicketRule
from bot.demo import manifest_app
from bot.sandbox.slack.config import (
    Behaviour,
    SlackChannel,
    SlackPerson,
    SlackUsergroup,
    Workspace,
)
from bot.sandbox.slack.server import LocalSlack
from bot.sandbox.slack.visitor import Visitor
from bot.service.access import Access
from bot.service.alarms import Alarms
from bot.service.changes import Announcing
from bot.service.clock import DatabaseClock
from bot.service.current import InUse
from bot.service.desk import Desk
from bot.service.effects import Runner, Worker
from bot.service.enrolment import Enrolments
from bot.service.extending import Extending
from bot.service.granting import Granting
from bot.service.ids import RandomIds
from bot.service.leaving import Leaving
from bot.service.looking import Looking
from bot.service.nudging import Nudging
from bot.service.people import People
from bot.service.proof import Codes
from bot.service.queries import Queries
from bot.service.reconciling import Reconciling
from bot.service.records import Authenticator, StoreUnavailable
from bot.service.reloading import Reloading
from bot.service.resetting import Stopping
from bot.service.reviews import Reviews
from bot.service.showing import Showing
from bot.service.strays import Strays
from bot.service.tending import Tending
from bot.slack.app import SocketMode, build, http_handler
from bot.slack.config import SlackConfig, sync_client
from bot.slack.directory import SlackDirectory
from bot.slack.messenger import SlackChat
from bot.slack.pace import Pace
from bot.slack.running import Running
from bot.store import SqlStore, open_store
from tests.databases import migrated_sqlite
from tests.patience import PATIENT
from tests.service.fakes import Cloud, FakeClock, PlainBox, code_at
from tests.service.replicas import Words, changes_of

PATIENCE = 20.0
APPROVALS = "C0APPROVALS"
SECURITY = "C0SECURITY"

MAYA, TOMAS, INES, RAVI, SAM, GUS = "U0MAYA", "U0TOMAS", "U0INES", "U0RAVI", "U0SAM", "U0GUS"

ENGINEERS, LEADS = frozenset({"engineers"}), frozenset({"leads"})


def _person(person: str, name: str, **known: Any) -> Person:
    return Person(person, name, f"{person}@example.com", frozenset({f"U0{person.upper()}"}), **known)


PEOPLE = (
    _person(
        "maya", "Maya Lind", manager="ines", groups=ENGINEERS, identities={"pay": "user/maya", "pay-test": "user/maya"}
    ),
    _person("tomas", "Tomás Reis", groups=ENGINEERS, identities={"pay": "user/tomas"}),
    _person("ines", "Inès Moreau"),
    _person("ravi", "Ravi Rao", manager="ines", groups=LEADS, identities={"pay": "role/ravi"}),
    _person("sam", "Sam Oka"),
)

READ = Role(
    id="s3-read",
    title="Read a bucket",
    description="Look at and download objects.",
    provider="aws_iam",
    accounts=frozenset({"pay", "pay-test"}),
    statements=(Statement(("s3:GetObject",), ("arn:aws:s3:::{bucket}/{prefix}*",)),),
    longest=timedelta(hours=24),
    work=("bug-fix", "incident"),
    ask=(AskRule(groups=frozenset({"engineers"})),),
    stages=(Stage(manager=True, groups=frozenset({"leads"})),),
    parameters=(
        Parameter("bucket", "Bucket", "pay-logs|pay-exports", choices=("pay-logs", "pay-exports")),
        Parameter("prefix", "Prefix", "[A-Za-z0-9/_.-]{1,64}", "the start of the keys", default="app/"),
    ),
)
WRITE = replace(
    READ,
    id="s3-write",
    title="Change a bucket",
    description="Put and delete objects.",
    accounts=frozenset({"pay"}),
    statements=(Statement(("s3:PutObject",), ("arn:aws:s3:::{bucket}/{prefix}*",)),),
    longest=timedelta(hours=4),
    ticket=TicketRule("PAY-[0-9]{1,6}", "PAY-123"),
    approve_step_up=StepUpPolicy(StepUpRule.ALWAYS),
)
FREE = replace(
    READ,
    id="status",
    title="Look at the status",
    accounts=frozenset({"pay"}),
    parameters=(),
    statements=(Statement(("s3:ListAllMyBuckets",), ("*",)),),
    work=("bug-fix",),
    ask_step_up=StepUpPolicy(StepUpRule.NEVER),
    approve_step_up=StepUpPolicy(StepUpRule.NEVER),
)
HIDDEN = replace(READ, id="secret-role", title="Leads only", ask=(AskRule(groups=frozenset({"leads"})),))


def catalogue(*roles: Role) -> Catalogue:
    """The company's; with ``roles`` beside or instead of its own."""
    known = {role.id: role for role in (READ, WRITE, replace(FREE, id="look"), HIDDEN, *roles)}
    return Catalogue(
        accounts={
            "pay": Account("pay", "Payments", "111111111111", profile="pay-prod"),
            "pay-test": Account("pay-test", "Payments test", "222222222222"),
        },
        people={person.id: person for person in PEOPLE},
        groups={"engineers": frozenset({"maya", "tomas"}), "leads": frozenset({"ravi", "ines"})},
        roles=known,
        work={
            "bug-fix": Work("bug-fix", "Bug fix", timedelta(hours=2)),
            "incident": Work("incident", "Incident", timedelta(hours=24)),
        },
        admins=frozenset({"sam"}),
        channel=APPROVALS,
        security_channel=SECURITY,
        summary=Summary(SECURITY),
        digest="d1",
        zone="Europe/Vienna",
    )


def workspace(**behaviour: Any) -> Workspace:
    """The company's Slack; slow answers are refused after Slack's own 3 s."""
    people = (
        SlackPerson(MAYA, "maya", "Maya Lind", "maya@example.com", "Engineer"),
        SlackPerson(TOMAS, "tomas", "Tomás Reis", "tomas@example.com", "Engineer", manager=INES),
        SlackPerson(INES, "ines", "Inès Moreau", "ines@example.com", "Manager"),
        SlackPerson(RAVI, "ravi", "Ravi Rao", "ravi@example.com", "Lead"),
        SlackPerson(SAM, "sam", "Sam Oka", "sam@example.com", "Security"),
        SlackPerson(GUS, "gus", "Gus Guest", "gus@elsewhere.example", is_restricted=True),
    )
    return Workspace(
        people=people,
        channels=(
            SlackChannel("C0GENERAL", "general", members=(MAYA, TOMAS, INES, RAVI, SAM, GUS)),
            SlackChannel(APPROVALS, "approvals", members=(MAYA, INES, RAVI, SAM)),
            SlackChannel(SECURITY, "security", members=(SAM,)),
        ),
        usergroups=(SlackUsergroup("S0LEADS", "leads", "Leads", (INES, RAVI)),),
        behaviour=Behaviour(**{**PATIENT, "kept_envelopes": 50, **behaviour}),
        app=manifest_app(),
    )


class BreakableStore:
    """A store that can go away."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self.away = False

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        if self.away:
            raise StoreUnavailable("connection refused")
        with self._store.transaction() as tx:
            yield tx

    def ping(self) -> datetime:
        if self.away:
            raise StoreUnavailable("connection refused")
        return self._store.ping()

    def wait(self, lane: str, timeout: timedelta) -> None:
        """Shorter than asked for, so that workers stop soon when they are told to."""
        self._store.wait(lane, min(timeout, timedelta(milliseconds=100)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class EventLoop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE)

    def stop(self) -> None:
        self.run(self._drain())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE)
        self.loop.close()

    @staticmethod
    async def _drain() -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


class Office:
    """Everything at work. ``clock_paces``: how often Slack may be called is counted on the office's own clock."""

    def __init__(
        self, slack: LocalSlack, folder: Path, roles: tuple[Role, ...], *, over_http: bool, clock_paces: bool = False
    ) -> None:
        self.slack = slack
        self.in_use = InUse(catalogue(*roles))
        self.clock = FakeClock(datetime.now(UTC))
        database = folder / "office.db"
        database.write_bytes(migrated_sqlite())
        url = f"sqlite:///{database}"
        self.store = BreakableStore(open_store(url, clock=self.clock))
        self.around_cloud: Callable[[Any, bool], Any] = lambda _call, _done: None
        self.cloud = Cloud(
            [(account, principal) for person in PEOPLE for account, principal in person.identities.items()],
            around=self._around,
        )
        self.config = SlackConfig(slack.bot_token, slack.app_token, slack.signing_secret, slack.api_url)
        self._secrets: dict[str, bytes] = {}
        self._used: dict[str, int] = {}
        self._wire(Pace(lambda: self.clock.now().timestamp()) if clock_paces else Pace())
        self.threads = ThreadPoolExecutor(8)
        self.running = Running()
        self.app = build(self.desk, self.config, self.threads, self.directory, self.running)
        self._loop = EventLoop()
        self._stops: list[Callable[[], None]] = []
        if over_http:
            self._serve_http(self.app)
        else:
            self._connect(self.app)
        self._worker.start()

    @property
    def catalogue(self) -> Catalogue:
        """What is in use."""
        return self.in_use.newest

    def _around(self, call: Any, done: bool) -> None:
        self.around_cloud(call, done)

    def _wire(self, pace: Pace) -> None:
        box, ids, client = PlainBox(), RandomIds(), sync_client(self.config)
        self.directory = SlackDirectory(client)
        self.chat = SlackChat(client, pace)

        current = self.in_use
        people = People(current, self.directory)
        codes = Codes(self.store, box, ids)
        clouds: Mapping[str, Any] = {"aws_iam": self.cloud}
        access = Access(self.store, current, people, clouds, codes, ids)
        queries = Queries(self.store, current, people, clouds)
        enrolments = Enrolments(self.store, current, people, codes, box, ids, "prodaccess")
        looking = Looking(access)
        strays = Strays(looking, ids)
        self.reconciling = Reconciling(looking, self.clock, ids, pause=lambda _: None)
        self.words = Words(first=self.catalogue)
        changes = changes_of(self.store, current, people, self.words)
        self.reloading = Reloading(changes.catalogues, current)
        self.desk = Desk(access, enrolments, people, queries, strays, changes, current.pinned)
        handlers = {
            **Granting(access, DatabaseClock(self.clock, self.store)).handlers(),
            **Showing(self.store, queries, self.chat, enrolments, strays).handlers(),
            **self.reconciling.handlers(),
            **Extending(access).handlers(),
            **Tending(access, DatabaseClock(self.clock, self.store)).handlers(),
            **Reviews(access).handlers(),
            **Alarms(self.store, queries, self.chat, Reviews(access)).handlers(),
            **Stopping(access).handlers(),
            **Leaving(self.store, people).handlers(),
            **Announcing(changes, self.chat).handlers(),
            **Nudging(queries, self.chat).handlers(),
        }
        self._worker = Worker(Runner(self.store, self.clock, handlers), dict.fromkeys(LANES, 1))

    def _connect(self, app: AsyncApp) -> None:
        link = SocketMode(app, self.config)
        self._loop.run(link.start())
        self._stops.append(lambda: self._loop.run(link.stop()))
        self.visitor(MAYA).wait_for(lambda: self.slack.connections == 1, what="the bot's connection")

    def _serve_http(self, app: AsyncApp) -> None:
        handler = http_handler(app)
        web = Starlette(routes=[Route("/slack/events", handler.handle, methods=["POST"])])
        server = uvicorn.Server(uvicorn.Config(web, log_level="critical", access_log=False, lifespan="off"))
        listener = socket.create_server(("127.0.0.1", 0))
        serving = asyncio.run_coroutine_threadsafe(server.serve(sockets=[listener]), self._loop.loop)
        self.visitor(MAYA).wait_for(lambda: server.started, what="the bot's server")

        def stop() -> None:
            server.should_exit = True
            serving.result(PATIENCE)

        self._stops.append(stop)
        self.request_url = f"http://127.0.0.1:{listener.getsockname()[1]}/slack/events"
        self.slack.deliver_over_http(self.request_url)

    def close(self) -> None:
        for stop in self._stops:
            stop()
        self._loop.stop()
        self._worker.stop()
        self.threads.shutdown()
        self.store.close()

    # --- what a test does and asks

    def handled(self) -> None:
        """Wait until nothing that came from Slack is being handled."""
        assert self._loop.run(self.running.ended(PATIENCE)), "something is still being handled"

    def answered(self) -> None:
        """Wait until all that was acknowledged is handled, too: it is counted from before its ack."""
        self._loop.run(self._nothing_runs())

    async def _nothing_runs(self) -> None:
        while self.running.count:
            await asyncio.sleep(0.001)

    def visitor(self, user: str) -> Visitor:
        return self.slack.visitor(user)

    def enrol(self, *people: str) -> None:
        """Give these people an authenticator."""
        for person in people:
            self._secrets[person] = f"secret of {person}".ljust(20).encode()[:20]
            sealed = PlainBox().seal(self._secrets[person], person)
            with self.store.transaction() as tx:
                tx.save_authenticator(Authenticator(person, sealed, "k1", self.clock.now(), "test"))

    def code(self, person: str) -> str:
        """A code that was not used before; time moves on where it has to."""
        while self._used.get(person, 0) >= self._step():
            self.clock.move(timedelta(seconds=30))
        self._used[person] = self._step()
        return code_at(self._secrets[person], self.clock.now())

    def _step(self) -> int:
        return int(self.clock.now().timestamp()) // 30

    def edit(self, text: str, meaning: Catalogue | None = None) -> None:
        """access.yaml says ``text`` from now on, which is noticed; without a meaning it cannot be used."""
        if self.words.text == "first":
            self.reloading.begin()
        if meaning is not None:
            self.words.meanings[text] = replace(meaning, digest=digest_of({"text": text}))
        self.words.text = text
        for _ in range(2):
            self.reloading.look()

    def pass_time(self, length: timedelta) -> None:
        """Move the clock; whatever is due then is run."""
        self.clock.move(length)

    def grants(self, person: str | None = None) -> tuple[Grant, ...]:
        return self.desk.queries.unfinished(person)

    def tags(self) -> list[str]:
        """The audit log's tags, in order."""
        with self.store.transaction() as tx:
            return [tag for record in tx.audit() for tag in [_tag(record.body)]]


def _tag(body: bytes) -> str:
    return body.decode().split('"tag":"', 1)[1].split('"', 1)[0]
