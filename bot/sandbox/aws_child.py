"""The local AWS's process: ministack, ended when whoever started it is gone.

Run as ``python -m bot.sandbox.aws_child`` with a pipe as standard input; its end of file means that the parent closed
it or died, however hard.
"""

import os
import runpy
import signal
import sys
import threading


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Run ministack until the parent is gone."""
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    sys.argv[1:] = []
    runpy.run_module("ministack", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
