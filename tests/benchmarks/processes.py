"""Processes of the benchmark: stubs and replicas, and what the operating system says that they used."""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from bot.sandbox.aws_seed import Keys
from bot.settings import Settings
from tests.benchmarks.stubs import TAKE

ROOT = Path(__file__).parents[2]
_TICKS = os.sysconf("SC_CLK_TCK")

STUB_KEYS = Keys("AKIABENCH", "bench")

AS_INSTALLED = "import runpy, sys; sys.modules['rich'] = None; runpy.run_module(sys.argv.pop(1), run_name='__main__')"
"""As ``python -m``, without a library that structlog loads where it is there, and that comes with the tests only."""

T = TypeVar("T")


class Replica:
    """A running replica of the bot; ``python -m tests.benchmarks.replica``."""

    def __init__(self, process: "subprocess.Popen[str]", url: str) -> None:
        self._process = process
        self.url = url
        self.pid = process.pid

    def use(self) -> "Use":
        """What it has used since its start."""
        return Use(**self.ask("use"))

    def put(self) -> list[tuple[str, float]]:
        """(grant id, monotonic seconds) of each policy that was put since the last time."""
        return [(grant, at) for grant, at in self.ask("put")]

    def ask(self, what: str) -> Any:
        """One word there, one line of JSON back."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        return _line(self._process)


@dataclass(frozen=True, slots=True)
class Use:
    """What a replica has used."""

    cpu: float
    """Seconds."""
    rss: int
    """Bytes."""
    commits: int
    threads: Mapping[str, float]
    """CPU seconds by the names of threads."""

    def since(self, before: "Use") -> "Use":
        """The difference; the memory is the later one's."""
        threads = {name: used - before.threads.get(name, 0.0) for name, used in self.threads.items()}
        return Use(self.cpu - before.cpu, self.rss, self.commits - before.commits, threads)


@contextmanager
def replica(settings: Settings, log: Path, keys: Keys) -> Iterator[Replica]:
    """Start one and wait until it is up. Without an AWS endpoint AWS is in the replica itself, and answers at once."""
    told = {
        "database": settings.database_url.reveal(),
        "catalogue": str(settings.catalogue),
        "slack": settings.slack_base_url.removesuffix("/api/"),
        "aws": settings.aws_endpoint_url,
        "keys": [keys.access_key_id, keys.secret],
        "log": str(log),
    }
    with _running("tests.benchmarks.replica", json.dumps(told)) as process:
        yield Replica(process, _line(process)["url"])


@dataclass(frozen=True, slots=True)
class Stub:
    """A running stub."""

    url: str
    pid: int

    def taken(self) -> list[tuple[str, float]]:
        """(what, monotonic seconds) of all that it noted since the last time."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc)
        try:
            connection.request("GET", TAKE.decode())
            return [(what, at) for what, at in json.loads(connection.getresponse().read())]
        finally:
            connection.close()


@contextmanager
def stub(kind: str) -> Iterator[Stub]:
    """Start ``slack`` or ``aws``."""
    with _running("tests.benchmarks.stubs", "", kind) as process:
        assert process.stdout is not None
        yield Stub(process.stdout.readline().strip(), process.pid)


@contextmanager
def _running(module: str, first_line: str, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-c", AS_INSTALLED, module, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    try:
        if first_line:
            process.stdin.write(f"{first_line}\n")
            process.stdin.flush()
        yield process
    finally:
        with suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _line(process: "subprocess.Popen[str]") -> Any:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{process.args!r} ended with {process.wait(10)}")
    return json.loads(line)


def cpu_of(pid: int) -> float:
    """CPU seconds of a process (proc(5), stat); 0 when it has ended."""
    return sum(_stat(pid)[:2])


def cpu_of_family(pid: int) -> float:
    """CPU seconds of a process, of its children that live, and of those that ended."""
    return sum(_stat(pid)) + sum(cpu_of(child) for child in _children(pid))


def _stat(pid: int) -> Sequence[float]:
    """User and system time, and that of children that were waited for."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        return [int(field) / _TICKS for field in fields[11:15]]
    return []


def _children(pid: int) -> Sequence[int]:
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    return []


def wait_until(true: Callable[[], T], what: str, within: float = 60.0) -> T:
    """Poll until it is true and return that. Raises TimeoutError."""
    until = time.monotonic() + within
    while not (found := true()):
        if time.monotonic() > until:
            raise TimeoutError(f"waited in vain for {what}")
        time.sleep(0.02)
    return found
