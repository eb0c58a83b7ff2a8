"""One replica of the bot in a process of its own, told over its standard input what to do; see ``processes.Replica``.

It is ``bot.serving.Service`` as ``prodaccess serve`` runs it, on the settings it is given; AWS is ``InstantSession``
unless an endpoint is named.
"""

import json
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa

from bot.sandbox.aws import isolated_session
from bot.service.logs import configure
from bot.serving import Service, keep_what_is_there
from tests.benchmarks.company import settings
from tests.benchmarks.instant import InstantSession, Put, noting


def main() -> None:
    """Serve until the standard input ends."""
    told = json.loads(sys.stdin.readline())
    configure("json", "info", file=Path(told["log"]))
    put: Put = []
    session = noting(isolated_session(*told["keys"]), put) if told["aws"] else InstantSession(put)
    commits = _count_commits()
    environment = settings(told["database"], Path(told["catalogue"]), told["slack"], told["aws"])
    with Service(environment, session=session) as service:  # type: ignore[arg-type]
        keep_what_is_there()
        _say({"url": service.url})
        for line in sys.stdin:
            match line.strip():
                case "use":
                    _say({"cpu": time.process_time(), "rss": rss(), "commits": len(commits), "threads": by_thread()})
                case "put":
                    newest = put[:]
                    del put[: len(newest)]  # others may have been added meanwhile
                    _say(newest)


def by_thread() -> dict[str, float]:
    """CPU seconds of the threads that live, by their names without numbers."""
    used: dict[str, float] = {}
    for thread in threading.enumerate():
        if thread.ident is not None:
            name = thread.name.rstrip("0123456789-_")
            with suppress(OSError):  # it has ended meanwhile
                taken = time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
                used[name] = used.get(name, 0.0) + taken
    return used


def rss() -> int:
    """Bytes of memory that are resident (proc(5), VmRSS)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024


def _count_commits() -> list[None]:
    counted: list[None] = []

    @sa.event.listens_for(sa.Engine, "commit")
    def count(_connection: sa.Connection) -> None:
        counted.append(None)

    return counted


def _say(answer: object) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
