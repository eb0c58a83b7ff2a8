"""Tickets as the rules see them, and where they are kept. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tracker:
    """Where tickets are kept: ``jira``, ``github`` or ``linear``, at ``url``."""

    id: str
    kind: str
    url: str
    project: str = ""
    """``OWNER/REPOSITORY`` at GitHub."""


@dataclass(frozen=True, slots=True)
class TicketFact:
    """What a tracker says of a ticket; ``severity`` in lower case, empty where it has none.

    ``key`` is as it was asked for, however the tracker writes it.
    """

    key: str
    found: bool
    open: bool = False
    severity: str = ""
    title: str = ""
