"""Serving the HTTP application in the event loop that is there."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.types import ASGIApp

GRACE = 2
"""Seconds that requests under way get when the server stops."""


class CannotListen(OSError):
    """The address is taken or not ours; the message says which."""


@contextlib.asynccontextmanager
async def serve(app: ASGIApp, host: str, port: int) -> AsyncIterator[str]:
    """Serve while the context is open; yields the URL. ``port`` 0 takes any free one. Raises CannotListen."""
    with _listening(host, port) as listener:
        server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,  # its lines hold paths, and these may hold one-time tokens
                server_header=False,
                lifespan="off",
                ws="none",
                timeout_graceful_shutdown=GRACE,
            )
        )
        running = asyncio.create_task(server.serve(sockets=[listener]), name="http")
        ready = asyncio.create_task(server.ready.wait(), name="http-ready")
        try:
            await asyncio.wait((running, ready), return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                await running  # raises what ended it
            yield _url(listener)
        finally:
            ready.cancel()
            server.should_exit = True
            await running


class _Server(uvicorn.Server):
    """Leaves the process's signals to the process, and tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.ready.set()


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        raise CannotListen(f"cannot listen on {host} port {port}: {error.strerror}") from error


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
