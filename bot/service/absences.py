"""Who is away, and who approves in their place: said by themselves or by an admin, ended by time or before it.

A delegate approves with the power of another: to name one takes a code, as approving does.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core import absences as rules
from bot.core.audit import SYSTEM, Actor
from bot.core.decisions import Refusal
from bot.core.model import Absence, Catalogue, Effect, Person
from bot.service.effects import finished
from bot.service.ports import Store, Tx
from bot.service.proof import REFUSED, Codes
from bot.service.records import Claim

NOT_YOURS = Refusal("policy", "Only an admin may say that somebody else is away, or back.")
CODE = "code"
"""The refusal code of a TOTP code that is missing or was not accepted."""


@dataclass(frozen=True, slots=True)
class Absences:
    """The use cases. Safe to share between threads; blocks for short transactions."""

    store: Store
    catalogue: Callable[[], Catalogue]
    codes: Codes

    def begin(self, wanted: Absence, by: Person, actor: Actor, code: str = "") -> Absence | Refusal:
        """Away from now on, until ``wanted.until`` (UTC), in place of what was said before."""
        absence = replace(wanted, since=self.store.ping())
        if not self._may(by, absence.person):
            return NOT_YOURS
        if why_not := rules.why_not(self.catalogue(), absence):
            return Refusal("policy", why_not)
        if absence.delegate and self.codes.verify(by.id, code, rules.digest(absence), actor) is None:
            return Refusal(CODE, REFUSED)
        with self.store.transaction() as tx:
            tx.guard([_guard(absence.person)])
            before = tx.absences().get(absence.person)
            tx.save_absence(absence)
            told = _told(absence) if absence.delegate else ()
            _enqueue(tx, _over(absence), *told, *_shown(tx, absence), *(_homes(before, tx.now()) if before else ()))
            tx.append([rules.began(absence, actor)])
        return absence

    def end(self, person: str, by: Person, actor: Actor) -> Refusal | None:
        """Back before the time."""
        if not self._may(by, person):
            return NOT_YOURS
        with self.store.transaction() as tx:
            tx.guard([_guard(person)])
            absence = tx.absences().get(person)
            if absence is None:
                return Refusal("late", "That person is not away." if by.id != person else "You are not away.")
            tx.cancel([_key(person)])
            # It is kept with its end: a yes that was said meanwhile goes on counting.
            tx.save_absence(replace(absence, until=tx.now()))
            _end(tx, absence, actor)
        return None

    def of(self, person: str) -> Absence | None:
        """How this person (id) is away now."""
        with self.store.transaction() as tx:
            return tx.absences().get(person)

    def _may(self, by: Person, person: str) -> bool:
        return by.id == person or by.id in self.catalogue().admins


def over(store: Store, claim: Claim) -> None:
    """The time is up. The effect of an absence that was said anew meanwhile is that one's."""
    with store.transaction() as tx:
        tx.guard([_guard(claim.subject)])
        if not finished(tx, claim):
            return
        absence = tx.absences().get(claim.subject)
        if absence is not None:
            _enqueue(tx, _over(absence))
            return
        delegate = claim.payload["delegate"] or None
        until, since = (datetime.fromisoformat(claim.payload[name]) for name in ("until", "since"))
        _end(tx, Absence(claim.subject, since, until, delegate), SYSTEM)


def _end(tx: Tx, absence: Absence, actor: Actor) -> None:
    """Once, however it ends. Who is back is asked from now on, and gets the cards of what waits."""
    if tx.once(f"absence-ended:{absence.person}:{absence.since.isoformat()}", tx.now() + rules.LONGEST):
        _enqueue(tx, *_shown(tx, absence))
        tx.append([rules.ended(absence, actor)])


def _enqueue(tx: Tx, *effects: Effect) -> None:
    """Each key once, and in the order in which everybody else takes them."""
    tx.enqueue(sorted({effect.key: effect for effect in effects}.values(), key=lambda effect: effect.key))


def _over(absence: Absence) -> Effect:
    about = {"since": absence.since.isoformat(), "until": absence.until.isoformat(), "delegate": absence.delegate or ""}
    return Effect("absence.end", absence.person, _key(absence.person), absence.until, about)


def _told(absence: Absence) -> tuple[Effect, ...]:
    key = f"away:{absence.person}:{absence.since.isoformat()}"
    return (Effect("chat.away", absence.person, key, absence.since, {"since": absence.since.isoformat()}),)


def _shown(tx: Tx, absence: Absence) -> list[Effect]:
    """Bring up to date what waits for them: their delegate is asked, or they are again; and both pages."""
    now = tx.now()
    waiting = tx.pending_for(absence.person)
    return [
        *(Effect("chat.cards", request.id, f"cards:{request.id}", now) for request in waiting),
        *_homes(absence, now),
    ]


def _homes(absence: Absence, now: datetime) -> list[Effect]:
    people = [absence.person, *([absence.delegate] if absence.delegate else [])]
    return [Effect("chat.home", person, f"home:{person}", now) for person in people]


def _guard(person: str) -> str:
    return f"absence:{person}"


def _key(person: str) -> str:
    return f"absence:{person}"
