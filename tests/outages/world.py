"""The whole of prodaccess with a fault proxy before each thing that it needs: its database, Slack, AWS."""

import re
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import boto3
import httpx
import psycopg
import sqlalchemy as sa

from bot.core.model import Effect
from bot.sandbox.aws import isolated_session
from bot.sandbox.aws_seed import Keys
from bot.sandbox.slack.server import LocalSlack
from bot.service.records import StoreUnavailable
from bot.store import SqlStore, open_store
from bot.store.tables import claimable_at, effects
from tests.faults.proxy import FaultProxy
from tests.outages.iam import Iam, running_iam
from tests.scenarios import harness
from tests.scenarios.company import APPROVALS, workspace
from tests.scenarios.harness import wait_for

LOOK = "/prodaccess look payments-prod 30m is it up or is it down"
"""Needs no code, neither to ask nor to approve."""
USER = "maya"


@dataclass(frozen=True)
class _Aws:
    endpoint: str


@dataclass(frozen=True)
class _Seeded:
    bot: Keys


class Cloud:
    """What ``harness.World`` wants to know of AWS, about an ``Iam`` behind a proxy."""

    def __init__(self, iam: Iam, endpoint: str) -> None:
        self.iam, self.aws, self.seeded = iam, _Aws(endpoint), _Seeded(Keys("AKIAEXAMPLEBOT", "bot-secret-key"))

    @cached_property
    def session(self) -> boto3.Session:
        return isolated_session(self.seeded.bot.access_key_id, self.seeded.bot.secret)

    def policies(self, person: str, _account: str = "") -> dict[str, object]:
        return self.iam.policies(person)


