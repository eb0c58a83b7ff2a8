"""What is to be done: effects, and the lanes in which they are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache


@dataclass(frozen=True, slots=True)
class Effect:
    """Something to do at ``due_at`` or later, at least once; one row per ``key``.

    Enqueuing a key that waits moves ``due_at`` to the earlier of both; a key that is being run is run once more, when
    the new one is due.
    """

    kind: str
    subject: str
    key: str
    due_at: datetime
    payload: Mapping[str, str] = field(default_factory=dict)
    who: str = ""
    """Whom its message goes to, where it may be told together with others of its kind: ``person:`` or ``channel:`` and
    an id. Empty: it is always told by itself."""

    @property
    def lane(self) -> str:
        """What it may have to wait for; see ``LANES``."""
        return lane_of(self.kind)


LANES = ("access", "people", "cloud", "sources", "drift", "chat")
"""Lanes have threads of their own, so that none waits for what another waits for.

``access`` waits for nothing but the database, ``people`` for the chat's directory, ``cloud`` for what is granted and
revoked, ``sources`` for trackers, ``drift`` for long looks at the cloud, ``chat`` for messages.
"""


@cache
def lane_of(kind: str) -> str:
    """The lane of an effect's kind."""
    match kind.partition(".")[0]:
        case "chat" | "people" | "drift" as lane:
            return lane
    return {"grant.converge": "cloud", "grant.start": "people", "ticket.watch": "sources"}.get(kind, "access")
