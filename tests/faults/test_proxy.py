"""The proxy itself: every fault does what it says, to a client and a server that are plain sockets."""

import gc
import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from tests.databases import until
from tests.faults.proxy import FaultProxy, Then, Way

SILENCE = 0.2
"""Seconds after which a black hole is taken for one."""


class Echo:
    """Answers each line with itself; keeps what it heard. ``path``: on a unix socket."""

    def __init__(self, path: Path | None = None) -> None:
        if path is None:
            self._listener = socket.create_server(("127.0.0.1", 0))
        else:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(path))
            self._listener.listen()
        self.heard: list[bytes] = []
        self.ended: list[str] = []
        """How each connection ended: ``end`` or ``reset``."""
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._listener.getsockname()
        return str(host), int(port)

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            try:
                for line in lines:
                    self.heard.append(line)
                    connection.sendall(line)
                self.ended.append("end")
            except OSError:
                self.ended.append("reset")


class Client:
    """A connection to the proxy."""

    def __init__(self, proxy: FaultProxy) -> None:
        self._socket = socket.create_connection(("127.0.0.1", proxy.port), timeout=10)

    def send(self, line: bytes) -> None:
        self._socket.sendall(line)

    def receive(self, size: int = 100, *, within: float = 10.0) -> bytes:
        """What comes next; empty at the end. Raises ConnectionResetError, TimeoutError."""
        self._socket.settimeout(within)
        return self._socket.recv(size)

    def says(self, line: bytes) -> bytes:
        self.send(line)
        return self.receive()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    with closing(Echo()) as server:
        yield server


@pytest.fixture
def proxy(echo: Echo) -> Iterator[FaultProxy]:
    with FaultProxy(echo.address) as proxy:
        yield proxy


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def client(proxy: FaultProxy, stack: ExitStack) -> Client:
    """A connection that has carried a line already."""
    client = stack.enter_context(closing(Client(proxy)))
    assert client.says(b"hello\n") == b"hello\n"
    return client


def test_it_passes_everything_both_ways_until_it_is_told(proxy: FaultProxy, client: Client, echo: Echo) -> None:
    assert client.says(b"again\n") == b"again\n"
    assert (proxy.accepted, proxy.connections) == (1, 1)
    assert dict(proxy.passed) == {Way.UP: 12, Way.DOWN: 12}
    assert not proxy.swallowed
    client.close()
    until(lambda: echo.ended == ["end"])
    until(lambda: proxy.connections == 0)


def test_large_bodies_arrive_whole(proxy: FaultProxy, client: Client) -> None:
    body = b"x" * 3_000_000 + b"\n"
    threading.Thread(target=client.send, args=[body]).start()
    received = b""
    while len(received) < len(body):
        received += client.receive(1 << 20)
    assert received == body


def test_the_server_may_be_behind_a_unix_socket(tmp_path: Path, stack: ExitStack) -> None:
    path = tmp_path / "s"
    stack.enter_context(closing(Echo(path)))
    proxy = stack.enter_context(FaultProxy(path))
    client = stack.enter_context(closing(Client(proxy)))
    assert client.says(b"hello\n") == b"hello\n"
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        client.receive()


def test_a_cut_resets_both_ends_and_new_connections_pass(
    proxy: FaultProxy, client: Client, echo: Echo, stack: ExitStack
) -> None:
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        client.receive()
    until(lambda: echo.ended == ["reset"])
    assert stack.enter_context(closing(Client(proxy))).says(b"new\n") == b"new\n"


@pytest.mark.parametrize(("way", "heard"), [(Way.UP, b"123"), (Way.DOWN, b"")])
def test_a_cut_after_so_many_bytes_of_one_way(
    proxy: FaultProxy, client: Client, echo: Echo, way: Way, heard: bytes
) -> None:
    proxy.cut_after(3, way)
    client.send(b"123456\n")
    with pytest.raises(ConnectionResetError):  # noqa: PT012
        received = client.receive()
        assert received == b"123"[: len(received)]
        client.receive()
    assert proxy.passed[way] == len(b"hello\n") + 3
    if way is Way.DOWN:
        assert echo.heard == [b"hello\n", b"123456\n"], "the request was served all the same"


def test_a_truncated_answer_ends_in_good_order(proxy: FaultProxy, client: Client, echo: Echo) -> None:
    proxy.truncate(3, Way.DOWN)
    client.send(b"123456\n")
    assert client.receive() == b"123"
    assert client.receive() == b""
    assert echo.heard[-1] == b"123456\n"


def test_a_black_hole_neither_answers_nor_ends(proxy: FaultProxy, client: Client, echo: Echo, stack: ExitStack) -> None:
    proxy.black_hole()
    fresh = stack.enter_context(closing(Client(proxy)))
    for each in (client, fresh):
        each.send(b"is anybody there?\n")
        with pytest.raises(TimeoutError):
            each.receive(within=SILENCE)
    assert echo.heard == [b"hello\n"]
    assert proxy.swallowed[Way.UP] == 2 * len(b"is anybody there?\n")
    proxy.heal()
    with pytest.raises(ConnectionResetError):
        client.receive()
    assert stack.enter_context(closing(Client(proxy))).says(b"back\n") == b"back\n"


