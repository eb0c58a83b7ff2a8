"""What every request passes: a limit on its body, headers on its answer, a log line, and no traceback to anyone."""

import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.service.logs import reference_id

log = structlog.get_logger(__name__)

BODY_MOST = 1_000_000
"""Bytes. Slack's largest payloads, views with their state, stay well below."""

_TOO_LARGE = "The body is too large."
_HANG_UP = {"Connection": "close"}
"""Else the server would go on reading the rest, which may have no end."""
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Guard:
    """ASGI middleware. Logs the route's pattern, never the path: a path may hold a one-time token."""

    def __init__(self, app: ASGIApp, body_most: int = BODY_MOST) -> None:
        self._app, self._body_most = app, body_most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, answer = time.monotonic(), _Answer(send)
        try:
            await self._serve(scope, _Body(receive, self._body_most), answer)
        except Exception:  # told to the caller by reference, to the operators by the log
            reference = reference_id()
            log.exception("http.failed", reference=reference, route=_route(scope))
            if answer.status:
                raise  # too late for an answer: the connection is cut
            await failed(reference)(scope, receive, answer)
        finally:
            route, took = _route(scope), round((time.monotonic() - began) * 1000)
            note = log.debug if route in _QUIET and answer.status == 200 else log.info
            note("http.request", method=scope["method"][:10], route=route, status=answer.status, ms=took)

    async def _serve(self, scope: Scope, body: "_Body", answer: "_Answer") -> None:
        length = Headers(scope=scope).get("content-length", "0")
        if length.isascii() and length.isdigit() and int(length) > self._body_most:
            await problem(413, _TOO_LARGE, _HANG_UP)(scope, body, answer)
        else:
            await self._app(scope, body, answer)


class _Body:
    """The body as it comes in, cut off with an error where it is too large."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive, self._left = receive, most

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise HTTPException(413, _TOO_LARGE, _HANG_UP)
        return message


class _Answer:
    """The answer as it goes out, with the headers that every answer has."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)


def problem(status: int, text: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """An error that the caller can do something about."""
    return JSONResponse({"error": text}, status, headers)


def failed(reference: str) -> JSONResponse:
    """An error of ours."""
    return JSONResponse({"error": "Something went wrong here.", "reference": reference}, 500)


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "(none)"))
