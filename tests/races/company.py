"""The example company with what can be raced for: access that is counted, made longer, or had by breaking glass."""

from dataclasses import replace

from bot.core.model import Person, Role, StepUpPolicy, StepUpRule
from bot.core.rules import Auto, BreakGlass, Caps, Extension, Stage
from tests.core.examples import CATALOGUE as EXAMPLE
from tests.core.examples import DAY, DEPLOY, HOUR, READ

HEADS = 200
"""People who are counted, one for each round: what one of them has had is nothing to the next."""


def name_of(number: int) -> str:
    """A person's id."""
    return f"p-{number}"


def _head(number: int) -> Person:
    name = name_of(number)
    return Person(
        name,
        f"Person {number}",
        f"{name}@example.com",
        frozenset({f"U-{name}"}),
        groups=frozenset({"engineers"}),
        identities={"payments": f"user/{name}"},
    )


def _role(name: str, **changes: object) -> Role:
    """No codes but where nobody stands between; Mona or Otto says yes."""
    stage = Stage(people=frozenset({"mona", "otto"}))
    return replace(DEPLOY, id=name, accounts=frozenset({"payments"}), stages=(stage,), **changes)  # type: ignore[arg-type]


LONGER = replace(READ, id="longer", extend=Extension(HOUR))
ALONE = replace(READ, id="longer-alone", extend=Extension(HOUR, approval=False))
GLASS = _role("glass", break_glass=BreakGlass())
ONCE = _role("once-a-day", auto=Auto(1, DAY))
SINGLE = _role("one-at-a-time", auto=Auto(10, DAY), caps=Caps(per_person=1))
SINGLE_BY_WORD = _role("one-at-a-time-by-word", caps=Caps(per_person=1), ask_step_up=StepUpPolicy(StepUpRule.NEVER))

CATALOGUE = replace(
    EXAMPLE,
    people={**EXAMPLE.people, **{name_of(number): _head(number) for number in range(HEADS)}},
    roles={**EXAMPLE.roles, **{role.id: role for role in (LONGER, ALONE, GLASS, ONCE, SINGLE, SINGLE_BY_WORD)}},
)
