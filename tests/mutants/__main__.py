"""``python -m tests.mutants``: take one protection after the other out of the code; the tests must notice each."""

import argparse
import queue
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.mutants.mutant import Mutant, Rotten
from tests.mutants.running import BASELINE_LIMIT, Copy, Fate, Result, copy_of_the_tree
from tests.mutants.table import MUTANTS


def main(arguments: Sequence[str]) -> int:
    """0 when every mutant was killed; 1 when one was not, or the list does not fit the code."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument(
        "--only", metavar="NAME", action="append", help="those whose name contains this; may be repeated"
    )
    parser.add_argument("--list", action="store_true", help="print the list and run nothing")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="how many at a time (default: %(default)s)")
    parser.add_argument("--output", action="store_true", help="print what pytest said of each")
    chosen = parser.parse_args(arguments)
    mutants = [mutant for mutant in MUTANTS if not chosen.only or any(part in mutant.name for part in chosen.only)]
    if not mutants:
        parser.error("no mutant has such a name; see --list")
    if chosen.list:
        _print_list(mutants)
        return 0
    try:
        return _run(mutants, max(1, chosen.jobs), output=chosen.output)
    except Rotten as error:
        print(f"\n{error}")
        return 1


def _print_list(mutants: Sequence[Mutant]) -> None:
    for mutant in mutants:
        print(f"{mutant.file}: {mutant.name}")
    print(f"{len(mutants)} mutants")


def _run(mutants: Sequence[Mutant], jobs: int, *, output: bool) -> int:
    width = max(len(mutant.name) for mutant in mutants)
    with copy_of_the_tree() as copy:
        if not _is_well(copy, mutants):
            return 1
        print(f"{'WITHOUT':{width}}  {'':8}  SECONDS  BY", flush=True)
        alive = []
        for result in _results(copy, mutants, jobs):
            print(f"{result.mutant.name:{width}}  {result.fate:8}  {result.seconds:7.1f}  {result.by}", flush=True)
            if result.fate is not Fate.KILLED:
                alive.append(result.mutant.name)
            if output or result.fate is Fate.BROKEN:
                print(result.output)
    print(f"\n{len(mutants) - len(alive)} of {len(mutants)} mutants were killed")
    if alive:
        print(f"Not noticed: {'; '.join(alive)}")
    return 1 if alive else 0


def _is_well(copy: Copy, mutants: Sequence[Mutant]) -> bool:
    """Whether the tests pass where nothing is taken out: each once, in one run."""
    chosen = list(dict.fromkeys(test for mutant in mutants for test in mutant.killed_by))
    status, said = copy.run(chosen, BASELINE_LIMIT, write_bytecode=True)
    if status != 0:
        print(f"{said}\nThe tests do not pass as it is: nothing can be learnt from mutants.")
    return status == 0


def _results(copy: Copy, mutants: Sequence[Mutant], jobs: int) -> Iterator[Result]:
    """In the list's order; each worker has a copy of its own."""
    copies: queue.SimpleQueue[Copy] = queue.SimpleQueue()
    for number in range(jobs):
        copies.put(copy.copied(number))

    def try_out(mutant: Mutant) -> Result:
        mine = copies.get()
        try:
            return mine.try_out(mutant)
        finally:
            copies.put(mine)

    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(try_out, mutants)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
