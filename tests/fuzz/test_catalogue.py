"""Any bytes for access.yaml: a catalogue, or every problem with its place; nothing else, and soon."""

import json
import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.catalogue import CatalogueError, Loaded, describe, inspect
from bot.core.model import Catalogue
from bot.demo import CATALOGUE
from tests.fuzz.mutations import ODD_TEXTS, fuzzed, mutated

TEXT = CATALOGUE.read_text(encoding="utf-8")
DATA: dict[str, Any] = yaml.load(TEXT, yaml.BaseLoader)  # every scalar as it is written
LINES = TEXT.splitlines(keepends=True)
SNIPPETS = (
    "\t",
    "\x00",
    "\x85",
    "\ufeff",
    "\u2028",
    "---\n",
    "...\n",
    "? [a, b]\n: c\n",
    "&a ",
    "*a",
    "*a : b\n",
    "<<: *a\n",
    "!!python/object/apply:os.system [id]",
    "!!binary aGk=",
    "!<tag:example,2026:x> 1",
    "%YAML 1.1\n---\n",
    "[" * 200,
    "{a: " * 200,
    "- " * 200,
    "|\n",
    ">9\n",
    '"',
    "'",
    "# ",
    ": ",
    "0x" + "f" * 4_000,
    "9" * 5_000,
    "1e400",
    ".inf",
    "2026-02-30",
    "{}",
    "[]",
    "~",
)


def check(path: Path, content: bytes) -> Catalogue | None:
    """What becomes of a file of this content: a catalogue, or ``None`` and problems that say where and what."""
    path.write_bytes(content)
    read = read_from(path)
    if isinstance(read, Loaded):
        assert describe(read.catalogue, read.warnings)
        return read.catalogue
    lines = content.count(b"\n") + content.count(b"\r") + 1
    assert read.problems
    for problem in read.problems:
        assert 1 <= problem.line <= lines, problem
        assert problem.message, problem
        assert re.match(rf"{re.escape(str(path))}:[0-9]+: ", str(problem)), problem
    return None


def read_from(path: Path) -> Loaded | CatalogueError:
    try:
        return inspect(path)
    except CatalogueError as error:
        return error


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "access.yaml"


def test_the_demo_s_own_file_is_a_catalogue(file: Path) -> None:
    assert check(file, TEXT.encode()) is not None


@fuzzed(120)
@given(changed=mutated((DATA,)))
def test_values_that_are_not_what_they_should_be(file: Path, changed: tuple[int, Any]) -> None:
    # JSON is YAML, and writes what YAML's own writer would refuse.
    check(file, json.dumps(changed[1], indent=1, ensure_ascii=False).encode("utf-8", "surrogatepass"))


@fuzzed(80)
@given(data=st.data())
def test_lines_that_are_lost_doubled_moved_and_broken(file: Path, data: st.DataObject) -> None:
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 4))):
        where = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.sampled_from(["drop", "double", "move", "indent", "snippet", "cut"])):
            case "drop":
                del lines[where]
            case "double":
                lines.insert(where, lines[where])
            case "move":
                lines.insert(data.draw(st.integers(0, len(lines) - 1)), lines.pop(where))
            case "indent":
                lines[where] = data.draw(st.sampled_from([" ", "  ", "\t", "        "])) + lines[where]
            case "snippet":
                cut = data.draw(st.integers(0, len(lines[where])))
                lines[where] = lines[where][:cut] + data.draw(st.sampled_from(SNIPPETS)) + lines[where][cut:]
            case _:
                lines[where] = lines[where][: data.draw(st.integers(0, len(lines[where])))]
    check(file, "".join(lines).encode("utf-8", "surrogatepass"))


@fuzzed(30)
@given(data=st.data())
def test_bytes_that_are_no_text(file: Path, data: st.DataObject) -> None:
    content = bytearray(TEXT.encode())
    for _ in range(data.draw(st.integers(1, 5))):
        where = data.draw(st.integers(0, len(content)))
        content[where : where + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    check(file, bytes(content))


@fuzzed(20)
@given(content=st.binary(max_size=60) | st.sampled_from([text.encode("utf-8", "surrogatepass") for text in ODD_TEXTS]))
def test_files_that_are_nothing_like_it(file: Path, content: bytes) -> None:
    assert check(file, content) is None


BOMBS = {
    "aliases of aliases": "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    + "".join(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 30)),
    "an alias inside of itself": "version: 1\npeople: &a {x: *a}\n",
    "deeper than anything": "version: " + "[" * 100_000,
    "merges of merges": "a0: &a0 {k: v}\n"
    + "".join(f"a{level}: &a{level}\n  <<: [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 25)),
    "keys without end": "version: 1\n" + "".join(f"k{number}: 1\n" for number in range(300_000)),
    "a number without end": "version: " + "9" * 2_000_000,
    "one endless line": "version: '" + "x" * 9_000_000 + "'",
    "a pattern that backtracks": TEXT.replace("version: 1", "version: 1\nx: (a+)+$" + "a" * 60, 1),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_file_made_to_burst_is_refused_with_little_memory_and_time(name: str, tmp_path: Path) -> None:
    """In a process that is killed at a gigabyte or twenty seconds of CPU."""
    file = tmp_path / "access.yaml"
    file.write_text(BOMBS[name], encoding="utf-8")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
        resource.setrlimit(resource.RLIMIT_CPU, (20, 20))

    command = [sys.executable, "-m", "bot", "check", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, check=False)
    assert done.returncode == 1, done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("prodaccess: ")
