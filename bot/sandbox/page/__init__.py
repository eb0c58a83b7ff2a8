"""The local workspace's page: plain HTML, CSS and ES modules, served as they lie here.

The page talks to the ``/ui``, ``/phone`` and ``/terminal`` routes of the application that mounts it.
"""

from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

__all__ = ["SECURITY_HEADERS", "routes"]

_HERE: Final = Path(__file__).parent

# Trusted Types make the browser itself refuse innerHTML and its kin, so that no message can become markup.
_POLICY: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
    "Cache-Control": "no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class _Static(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(SECURITY_HEADERS)
        return response


async def _index(request: Request) -> Response:
    return FileResponse(_HERE / "index.html", headers=SECURITY_HEADERS)


def routes() -> list[BaseRoute]:
    """The page's routes: ``/`` and ``/static/…``, every response with :data:`SECURITY_HEADERS`."""
    return [
        Route("/", _index, methods=["GET"]),
        Mount("/static", _Static(directory=_HERE / "static"), name="page-static"),
    ]
