"""What is asked for, before anybody was asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.core.model.digests import digest_of


@dataclass(frozen=True, slots=True)
class Item:
    """One target of an ask: a role in an account, with its parameters."""

    role: str
    account: str
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ask:
    """What someone asks for, before anybody was asked. ``start_at`` ``None`` means at the approval."""

    requester: str
    role: str
    account: str
    params: Mapping[str, str]
    work: str
    duration: timedelta
    reason: str
    ticket: str = ""
    start_at: datetime | None = None
    more: tuple[Item, ...] = ()
    """Further targets: all of them or none."""
    break_glass: bool = False
    """At once and without an approver, to be reviewed afterwards."""
    extends: str = ""
    """The id of the grant that this goes on from."""

    @property
    def items(self) -> tuple[Item, ...]:
        """Every target, the first one included."""
        return (Item(self.role, self.account, self.params), *self.more)

    def digest(self) -> str:
        """SHA-256 (hex) of all that a step-up or an approval confirms."""
        said: dict[str, object] = {
            "requester": self.requester,
            "role": self.role,
            "account": self.account,
            "params": dict(self.params),
            "work": self.work,
            "duration": int(self.duration.total_seconds()),
            "reason": self.reason,
            "ticket": self.ticket,
            "start_at": self.start_at.isoformat() if self.start_at else None,
        }
        # Only where they are used: the digests of what was asked before there were these stay what they were.
        if self.more:
            said["more"] = [[item.role, item.account, dict(item.params)] for item in self.more]
        if self.break_glass:
            said["break_glass"] = True
        if self.extends:
            said["extends"] = self.extends
        return digest_of(said)


@dataclass(frozen=True, slots=True)
class Favourite:
    """An ask that a person keeps at hand under ``title``; its requester is that person."""

    id: str
    title: str
    ask: Ask
    kept_at: datetime
