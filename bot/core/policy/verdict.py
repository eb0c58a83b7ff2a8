"""What rules say: reasons, and the verdict that they make together."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

_F = TypeVar("_F")


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule's word. ``field`` is the form's field that would have to change, where there is one."""

    rule: str
    satisfied: bool
    text: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Every reason, satisfied or not."""

    reasons: tuple[Reason, ...]

    @property
    def allowed(self) -> bool:
        """Whether there is a reason and none is unsatisfied."""
        return bool(self.reasons) and all(reason.satisfied for reason in self.reasons)

    @property
    def refusals(self) -> tuple[Reason, ...]:
        """The unsatisfied reasons."""
        return tuple(reason for reason in self.reasons if not reason.satisfied)


def words_of(rules: Iterable[Callable[[_F], Iterable[Reason]]], case: _F) -> tuple[Reason, ...]:
    """What all rules say of a case, in their order."""
    return tuple(reason for rule in rules for reason in _word_of(rule, case))


def _word_of(rule: Callable[[_F], Iterable[Reason]], case: _F) -> tuple[Reason, ...]:
    try:
        return tuple(rule(case))
    except Exception as error:  # a rule that cannot be evaluated refuses; the reason tells people which
        name = getattr(rule, "__name__", "rule").strip("_").replace("_", " ")
        return (Reason("error", False, f"The rule “{name}” could not be evaluated ({type(error).__name__})."),)
