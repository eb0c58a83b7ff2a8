"""The bot's processes, seen from the test: started, told what to do, and found dead."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.crashes.points import Stop
from tests.crashes.zygote import LONGEST

Json = dict[str, Any]
ROOT = Path(__file__).parents[2]


class Stopped(Exception):
    """The process ended, or was paused, in the middle of what it was doing."""


class Zygote:
    """A fork server; see ``tests.crashes.zygote``."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        assert self._hear()["ready"]

    def fork(self, order: Json, *connections: socket.socket) -> int:
        """A new bot, which is told what to do through the first of the connections; its process id."""
        socket.send_fds(self._channel, [json.dumps(order).encode()], [each.fileno() for each in connections])
        return int(self._hear()["pid"])

    def reap(self, pid: int) -> int:
        """Wait for a bot's end; its exit status, a signal's number negative."""
        self._channel.send(json.dumps({"reap": pid}).encode())
        return int(self._hear()["exit"])

    def close(self) -> None:
        """Let it end."""
        self._channel.close()

    def _hear(self) -> Json:
        message = self._channel.recv(LONGEST)
        assert message, "the fork server has died"
        return dict(json.loads(message))


@contextmanager
def first_zygote(fixed: Json) -> Iterator[Zygote]:
    """Started from nothing; ``fixed`` is what every bot of it is told."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "tests.crashes.zygote", str(theirs.fileno())]
    process = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()])
    theirs.close()
    ours.send(json.dumps(fixed).encode())
    zygote = Zygote(ours)
    yield zygote
    zygote.close()
    process.wait(20)


class Bot:
    """One process that is the bot."""

    def __init__(self, zygote: Zygote, order: Json, stop: Stop | None, *, heir: bool = False) -> None:
        """``heir``: it will become a fork server."""
        ours, theirs = socket.socketpair()
        self._heir, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._zygote = zygote
        self._connection = ours
        self._channel = ours.makefile("rwb")
        self.ended: int | None = None
        """Its exit status, once it has ended."""
        self.paused_at = ""
        given = (theirs, its) if heir else (theirs,)
        self.pid = zygote.fork({**order, "stop": asdict(stop) if stop else None}, *given)
        theirs.close()
        its.close()

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

    def become_zygote(self) -> Zygote:
        """End as a bot, and fork others from now on."""
        self.tell({"do": "end"})
        return Zygote(self._heir)

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
        self._heir.close()
        self.ended = self._zygote.reap(self.pid)
