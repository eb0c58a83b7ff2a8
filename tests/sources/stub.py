"""A local HTTP server that answers as it is told to, for the sources to ask."""

import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

SHAPES = Path(__file__).parent / "shapes"


@dataclass(frozen=True)
class Reply:
    """``hangs``: never, or not to the end of the body, before the stub is closed."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: str = ""
    raw: bytes = b""
    """In place of everything above."""


@dataclass(frozen=True)
class Seen:
    """What was asked. ``target`` is as it came over the wire."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query)


@dataclass
class Stub:
    """Gives ``replies`` one after the other, the last one for ever."""

    replies: list[Reply] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    url: str = ""
    closing: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event | None = None
    """Where there is one, no reply goes out before it is set."""
    _lock: threading.Condition = field(default_factory=threading.Condition)

    def arrived(self, count: int) -> None:
        """Wait until so many questions are here."""
        with self._lock:
            assert self._lock.wait_for(lambda: len(self.seen) >= count, 30), "they did not come"

    def answer(self, seen: Seen) -> Reply:
        with self._lock:
            self.seen.append(seen)
            self._lock.notify_all()
            reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if self.gate is not None:
            self.gate.wait(30)
        if reply.hangs == "at once":
            self.closing.wait(30)
        return reply


def shape(name: str, status: int = 200, **headers: str) -> Reply:
    """An answer in the shape that the vendor documents."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, (SHAPES / f"{name}.json").read_bytes(), {"Content-Type": "application/json", **named})


def with_headers(reply: Reply, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(reply.status, reply.body, {**reply.headers, **named}, reply.hangs)


def json_reply(value: object, status: int = 200) -> Reply:
    return Reply(status, json.dumps(value).encode())


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Stub]:
    """Listening on a free port of 127.0.0.1."""
    stub = Stub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # headers and body in one piece

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            reply = stub.answer(Seen(self.command, self.path, dict(self.headers), body))
            if reply.raw:
                self.wfile.write(reply.raw)
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body) + bool(reply.hangs)))
            self.end_headers()
            self.wfile.write(reply.body)
            self.wfile.flush()
            if reply.hangs:
                stub.closing.wait(30)
                self.close_connection = True

        do_POST = do_GET

        def log_message(self, *_args: object) -> None:
            """Quiet."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_args: object) -> None:
            """The other side hung up, as it should where an answer is too much."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    stub.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    try:
        yield stub
    finally:
        stub.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
