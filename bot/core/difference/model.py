"""What changes for people between two catalogues, as records."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class Kind(StrEnum):
    """What is different, most dangerous first."""

    RULE = "rule"
    """Who has to approve changes of the catalogue."""
    ADMIN = "admin"
    IDENTITY = "identity"
    """A Slack account, an e-mail address or a principal that is a person's."""
    ACCOUNT = "account"
    CHANNEL = "channel"
    """Where people are told and asked."""
    PERMISSION = "permission"
    PARAMETER = "parameter"
    APPROVE = "approve"
    """``person`` approves ``role`` for the person in ``what``."""
    RULES = "rules"
    """How a role is asked for and approved, beside by whom: hours, stages, automatic approval, break-glass …"""
    QUORUM = "quorum"
    STEP_UP = "step-up"
    ASK = "ask"
    LONGEST = "longest"
    TICKET = "ticket"
    PERSON = "person"
    GROUP = "group"
    SETTING = "setting"
    """Anything else that the file says."""


class Direction(StrEnum):
    """Whether somebody may do more, or more easily; ``changed`` where that cannot be told."""

    GAINED = "gained"
    CHANGED = "changed"
    LOST = "lost"


_REVERSED = {
    Direction.GAINED: Direction.LOST,
    Direction.LOST: Direction.GAINED,
    Direction.CHANGED: Direction.CHANGED,
}
_KINDS = {kind: number for number, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is different. ``before`` and ``after`` are in plain words, empty where there is nothing."""

    kind: Kind
    direction: Direction
    role: str = ""
    account: str = ""
    person: str = ""
    what: str = ""
    """Which of several: a kind of work, a parameter, a key of the file …"""
    before: str = ""
    after: str = ""

    @property
    def backwards(self) -> "Change":
        """What it is called from the other side."""
        return replace(self, direction=_REVERSED[self.direction], before=self.after, after=self.before)

    def danger(self) -> tuple[object, ...]:
        """Sorts the most dangerous first, then by name."""
        harmless = self.direction is Direction.LOST
        about = (self.role, self.account, self.person, self.what, self.before, self.after)
        return (harmless, _KINDS[self.kind], self.direction, *about)


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that is different, most dangerous first; empty where two catalogues say the same."""

    changes: tuple[Change, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many changes, by direction and kind such as ``gained.ask``; without those that there are none of."""
        return dict(sorted(Counter(f"{each.direction}.{each.kind}" for each in self.changes).items()))

    def gains_of(self, person: str) -> tuple[Change, ...]:
        """What this person id itself may do, or be, that it may not be or do before."""
        return tuple(each for each in self.changes if each.person == person and each.direction is not Direction.LOST)