def test_a_black_hole_of_one_way_lets_the_request_through(proxy: FaultProxy, client: Client, echo: Echo) -> None:
    proxy.black_hole(Way.DOWN)
    client.send(b"do it\n")
    with pytest.raises(TimeoutError):
        client.receive(within=SILENCE)
    assert echo.heard[-1] == b"do it\n"


def test_what_is_held_arrives_when_it_is_healed(proxy: FaultProxy, client: Client, echo: Echo) -> None:
    proxy.hold(Way.UP)
    client.send(b"later\n")
    with pytest.raises(TimeoutError):
        client.receive(within=SILENCE)
    assert echo.heard == [b"hello\n"]
    proxy.heal()
    assert client.receive() == b"later\n"


def test_what_is_delayed_arrives_all_the_same(proxy: FaultProxy, client: Client) -> None:
    proxy.delay(SILENCE, Way.DOWN)
    client.send(b"slow\n")
    with pytest.raises(TimeoutError):
        client.receive(within=SILENCE / 4)
    assert client.receive() == b"slow\n"


def test_nobody_listens_while_it_refuses_and_what_is_open_goes_on(
    proxy: FaultProxy, client: Client, stack: ExitStack
) -> None:
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        Client(proxy)
    assert client.says(b"still here\n") == b"still here\n"
    proxy.heal()
    assert stack.enter_context(closing(Client(proxy))).says(b"hello\n") == b"hello\n"


def test_a_connection_that_comes_as_it_begins_to_refuse_is_not_left_half_made(
    proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    complaints: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda seen: complaints.append(seen.exc_value))
    refused = threading.Event()

    def keep_connecting() -> None:
        while not refused.is_set():
            with suppress(OSError):
                Client(proxy).close()

    with ThreadPoolExecutor(2) as crowd:
        for _ in range(2):
            crowd.submit(keep_connecting)
        for _ in range(150):
            proxy.refuse()
            proxy.heal()
        refused.set()
    gc.collect()
    assert not complaints


def test_a_server_that_is_not_there_is_a_reset(stack: ExitStack, tmp_path: Path) -> None:
    proxy = stack.enter_context(FaultProxy(tmp_path / "nobody"))
    client = stack.enter_context(closing(Client(proxy)))
    assert client.receive() == b""


def test_a_pattern_cuts_before_it_arrives(proxy: FaultProxy, client: Client, echo: Echo) -> None:
    proxy.when(b"COMMIT", Then.CUT)
    assert client.says(b"BEGIN\n") == b"BEGIN\n"
    client.send(b"COMMIT\n")
    with pytest.raises(ConnectionResetError):
        client.receive()
    assert b"COMMIT\n" not in echo.heard
    assert proxy.sprung == {b"COMMIT": 1}


def test_a_pattern_loses_the_answer_to_what_was_done(
    proxy: FaultProxy, client: Client, echo: Echo, stack: ExitStack
) -> None:
    proxy.when(b"COMMIT", Then.LOSE_ANSWER)
    client.send(b"COMMIT\n")
    with pytest.raises(ConnectionResetError):
        client.receive()
    assert echo.heard[-1] == b"COMMIT\n"
    assert stack.enter_context(closing(Client(proxy))).says(b"COMMIT\n") == b"COMMIT\n", "once, unless told"


def test_a_pattern_counts_only_after_another_on_the_same_connection(
    proxy: FaultProxy, client: Client, stack: ExitStack
) -> None:
    proxy.when(b"COMMIT", Then.CUT, after=b"approved")
    other = stack.enter_context(closing(Client(proxy)))
    assert client.says(b"INSERT approved\n")
    assert other.says(b"COMMIT\n") == b"COMMIT\n"
    client.send(b"COMMIT\n")
    with pytest.raises(ConnectionResetError):
        client.receive()


def test_a_pattern_is_seen_though_it_comes_in_two_pieces(proxy: FaultProxy, client: Client) -> None:
    proxy.when(b"COMMIT", Then.CUT)
    before = proxy.passed[Way.UP]
    client.send(b"COM")
    until(lambda: proxy.passed[Way.UP] == before + 3)
    client.send(b"MIT\n")
    with pytest.raises(ConnectionResetError):
        client.receive()


def test_a_pattern_holds_its_own_connection_until_it_is_released(
    proxy: FaultProxy, client: Client, echo: Echo, stack: ExitStack
) -> None:
    proxy.when(b"put", Then.HOLD)
    client.send(b"put\n")
    until(lambda: proxy.sprung[b"put"] == 1)
    assert stack.enter_context(closing(Client(proxy))).says(b"other\n") == b"other\n"
    assert b"put\n" not in echo.heard
    proxy.release()
    assert client.receive() == b"put\n"


def test_a_pattern_makes_a_black_hole_of_its_own_connection(
    proxy: FaultProxy, client: Client, echo: Echo, stack: ExitStack
) -> None:
    proxy.when(b"put", Then.SWALLOW)
    client.send(b"put\n")
    with pytest.raises(TimeoutError):
        client.receive(within=SILENCE)
    assert echo.heard[-1] == b"put\n"
    assert stack.enter_context(closing(Client(proxy))).says(b"other\n") == b"other\n"
