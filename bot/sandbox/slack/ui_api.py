"""`/ui/*`: what the browser page asks and does on behalf of the person that the visitor plays."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.sandbox.slack.context import Slack
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.forms import Forms
from bot.sandbox.slack.interactions import Interactions
from bot.sandbox.slack.jsontypes import Json, dump
from bot.sandbox.slack.model import author, page_view
from bot.sandbox.slack.web_api.endpoint import answer

Handler = Callable[[Request], Awaitable[Response]]
Query = Mapping[str, str]
Deed = Callable[[str, Json], Awaitable[Json]]


class UiApi:
    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self._interactions = Interactions(slack)
        self._forms = Forms(slack)
        self._looks: dict[str, Callable[[Query], Json]] = {
            "people": self._people,
            "state": self._state,
            "messages": self._messages,
        }

    def look(self, what: str, query: Query) -> Json:
        """What a GET of `/ui/{what}` answers; in the server's event loop."""
        try:
            return {"ok": True, **self._looks[what](query)}
        except SlackError as error:
            return _refusal(error)

    def routes(self) -> list[BaseRoute]:
        deeds: dict[str, Deed] = {
            "send": self._send,
            "command": self._command,
            "action": self._action,
            "options": self._options,
            "submit": self._submit,
            "close": self._close,
            "open_home": self._open_home,
            "read": self._read,
        }
        return [
            *(Route(f"/ui/{name}", self._look(name), methods=["GET"]) for name in self._looks),
            *(Route(f"/ui/{name}", self._deed(deed), methods=["POST"]) for name, deed in deeds.items()),
            WebSocketRoute("/ui/live", self._live),
        ]

    def _look(self, what: str) -> Handler:
        async def handler(request: Request) -> Response:
            return answer(self.look(what, request.query_params))

        return handler

    def _deed(self, deed: Deed) -> Handler:
        async def handler(request: Request) -> Response:
            try:
                body = _object(await request.body())
                user = self._known(body.get("user"))
                return answer({"ok": True, **await deed(user, body)})
            except SlackError as error:
                return answer(_refusal(error))

        return handler

    def _known(self, user: Any) -> str:
        if not isinstance(user, str) or user not in {person.id for person in self._slack.members.everyone()}:
            raise SlackError("user_not_found")
        return user

    def _people(self, _query: Query) -> Json:
        people = [
            {
                "id": person.id,
                "name": person.name,
                "real_name": person.real_name,
                "title": person.title,
                "is_guest": person.is_restricted or person.is_ultra_restricted,
                "is_deactivated": person.deleted,
                **{part: value for part, value in author(person.real_name, person.id).items() if part != "name"},
            }
            for person in self._slack.members.everyone()
        ]
        workspace = self._slack.workspace
        return {"team": {"id": workspace.team_id, "name": workspace.team_name}, "people": people}

    def _state(self, query: Query) -> Json:
        slack, user = self._slack, self._known(query.get("user"))
        person, app, home = slack.members.get(user), slack.workspace.app, slack.views.home(user)
        me = {"id": user, "name": person.name, "real_name": person.real_name, "title": person.title}
        return {
            "me": me | {part: value for part, value in author(person.real_name, user).items() if part != "name"},
            "team": {"id": slack.workspace.team_id, "name": slack.workspace.team_name},
            "channels": slack.rooms.page_channels(user),
            "app": {"id": app.id, "name": app.name, "bot_user_id": app.bot_user_id},
            "home": page_view(slack.wire.view(home)) if home else None,
            "modals": slack.views.page_modals(user),
        }

    def _messages(self, query: Query) -> Json:
        user = self._known(query.get("user"))
        channel = self._slack.rooms.seen_by(user, query.get("channel", ""))
        shown = [m for m in channel.messages if m.ephemeral_to in {None, user}]
        return {"messages": [self._slack.rooms.page(message, channel) for message in shown]}

    async def _send(self, user: str, body: Json) -> Json:
        message = self._interactions.say(user, str(body.get("channel")), _text(body, "text"))
        return {"ts": message.ts}

    async def _command(self, user: str, body: Json) -> Json:
        await self._interactions.command(user, str(body.get("channel")), _text(body, "text"))
        return {}

    async def _action(self, user: str, body: Json) -> Json:
        where, action = _dict(body, "where"), _dict(body, "action")
        await self._interactions.act(user, where, _text(body, "block_id"), action, body.get("state"))
        return {}

    async def _options(self, user: str, body: Json) -> Json:
        ids = (_text(body, "block_id"), _text(body, "action_id"))
        return await self._interactions.options(user, _dict(body, "where"), *ids, _text(body, "value"))

    async def _submit(self, user: str, body: Json) -> Json:
        return await self._forms.submit(user, _text(body, "view_id"), body.get("state"))

    async def _close(self, user: str, body: Json) -> Json:
        self._forms.close(user, _text(body, "view_id"), cleared=bool(body.get("cleared")))
        return {}

    async def _open_home(self, user: str, _body: Json) -> Json:
        self._interactions.open_home(user)
        return {}

    async def _read(self, user: str, body: Json) -> Json:
        rooms = self._slack.rooms
        rooms.read(rooms.seen_by(user, str(body.get("channel"))), user)
        return {}

    async def _live(self, socket: WebSocket) -> None:
        try:
            user = self._known(socket.query_params.get("user"))
        except SlackError:
            await socket.close(code=1008)
            return
        await socket.accept()
        queue = self._slack.live.join(user)
        sender = asyncio.create_task(_forward(queue, socket))
        try:
            while True:
                await socket.receive_text()
        except WebSocketDisconnect:
            pass
        finally:
            self._slack.live.leave(user, queue)
            sender.cancel()


async def _forward(queue: asyncio.Queue[Json], socket: WebSocket) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):
        while True:
            await socket.send_text(dump(await queue.get()))


def _refusal(error: SlackError) -> Json:
    return {"ok": False, "error": error.code, **error.extra}


def _object(body: bytes) -> Json:
    try:
        value = json.loads(body)
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(value, dict):
        raise SlackError("json_not_object")
    return value


def _text(body: Json, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise SlackError("invalid_arguments", message=f"{name} must be a string")
    return value


def _dict(body: Json, name: str) -> Json:
    value = body.get(name)
    if not isinstance(value, dict):
        raise SlackError("invalid_arguments", message=f"{name} must be an object")
    return value
