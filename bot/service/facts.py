"""What a decision is made from, gathered before it and outside of any transaction.

The directory says who somebody is; sources say who is on call, what a tracker knows of the ticket and who owns the
resource. They are asked only where the role names them, all at the same time, and not waited for long: what is not
there in time, or fails, counts as nobody.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError, Executor, Future
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Generic, TypeVar

import structlog

from bot.core.lookups import Choice, LookUp
from bot.core.model import Account, Ask, Catalogue, Item, Person, Role
from bot.core.policy import Facts, TicketFact
from bot.core.rules import OwnerOf, Schedule, Tracker
from bot.service.caching import Cache
from bot.service.people import People
from bot.service.ports import CloudProvider, KnowsOwners
from bot.service.records import CloudError
from bot.service.sources import OnCall, SourceError, Tickets, in_catalogue

log = structlog.get_logger(__name__)

QUICK: Final = 1.2
"""Seconds that sources have, all together, while somebody waits: Slack gives up on a form after three."""
PATIENT: Final = 8.0
"""Seconds that they have where only a worker waits."""
READINGS_LIVE: Final = timedelta(minutes=1)
"""Of what was read in the cloud: owners, and what can be chosen."""

T = TypeVar("T")
OwnerKey = tuple[str, str, str, tuple[tuple[str, str], ...], OwnerOf]
"""The catalogue's digest, account, role, parameters, and whose owner."""
ChoicesKey = tuple[str, Account, LookUp]
"""The provider's name, where, and what."""


class Nowhere:
    """Where no source is there to be asked."""

    def on_call(self, schedule: Schedule, at: datetime) -> tuple[str, ...]:
        """Raises SourceError."""
        raise SourceError(f"{schedule.id} is asked by nobody here", passing=False)

    def look(self, tracker: Tracker, key: str) -> TicketFact:
        """Raises SourceError."""
        raise SourceError(f"{tracker.id} is asked by nobody here", passing=False)

    def check(self, tracker: Tracker) -> None:
        """Raises SourceError."""
        raise SourceError(f"{tracker.id} is asked by nobody here", passing=False)


@dataclass(frozen=True, slots=True)
class Sources:
    """Who can be asked, and in whose threads; without an executor in the caller's own, one after the other."""

    on_call: OnCall = field(default_factory=Nowhere)
    tickets: Tickets = field(default_factory=Nowhere)
    executor: Executor | None = None
    owners: Cache[OwnerKey, str] = field(default_factory=lambda: Cache(READINGS_LIVE, time.monotonic))
    choices: Cache[ChoicesKey, tuple[Choice, ...]] = field(default_factory=lambda: Cache(READINGS_LIVE, time.monotonic))

    def begin(self, what: str, ask: Callable[[], T]) -> "Question[T]":
        """Ask, and do not wait for the answer."""
        if self.executor is not None:
            return Question(what, self.executor.submit(ask))
        answered: Future[T] = Future()
        try:
            answered.set_result(ask())
        except Exception as error:  # raised where the answer is looked at
            answered.set_exception(error)
        return Question(what, answered)


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """Something that a source was asked; ``what`` is how the log names it."""

    what: str
    asked: "Future[T]"

    def answer(self, by: float, unknown: list[str]) -> T | None:
        """What was said before ``by`` (``time.monotonic``). ``None``: nothing, and one line is logged.

        Why is added to ``unknown``, as a sentence, where it may be said later.
        """
        passing = True
        try:
            return self.asked.result(max(0.0, by - time.monotonic()))
        except SourceError as error:
            why, passing = str(error), error.passing
        except (TimeoutError, CancelledError):
            why = f"{self.what} could not be had in time"
        except Exception as error:
            log.exception("source.failed", what=self.what)
            why, passing = f"{self.what} could not be had ({type(error).__name__})", False
        log.warning("source.unknown", what=self.what, why=why, passing=passing)
        if passing:
            unknown.append(f"{why}.")
        return None


@dataclass(frozen=True, slots=True)
class _Questions:
    """What was asked for one item."""

    on_call: Mapping[str, Sequence[Question[tuple[str, ...]]]]
    ticket: Question[TicketFact] | None
    owner: Question[str] | None

    def __bool__(self) -> bool:
        return bool(self.on_call or self.ticket or self.owner)

    def added_to(self, facts: Facts, person_of: Callable[[str], Person | None], by: float) -> Facts:
        """``facts`` with what was answered before ``by`` (``time.monotonic``); the rest stays absent."""
        on_call, unknown = dict[str, tuple[Person, ...]](), list[str]()
        for schedule, questions in self.on_call.items():
            answers = [question.answer(by, unknown) for question in questions]
            if all(answer is not None for answer in answers):
                on_call[schedule] = _known(person_of, [name for answer in answers for name in answer or ()])
        ticket = self.ticket.answer(by, unknown) if self.ticket else None
        owner = self.owner.answer(by, unknown) if self.owner else None
        owners = _known(person_of, [owner] if owner else [])
        return replace(facts, on_call=on_call, ticket=ticket, owners=owners, unknown=tuple(unknown))


