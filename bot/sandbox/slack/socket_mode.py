"""Socket Mode: single-use tickets, hello, envelopes to one of the connections, acknowledgements, refreshes."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from contextlib import suppress
from itertools import count

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from bot.sandbox.slack.config import Behaviour
from bot.sandbox.slack.delivery import Envelope, Retry
from bot.sandbox.slack.errors import DispatchError
from bot.sandbox.slack.ids import new_id
from bot.sandbox.slack.jsontypes import Json, dump

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 10
"""Per app (docs.slack.dev, "Using multiple connections")."""


class SocketHub:
    """Every open connection of the app. Runs in the server's event loop."""

    def __init__(self, behaviour: Behaviour, app_id: str) -> None:
        self._behaviour = behaviour
        self._app_id = app_id
        self._tickets: set[str] = set()
        self._connections: list[WebSocket] = []
        self._turn = count()
        self._waiting: dict[str, asyncio.Future[Json]] = {}
        self.silent = 0
        """How many of the next acknowledgements to lose on the way, for tests of redelivery."""

    @property
    def connected(self) -> int:
        return len(self._connections)

    def issue_ticket(self) -> str:
        ticket = secrets.token_urlsafe(24)
        self._tickets.add(ticket)
        return ticket

    async def serve(self, socket: WebSocket) -> None:
        """One connection, from its ticket to its end."""
        ticket = socket.query_params.get("ticket", "")
        if ticket not in self._tickets:
            await socket.close(code=1008)
            return
        self._tickets.discard(ticket)
        await socket.accept()
        if len(self._connections) >= MOST_CONNECTIONS:
            await socket.send_text(dump({"type": "disconnect", "reason": "too_many_websockets"}))
            await socket.close()
            return
        self._connections.append(socket)
        try:
            await socket.send_text(dump(self._hello()))
            while True:
                self._take(await socket.receive_text())
        except WebSocketDisconnect:
            pass
        finally:
            if socket in self._connections:
                self._connections.remove(socket)

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._connections),
            "connection_info": {"app_id": self._app_id},
            "debug_info": {
                "host": "local-slack",
                "started": "",
                "build_number": 1,
                "approximate_connection_time": 18060,
            },
        }

    def _take(self, text: str) -> None:
        try:
            answer = json.loads(text)
        except ValueError:
            log.info("a socket message that is not JSON was ignored")
            return
        if not isinstance(answer, dict):
            return
        if self.silent > 0:
            self.silent -= 1
            return
        waiting = self._waiting.pop(str(answer.get("envelope_id")), None)
        if waiting is not None and not waiting.done():
            payload = answer.get("payload")
            waiting.set_result(payload if isinstance(payload, dict) else {})

    async def send(self, envelope: Envelope, retry: Retry | None) -> Json:
        """Hand the envelope to one connection and wait for its acknowledgement.

        Raises:
            DispatchError: `dispatch_failed` with nobody connected, `timeout` without an answer in time.
        """
        envelope_id = new_id("E")
        wire: Json = {
            "envelope_id": envelope_id,
            "type": envelope.kind,
            "payload": envelope.payload,
            "accepts_response_payload": envelope.accepts_response_payload,
        }
        if envelope.kind == "events_api":
            wire |= {"retry_attempt": retry.attempt if retry else 0, "retry_reason": retry.reason if retry else ""}
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = answer
        try:
            await self._hand_over(dump(wire))
            return await asyncio.wait_for(answer, self._behaviour.ack_seconds)
        except TimeoutError:
            raise DispatchError("timeout") from None
        finally:
            self._waiting.pop(envelope_id, None)

    async def _hand_over(self, text: str) -> None:
        for _ in range(len(self._connections)):
            if not self._connections:
                break
            socket = self._connections[next(self._turn) % len(self._connections)]
            try:
                await socket.send_text(text)
            except (WebSocketDisconnect, RuntimeError):
                if socket in self._connections:
                    self._connections.remove(socket)
            else:
                return
        raise DispatchError("dispatch_failed")

    async def refresh(self, reason: str = "refresh_requested") -> None:
        """Ask every connection to come again, as Slack does every few hours (`warning` gives 10 s notice)."""
        notice = dump({"type": "disconnect", "reason": reason, "debug_info": {"host": "local-slack"}})
        for socket in list(self._connections):
            await socket.send_text(notice)

    async def drop(self) -> None:
        """Cut every connection without a word."""
        for socket in list(self._connections):
            if socket in self._connections:
                self._connections.remove(socket)
            if socket.application_state is WebSocketState.CONNECTED:
                with suppress(RuntimeError, WebSocketDisconnect):
                    await socket.close(code=1001)
