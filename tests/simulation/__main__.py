"""``python -m tests.simulation SEED…`` replays histories; with ``--histories`` it plays very many, on every core."""

import argparse
import multiprocessing
import os
import sys
import time

from tests.simulation.playing import first_broken, play

CHUNK = 100


def main(arguments: list[str]) -> int:
    """0 when every promise was kept, 1 when one was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seeds", metavar="SEED", type=int, nargs="*", help="replay these and print every step")
    parser.add_argument("--histories", type=int, default=1_000_000, metavar="N", help="how many to play without SEED")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="the first of their seeds")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes")
    chosen = parser.parse_args(arguments)
    if chosen.seeds:
        return max(_replay(seed) for seed in chosen.seeds)
    return _soak(range(chosen.first, chosen.first + chosen.histories), chosen.jobs)


def _replay(seed: int) -> int:
    played = play(seed)
    print(played.in_words())
    return 0 if played.ok else 1


def _soak(seeds: range, jobs: int) -> int:
    began, done = time.monotonic(), 0
    chunks = [seeds[start : start + CHUNK] for start in range(0, len(seeds), CHUNK)]
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for chunk, broken in zip(chunks, pool.imap(first_broken, chunks), strict=True):
            done += len(chunk)
            if broken is not None:
                print(f"\n{broken.in_words()}")
                return 1
            took = time.monotonic() - began
            left = took / done * (len(seeds) - done)
            print(f"\r{done:,} of {len(seeds):,} histories, all well; {left / 60:.0f} min left", end="", flush=True)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
