"""Ten thousand histories of the service under faults keep every promise; see ``tests/simulation/invariants.py``."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.playing import first_broken, play

ROOT = Path(__file__).parents[2]
HISTORIES = 10_000
SHARD = 500
SAMPLE = (3, 11, 57)


@pytest.mark.parametrize("first", range(0, HISTORIES, SHARD))
def test_every_promise_is_kept_in_every_history(first: int) -> None:
    broken = first_broken(range(first, first + SHARD))
    assert broken is None, broken.in_words()


@pytest.mark.parametrize("seed", SAMPLE)
def test_a_seed_replays_exactly(seed: int) -> None:
    assert play(seed) == play(seed)


def test_a_seed_replays_exactly_in_another_process_whatever_its_hash_seed() -> None:
    said = {_replayed(hash_seed) for hash_seed in ("0", "1", "random")}
    assert said == {"".join(f"{play(seed).in_words()}\n" for seed in SAMPLE)}


def test_two_seeds_are_two_histories() -> None:
    assert play(SAMPLE[0]).trace != play(SAMPLE[1]).trace


def _replayed(hash_seed: str) -> str:
    call = [sys.executable, "-m", "tests.simulation", *map(str, SAMPLE)]
    env = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run(call, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout
