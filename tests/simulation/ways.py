"""Steps of access that goes another way: made longer, had by breaking glass and reviewed; and of who is away."""

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.core.decisions import Outcome, Refusal
from bot.core.model import Absence, Person
from bot.core.policy import Verdict
from tests.core.examples import HOUR, MINUTE, actor
from tests.simulation.people import Click, code_of, send

if TYPE_CHECKING:
    from tests.simulation.history import History
    from tests.simulation.replica import Replica


def extend(history: "History") -> Click | None:
    """Its holder, mostly, asks to go on from a grant that is active, mostly."""
    rng, book = history.rng, history.company.invariants.book
    active = [key for key, entry in book.grants.items() if entry.status == "active"]
    grant_id = rng.choice(active) if active and rng.random() < 0.9 else history.pick_grant()
    if grant_id is None:
        return None
    entry = book.grants.get(grant_id)
    person = entry.person if entry and rng.random() < 0.95 else "bob"
    longer, code = rng.choice((MINUTE, 15 * MINUTE, HOUR)), code_of(history, person)

    def act(replica: "Replica") -> Outcome | str:
        who = replica.person(person)
        found = replica.extending.of(grant_id, who)
        if isinstance(found, Refusal):
            return found
        draft = replica.access.draft(who, replace(found.ask, duration=longer))
        if isinstance(draft, Verdict):
            return "may not: " + draft.refusals[0].text
        history.drafts.append(draft)
        return send(replica, draft, code)

    return f"{person} makes {grant_id} longer by {longer}", act


def review(history: "History") -> Click | None:
    """Somebody looks at what was had by breaking glass; not always somebody who may, and not always in time."""
    broken = [
        key for key, entry in history.company.invariants.book.requests.items() if "request.glass-broken" in entry.at
    ]
    if not broken:
        return None
    request_id, person = history.rng.choice(broken), history.rng.choice(("sam", "otto", "mona", "alice"))
    return reviewed(request_id, person, objects=history.rng.random() < 0.3)


def reviewed(request_id: str, person: str, *, objects: bool = False, known: Person | None = None) -> Click:
    """The click of somebody who reviews it; ``known`` where an edge knows already who that is."""

    def act(replica: "Replica") -> Outcome:
        who, note = known or replica.person(person), "Odd." if objects else ""
        return replica.reviews.review(request_id, who, actor(person), objects=objects, note=note)

    return f"{person} {'objects to' if objects else 'reviews'} {request_id}", act


def be_away(history: "History") -> Click:
    """An approver, or an admin for one, says until when; mostly somebody stands in."""
    rng, now = history.rng, history.company.time.now()
    person, delegate = rng.choice(("mona", "otto", "sam")), rng.choice(("mona", "otto", "sam", "bob", None))
    wanted = Absence(person, now, now + rng.choice((MINUTE, 20 * MINUTE, 2 * HOUR)), delegate)
    by = person if rng.random() < 0.8 else "sam"
    code = code_of(history, by) if delegate else ""

    def act(replica: "Replica") -> Outcome | str:
        said = replica.absences.begin(wanted, replica.person(by), actor(by), code)
        return said if isinstance(said, Refusal) else f"away until {said.until}"

    return f"{by} lets {person} be away, {delegate or 'nobody'} stands in", act


def come_back(history: "History") -> Click | None:
    """Before the time."""
    away = list(history.company.invariants.book.away(history.company.time.now()))
    if not away:
        return None
    person = history.rng.choice(away)

    def act(replica: "Replica") -> Outcome | str:
        return replica.absences.end(person, replica.person(person), actor(person)) or "back"

    return f"{person} is back", act
