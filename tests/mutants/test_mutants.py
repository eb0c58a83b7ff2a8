"""The list fits today's code, and what judges it can tell a mutant that is noticed from one that is not."""

import re
from dataclasses import replace

import pytest

from tests.mutants.mutant import ROOT, Mutant, Rotten
from tests.mutants.running import Fate, judged
from tests.mutants.table import MUTANTS

BY_NAME = {mutant.name: mutant for mutant in MUTANTS}
ONE = Mutant("one", "bot/x.py", "if ok:", "if True:", ("tests/test_x.py::test_it",))
FAILED = "FAILED tests/test_x.py::test_it[1 - 2] - assert 1 == 2\n1 failed in 0.10s\n"


@pytest.fixture(scope="module")
def claims() -> frozenset[str]:
    """The name of every test there is."""
    files = (ROOT / "tests").rglob("*.py")
    found = (re.findall(r"def (test_\w+)\(", file.read_text(encoding="utf-8")) for file in files)
    return frozenset(name for names in found for name in names)


@pytest.mark.parametrize("mutant", MUTANTS, ids=BY_NAME)
def test_each_stands_once_in_the_code_and_its_tests_are_there(mutant: Mutant, claims: frozenset[str]) -> None:
    mutated = mutant.mutated((ROOT / mutant.file).read_text(encoding="utf-8"))
    compile(mutated, mutant.file, "exec")
    assert mutant.killed_by
    assert [file for file in mutant.test_files if not (ROOT / file).is_file()] == []
    named = {test.partition("[")[0].rpartition("::")[2] for test in mutant.killed_by}
    assert {name for name in named if name.startswith("test_")} <= claims


def test_no_two_have_one_name_or_are_one() -> None:
    assert len(BY_NAME) == len(MUTANTS)
    assert len({(mutant.file, mutant.before, mutant.after) for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("text", ["", "if ok:\n    if ok:\n"])
def test_what_does_not_stand_there_exactly_once_is_refused(text: str) -> None:
    with pytest.raises(Rotten, match="one: its text is found"):
        ONE.mutated(text)


def test_what_changes_nothing_is_refused() -> None:
    with pytest.raises(Rotten, match="changes nothing"):
        replace(ONE, after=ONE.before).mutated("if ok:")


@pytest.mark.parametrize(
    ("status", "output", "fate"),
    [
        (1, FAILED, Fate.KILLED),
        (0, "1 passed in 0.10s\n", Fate.SURVIVED),
        (1, "ERROR tests/test_x.py::test_it - KeyError\n1 error in 0.10s\n", Fate.BROKEN),
        (2, "ERROR tests/test_x.py - ImportError\n", Fate.BROKEN),
        (4, "ERROR: not found\n", Fate.BROKEN),
        (5, "no tests ran\n", Fate.BROKEN),
        (None, "", Fate.BROKEN),
    ],
)
def test_only_a_test_that_ran_and_failed_kills(status: int | None, output: str, fate: Fate) -> None:
    assert judged(ONE, status, output)[0] is fate


def test_the_test_that_failed_first_is_named() -> None:
    assert judged(ONE, 1, FAILED)[1] == "tests/test_x.py::test_it[1 - 2]"


def test_tests_that_come_to_no_end_kill_only_what_may_hang() -> None:
    assert judged(replace(ONE, may_hang=True), None, "")[0] is Fate.KILLED
