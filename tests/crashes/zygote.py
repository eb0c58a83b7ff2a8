"""A process that has imported everything, holds nothing open and has one thread: it forks a bot within milliseconds.

Run as ``python -m tests.crashes.zygote FD`` with a SOCK_SEQPACKET socket; it ends when the other end is closed. A bot
that has done its work becomes such a process too, when it is given a socket for it: what it compiled is then shared.
"""

import gc
import json
import os
import socket
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

from tests.crashes import child

LONGEST = 65_536
"""Bytes of one message."""


def main(descriptor: int) -> None:
    """Make what is shared, and serve."""
    channel = socket.socket(fileno=descriptor)
    serve(channel, child.Warm(json.loads(channel.recv(LONGEST))))


def serve(channel: socket.socket, warm: child.Warm) -> None:
    """Fork a bot, or wait for the end of one, as ordered."""
    assert threading.active_count() == 1, "a fork would lose the other threads"
    gc.collect()
    gc.freeze()  # what is never collected is never written to, and stays shared
    _answer(channel, ready=True)
    while True:
        message, descriptors, _, _ = socket.recv_fds(channel, LONGEST, 2)
        if not message:
            return
        order = json.loads(message)
        if "reap" in order:
            _, status = os.waitpid(order["reap"], 0)
            _answer(channel, exit=os.waitstatus_to_exitcode(status))
            continue
        pid = os.fork()
        if pid == 0:
            channel.close()
            _be(warm, order, [socket.socket(fileno=descriptor) for descriptor in descriptors])
        for descriptor in descriptors:
            os.close(descriptor)
        _answer(channel, pid=pid)


def _answer(channel: socket.socket, **what: object) -> None:
    channel.send(json.dumps(what).encode())


def _be(warm: child.Warm, order: Any, connections: list[socket.socket]) -> None:
    """The forked process; never returns into what it was forked from."""
    status = 1
    try:
        child.run(warm, order, connections[0])
        connections[0].close()
        if connections[1:]:
            serve(connections[1], warm)
        status = 0
    except BaseException:
        with Path(order["log"]).open("a") as log:
            log.write(f"THE BOT FAILED\n{traceback.format_exc()}")
    finally:
        os._exit(status)


if __name__ == "__main__":
    main(int(sys.argv[1]))
