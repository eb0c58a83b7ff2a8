"""One way to ask over HTTP: short, bounded, https only, and a token that goes nowhere else.

The loop and the connections live in a thread of their own, so that an end can be put to everything that a call waits
for, the look-up of a name included, and connections are kept between calls.
"""

import asyncio
import threading
import time
from collections.abc import Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urljoin, urlsplit

import aiohttp

from bot.core.urls import url_problem
from bot.service.sources import SourceError
from bot.sources.answers import Answer, retry_after

LARGEST: Final = 512 * 1024
"""Bytes of an answer that are read; none of those that are asked for comes near it."""
HOPS: Final = 3
_MOVED: Final = frozenset({301, 302, 303, 307, 308})
_PORTS: Final = {"http": 80, "https": 443}
_UNREACHABLE = (aiohttp.ClientError, OSError, ValueError, CancelledError)


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds that a call may take: to connect, for each piece of the answer, and in all (redirects included)."""

    connect: float = 2.0
    read: float = 3.0
    whole: float = 5.0


@dataclass(frozen=True, slots=True)
class Call:
    """``source`` is how errors name it."""

    source: str
    url: str
    authorization: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    """Makes it a POST of JSON."""
    by: float | None = None
    """When it has to be over (``time.monotonic``), for one of several calls."""


class Http:
    """Thread-safe. ``close`` it."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._loop = asyncio.new_event_loop()
        self._session: aiohttp.ClientSession | None = None
        self._open = True
        self._thread = threading.Thread(target=self._run, name="sources", daemon=True)
        self._thread.start()

    def deadline(self) -> float:
        """``Call.by`` for a question that takes several calls."""
        return time.monotonic() + self.limits.whole

    def ask(self, call: Call) -> Answer:
        """Whatever was answered, errors included. Raises SourceError when nothing was, or it was too much."""
        if not self._open:
            raise SourceError(f"{call.source} is not asked any more", passing=True)
        left = (self.deadline() if call.by is None else call.by) - time.monotonic()
        asked = asyncio.run_coroutine_threadsafe(self._ask(call, left), self._loop)
        try:
            # A second more, for one that comes in between while it is being closed and never runs.
            return asked.result(max(0.0, left) + 1)
        except aiohttp.ConnectionTimeoutError:
            failed = "took no connection in time"
        except aiohttp.SocketTimeoutError:
            failed = "did not answer in time"
        except TimeoutError:
            failed = "took too long in all"
        except _UNREACHABLE as error:
            failed = f"could not be reached ({type(error).__name__})"
        # Outside of the handler: the library's errors know the headers of the request.
        raise SourceError(f"{call.source} {failed}", passing=True)

    def close(self) -> None:
        """Drop the connections; what is being asked fails."""
        if not self._open:
            return
        self._open = False
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        self._loop.run_forever()
        self._loop.close()

    async def _stop(self) -> None:
        asking = asyncio.all_tasks() - {asyncio.current_task()}
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _ask(self, call: Call, seconds: float) -> Answer:
        async with asyncio.timeout(seconds):
            url = call.url
            for _ in range(HOPS + 1):
                answer, location = await self._hop(call, url)
                if answer.status not in _MOVED or not location:
                    return answer
                url = _followed(call, url, location)
            raise SourceError(f"{call.source} sends us round in circles", passing=True)

    async def _hop(self, call: Call, url: str) -> tuple[Answer, str]:
        if problem := url_problem(urlsplit(url)._replace(query="").geturl()):
            raise SourceError(f"{call.source} cannot be asked: its URL {problem}", passing=False)
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "prodaccess"}
        headers |= {**call.headers, "Authorization": call.authorization}
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        async with self._connections().request(
            "GET" if call.body is None else "POST",
            url,
            data=call.body,
            headers=headers,
            allow_redirects=False,
        ) as response:
            body = await _read(call, response)
            answer = Answer(call.source, response.status, body, retry_after(response.headers))
            return answer, response.headers.get("Location", "")

    def _connections(self) -> aiohttp.ClientSession:
        if self._session is None:
            # Nothing is unpacked: a small answer could become a large one.
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(
                    total=None,
                    connect=self.limits.connect,
                    sock_connect=self.limits.connect,
                    sock_read=self.limits.read,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session


async def _read(call: Call, response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > LARGEST:
            response.close()
            raise SourceError(f"{call.source} answered with more than {LARGEST:,} bytes", passing=True)
    return bytes(body)


def _followed(call: Call, url: str, location: str) -> str:
    """Where a redirect leads, on the same host and port only: the token is for that one."""
    target = urljoin(url, location)
    if call.body is not None or _origin(target) != _origin(url):
        raise SourceError(f"{call.source} sends us elsewhere, which is not followed", passing=False)
    return target


def base_of(source: str, url: str) -> str:
    """``url`` to put a path behind. Raises SourceError for one that may not be called."""
    if problem := url_problem(url):
        raise SourceError(f"{source} cannot be asked: its URL {problem}", passing=False)
    return url.rstrip("/")


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
