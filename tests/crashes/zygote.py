"""A process that has imported everything, opened nothing and has one thread: it forks a bot within milliseconds.

Run as ``python -m tests.crashes.zygote FD`` with a SOCK_SEQPACKET socket; it ends when the other end is closed.
"""

import gc
import json
import os
import socket
import sys
import traceback
from pathlib import Path
from typing import Any

from tests.crashes import child

LONGEST = 65_536
"""Bytes of one message."""


def main(descriptor: int) -> None:
    """Serve orders: fork a bot, or wait for the end of one."""
    channel = socket.socket(fileno=descriptor)
    fixed = json.loads(channel.recv(LONGEST))
    session = child.warm(fixed)
    gc.collect()
    gc.freeze()  # what is never collected is never written to, and stays shared
    _answer(channel, ready=True)
    while True:
        message, descriptors, _, _ = socket.recv_fds(channel, LONGEST, 1)
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
            _be(fixed, order, session, socket.socket(fileno=descriptors[0]))
        os.close(descriptors[0])
        _answer(channel, pid=pid)


def _answer(channel: socket.socket, **what: object) -> None:
    channel.send(json.dumps(what).encode())


def _be(fixed: Any, order: Any, session: Any, connection: socket.socket) -> None:
    """The forked process; never returns into what it was forked from."""
    status = 1
    try:
        child.run(fixed, order, session, connection)
        status = 0
    except BaseException:
        with Path(order["log"]).open("a") as log:
            log.write(f"THE BOT FAILED\n{traceback.format_exc()}")
    finally:
        os._exit(status)


if __name__ == "__main__":
    main(int(sys.argv[1]))
