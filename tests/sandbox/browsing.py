"""Requests to routes, in process."""

import asyncio
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.routing import Route


class Browser:
    def __init__(self, routes: list[Route]) -> None:
        self._app = Starlette(routes=routes)

    def get(self, path: str) -> httpx.Response:
        return self._request("GET", path)

    def post(self, path: str, **content: Any) -> httpx.Response:
        return self._request("POST", path, **content)

    def delete(self, path: str) -> httpx.Response:
        return self._request("DELETE", path)

    def _request(self, method: str, path: str, **content: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://demo.test") as client:
                return await client.request(method, path, **content)

        return asyncio.run(ask())
