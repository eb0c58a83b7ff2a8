"""The bot's processes, seen from the test: started, told what to do, and found dead."""

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.crashes.points import Stop
from tests.crashes.zygote import LONGEST

Json = dict[str, Any]
ROOT = Path(__file__).parents[2]


class Stopped(Exception):
    """The process ended, or was paused, in the middle of what it was doing."""


class Zygote:
    """A fork server; see ``tests.crashes.zygote``."""

    def __init__(self, fixed: Json) -> None:
        self._fixed = fixed

    def __enter__(self) -> Self:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-m", "tests.crashes.zygote", str(theirs.fileno())]
        self._process = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()])
        theirs.close()
        self._channel.send(json.dumps(self._fixed).encode())
        assert self._hear()["ready"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()
        self._process.wait(20)

    def fork(self, order: Json, connection: socket.socket) -> int:
        """A new bot, which is told what to do through ``connection``; its process id."""
        socket.send_fds(self._channel, [json.dumps(order).encode()], [connection.fileno()])
        return int(self._hear()["pid"])

    def reap(self, pid: int) -> int:
        """Wait for a bot's end; its exit status, a signal's number negative."""
        self._channel.send(json.dumps({"reap": pid}).encode())
        return int(self._hear()["exit"])

    def _hear(self) -> Json:
        message = self._channel.recv(LONGEST)
        assert message, "the fork server has died"
        return dict(json.loads(message))


class Bot:
    """One process that is the bot."""

    def __init__(self, zygote: Zygote, order: Json, stop: Stop | None) -> None:
        ours, theirs = socket.socketpair()
        self._zygote = zygote
        self._connection = ours
        self._channel = ours.makefile("rwb")
        self.ended: int | None = None
        """Its exit status, once it has ended."""
        self.paused_at = ""
        self.pid = zygote.fork({**order, "stop": asdict(stop) if stop else None}, theirs)
        theirs.close()

    def tell(self, order: Json) -> None:
        """Raises Stopped."""
        try:
            self._channel.write(json.dumps(order).encode() + b"\n")
            self._channel.flush()
        except OSError:
            self._is_dead()

    def hear(self) -> Json:
        """One answer. Raises Stopped."""
        try:
            line = self._channel.readline()
        except OSError:
            line = b""
        if not line:
            self._is_dead()
        answer = dict(json.loads(line))
        if "paused" in answer:
            self.paused_at = answer["paused"]
            raise Stopped
        return answer

    def settle(self) -> Json:
        """Wait until it has done what it was told; all that it answered. Raises Stopped."""
        said: Json = {}
        while "idle" not in said:
            said |= self.hear()
        return said

    def do(self, what: str, **details: object) -> Json:
        """Tell and settle. Raises Stopped."""
        self.tell({"do": what, **details})
        return self.settle()

    def wake(self) -> None:
        """Let a paused one go on, and finish what it was doing."""
        os.kill(self.pid, signal.SIGCONT)
        self.settle()

    def stop(self) -> None:
        """Let it end by itself; a paused one is killed."""
        if self.ended is None:
            if self.paused_at:
                os.kill(self.pid, signal.SIGKILL)
            self._hang_up()

    def _is_dead(self) -> None:
        if self.ended is None:
            self._hang_up()
        raise Stopped

    def _hang_up(self) -> None:
        self._channel.close()
        self._connection.close()
        self.ended = self._zygote.reap(self.pid)