class World(harness.World):
    """``to_database`` is there where a PostgreSQL's URL is given; else the database is SQLite's file."""

    def __init__(self, folder: Path, stack: ExitStack, *, postgres_url: str = "", **settings: Any) -> None:
        self.iam = stack.enter_context(running_iam())
        self.to_aws = stack.enter_context(FaultProxy(address(self.iam.url)))
        self.direct_url = postgres_url
        self.to_database: FaultProxy
        if postgres_url:
            self.to_database = stack.enter_context(FaultProxy(socket_of(postgres_url)))
            settings["database_url"] = through(postgres_url, self.to_database)
        self.to_slack: FaultProxy
        self._stack = stack
        cloud: Any = Cloud(self.iam, self.to_aws.url)
        super().__init__(folder, cloud, **{"behind": timedelta(0), **settings})
        self.slack = LocalSlack(workspace(ack_seconds=ACK_SECONDS))

    def __enter__(self) -> Self:
        start = self.slack.start

        def start_behind_proxy() -> None:
            start()
            self.to_slack = self._stack.enter_context(FaultProxy(address(self.slack.url)))
            self.slack.announce(self.to_slack.url)

        self.slack.start = start_behind_proxy  # type: ignore[assignment,method-assign]
        super().__enter__()
        return self

    # --- looking past the proxies ------------------------------------------------------------------------

    @property
    def store(self) -> SqlStore:
        """What tests read: no fault is in between."""
        return self.beside

    @cached_property
    def beside(self) -> SqlStore:
        """The same database, as another process reaches it: nothing is in between."""
        store = open_store(self.direct_url or self.database_url, clock=self.clock)
        self._stack.callback(store.close)
        return store

    def state(self, request_id: str) -> tuple[str, list[str]]:
        """The request's status and its grants'."""
        with self.beside.transaction() as tx:
            request, grants = tx.request(request_id), tx.grants(request_id)
        assert request is not None
        return str(request.status), [str(grant.status) for grant in grants]

    def ready(self) -> dict[str, str]:
        """What ``/readyz`` finds wrong, by part; empty when it is ready."""
        answer = httpx.get(f"{self.service.url}/readyz", timeout=15)
        wrong = {name: why for name, why in answer.json()["parts"].items() if why != "ok"}
        assert answer.status_code == (503 if wrong else 200)
        return wrong

    def wait_until_ready(self) -> None:
        wait_for(lambda: not self.ready(), "the bot to be ready again")

    def wait_for_state(self, request_id: str, request: str, *grants: str, timeout: float = 60.0) -> None:
        """Until the request and its grants are so."""
        wait_for(
            lambda: self.state(request_id) == (request, list(grants)),
            f"{request_id} to be {request}, {grants}; it is {self.state(request_id)}",
            timeout,
        )

    def click(self, who: str, card: dict[str, Any], action: str) -> None:
        """Press a button of a card as it was read before."""
        self.visitor(who).click(card, action)

    def told(self, who: str, channel: str | None, text: str) -> bool:
        """Whether they were shown it there."""
        return any(text in str(message) for message in self.visitor(who).messages(channel))

    def poke(self) -> None:
        """Make something due, from outside: as another replica would."""
        with self.beside.transaction() as tx:
            tx.enqueue([Effect("chat.home", "nobody", "home:nobody", tx.now())])

    def is_idle(self) -> bool:
        """Whether nothing is due and nothing is being run."""
        with suppress(StoreUnavailable), self.beside.transaction() as tx:
            wanted = sa.select(effects.c.id).where(effects.c.kind.not_in(FOR_EVER), claimable_at <= tx.now() + WAITS)
            return tx._run(wanted).first() is None
        return False

    # --- what holds in the end ---------------------------------------------------------------------------

    def heal(self) -> None:
        """End every fault."""
        for name in ("to_database", "to_slack", "to_aws"):
            if hasattr(self, name):
                getattr(self, name).heal()
        self.slack.clear_faults()
        self.iam.lag = 0.0

    def check(self) -> None:
        """Faults are over: the log is whole, no secret leaked, and nobody holds what the ledger does not know."""
        self.heal()
        wait_for(lambda: not self.ready().get("database"), "the database to answer")
        with self.beside.transaction() as tx:
            known = {f"prodaccess-{grant.id}" for grant in tx.unfinished_grants()}
        assert set(self.iam.policies(USER)) <= known
        self.verify_audit()
        assert not self.leaks()
        words = self.shown_to("maya") + self.shown_to("ravi")
        assert "Traceback" not in words
        assert not re.search(r"psycopg|sqlalchemy|sqlite", words, re.IGNORECASE)

    def cards_of(self, request_id: str, who: str, channel: str | None = APPROVALS) -> int:
        """How many cards of a request somebody sees in a channel, or in their direct messages."""
        return sum(harness.mentions(message, request_id) for message in self.visitor(who).messages(channel))

    def wait_until_idle(self) -> None:
        """Until nothing is due and nothing is being run."""
        wait_for(self.is_idle, "all effects to be done")


FOR_EVER = ("people.leavers", "drift.look")
"""Effects that come again as long as the service lives."""
WAITS = timedelta(minutes=2)
"""What is due later than this is a timer: a lease and the longest wait between two tries are shorter."""
ACK_SECONDS = 4.0
"""How long Slack waits for the bot to answer: a person who gets none tries again sooner than the other tests' do."""


def address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


def socket_of(postgres_url: str) -> Path:
    """Where the tests' PostgreSQL listens."""
    return Path(str(psycopg.conninfo.conninfo_to_dict(postgres_url)["host"])) / ".s.PGSQL.5432"


def through(postgres_url: str, proxy: FaultProxy) -> str:
    """The same database by way of the proxy; an answer is waited for no longer than three seconds."""
    name = psycopg.conninfo.conninfo_to_dict(postgres_url)["dbname"]
    impatient = "connect_timeout=2&tcp_user_timeout=3000"
    return f"postgresql://postgres@127.0.0.1:{proxy.port}/{name}?sslmode=disable&gssencmode=disable&{impatient}"


OpenWorld = Callable[..., World]
