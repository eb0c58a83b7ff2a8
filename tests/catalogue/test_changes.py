"""Who approves changes of the file, by the file."""

from collections.abc import Callable

import pytest

from bot.catalogue import File, Loaded, Problem, load
from bot.core.guarding import change_approvers
from bot.core.model import ChangeRule

Check = Callable[..., list[Problem]]
Load = Callable[..., Loaded]
GROUPS = "groups:\n"


def rule(approve: str) -> tuple[str, str]:
    return GROUPS, f"changes: {{approve: {approve}}}\n{GROUPS}"


def test_without_a_rule_changes_wait_for_nobody(loaded: Load) -> None:
    assert loaded().catalogue.changes is None
    assert change_approvers(loaded().catalogue) == frozenset()


def test_a_rule_names_people_groups_and_admins(loaded: Load) -> None:
    catalogue = loaded(rule("{people: [maya], groups: [leads]}")).catalogue
    assert catalogue.changes == ChangeRule(people=frozenset({"maya"}), groups=frozenset({"leads"}))
    assert change_approvers(catalogue) == {"maya", "ines", "ravi"}
    assert change_approvers(loaded(rule("{admins: true, people: [maya]}")).catalogue) == {"sam", "maya"}


@pytest.mark.parametrize(
    ("approve", "says"),
    [
        ("{}", "changes.approve: names nobody → write admins: true, or name people or groups"),
        ("{people: [nobody]}", "changes.approve.people[0]: “nobody” is no person of this catalogue"),
        ("{groups: [lads]}", "changes.approve.groups[0]: “lads” is no group of this catalogue → did you mean leads?"),
        ("{quorum: 2}", "changes.approve.quorum: is not a known key"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(errors: Check, approve: str, says: str) -> None:
    found = [f"{each.path}: {each.message}{f' → {each.hint}' if each.hint else ''}" for each in errors(rule(approve))]
    assert any(each.startswith(says) for each in found), found


def test_a_rule_under_which_nobody_could_approve_is_refused(errors: Check) -> None:
    (problem,) = errors(rule("{groups: [nobody]}"), ("  leads:", "  nobody: []\n  leads:"))
    assert problem.message == "nobody could approve a change"


def test_a_rule_with_one_person_is_worth_a_second_look(loaded: Load) -> None:
    said = [each.message for each in loaded(rule("{admins: true}")).warnings if each.path == "changes.approve"]
    assert said == ["only one person can approve changes, and not those that they gain by"]
    assert not [each for each in loaded(rule("{people: [maya, ines]}")).warnings if each.path == "changes.approve"]


def test_a_file_means_what_it_says_read_in_two_steps_or_in_one(write: Callable[..., object]) -> None:
    path = write()
    file = File(path)  # type: ignore[arg-type]
    assert file.parse(file.read()) == load(path)  # type: ignore[arg-type]
