"""A small stand-in for the local Slack's server: the page's HTTP and WebSocket contract, scripted by the test."""

from __future__ import annotations

import asyncio
import copy
import threading
import time
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.sandbox.page import routes as page_routes

Json = dict[str, Any]
CHANNEL, QUIET, DIRECT = "C0APPROVE", "C0QUIET", "D0BOT"

PEOPLE: list[Json] = [
    {
        "id": "U0MAYA",
        "name": "maya",
        "real_name": "Maya Lindqvist",
        "title": "Software engineer, Payments",
        "initials": "ML",
        "color": "#2f7fb8",
    },
    {
        "id": "U0TOMAS",
        "name": "tomas",
        "real_name": "Tomás Okafor",
        "title": "Engineering manager",
        "initials": "TO",
        "color": "#b0652a",
    },
    {
        "id": "U0GUEST",
        "name": "gus",
        "real_name": "Gus Vendor",
        "title": "Contractor",
        "initials": "GV",
        "color": "#7a6a9e",
        "is_guest": True,
    },
    {
        "id": "U0GONE",
        "name": "gina",
        "real_name": "Gina Past",
        "title": "Left in May",
        "initials": "GP",
        "color": "#64748b",
        "is_deactivated": True,
    },
]


class Fake:
    """What the server holds, every call that the page made, and switches for faults."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Json]] = []
        self.home: Json | None = None
        self.modals: list[Json] = []
        self.messages: dict[str, list[Json]] = {CHANNEL: [], QUIET: [], DIRECT: []}
        self.unread: dict[str, int] = {}
        self.tokens: list[Json] = []
        self.answers: dict[str, Callable[[Json], Json]] = {}
        self.gates: dict[str, threading.Event] = {}
        self.url = ""
        self.lines_opened = 0
        self._sockets: dict[WebSocket, str] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def channels(self) -> list[Json]:
        named = [
            (CHANNEL, "prod-approvals", "channel", "Who may touch production, and for how long"),
            (QUIET, "payments", "channel", ""),
            (DIRECT, "prodaccess", "dm", ""),
        ]
        return [
            {"id": key, "name": name, "kind": kind, "unread": self.unread.get(key, 0), "topic": topic}
            for key, name, kind, topic in named
        ]

    def of(self, path: str) -> list[Json]:
        """The bodies that the page posted to this path."""
        return [body for called, body in list(self.calls) if called == path]

    def wait_for(self, path: str, count: int = 1) -> Json:
        deadline = time.monotonic() + 30
        while len(self.of(path)) < count:
            assert time.monotonic() < deadline, f"{path} was called {len(self.of(path))} times, not {count}"
            time.sleep(0.01)
        return self.of(path)[count - 1]

    def push(self, event: Json) -> None:
        """Sends a live event to every open page."""
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(self._send(copy.deepcopy(event)), self._loop).result(30)

    async def _send(self, event: Json) -> None:
        for socket in list(self._sockets):
            await socket.send_json(event)

    def drop_lines(self) -> None:
        """Closes every live line, as a restarted server would."""
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(30)

    async def _close(self) -> None:
        for socket in list(self._sockets):
            await socket.close(1012)

    def show_modals(self, *views: Json) -> None:
        self.modals = list(views)
        self.push({"type": "modals", "modals": self.modals})

    def say(self, channel: str, message: Json, kind: str = "message") -> None:
        held = [one for one in self.messages[channel] if one["ts"] != message["ts"]]
        self.messages[channel] = [*held, message] if kind != "message_deleted" else held
        self.push({"type": kind, "channel": channel, "message": message})

    async def live(self, socket: WebSocket) -> None:
        self._loop = asyncio.get_running_loop()
        await socket.accept()
        self.lines_opened += 1
        self._sockets[socket] = socket.query_params["user"]
        try:
            while True:
                await socket.receive_text()
        except WebSocketDisconnect:
            self._sockets.pop(socket, None)

    async def answer(self, request: Request) -> JSONResponse:
        path = request.url.path
        body: Json = await request.json() if request.method == "POST" else dict(request.query_params)
        self.calls.append((path, body))
        gate = self.gates.get(path)
        if gate is not None:
            await asyncio.to_thread(gate.wait, 60)
        special = self.answers.get(path)
        return JSONResponse(special(body) if special else self._usual(path, request.method, body))

    def _usual(self, path: str, method: str, body: Json) -> Json:
        room, _, rest = path.lstrip("/").partition("/")
        if room == "phone":
            return self._phone(method, body)
        if room == "terminal":
            return self._terminal(rest)
        answers: dict[str, Callable[[], Json]] = {
            "people": lambda: {"team": {"id": "T1", "name": "Harbour Pay"}, "people": PEOPLE},
            "state": lambda: {
                "me": body["user"],
                "team": {"id": "T1", "name": "Harbour Pay"},
                "channels": self.channels(),
                "app": {"id": "A1", "name": "prodaccess", "bot_user_id": "U0BOT"},
                "home": self.home,
                "modals": self.modals,
            },
            "messages": lambda: {"messages": self.messages[body["channel"]]},
            "options": lambda: {"options": [], "option_groups": None},
        }
        return {"ok": True, **answers.get(rest, dict)()}

    def _phone(self, method: str, body: Json) -> Json:
        if method == "DELETE":
            self.tokens = []
        elif method == "POST":
            if "!" in body["secret"]:
                return {"ok": False, "error": "this is not Base32"}
            self.tokens = [{"label": "maya@harbourpay", "issuer": "prodaccess", "code": "492817", "seconds_left": 21}]
        return {"ok": True, "tokens": self.tokens}

    def _terminal(self, rest: str) -> Json:
        listing = "aws s3api list-objects-v2 --bucket payments-logs"
        if "/" not in rest:
            titles = [
                ("list", "List the payment logs", listing),
                ("get", "Read one log file", "aws s3api get-object --bucket payments-logs --key today.log -"),
                ("reboot", "Restart a web server", "aws ec2 reboot-instances --instance-ids i-0a1b2c3d4e"),
            ]
            return {
                "ok": True,
                "calls": [{"id": key, "title": title, "command": call} for key, title, call in titles],
            }
        return {
            "ok": True,
            "outcome": "denied",
            "command": listing,
            "at": "2026-03-02T09:15:00Z",
            "output": "An error occurred (AccessDenied) when calling the ListObjectsV2 operation: "
            "User: arn:aws:iam::111122223333:user/maya is not authorized to perform: s3:ListBucket",
        }

    def app(self) -> Starlette:
        every = ["GET", "POST", "DELETE"]
        return Starlette(
            routes=[
                WebSocketRoute("/ui/live", self.live),
                Route("/ui/{rest:path}", self.answer, methods=every),
                Route("/phone/{rest:path}", self.answer, methods=every),
                Route("/terminal/{rest:path}", self.answer, methods=every),
                *page_routes(),
            ]
        )


class FakeServer:
    """Runs a :class:`Fake` on a free port of 127.0.0.1 in a thread of its own."""

    def __init__(self, fake: Fake) -> None:
        config = uvicorn.Config(fake.app(), host="127.0.0.1", port=0, log_level="error", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._fake = fake

    def __enter__(self) -> Fake:
        self._thread.start()
        deadline = time.monotonic() + 60
        while not self._server.started:
            assert time.monotonic() < deadline, "the fake server did not start"
            time.sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self._fake.url = f"http://127.0.0.1:{port}"
        return self._fake

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)
