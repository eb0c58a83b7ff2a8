"""A proxy that misbehaves as told, to stand between the bot and its database, Slack or AWS.

It runs in a thread with an event loop of its own; every method may be called from any thread and has taken effect
when it returns. What it cannot do is lose packets: bytes that it swallows are acknowledged to their sender by the
kernel, as by a load balancer whose backend hangs.
"""

import asyncio
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Self, TypeVar

T = TypeVar("T")
Address = tuple[str, int] | Path
"""Host and port, or the path of a unix socket."""

_CHUNK = 65536
_PATIENCE = 10.0
_HOST = "127.0.0.1"


class Way(StrEnum):
    """Which way bytes go."""

    UP = "to the server"
    DOWN = "to the client"


BOTH = (Way.UP, Way.DOWN)


class Then(StrEnum):
    """What happens to a connection on which a pattern was seen."""

    CUT = "cut before what was seen is passed on"
    LOSE_ANSWER = "pass it on, then cut as soon as the answer begins, without the answer"
    SWALLOW = "pass it on; from then on nothing goes either way"
    HOLD = "pass it on only when the proxy is healed or released"
    COUNT = "pass it on"


@dataclass(slots=True)
class _Trap:
    """``pattern`` going ``way`` springs it, on a connection where ``after`` has gone the same way before."""

    way: Way
    pattern: bytes
    then: Then
    after: bytes
    times: int


@dataclass(slots=True)
class _Rules:
    """What is done to bytes that go one way."""

    delay: float = 0.0
    black_hole: bool = False
    open: asyncio.Event = field(default_factory=asyncio.Event)


