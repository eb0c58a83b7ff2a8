"""Runs mutants in copies of the tree. The working tree is never touched."""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.mutants.mutant import ROOT, Mutant

LIMIT = 180.0
"""Seconds for one mutant's tests, which take a few."""
BASELINE_LIMIT = 1200.0
ENDS_WITHIN = 20.0
"""Seconds in which tests that are interrupted stop what they had started, such as a PostgreSQL."""
COPIED = ("bot", "tests", "manifests", "docs", "pyproject.toml", "README.md", "Makefile")

_TESTS_FAILED = 1
"""pytest's exit status when tests ran and some failed (docs.pytest.org, "Exit codes")."""
_FAILED = re.compile(r"^FAILED ([^\s\[]+(?:\[.*?\])?)(?= - |$)", re.MULTILINE)


class Fate(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    BROKEN = "broken"
    """Its tests could not be run at all, so that they show nothing."""


@dataclass(frozen=True, slots=True)
class Result:
    """``by`` is the first test that failed, or why none could; ``output`` what pytest said."""

    mutant: Mutant
    fate: Fate
    by: str
    seconds: float
    output: str


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the tree, in which tests can be run."""

    folder: Path

    def copied(self, number: int) -> "Copy":
        """Another one, with the bytecode that this one has by now."""
        folder = self.folder.with_name(f"copy-{number}")
        shutil.copytree(self.folder, folder)
        return Copy(folder)

    def try_out(self, mutant: Mutant) -> Result:
        """Run the mutant's tests; the copy is as before afterwards. Raises Rotten."""
        file = self.folder / mutant.file
        original = file.read_text(encoding="utf-8")
        # Bytecode is told by time and size alone: a mutant could be taken for what it was made from.
        Path(importlib.util.cache_from_source(str(file))).unlink(missing_ok=True)
        began = time.monotonic()
        file.write_text(mutant.mutated(original), encoding="utf-8")
        try:
            status, output = self.run(mutant.killed_by, LIMIT, write_bytecode=False)
        finally:
            file.write_text(original, encoding="utf-8")
        fate, by = judged(mutant, status, output)
        return Result(mutant, fate, by, time.monotonic() - began, output)

    def run(self, chosen: Sequence[str], limit: float, *, write_bytecode: bool) -> tuple[int | None, str]:
        """pytest's exit status, None when time was up, and what it said."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--color=no", "--tb=short"]
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.folder),
            "PYTHONDONTWRITEBYTECODE": "" if write_bytecode else "1",
            "PYTEST_DEBUG_TEMPROOT": str(self.folder.parent),
        }
        # A session of its own, so that everything that it started can be stopped with it.
        process = subprocess.Popen(
            [*command, *chosen],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            return None, _stopped(process)
        except BaseException:
            _stopped(process)
            raise
        return process.returncode, output


@contextmanager
def copy_of_the_tree() -> Iterator[Copy]:
    """A copy of what the tests need, gone at the end."""
    # A short name: a socket's path below it has at most 107 characters on Linux (unix(7)).
    folder = Path(tempfile.mkdtemp(prefix="pa-mut-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")))
    try:
        copy = folder / "copy"
        copy.mkdir()
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(ROOT / name, copy / name)
        yield Copy(copy)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _stopped(process: "subprocess.Popen[str]") -> str:
    """Interrupt the tests, so that they tidy up; what they said."""
    os.killpg(process.pid, signal.SIGINT)
    try:
        output, _ = process.communicate(timeout=ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
    return output


def judged(mutant: Mutant, status: int | None, output: str) -> tuple[Fate, str]:
    failed = _FAILED.search(output)
    if status is None:
        return (Fate.KILLED if mutant.may_hang else Fate.BROKEN), f"nothing within {LIMIT:.0f} s"
    if status == 0:
        return Fate.SURVIVED, "nothing"
    if status == _TESTS_FAILED and failed:
        return Fate.KILLED, failed[1]
    return Fate.BROKEN, f"no test failed, but pytest ended with {status}"