@dataclass(frozen=True, slots=True)
class Gathering:
    """Gathers facts. Calls the directory and sources, so never under a database lock. ``clock``: UTC."""

    people: People
    providers: Mapping[str, CloudProvider]
    sources: Sources
    clock: Callable[[], datetime]

    def facts(
        self,
        requester: Person,
        ask: Ask,
        at: int = 0,
        *,
        catalogue: Catalogue | None = None,
        moments: Sequence[datetime] = (),
        within: float = QUICK,
    ) -> Facts:
        """For the item ``at`` of the ask, whose role is in the ``catalogue``; ``None``: the one in use.

        Whoever was on call at one of ``moments`` (UTC) is; by default now. Raises DirectoryError.
        """
        catalogue, by = catalogue or self.people.catalogue(), time.monotonic() + within
        asked = self._ask(catalogue, ask.items[at], ask.ticket, moments)
        facts = self.people.facts(catalogue.roles[ask.items[at].role], requester)
        return asked.added_to(facts, in_catalogue(catalogue), by) if asked else facts

    def facts_if_any(self, requester: Person, ask: Ask, at: int = 0) -> Facts:
        """As ``facts``; nothing is known of the chat when it cannot be asked. For what must not wait, like revoking."""
        catalogue, by = self.people.catalogue(), time.monotonic() + QUICK
        asked = self._ask(catalogue, ask.items[at], ask.ticket, ())
        facts = self.people.facts_if_any(catalogue.roles[ask.items[at].role], requester)
        return asked.added_to(facts, in_catalogue(catalogue), by) if asked else facts

    def ticket(self, tracker: Tracker, key: str) -> TicketFact | None:
        """What a tracker says, to a worker that waits for it; ``None`` where it cannot say."""
        return self._ask_ticket(tracker, key).answer(time.monotonic() + PATIENT, [])

    def _ask(self, catalogue: Catalogue, item: Item, ticket: str, moments: Sequence[datetime]) -> _Questions:
        role = catalogue.roles[item.role]
        schedules = [catalogue.schedules[each] for each in _schedules(role) if each in catalogue.schedules]
        when = (moments or (self.clock(),)) if schedules else ()
        rule = role.ticket
        tracker = catalogue.trackers.get(rule.tracker) if rule and rule.fits(ticket) else None
        return _Questions(
            {each.id: [self._ask_on_call(each, moment) for moment in when] for each in schedules},
            self._ask_ticket(tracker, ticket) if tracker else None,
            self._ask_owner(catalogue, role, item),
        )

    def _ask_on_call(self, schedule: Schedule, at: datetime) -> Question[tuple[str, ...]]:
        sources = self.sources
        # A rota of the file costs nothing, and does not wait behind what does.
        asked = replace(sources, executor=None) if schedule.kind == "static" else sources
        return asked.begin(f"who is on call by {schedule.id}", partial(sources.on_call.on_call, schedule, at))

    def _ask_ticket(self, tracker: Tracker, key: str) -> Question[TicketFact]:
        return self.sources.begin(f"{key} in {tracker.id}", partial(self.sources.tickets.look, tracker, key))

    def _ask_owner(self, catalogue: Catalogue, role: Role, item: Item) -> Question[str] | None:
        account, provider = catalogue.accounts.get(item.account), self.providers.get(role.provider)
        owners = {stage.owner for stage in role.stages if stage.owner is not None}
        # One alone, or a stage would take the owner that is meant for another.
        if len(owners) != 1 or account is None or not isinstance(provider, KnowsOwners):
            return None
        (owner,) = owners
        if not item.params.get(owner.parameter):
            return None
        key = (catalogue.digest, account.id, role.id, tuple(sorted(item.params.items())), owner)

        def read() -> str:
            try:
                return provider.owner(account, role, item.params, owner.parameter, owner.tag)
            except CloudError as error:
                raise SourceError(str(error).removesuffix("."), passing=error.passing) from None

        name = f"the owner of {owner.parameter} in {account.id}"
        return self.sources.begin(name, lambda: self.sources.owners.get(key, account.id, name, read))


def _schedules(role: Role) -> tuple[str, ...]:
    """The ids of those that the role names, each once."""
    named = [stage.on_call for stage in role.stages] + [role.auto.on_call if role.auto else ""]
    return tuple(dict.fromkeys(filter(None, named)))


def _known(person_of: Callable[[str], Person | None], names: Iterable[str]) -> tuple[Person, ...]:
    """The people that these addresses and ids name, each once; whoever is not in the catalogue is left out."""
    people = {person.id: person for person in map(person_of, names) if person is not None}
    return tuple(people.values())
