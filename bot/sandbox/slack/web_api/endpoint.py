"""`/api/<method>` and the response URLs: authentication, faults, and answers as Slack words them."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections import Counter

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bot.sandbox.slack.context import Slack
from bot.sandbox.slack.drafts import draft_from
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.faults import Fault
from bot.sandbox.slack.jsontypes import Json, dump, well_formed
from bot.sandbox.slack.tickets import ResponseUrl
from bot.sandbox.slack.web_api.call import Call, parse_arguments
from bot.sandbox.slack.web_api.methods import METHODS, Method


def answer(body: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(dump(body), status, headers, media_type="application/json; charset=utf-8")


class Severed(Response):
    """Promises a body that never comes: the caller sees its connection die after the deed was done."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"64")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})


class WebApi:
    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self.calls: Counter[str] = Counter()
        """How often each method was called, for tests of how sparing the app is."""

    async def method(self, request: Request) -> Response:
        name = request.path_params["method"]
        body = await request.body()
        self.calls[name] += 1
        fault = self._slack.faults.next_for(name)
        if fault is not None and (refusal := await self._suffer(fault)) is not None:
            return refusal
        try:
            method = _method(name)
            arguments = parse_arguments(request.url.query, request.headers.get("content-type", ""), body)
            self._admit(method, request, arguments)
            result = method.run(Call(self._slack, arguments))
        except SlackError as error:
            return _refusal(error)
        if fault is not None and fault.kind == "drop":
            return Severed()
        scopes = ",".join(sorted(self._slack.workspace.app.scopes))
        return answer({"ok": True, **result}, headers={"X-OAuth-Scopes": scopes})

    async def _suffer(self, fault: Fault) -> Response | None:
        """What becomes of the call before it is carried out; None when it still is."""
        if fault.kind == "hang":
            await self._slack.faults.hang()
            return Severed()
        if fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
        elif fault.kind == "error":
            return answer({"ok": False, "error": fault.code})
        elif fault.kind == "status":
            return Response("", fault.status)
        elif fault.kind == "ratelimited":
            return _refusal(SlackError("ratelimited", retry_after=int(fault.seconds)))
        return None

    def _admit(self, method: Method, request: Request, arguments: Json) -> None:
        """Check the token, which Slack takes from the header or as an argument, and the app's scopes."""
        if method.token is None:
            return
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        token = bearer.strip() if scheme.lower() == "bearer" else str(arguments.get("token") or "")
        if not token:
            raise SlackError("not_authed")
        secrets = self._slack.workspace.secrets
        expected, other = secrets.bot_token, secrets.app_token
        if method.token == "app":  # noqa: S105 - the kind of token
            expected, other = other, expected
        if hmac.compare_digest(token.encode(), other.encode()):
            raise SlackError("not_allowed_token_type")
        if not hmac.compare_digest(token.encode(), expected.encode()):
            raise SlackError("invalid_auth")
        provided = self._slack.workspace.app.scopes
        if method.scopes and not method.scopes & provided:
            needed = ",".join(sorted(method.scopes))
            raise SlackError("missing_scope", needed=needed, provided=",".join(sorted(provided)))

    async def respond(self, request: Request) -> Response:
        """A post to a response URL."""
        fault = self._slack.faults.next_for("response_url")
        if fault is not None and (refusal := await self._suffer(fault)) is not None:
            return refusal
        try:
            body = _payload(await request.body())
            self._respond(self._slack.response_urls.use(request.path_params["token"]), body)
        except SlackError as error:
            status = 404 if error.code in {"invalid_url", "expired_url", "used_url"} else 400
            return answer({"ok": False, "error": error.code, **error.extra}, status)
        return Severed() if fault is not None and fault.kind == "drop" else Response("ok", media_type="text/plain")

    def _respond(self, url: ResponseUrl, body: Json) -> None:
        rooms, bot = self._slack.rooms, self._slack.workspace.app.bot_user_id
        channel = rooms.seen_by(url.user, url.channel)
        original = channel.find(url.message_ts) if url.message_ts else None
        if body.get("delete_original") and original is not None:
            rooms.delete(channel, original)
            return
        draft = draft_from(body)
        if body.get("replace_original") and original is not None:
            rooms.replace(channel, original, draft)
            return
        private = body.get("response_type", "ephemeral") != "in_channel"
        message = rooms.post(channel, bot, draft, ephemeral_to=url.user if private else None)
        if url.message_ts is None:
            url.message_ts = message.ts


def _method(name: str) -> Method:
    if name not in METHODS:
        raise SlackError("unknown_method", req_method=name)
    return METHODS[name]


def _payload(body: bytes) -> Json:
    try:
        payload = well_formed(json.loads(body))
    except ValueError:
        raise SlackError("invalid_payload") from None
    if not isinstance(payload, dict):
        raise SlackError("invalid_payload")
    return payload


def _refusal(error: SlackError) -> Response:
    body = {"ok": False, "error": error.code, **error.extra}
    if error.code != "ratelimited":
        return answer(body)
    seconds = body.pop("retry_after", 1)
    return answer(body, 429, {"Retry-After": str(seconds)})
