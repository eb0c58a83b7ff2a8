"""``python -m tests.benchmarks [SECTION …] [--quick] [--database sqlite|postgresql] [--json PATH]``."""

import argparse
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks import audit, burst, clicks, local, memory, modal, starting, ticks
from tests.benchmarks.bench import QUICK, Bench, Sizes
from tests.benchmarks.places import FOLDER
from tests.benchmarks.report import Table, write_json

SECTIONS: Mapping[str, Callable[[Bench], list[Table]]] = {
    "clicks": clicks.run,
    "local": local.run,
    "ticks": ticks.run,
    "burst": burst.run,
    "memory": memory.run,
    "audit": audit.run,
    "start": starting.run,
    "modal": modal.run,
}
DATABASES = ("postgresql", "sqlite")
RESULTS = FOLDER.with_name("bench.json")


def run(names: Sequence[str], sizes: Sizes, databases: tuple[str, ...]) -> tuple[dict[str, Any], list[Table]]:
    """Run these sections and print each table when it is there; what is known of the machine, and the tables."""
    tables: list[Table] = []
    with Bench(sizes, databases) as bench:
        about = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "python": platform.python_version(),
            "cores": bench.machine.cores,
            "flushes_per_second": bench.machine.flushes,
        }
        print(f"Python {about['python']}, {bench.machine.text()}\n", flush=True)
        for name in names:
            began = time.monotonic()
            for table in SECTIONS[name](bench):
                tables.append(table)
                print(f"{table.text()}\n", flush=True)
            print(f"({name}: {time.monotonic() - began:.0f} s)\n", flush=True)
    return about, tables


def main(argv: Sequence[str]) -> None:
    """Everything, or the sections that are named."""
    parser = argparse.ArgumentParser("make bench", description="What prodaccess costs on this machine.")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"some of: {', '.join(SECTIONS)}")
    parser.add_argument("--quick", action="store_true", help="smaller sizes: minutes instead of an hour")
    parser.add_argument("--database", choices=DATABASES, help="one database only")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where the results go (default: %(default)s)")
    asked = parser.parse_args(argv)
    if unknown := set(asked.sections) - set(SECTIONS):
        parser.error(f"there is no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    databases = (asked.database,) if asked.database else DATABASES
    about, tables = run(asked.sections or list(SECTIONS), QUICK if asked.quick else Sizes(), databases)
    write_json(asked.json, about, tables)
    print(f"written to {asked.json}")


if __name__ == "__main__":
    main(sys.argv[1:])
