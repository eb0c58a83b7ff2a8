"""The local Slack as a server on the loopback address, run in a thread of its own."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route, WebSocketRoute

from bot.sandbox.slack.clock import Clock, SystemClock
from bot.sandbox.slack.config import SlackPerson, Workspace
from bot.sandbox.slack.context import Slack
from bot.sandbox.slack.delivery import Transport
from bot.sandbox.slack.faults import Fault
from bot.sandbox.slack.jsontypes import Json, dump
from bot.sandbox.slack.same_site import SameSiteOnly
from bot.sandbox.slack.snapshot import Snapshot
from bot.sandbox.slack.ui_api import UiApi
from bot.sandbox.slack.visitor import Visitor
from bot.sandbox.slack.web_api.endpoint import WebApi

T = TypeVar("T")
_HOST = "127.0.0.1"
_PATIENCE_SECONDS = 15.0


class LocalSlack:
    """A workspace that can be started and stopped; its methods may be called from any thread.

    `extra_routes` are served beside Slack's own (the page, the phone, the terminal). With `snapshot` the workspace
    is kept in that file.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        clock: Clock | None = None,
        extra_routes: Sequence[BaseRoute] = (),
        snapshot: Path | None = None,
    ) -> None:
        self.workspace = workspace
        self._slack = Slack(workspace, clock or SystemClock())
        self._snapshot = Snapshot(self._slack, snapshot) if snapshot else None
        self._web_api = WebApi(self._slack)
        self._ui = UiApi(self._slack)
        self._extra_routes = list(extra_routes)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._listening_at = ""

    def start(self, port: int = 0) -> Self:
        """Listen on 127.0.0.1; port 0 takes a free one.

        Raises:
            OSError: the port is taken.
            ValueError: the snapshot file cannot be read.
        """
        if self._snapshot is not None:
            self._snapshot.load()
        listener = socket.create_server((_HOST, port), backlog=128)
        self._listening_at = f"http://{_HOST}:{listener.getsockname()[1]}"
        self._slack.listen_at(self._listening_at)
        config = uvicorn.Config(
            self.asgi_app(),
            log_level="critical",
            access_log=False,
            ws="websockets-sansio",
            lifespan="on",
            timeout_graceful_shutdown=2,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="local-slack", daemon=True)
        self._thread.start()
        if not self._ready.wait(_PATIENCE_SECONDS):
            raise TimeoutError("the local Slack did not start")
        return self

    def stop(self) -> None:
        """End everything that `start` began. A second call does nothing."""
        if self._server is None or self._thread is None:
            return
        self._await(self._slack.close())
        self._server.should_exit = True
        self._thread.join(_PATIENCE_SECONDS)
        self._server = None
        if self._snapshot is not None:
            self._snapshot.save()

    def __enter__(self) -> Self:
        return self if self._server is not None else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def asgi_app(self) -> Starlette:
        routes = [
            Route("/api/{method}", self._web_api.method, methods=["GET", "POST"]),
            *(
                Route(f"/{kind}/{{token}}", self._web_api.respond, methods=["POST"])
                for kind in ("commands", "actions", "app")
            ),
            WebSocketRoute("/link", self._slack.sockets.serve),
            *self._ui.routes(),
            *self._extra_routes,
        ]
        return Starlette(routes=routes, middleware=[Middleware(SameSiteOnly)], lifespan=self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        self._loop = asyncio.get_running_loop()
        saving = asyncio.create_task(self._snapshot.keep_saving()) if self._snapshot else None
        self._ready.set()
        yield
        if saving is not None:
            saving.cancel()

    @property
    def url(self) -> str:
        return self._slack.base_url

    @property
    def api_url(self) -> str:
        """The `base_url` for slack_sdk's clients."""
        return f"{self.url}/api/"

    @property
    def bot_token(self) -> str:
        return self.workspace.secrets.bot_token

    @property
    def app_token(self) -> str:
        return self.workspace.secrets.app_token

    @property
    def signing_secret(self) -> str:
        return self.workspace.secrets.signing_secret

    def visitor(self, user: str) -> Visitor:
        """Somebody who plays one of the people; see `Visitor`."""

        def look(what: str, query: Mapping[str, str]) -> str:
            return self._call(lambda: dump(self._ui.look(what, query)))

        return Visitor(self._listening_at, user, app_name=self.workspace.app.name, live=self._slack.live, look=look)

    def announce(self, url: str) -> None:
        """Give the app this URL for all its calls from now on, of a proxy before this Slack; visitors come directly."""
        self._call(lambda: self._slack.listen_at(url))

    def deliver_over_http(self, request_url: str | None) -> None:
        """From now on post signed requests to this URL, or, with None, go back to Socket Mode."""
        self._call(lambda: self._slack.deliver_to(request_url))

    def deliver_through(self, transport: Transport) -> None:
        """From now on hand every envelope to this transport, which is called in the server's event loop."""
        self._call(lambda: self._slack.deliver_through(transport))

    def saved(self) -> str:
        """The workspace as it is, but for modals and what only one person sees; for `restore`."""
        return self._call(lambda: dump(self._slack.snapshot()))

    def restore(self, saved: str) -> None:
        """Put back what `saved` gave. Whoever has a modal open sees it no more."""
        self._call(lambda: self._slack.restore(json.loads(saved)))

    def verify_request_url(self) -> bool:
        """Do the `url_verification` handshake, as when the URL is saved in the app's settings."""
        return self._await(self._slack.verify_request_url())

    def change_person(self, user: str, *, announced: bool = True, **changes: Any) -> None:
        """E.g. `deleted=True`; the app gets user_change, where it is `announced`."""
        self._call(lambda: self._slack.members.change(user, announced=announced, **changes))

    def add_person(self, person: SlackPerson) -> None:
        self._call(lambda: self._slack.add_person(person))

    def change_usergroup(self, group: str, users: tuple[str, ...]) -> None:
        self._call(lambda: self._slack.members.change_group(group, users))

    def remove_from_channel(self, channel: str, user: str) -> None:
        self._call(lambda: self._slack.rooms.leave(self._slack.rooms.get(channel), user))

    def order_fault(self, method: str, fault: Fault, times: int = 1) -> None:
        """Let the next calls of a Web API method fail; `*` is any method, `response_url` posts to those."""
        self._call(lambda: self._slack.faults.order(method, fault, times))

    def clear_faults(self) -> None:
        self._call(self._slack.faults.clear)

    def calls(self, method: str) -> int:
        """How often the app has called this method."""
        return self._call(lambda: self._web_api.calls[method])

    def history(self, channel: str) -> list[Json]:
        """What stands in a channel, as the app would read it, oldest first."""
        room = self._slack.rooms.get(channel)
        return self._call(lambda: [self._slack.wire.message(m, room, with_metadata=True) for m in room.messages])

    @property
    def connections(self) -> int:
        """Open Socket Mode connections."""
        return self._call(lambda: self._slack.sockets.connected)

    def refresh_connections(self, reason: str = "refresh_requested") -> None:
        """Send `disconnect` on every connection, as Slack does before it takes them down."""
        self._await(self._slack.sockets.refresh(reason))

    def drop_connections(self) -> None:
        self._await(self._slack.sockets.drop())

    def lose_acknowledgements(self, count: int) -> None:
        """Treat the next Socket Mode acknowledgements as if they had never come."""

        def lose() -> None:
            self._slack.sockets.silent = count

        self._call(lose)

    def undelivered_events(self) -> list[Json]:
        return self._call(lambda: list(self._slack.courier.undelivered))

    def deliver(self, kind: str, payload: Json) -> Json:
        """Send the app a payload as it is (a forged one, or an old one again) and return its answer.

        Raises:
            DispatchError: the app did not take it.
        """
        return self._await(self._slack.courier.ask(kind, payload, accepts_response_payload=True))

    def sent(self) -> list[tuple[str, Json]]:
        """The latest envelopes that went to the app, as kind and payload, oldest first."""
        return self._call(lambda: [(envelope.kind, envelope.payload) for envelope in self._slack.courier.sent])

    def _call(self, function: Callable[[], T]) -> T:
        async def call() -> T:
            return function()

        return self._await(call())

    def _await(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            work.close()
            raise RuntimeError("the local Slack is not running")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_SECONDS)
