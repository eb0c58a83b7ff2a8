"""People, and when they are away."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Person:
    """A human. Two records are the same person when they share any identity.

    ``identities`` maps an account id to the principal that is theirs there, ``user/NAME`` or ``role/NAME``.
    A person known only from the chat directory has an id that starts with ``slack:`` and no identities.
    """

    id: str
    name: str
    email: str | None = None
    slack_ids: frozenset[str] = frozenset()
    manager: str | None = None
    groups: frozenset[str] = frozenset()
    identities: Mapping[str, str] = field(default_factory=dict)

    def is_same_human(self, other: "Person") -> bool:
        """Whether any identity is shared: id, Slack id, e-mail or a principal in some account."""
        if self.id == other.id or self.slack_ids & other.slack_ids:
            return True
        if self.email and other.email and self.email.casefold() == other.email.casefold():
            return True
        return bool(set(self.identities.items()) & set(other.identities.items()))


@dataclass(frozen=True, slots=True)
class Absence:
    """Somebody approves nothing until ``until`` (UTC, exclusive); ``delegate`` (person id) does it meanwhile."""

    person: str
    since: datetime
    until: datetime
    delegate: str | None = None
