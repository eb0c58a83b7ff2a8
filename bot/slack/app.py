"""The Bolt app: how Slack's payloads come in, over Socket Mode or HTTP."""

import asyncio
from concurrent.futures import Executor
from contextlib import suppress
from typing import Any

import aiohttp
import structlog
from slack_bolt.async_app import AsyncApp

from bot.service.desk import Desk
from bot.slack.config import SlackConfig, async_client, quiet
from bot.slack.directory import SlackDirectory
from bot.slack.door import HttpDoor, SocketDoor
from bot.slack.edge import Edge
from bot.slack.guard import Guard, answering
from bot.slack.listeners import register
from bot.slack.running import Running

log = structlog.get_logger(__name__)

CLOSE_SECONDS = 1.5
"""How long Slack may take to say goodbye."""
PING_SECONDS = 2.5
"""Between two pings, and between two tries to connect. slack_sdk gives a connection up after four without an answer."""
CONNECT_SECONDS = 10.0
"""How long a connection may take to be opened; aiohttp's own limit of 5 minutes would be as long without Slack."""


def build(
    desk: Desk,
    config: SlackConfig,
    executor: Executor,
    directory: SlackDirectory | None = None,
    running: Running | None = None,
) -> AsyncApp:
    """The app with all its listeners. What blocks runs in ``executor``; ``directory`` hears of changed people.

    ``running`` counts the payloads that are being handled.
    """
    running = running or Running()
    client = async_client(config)
    app = AsyncApp(
        logger=quiet(),
        name="prodaccess",
        client=client,
        signing_secret=config.signing_secret,
        request_verification_enabled=config.request_verification,
        process_before_response=False,
        raise_error_for_unhandled_request=True,
    )
    edge = Edge(desk, client, executor, config.team_id, running)
    Guard(desk.access.store, executor, config.team_id, running).stand_before(app)
    app.error(answering(edge))
    register(app, edge, directory)
    return app


def http_handler(app: AsyncApp) -> HttpDoor:
    """For a Starlette or FastAPI route: ``await handler.handle(request)``."""
    return HttpDoor(app)


class SocketMode:
    """A Socket Mode connection that is kept up until it is stopped. Use it in one event loop."""

    def __init__(self, app: AsyncApp, config: SlackConfig) -> None:
        self._app = app
        self._config = config
        self._handler: SocketDoor | None = None

    async def start(self) -> None:
        """Connect. Returns when connected; until then, with a refused token too, it logs and tries again."""
        self._handler = SocketDoor(self._app, self._config.app_token, quiet(), PING_SECONDS)
        client = self._handler.client
        await client.aiohttp_client_session.close()
        client.aiohttp_client_session = _Dialler(client)  # type: ignore[assignment]
        await self._handler.connect_async()  # type: ignore[no-untyped-call]
        log.info("slack.connected")

    async def stop(self) -> None:
        """Disconnect; no new payloads come in. A second call does nothing."""
        if self._handler is not None:
            handler, self._handler = self._handler, None
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await handler.close_async()  # type: ignore[no-untyped-call]

    @property
    def connected(self) -> bool:
        """Whether there is an open connection, as far as one can know without asking."""
        session = self._handler.client.current_session if self._handler else None
        return session is not None and not session.closed


class _Dialler:
    """Opens websockets for slack_sdk's client, in the place of its aiohttp session.

    A ticket works once (docs.slack.dev, apps.connections.open). The client keeps the one with which it failed and
    tries that for ever; so each is forgotten when it was used.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CONNECT_SECONDS))

    @property
    def closed(self) -> bool:
        return self._session.closed

    async def close(self) -> None:
        await self._session.close()

    async def ws_connect(self, url: str, **options: Any) -> Any:
        # aiohttp's own heartbeat gives a connection up half an interval after a ping, even where the answer has come
        # and only waits to be read: a busy moment would cut what is well, and lose the acks of what came in by it.
        options |= {"heartbeat": None, "timeout": aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS)}
        try:
            return await self._session.ws_connect(url, **options)
        finally:
            self._client.wss_uri = None
