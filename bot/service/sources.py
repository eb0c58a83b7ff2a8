"""Facts from outside: who is on call and what a tracker says of a ticket. What cannot be had is absent."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from bot.core.model import Catalogue, Person
from bot.core.policy.facts import TicketFact
from bot.core.rules import Schedule, Tracker

log = structlog.get_logger(__name__)


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


def gather_on_call(
    source: OnCall, schedules: Iterable[Schedule], at: datetime, person_of: Callable[[str], Person | None]
) -> Mapping[str, tuple[Person, ...]]:
    """Schedule id → who is on call at ``at`` (UTC), for the facts of a decision.

    A schedule that cannot be had is absent, and one line is logged; somebody whom ``person_of`` does not know is left
    out. Raises what ``person_of`` raises.
    """
    found: dict[str, tuple[Person, ...]] = {}
    for schedule in schedules:
        try:
            names = source.on_call(schedule, at)
        except SourceError as error:
            log.warning("oncall.unknown", schedule=schedule.id, why=str(error), passing=error.passing)
            continue
        people = {person.id: person for person in map(person_of, names) if person is not None}
        found[schedule.id] = tuple(people.values())
    return found


def gather_ticket(tickets: Tickets, tracker: Tracker, key: str) -> TicketFact | None:
    """What the tracker says; ``None`` where it cannot say, and one line is logged."""
    try:
        return tickets.look(tracker, key)
    except SourceError as error:
        log.warning("ticket.unknown", tracker=tracker.id, ticket=key, why=str(error), passing=error.passing)
        return None


def in_catalogue(catalogue: Catalogue) -> Callable[[str], Person | None]:
    """Finds the catalogue's person by what a source names: an e-mail address, or an id where it holds no @."""
    by_mail = {person.email.casefold(): person for person in catalogue.people.values() if person.email}
    return lambda name: by_mail.get(name.casefold()) if "@" in name else catalogue.people.get(name)
