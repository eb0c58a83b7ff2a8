"""Refuses requests that another web site makes through the visitor's browser.

The workspace trusts whoever reaches its loopback address. A page elsewhere could reach it too, by posting across
sites or by a name that resolves to 127.0.0.1 (DNS rebinding): its Origin or Host header gives it away.
"""

from __future__ import annotations

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})


class SameSiteOnly:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or _from_here(dict(scope["headers"])):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            refusal = PlainTextResponse("This address only serves pages of its own on this machine.", 403)
            await refusal(scope, receive, send)


def _from_here(headers: dict[bytes, bytes]) -> bool:
    host = headers.get(b"host", b"").decode("latin-1")
    name = host.rpartition(":")[0] if ":" in host.rpartition("]")[2] else host
    origin = headers.get(b"origin")
    return name in _LOOPBACK and origin in {None, f"http://{host}".encode("latin-1")}
