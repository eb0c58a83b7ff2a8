"""The bot as one thread that does what it is told: what a worker's threads and the edge do at once, here in turn.

All of it is the real thing, wired by ``bot.app``: the store, boto3, slack_sdk and the Bolt app with its guard.
"""

import asyncio
import functools
import json
import socket
from collections.abc import Callable
from concurrent.futures import Executor, Future
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot import app
from bot.app import Parts
from bot.core.model import LANES
from bot.sandbox.aws import isolated_session
from bot.service import operations, summary
from bot.service.effects import Handler, Runner, Worker
from bot.service.logs import configure
from bot.settings import SealingKey, Secret, Settings, Transport
from bot.slack import app as slack_app
from bot.slack import edge
from bot.slack.messenger import SlackChat
from bot.slack.pace import Pace
from bot.store import serve_lock, sql
from bot.store.engine import make_engine
from bot.store.tables import claimable_at, effects
from tests import making_once
from tests.crashes.clock import SharedClock
from tests.crashes.points import Points, Stop, watch_aws, watch_commits, watch_slack

Json = dict[str, Any]


class Here(Executor):
    """Runs at once, in the thread that asks."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done


class Child:
    """Answers orders that come as lines of JSON; ``idle`` ends the answer to each."""

    def __init__(self, parts: Parts, points: Points, channel: Any) -> None:
        self._parts, self._points, self._channel = parts, points, channel
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        labelled = {kind: self._labelled(kind, handler) for kind, handler in parts.runner.handlers.items()}
        self._runner = Runner(parts.runner.store, parts.runner.clock, labelled)
        self._bolt: AsyncApp = slack_app.build(parts.desk, app.slack_config(parts.settings), Here(), parts.directory)

    def serve(self) -> None:
        """Until told to end, or there are no more orders."""
        orders: dict[str, Callable[[Json], None]] = {
            "deliver": self._deliver,
            "drain": self._drain,
            "tick": self._tick,
            "revoke": self._revoke,
            "points": lambda _: self._say(points=self._points.names),
        }
        self._say(idle=True)
        for line in self._channel:
            order = json.loads(line)
            if order["do"] == "end":
                break
            orders[order["do"]](order)
            self._say(idle=True)
        self._loop.close()

    def _say(self, **what: object) -> None:
        self._channel.write(json.dumps(what).encode() + b"\n")
        self._channel.flush()

    def _labelled(self, kind: str, handler: Handler) -> Handler:
        def run(claim: Any) -> None:
            self._points.doing = kind
            handler(claim)

        return run

    def _deliver(self, order: Json) -> None:
        self._points.doing = order["label"]
        self._loop.run_until_complete(self._dispatch(order))

    async def _dispatch(self, order: Json) -> None:
        answer = await self._bolt.async_dispatch(
            AsyncBoltRequest(body=order["body"], headers=order["headers"], mode="http")
        )
        self._say(status=answer.status, body=answer.body)
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)

    def _drain(self, _: Json) -> None:
        """Until nothing is due, the lanes' first first; says in how many seconds something will be, if anything."""
        store, worker = self._parts.store, Worker(self._runner, {})
        while lane := self._lane_due():
            self._points.doing = f"claim {lane}"
            worker.run_due(lane)
        with store.transaction() as tx:
            due = tx._run(sa.select(sa.func.min(claimable_at))).scalar()
        self._say(next_due=(due - self._parts.clock.now()).total_seconds() if due else None)

    def _lane_due(self) -> str:
        """Asked first: an empty claim in each lane would cost more than all the rest."""
        with self._parts.store.transaction() as tx:
            due = sa.select(effects.c.lane).distinct().where(claimable_at <= tx.now())
            found = set(tx._run(due).scalars())
        return next((lane for lane in LANES if lane in found), "")

    def _tick(self, _: Json) -> None:
        """What the ticker does every few seconds."""
        self._points.doing = "tick"
        self._parts.overdue.watch()
        summary.enqueue_due(self._parts.store, self._parts.catalogue)

    def _revoke(self, order: Json) -> None:
        """``prodaccess grants revoke``, for as long as it takes."""
        self._points.doing = "operator"
        actor = operations.operator(lambda: "root")
        grants, patience = order["grants"], timedelta(seconds=60)
        access = self._parts.desk.access
        self._say(revoked=list(operations.revoke_now(access, self._runner, grants, actor, "x", patience=patience)))


class Warm:
    """What forked processes share with the one that they come from: what was read, compiled and hooked once."""

    def __init__(self, fixed: Json) -> None:
        self.fixed = fixed
        self.points = Points()
        making_once.share_client_classes()
        self.session = isolated_session(fixed["aws_key"], fixed["aws_secret"])
        watch_aws(self.points, self.session)
        watch_slack(self.points)
        for service in ("sts", "iam"):  # reads botocore's data; the clients are not kept, and open nothing
            self.session.client(service, region_name="us-east-1", endpoint_url=fixed["aws"])
        sql.make_engine = functools.cache(self._engine)
        # A machine that is busy with other tests must not look like a person who waited too long.
        edge.ANSWER_WITHIN = 60.0

    def _engine(self, url: str, pool_size: int, patience: timedelta) -> sa.Engine:
        """With its compiled statements; connections are a process's own, and closed before another is forked."""
        engine = make_engine(url, pool_size, patience)
        watch_commits(self.points, engine)
        return engine


def run(warm: Warm, order: Json, connection: socket.socket) -> None:
    """Be the bot until told to end, or the other end of ``connection`` is closed, or the order's stop is reached."""
    configure("json", "debug", file=Path(order["log"]))
    channel = connection.makefile("rwb")
    stop = Stop(**order["stop"]) if order["stop"] else None
    warm.points.begin(stop, lambda name: _tell_paused(channel, name))
    settings, clock = settings_of(warm.fixed, order), SharedClock(Path(order["clock"]))
    # What Slack's limits put off comes when this clock says so: a machine that is not busy would wait for it in vain.
    app.SlackChat = functools.partial(SlackChat, pace=Pace(lambda: clock.now().timestamp()))  # type: ignore[misc,assignment]
    with serve_lock(order["database"]), app.assemble(settings, session=warm.session, clock=clock) as parts:
        parts.reloading.begin()
        Child(parts, warm.points, channel).serve()
    channel.close()


def _tell_paused(channel: Any, name: str) -> None:
    channel.write(json.dumps({"paused": name}).encode() + b"\n")
    channel.flush()


def settings_of(fixed: Json, order: Json) -> Settings:
    """As the environment would say it."""
    return Settings(
        slack_transport=Transport.HTTP,
        slack_bot_token=Secret(fixed["bot_token"]),
        slack_app_token=Secret(""),
        slack_signing_secret=Secret(fixed["signing_secret"]),
        slack_base_url=fixed["slack"],
        slack_team=fixed["team"],
        database_url=Secret(order["database"]),
        catalogue=Path(fixed["catalogue"]),
        keys=(SealingKey("k1", bytes.fromhex(fixed["key"])),),
        http_host="127.0.0.1",
        http_port=0,
        public_url="",
        aws_endpoint_url=fixed["aws"],
        log_format="json",
        log_level="debug",
        workers=1,
    )
