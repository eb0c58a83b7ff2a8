"""The bot as processes of their own, to be killed, paused and kept from writing; the test is everybody else."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import httpx
import psycopg
import sqlalchemy as sa

from bot import app
from bot.app import Parts
from bot.sandbox.slack.delivery import Envelope, Retry
from bot.sandbox.slack.http_delivery import SignedHttp
from bot.serving import Service
from bot.settings import Transport
from bot.store import migrate
from bot.store.tables import effects
from tests.crashes.clock import SharedClock
from tests.outages.iam import Iam
from tests.outages.told import CLOCK
from tests.outages.world import World
from tests.scenarios.company import TEAM
from tests.scenarios.harness import _free_port, wait_for

ROOT = Path(__file__).parents[2]
NO_LIMIT = resource.RLIM_INFINITY


@dataclass
class Replica:
    """One ``prodaccess serve``."""

    name: str
    """Also its AWS access key, and its name among the database's connections."""
    url: str
    process: subprocess.Popen[bytes]
    is_paused: bool = False

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def is_up(self) -> bool:
        """Whether its page answers."""
        assert self.is_alive, f"{self.name} has ended with status {self.process.returncode}"
        try:
            return httpx.get(f"{self.url}/healthz", timeout=15).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """As the kernel does: not one instruction more."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Let it end."""
        self.process.terminate()
        self.process.wait(30)

    def pause(self) -> None:
        """It stands still when this returns."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitpid(self.process.pid, os.WUNTRACED)
        self.is_paused = True

    def go_on(self) -> None:
        """After ``pause``."""
        self.process.send_signal(signal.SIGCONT)
        self.is_paused = False

    def fill_disk(self) -> None:
        """From now on the kernel refuses each of its writes to a file (EFBIG; SQLite takes it as an I/O error)."""
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (0, NO_LIMIT))

    def free_disk(self) -> None:
        """After ``fill_disk``."""
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (NO_LIMIT, NO_LIMIT))


class Gate:
    """Keeps AWS from carrying out the next call of an action while the context is open; later ones pass."""

    def __init__(self, iam: Iam, action: str) -> None:
        self._iam, self._action = iam, action
        self._open, self._reached = threading.Event(), threading.Event()
        self._caller = ""

    def __enter__(self) -> Self:
        self._iam.before = self._pass
        return self

    def __exit__(self, *_: object) -> None:
        self._open.set()
        self._iam.before = lambda _: None

    def caller(self) -> str:
        """Whose call it holds: the access key of a replica. Waits for it."""
        assert self._reached.wait(30), f"nobody called {self._action}"
        return self._caller

    def _pass(self, call: dict[str, str]) -> None:
        if call["Action"] == self._action and not self._reached.is_set():
            self._caller = self._iam.caller(call)
            self._reached.set()
            self._open.wait(60)


class ToAll:
    """Brings what people do to every replica at the same moment; the first answer counts."""

    def __init__(self, world: "Processes") -> None:
        slack, secret = world.slack._slack, world.slack.signing_secret
        urls = [f"{replica.url}/slack/events" for replica in world.replicas]
        self._ways = [SignedHttp(url, secret, slack.workspace.behaviour, slack.clock) for url in urls]
        slack._http.extend(self._ways)

    async def send(self, envelope: Envelope, retry: Retry | None) -> dict[str, Any]:
        answers = await asyncio.gather(*(way.send(envelope, retry) for way in self._ways), return_exceptions=True)
        return next(answer for answer in answers if isinstance(answer, dict))


@dataclass
class _Beside:
    """What ``harness.World`` wants to know of a running service, without its running: the same parts, doing nothing."""

    parts: Parts
    url: str = ""


class Processes(World):
    """A world whose bot is ``count`` processes; ``told`` are the ``TOLD_…`` for all of them."""

    def __init__(
        self,
        folder: Path,
        stack: ExitStack,
        *,
        count: int = 1,
        database_url: str = "",
        transport: Transport = Transport.SOCKET,
        told: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(folder, stack, database_url=database_url, transport=transport)
        self._count, self._told = count, dict(told or {})
        if CLOCK in self._told:
            self.clock: Any = SharedClock(Path(self._told[CLOCK]))
        self._started = 0
        self.replicas: list[Replica] = []

    def __enter__(self) -> Self:
        migrate(self.database_url)
        return super().__enter__()

    # --- running -----------------------------------------------------------------------------------------

    def start(self) -> Service:
        """Start all of them."""
        parts = self._stack.enter_context(app.assemble(self.settings(), session=self.cloud.session, clock=self.clock))
        self.service = cast(Service, _Beside(parts))
        self.prepare()
        for _ in range(self._count):
            self.add()
        if self._count:
            self.wait_until_up()
        return self.service

    def prepare(self) -> None:
        """What has to be so before they start."""

    def add(self, **told: str) -> Replica:
        """Start one more; it is not up yet."""
        self._started += 1
        name, port = f"REPLICA{self._started}", _free_port()
        replica = Replica(name, f"http://127.0.0.1:{port}", self._run(["serve"], self.environment_of(name, port, told)))
        self.replicas.append(replica)
        return replica

    def wait_until_up(self) -> None:
        """Until each listens, and has its connection to Slack; requests go to the first."""
        for replica in self.replicas:
            wait_for(replica.is_up, f"{replica.name} to be up", timeout=120)
        if self.transport is Transport.SOCKET:
            wait_for(lambda: self.slack.connections == len(self.replicas), "connections to Slack", timeout=120)
        self.send_to(self.replicas[0])

    def stop(self) -> None:
        """Every process, at once."""
        for replica in self.replicas:
            replica.kill()

    def send_to(self, replica: Replica) -> None:
        """Over HTTP: what people do goes to this one from now on. Its page is the one that is asked."""
        cast(_Beside, self.service).url = replica.url
        if self.transport is Transport.HTTP:
            self.slack.deliver_over_http(f"{replica.url}/slack/events")

    def called(self, name: str) -> Replica:
        (found,) = [replica for replica in self.replicas if replica.name == name]
        return found

    def shell(self, *arguments: str, **told: str) -> subprocess.CompletedProcess[str]:
        """Run ``prodaccess …`` to its end, in a process of its own."""
        process = self._run(arguments, self.environment_of("OPERATOR", 0, told), subprocess.PIPE)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, out.decode(), err.decode())

    def environment_of(self, name: str, port: int, told: Mapping[str, str]) -> dict[str, str]:
        """All of it, for one process."""
        url = self.database_url
        if url.startswith("postgresql"):
            url += f"&application_name={name}"
        overwritten = {"PRODACCESS_DATABASE_URL": url, "AWS_ACCESS_KEY_ID": name}
        slack = {
            "PRODACCESS_SLACK_TRANSPORT": str(self.transport),
            "PRODACCESS_SLACK_BOT_TOKEN": self.slack.bot_token,
            "PRODACCESS_SLACK_APP_TOKEN": self.slack.app_token,
            "PRODACCESS_SLACK_SIGNING_SECRET": self.slack.signing_secret,
            "PRODACCESS_SLACK_BASE_URL": self.slack.api_url,
            "PRODACCESS_SLACK_TEAM": TEAM,
            "PRODACCESS_HTTP_PORT": str(port),
            "PRODACCESS_WORKERS": "1",
        }
        plain = {"PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true"}
        return {**plain, **self.environment(), **overwritten, **slack, **self._told, **told}

    def _run(
        self, words: Sequence[str], environment: Mapping[str, str], stream: int | None = None
    ) -> subprocess.Popen[bytes]:
        is_told = any(name.startswith("TOLD_") for name in environment)
        command = [sys.executable, "-m", "tests.outages.told" if is_told else "bot", *words]
        with self.log.open("ab") as log:
            out = stream or log
            return subprocess.Popen(
                command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )

    # --- looking -----------------------------------------------------------------------------------------

    def audit_of(self, request_id: str, *tags: str) -> list[dict[str, Any]]:
        """As ``audit``, of one request."""
        return [record for record in self.audit(*tags) if record["request_id"] == request_id]

    # --- leases, on PostgreSQL ---------------------------------------------------------------------------

    def pause(self, replica: Replica) -> None:
        """Pause it, but not in the middle of a transaction, which would hold up everybody until the server ends it."""
        while True:
            replica.pause()
            wait_for(lambda: "active" not in self._backends(replica), "its statements to end")
            if not any(state.startswith("idle in transaction") for state in self._backends(replica)):
                return
            replica.go_on()

    def leased(self) -> list[str]:
        """Keys of effects that somebody claimed and neither did nor gave back."""
        with self.beside.transaction() as tx:
            query = sa.select(effects.c.key).where(effects.c.lease_until.is_not(None))
            return list(tx._run(query).scalars())

    def looks_are_over(self) -> bool:
        """Whether nobody looks at an account, and each was looked at once."""
        with self.beside.transaction() as tx:
            columns = effects.c.fence, effects.c.lease_until, effects.c.due_at
            looks = tx._run(sa.select(*columns).where(effects.c.kind.startswith("drift."))).all()
            now = tx.now()
        return bool(looks) and all(not look.lease_until and (look.fence or look.due_at > now) for look in looks)

    def let_leases_run_out(self) -> None:
        """As a minute and a half later."""
        with psycopg.connect(self.database_url) as connection:
            ended = connection.execute("UPDATE effects SET lease_until = clock_timestamp() WHERE lease_until > now()")
            assert ended.rowcount, "nothing is leased"

    def _backends(self, replica: Replica) -> set[str]:
        with psycopg.connect(self.database_url) as connection:
            rows = connection.execute(
                "SELECT state FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()",
                [replica.name],
            )
            return {str(state) for (state,) in rows}
