"""Facts from outside: who is on call and what a tracker says of a ticket. What cannot be had is absent."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from bot.core.model import Catalogue, Person
from bot.core.policy.facts import TicketFact
from bot.core.rules import Schedule, Tracker


class SourceError(Exception):
    """A source could not say. The text says why, as a sentence without its full stop and without a secret.

    ``passing``: it may answer if it is asked again later. ``retry_after``: not before that, as it said itself.
    """

    def __init__(self, message: str, *, passing: bool, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.passing = passing
        self.retry_after = retry_after


class Token(Protocol):
    """A secret that shows itself to nobody but ``reveal``."""

    def reveal(self) -> str: ...


class OnCall(Protocol):
    """Who is on call."""

    def on_call(self, schedule: Schedule, at: datetime) -> tuple[str, ...]:
        """Person ids (``static``) or e-mail addresses of who is on call at ``at`` (UTC), each once; nobody is empty.

        May be half a minute old. Raises SourceError.
        """
        ...


class Tickets(Protocol):
    """What trackers say of tickets."""

    def look(self, tracker: Tracker, key: str) -> TicketFact:
        """A ticket that is not there, or that the token may not see, is not found. May be half a minute old.

        Raises SourceError.
        """
        ...

    def check(self, tracker: Tracker) -> None:
        """Ask something cheap that only a token answers which may read tickets there. Nothing is remembered.

        Raises SourceError, also for what would not be told from a ticket that is not there.
        """
        ...


def in_catalogue(catalogue: Catalogue) -> Callable[[str], Person | None]:
    """Finds the catalogue's person by what a source names: an e-mail address, or an id where it holds no @."""
    by_mail = {person.email.casefold(): person for person in catalogue.people.values() if person.email}
    return lambda name: by_mail.get(name.casefold()) if "@" in name else catalogue.people.get(name)
