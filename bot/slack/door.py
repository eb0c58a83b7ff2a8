"""The way in: whatever came over Slack's wire becomes a request that Bolt can dispatch, and gets an answer.

Bolt reads a payload before anything of ours can look at it, the signature included, and what it cannot read it leaves
unanswered: to the person that looks like an app that is down. So a payload that is out of shape never gets that far.
"""

import logging
import re
import time
from collections.abc import Mapping
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.adapter.socket_mode.async_internals import send_async_response
from slack_bolt.adapter.starlette.async_handler import to_starlette_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.request.internals import build_normalized_headers, extract_content_type, parse_body
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.request import SocketModeRequest
from starlette.requests import Request
from starlette.responses import Response

from bot.slack.guard import BROKEN, Broken, apology
from bot.slack.shape import kind_of, out_of_shape
from bot.slack.trouble import explain

_SIGNED_AT, _SIGNATURE = "x-slack-request-timestamp", "x-slack-signature"
_WELL_FORMED = {_SIGNED_AT: re.compile(r"[0-9]{1,12}"), _SIGNATURE: re.compile(r"[!-~]{0,200}")}
"""Bolt's check of a signature raises where these are anything else."""


class HttpDoor:
    """For a route of a web application."""

    def __init__(self, app: AsyncApp) -> None:
        self._app = app

    async def handle(self, request: Request) -> Response:
        """400 for a signed body that cannot be parsed, 401 for one that is not signed or was seen; 200 otherwise."""
        # A body that is no UTF-8 is not what was signed: it is refused as any forged one.
        body = (await request.body()).decode(errors="replace")
        headers = {name: value for name, value in request.headers.items() if _is_well_formed(name, value)}
        return to_starlette_response(await _answer(self._app, _http_request(body, headers)))


class SocketDoor(AsyncSocketModeHandler):
    """Bolt's handler of a connection, but every envelope is acknowledged, whatever is in it."""

    def __init__(self, app: AsyncApp, app_token: str, logger: logging.Logger, ping_interval: float) -> None:
        super().__init__(app, app_token=app_token, logger=logger, ping_interval=ping_interval)
        # The client would read an envelope before its listeners for requests see it, and drop what it cannot read.
        self.client.socket_mode_request_listeners.clear()
        self.client.message_listeners.append(self._take)

    async def _take(self, client: Any, message: dict[str, Any], _raw: str | None = None) -> None:
        envelope_id = message.get("envelope_id")
        if not isinstance(envelope_id, str):
            return  # not an envelope, but a word on the connection itself
        began = time.time()
        response = await _answer(self.app, _socket_request(message.get("payload")))
        envelope = SocketModeRequest(type=str(message.get("type")), envelope_id=envelope_id, payload={})
        await send_async_response(client, envelope, response, began)


async def _answer(app: AsyncApp, request: AsyncBoltRequest) -> BoltResponse:
    """Bolt's answer; an apology where it has none."""
    try:
        return await app.async_dispatch(request)
    except Exception as error:  # told to the person, logged for the operators
        return apology(request.body, explain(error, kind_of(request.body)))


def _http_request(body: str, headers: Mapping[str, str]) -> AsyncBoltRequest:
    named: dict[str, Any] = dict(headers)
    try:
        sent: Any = parse_body(body, extract_content_type(build_normalized_headers(named)))
    except (ValueError, RecursionError):
        return _broken(Broken("not parseable", status=400), body, named)
    try:
        if not (why := out_of_shape(sent)):
            return _parsed(sent, body, named)
    except Exception as error:  # there is more that Bolt reads than what is looked at here
        why = type(error).__name__
    return _broken(Broken(why, sent if isinstance(sent, dict) else {}), body, named)


def _parsed(sent: dict[str, Any], body: str, headers: dict[str, Any]) -> AsyncBoltRequest:
    """As Bolt makes it of ``body``, which it would parse once more."""
    request = AsyncBoltRequest(body=sent, headers=headers, mode="socket_mode")
    request.raw_body, request.mode = body, "http"
    return request


def _socket_request(payload: object) -> AsyncBoltRequest:
    try:
        if not (why := out_of_shape(payload)) and isinstance(payload, dict):
            return AsyncBoltRequest(body=payload, mode="socket_mode")
    except Exception as error:  # there is more that Bolt reads than what is looked at here
        why = type(error).__name__
    request = AsyncBoltRequest(body={}, mode="socket_mode")
    request.context[BROKEN] = Broken(why, payload if isinstance(payload, dict) else {})
    return request


def _broken(broken: Broken, body: str, headers: dict[str, Any]) -> AsyncBoltRequest:
    """A request without a payload, of which all the same Bolt checks the signature."""
    request = AsyncBoltRequest(body="", headers=headers)
    request.raw_body = body
    request.context[BROKEN] = broken
    return request


def _is_well_formed(name: str, value: str) -> bool:
    return name not in _WELL_FORMED or _WELL_FORMED[name].fullmatch(value) is not None