class _Link:
    """One connection through the proxy."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.sinks = {Way.UP: server, Way.DOWN: client}
        self.left: dict[Way, tuple[int, bool]] = {}
        """How many bytes still pass, and whether it is cut (else ended in good order) after them."""
        self.swallowing = False
        self.losing = False
        self.seen = dict.fromkeys(BOTH, b"")
        """The last bytes, for a pattern that comes in two pieces."""
        self.armed: set[bytes] = set()

    def cut(self) -> None:
        """Reset both ends (RST, where the end is TCP)."""
        for writer in self.sinks.values():
            raw = writer.get_extra_info("socket")
            if raw is not None and raw.fileno() >= 0 and raw.family != socket.AF_UNIX:
                # Lingering for no time at all is how a close becomes a reset (socket(7)).
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


class FaultProxy:
    """Listens on a free TCP port of 127.0.0.1 while the context is open, and passes everything until told."""

    def __init__(self, upstream: Address) -> None:
        self._upstream = upstream
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy", daemon=True)
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._rules: dict[Way, _Rules] = {}
        self._traps: list[_Trap] = []
        self._released = asyncio.Event()
        self.port = 0
        self.accepted = 0
        """Connections so far."""
        self.passed: Counter[Way] = Counter()
        """Bytes that arrived."""
        self.swallowed: Counter[Way] = Counter()
        """Bytes that did not."""
        self.sprung: Counter[bytes] = Counter()
        """How often each pattern of ``when`` was seen and acted on."""

    def __enter__(self) -> Self:
        self._thread.start()
        self._await(self._heal())
        return self

    def __exit__(self, *_: object) -> None:
        self._await(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE)
        self._loop.close()

    @property
    def url(self) -> str:
        """For what speaks HTTP."""
        return f"http://{_HOST}:{self.port}"

    @property
    def connections(self) -> int:
        """Open now."""
        return self._call(lambda: len(self._links))

    # --- faults ------------------------------------------------------------------------------------------

    def heal(self) -> None:
        """Listen, and pass everything, as at the start. Connections that lost bytes are cut, held ones go on."""
        self._await(self._heal())

    def cut(self) -> None:
        """Reset every connection."""
        self._call(self._cut_all)

    def refuse(self) -> None:
        """Take no new connection; nobody listens on the port any more. Those that are open go on."""
        self._await(self._stop_listening())

    def black_hole(self, *ways: Way) -> None:
        """Accept, and swallow all that goes these ways (both, unless told): no answer, no reset, no end."""

        def swallow() -> None:
            for way in ways or BOTH:
                self._rules[way].black_hole = True

        self._call(swallow)

    def hold(self, *ways: Way) -> None:
        """Keep back what goes these ways (both, unless told), to pass it on when healed."""

        def close() -> None:
            for way in ways or BOTH:
                self._rules[way].open.clear()

        self._call(close)

    def delay(self, seconds: float, *ways: Way) -> None:
        """Keep each piece back for a while."""

        def slow_down() -> None:
            for way in ways or BOTH:
                self._rules[way].delay = seconds

        self._call(slow_down)

    def cut_after(self, size: int, way: Way) -> None:
        """Let each open connection pass so many bytes more, then reset it."""
        self._call(lambda: self._limit(way, size, cut=True))

    def truncate(self, size: int, way: Way) -> None:
        """Let each open connection pass so many bytes more, then end it in good order."""
        self._call(lambda: self._limit(way, size, cut=False))

    def when(self, pattern: bytes, then: Then, *, way: Way = Way.UP, after: bytes = b"", times: int = 1) -> None:
        """Do it to the next connections on which ``pattern`` goes by, once ``after`` has gone by on the same one."""
        self._call(lambda: self._traps.append(_Trap(way, pattern, then, after, times)))

    def release(self) -> None:
        """Let go of what traps hold."""
        self._call(self._let_go)

    # --- in the loop -------------------------------------------------------------------------------------

    async def _heal(self) -> None:
        self._traps.clear()
        for link in [link for link in self._links if link.swallowing]:
            link.cut()
        for rules in self._rules.values():
            rules.open.set()
        self._rules = {way: _Rules() for way in BOTH}
        for rules in self._rules.values():
            rules.open.set()
        self._let_go()
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, _HOST, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        await self._stop_listening()
        self._cut_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _stop_listening(self) -> None:
        if self._server is None:
            return
        server, self._server = self._server, None
        for listener in server.sockets:
            self._loop.remove_reader(listener.fileno())
        # A connection that is accepted already has its transport in the next turn of the loop; a server that is
        # closed in between leaves it half made, and its end is an error in the collector (CPython 109564).
        await asyncio.sleep(0)
        server.close()

    def _cut_all(self) -> None:
        for link in self._links:
            link.cut()

    def _let_go(self) -> None:
        self._released.set()
        self._released = asyncio.Event()

    def _limit(self, way: Way, size: int, *, cut: bool) -> None:
        for link in self._links:
            link.left[way] = (size, cut)

    async def _accept(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._link(reader, client)
        except asyncio.CancelledError:
            pass  # the proxy closes
        finally:
            client.close()
            self._tasks.discard(task)

    async def _link(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        try:
            if isinstance(self._upstream, Path):
                answers, server = await asyncio.open_unix_connection(str(self._upstream))
            else:
                answers, server = await asyncio.open_connection(*self._upstream)
        except OSError:
            client.transport.abort()
            return
        link = _Link(client, server)
        self._links.add(link)
        try:
            await asyncio.gather(self._pump(link, Way.UP, reader), self._pump(link, Way.DOWN, answers))
        finally:
            self._links.discard(link)
            server.close()

    async def _pump(self, link: _Link, way: Way, source: asyncio.StreamReader) -> None:
        sink = link.sinks[way]
        try:
            while piece := await source.read(_CHUNK):
                rules = self._rules[way]
                if rules.delay:
                    await asyncio.sleep(rules.delay)
                await rules.open.wait()
                link.swallowing = link.swallowing or self._rules[way].black_hole
                if link.swallowing:
                    self.swallowed[way] += len(piece)
                else:
                    await self._pass_on(link, way, piece)
            if not link.swallowing and not sink.is_closing():
                sink.write_eof()
        except (ConnectionError, OSError):
            link.cut()

    async def _pass_on(self, link: _Link, way: Way, piece: bytes) -> None:
        if link.losing and way is Way.DOWN:
            self.swallowed[way] += len(piece)
            link.cut()
            return
        trap = self._trap_for(link, way, piece)
        if trap is not None and not await self._spring(trap, link):
            return
        if limit := link.left.get(way):
            piece = piece[: limit[0]]
        sink = link.sinks[way]
        sink.write(piece)
        await sink.drain()
        self.passed[way] += len(piece)
        if trap is not None and trap.then is Then.SWALLOW:
            link.swallowing = True
        if limit:
            link.left[way] = (limit[0] - len(piece), limit[1])
            self._end_if_over(link, way)

    def _end_if_over(self, link: _Link, way: Way) -> None:
        left, cut = link.left[way]
        if left > 0:
            return
        if cut:
            link.cut()
        else:
            link.sinks[way].close()

    def _trap_for(self, link: _Link, way: Way, piece: bytes) -> _Trap | None:
        text = link.seen[way] + piece
        link.seen[way] = text[-128:]
        link.armed |= {trap.after for trap in self._traps if trap.way is way and trap.after and trap.after in text}
        for trap in self._traps:
            ready = not trap.after or trap.after in link.armed
            if trap.way is way and trap.times and ready and trap.pattern in text:
                trap.times -= 1
                link.seen[way] = b""
                return trap
        return None

    async def _spring(self, trap: _Trap, link: _Link) -> bool:
        """Whether the piece is still to be passed on."""
        self.sprung[trap.pattern] += 1
        match trap.then:
            case Then.CUT:
                link.cut()
                return False
            case Then.LOSE_ANSWER:
                link.losing = True
            case Then.HOLD:
                await self._released.wait()
        return True

    # --- from other threads ------------------------------------------------------------------------------

    def _call(self, function: Callable[[], T]) -> T:
        async def call() -> T:
            return function()

        return self._await(call())

    def _await(self, work: "asyncio.Future[T] | object") -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE)  # type: ignore[arg-type,return-value]
