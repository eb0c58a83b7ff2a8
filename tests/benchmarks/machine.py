"""What this machine can do at most, measured, and what a measurement used of it."""

import os
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

import psycopg

from tests.benchmarks.places import FOLDER, Place
from tests.benchmarks.processes import cpu_of

_PAGE = 8192
_PAGES = 512


@dataclass(frozen=True, slots=True)
class Machine:
    """The bounds that rows are held against."""

    cores: int
    flushes: float
    """write + fdatasync of 8 KiB, one after the other, on the disk that the databases are on: times a second."""

    def text(self) -> str:
        """In one line."""
        return f"{self.cores} cores, {self.flushes:,.0f} write+fdatasync a second, one after the other"


def measure(seconds: float) -> Machine:
    """Look for ``seconds``."""
    return Machine(len(os.sched_getaffinity(0)), flush_rate(seconds))


def flush_rate(seconds: float) -> float:
    """How often a second 8 KiB that are written reach the disk, one after the other."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=FOLDER) as file:
        # Written out before, so that no flush has to write the file's size too: a write-ahead log is reused alike.
        file.write(bytes(_PAGE * _PAGES))
        file.flush()
        os.fsync(file.fileno())
        count, began = 0, time.monotonic()
        while (took := time.monotonic() - began) < seconds:
            os.pwrite(file.fileno(), b"\1" * _PAGE, count % _PAGES * _PAGE)
            os.fdatasync(file.fileno())
            count += 1
    return count / took


def commit_rate(place: Place, seconds: float, connections: int = 1) -> float:
    """UPDATE + COMMIT a second through bare psycopg on as many connections, each with a row of its own."""
    assert place.server is not None
    with psycopg.connect(place.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS bench (id int PRIMARY KEY, n int NOT NULL)")
        connection.execute("INSERT INTO bench SELECT n, 0 FROM generate_series(1, 64) n ON CONFLICT DO NOTHING")
    counts, until = [0] * connections, time.monotonic() + seconds

    def work(number: int) -> None:
        with psycopg.connect(place.url) as mine:
            while time.monotonic() < until:
                mine.execute("UPDATE bench SET n = n + 1 WHERE id = %s", (number + 1,))
                mine.commit()
                counts[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


@dataclass(slots=True)
class Used:
    """What was used while something was measured. Seconds, and CPU seconds."""

    wall: float = 0.0
    ours: Sequence[float] = ()
    """Of each of the bot's processes."""
    database: float = 0.0
    others: Mapping[str, float] = field(default_factory=dict)
    """Of each process that stands in for the world."""
    driver: float = 0.0
    """Of this process, where it is none of the bot's."""
    busy: float = 0.0
    """Of all processes of the machine, those that have nothing to do with it included."""
    flushes: int = 0
    """Flushes of the write-ahead log (PostgreSQL), or of the disk (SQLite)."""

    def plus(self, other: "Used") -> "Used":
        """Both together, of the same processes."""
        return Used(
            self.wall + other.wall,
            [one + more for one, more in zip_longest(self.ours, other.ours, fillvalue=0.0)],
            self.database + other.database,
            {name: used + self.others.get(name, 0.0) for name, used in other.others.items()},
            self.driver + other.driver,
            self.busy + other.busy,
            self.flushes + other.flushes,
        )

    def bound(self, machine: Machine) -> str:
        """What was used most, as a share of what there is."""
        if self.wall <= 0:
            return "nothing"
        shares = {
            "CPU of both cores" if machine.cores == 2 else f"CPU of {machine.cores} cores": self.busy / machine.cores,
            "one core of the bot's process (GIL)": max(self.ours, default=0.0),
            **{f"one core of the {name}": used for name, used in self.others.items()},
        }
        found = {name: used / self.wall for name, used in shares.items()}
        found["fsync"] = self.flushes / self.wall / machine.flushes
        name, share = max(found.items(), key=lambda item: item[1])
        also = [f"{other} {min(part, 1):.0%}" for other, part in found.items() if other != name and part >= 0.25]
        strangers = self.busy - sum(self.ours) - self.database - sum(self.others.values()) - self.driver
        if strangers > 0.2 * self.wall * machine.cores:
            also.append(
                f"programs that are not the benchmark's took {strangers / self.wall / machine.cores:.0%} of the CPU"
            )
        return f"{name}: {min(share, 1):.0%}" + (f" ({', '.join(also)})" if also else "")


@contextmanager
def meter(place: Place, ours: Sequence[int], others: Mapping[str, int] | None = None) -> Iterator[Used]:
    """Measure the block: the processes ``ours``, the database's, and those of ``others`` by name."""
    used, world = Used(), dict(others or {})
    driver = time.process_time()
    before = [cpu_of(pid) for pid in ours], {name: cpu_of(pid) for name, pid in world.items()}
    database, busy, flushes, began = place.database_cpu(), _busy(), place.flushes(), time.monotonic()
    try:
        yield used
    finally:
        used.wall = time.monotonic() - began
        used.driver = 0.0 if os.getpid() in ours else time.process_time() - driver
        used.busy = _busy() - busy
        used.ours = [cpu_of(pid) - was for pid, was in zip(ours, before[0], strict=True)]
        used.others = {name: cpu_of(pid) - before[1][name] for name, pid in world.items()}
        used.database = place.database_cpu() - database
        used.flushes = place.flushes() - flushes


def _busy() -> float:
    """CPU seconds that the machine was at work since its start (proc(5), /proc/stat; without idle and iowait)."""
    fields = [int(text) for text in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")
