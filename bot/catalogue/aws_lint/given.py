"""What a role gives, statement by statement, as the checks look at it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from bot.catalogue.aws_lint import arns
from bot.catalogue.aws_lint.database import Action, Database, ResourceType
from bot.catalogue.problems import Path
from bot.catalogue.schema import Role, Statement

SHOWN = 6
"""How many names are written out in a finding."""
Pattern: TypeAlias = "tuple[int, str, tuple[Action, ...]]"


@dataclass(frozen=True)
class Given:
    """One statement of a role."""

    path: Path
    role: Role
    statement: Statement
    database: Database
    applying: dict[Action, bool] = field(default_factory=dict)

    @cached_property
    def patterns(self) -> tuple[Pattern, ...]:
        """Index, text and real actions of every entry in ``actions``; without those that cover nothing."""
        found = ((at, text, self.database.expand(text)) for at, text in enumerate(self.statement.actions))
        return tuple(each for each in found if each[2])

    @cached_property
    def targets(self) -> tuple[tuple[int, str, arns.Arn], ...]:
        """Index, text and shape of every resource that is a whole ARN, or ``*``."""
        return tuple(
            (at, text, arns.of_resource(text, self.role.parameters))
            for at, text in enumerate(self.statement.resources)
            if arns.is_whole(text)
        )

    @property
    def is_unlimited(self) -> bool:
        """Whether ``*`` is among the resources."""
        return "*" in self.statement.resources

    def applies(self, action: Action) -> bool:
        """Whether some resource of the statement is one that the action can be about."""
        if self.is_unlimited:
            return True
        if action not in self.applying:
            self.applying[action] = any(fits(action, target) for _, _, target in self.targets)
        return self.applying[action]


def given_by(role_id: str, role: Role, database: Database) -> tuple[Given, ...]:
    """A role's statements."""
    return tuple(
        Given(("roles", role_id, "statements", at), role, statement, database)
        for at, statement in enumerate(role.statements)
    )


def fits(action: Action, target: arns.Arn) -> bool:
    """Whether an action can be about a resource."""
    return any(arns.overlap(arns.of_type(each.arn), target) for each in action.types)


def forms(actions: Sequence[Action], near: str = "") -> str:
    """The ARNs that these actions can be narrowed to, as a hint: of the service of ``near``, if any are."""
    found: dict[str, ResourceType] = {each.arn: each for action in actions for each in action.types}
    types = sorted(found.values(), key=lambda each: len(each.arn))
    service = near.split(":")[2] if near.count(":") > 1 else ""
    types = [each for each in types if each.arn.split(":")[2] == service] or types
    shown = [each.form for each in types[:3]]
    return f"write {' or '.join(shown)}{' …' if len(types) > 3 else ''}" if shown else ""


def few(actions: Sequence[Action]) -> str:
    """Some names, and how many there are beside them."""
    more = len(actions) - SHOWN
    return ", ".join(map(str, actions[:SHOWN])) + (f" and {more} more" if more > 0 else "")


def count(number: int, one: str) -> str:
    """``1 action``, ``2 actions``."""
    return f"{number:,} {one}{'' if number == 1 else 's'}"


def levels(actions: Sequence[Action]) -> Iterator[str]:
    """How many of ``actions`` do what, the worst first."""
    for words, names in (
        ("manage permissions", {"Permissions management"}),
        ("write", {"Write"}),
        ("tag", {"Tagging"}),
        ("read or list", {"Read", "List"}),
    ):
        if number := sum(action.level in names for action in actions):
            yield f"{number} {words if number > 1 else words.replace('manage', 'manages').replace('write', 'writes')}"
