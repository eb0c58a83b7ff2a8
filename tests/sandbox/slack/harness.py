"""The workspace that the tests use, and a runner for a real Bolt app beside it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.config import (
    BOT_EVENTS,
    Behaviour,
    SlackApp,
    SlackChannel,
    SlackPerson,
    SlackUsergroup,
    Workspace,
)
from bot.sandbox.slack.server import LocalSlack

PATIENCE = 20.0

ANN = SlackPerson("U0ANN", "ann", "Ann Lee", "ann@example.com", "Engineer", manager="U0MAX")
BEA = SlackPerson("U0BEA", "bea", "Bea Osei", "bea@example.com", "Engineer", manager="U0MAX")
MAX = SlackPerson("U0MAX", "max", "Max Holt", "max@example.com", "Manager")
GUEST = SlackPerson("U0GST", "gus", "Gus Moor", "gus@elsewhere.example", is_restricted=True)


def workspace(**changes: Any) -> Workspace:
    behaviour = Behaviour(
        ack_seconds=1.5, event_retry_delays=(0.0, 0.0, 0.0), kept_envelopes=50, **changes.pop("behaviour", {})
    )
    app = SlackApp(events=BOT_EVENTS, **changes.pop("app", {}))
    return Workspace(
        people=(ANN, BEA, MAX, GUEST),
        channels=(
            SlackChannel("C0GENERAL", "general"),
            SlackChannel("C0APPROVE", "approvals", members=("U0MAX",)),
            SlackChannel("C0RANDOM", "random", has_bot=False),
            SlackChannel("C0SECRET", "secret", members=("U0ANN",), has_bot=False, is_private=True),
        ),
        usergroups=(SlackUsergroup("S0LEADS", "leads", "Leads", ("U0MAX", "U0BEA")),),
        behaviour=behaviour,
        app=app,
        **changes,
    )


class RunningApp:
    """The production kind of app, an AsyncApp, in an event loop and thread of its own."""

    def __init__(self, slack: LocalSlack, build: Callable[[AsyncApp], None], *, over_http: bool = False) -> None:
        self._slack = slack
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._close: list[Callable[[], Any]] = []
        self.run(self._start(build, over_http=over_http))
        if over_http:
            slack.deliver_over_http(self.request_url)
        else:
            slack.visitor("U0ANN").wait_for(lambda: slack.connections == 1, what="the app's connection")

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    async def _start(self, build: Callable[[AsyncApp], None], *, over_http: bool) -> None:
        client = AsyncWebClient(self._slack.bot_token, base_url=self._slack.api_url)
        app = AsyncApp(client=client, signing_secret=self._slack.signing_secret)
        build(app)
        if over_http:
            await self._serve(app)
        else:
            handler = AsyncSocketModeHandler(app, self._slack.app_token, ping_interval=1)
            self._close.append(handler.close_async)
            await handler.connect_async()

    async def _serve(self, app: AsyncApp) -> None:
        async def handle(request: web.Request) -> web.Response:
            headers = dict(request.headers.items())
            answer = await app.async_dispatch(
                AsyncBoltRequest(body=(await request.read()).decode(), headers=headers, mode="http")
            )
            return web.Response(
                status=answer.status, text=answer.body, headers={k: v[0] for k, v in answer.headers.items()}
            )

        server = web.Application()
        server.router.add_post("/slack/events", handle)
        runner = web.AppRunner(server)
        await runner.setup()
        self._close.append(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        self.request_url = f"http://127.0.0.1:{port}/slack/events"

    def stop(self) -> None:
        for close in self._close:
            self.run(close())
        self.run(self._drain())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    @staticmethod
    async def _drain() -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


RunApp = Callable[[Callable[[AsyncApp], None]], RunningApp]
