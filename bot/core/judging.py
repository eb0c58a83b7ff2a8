"""Who may decide a change of the catalogue: the rule of the one that is live, and nobody who gains by it. Pure."""

from dataclasses import dataclass

from bot.core.decisions import Refusal
from bot.core.difference import Difference, Direction, Kind
from bot.core.guarding import change_approvers
from bot.core.model import Catalogue, Person
from bot.core.versions import Standing, Version


@dataclass(frozen=True, slots=True)
class Judging:
    """What the rules of deciding look at. ``before`` is the live catalogue, whose rule counts."""

    version: Version
    before: Catalogue
    after: Catalogue
    found: Difference
    person: Person
    approving: bool


def why_not(j: Judging) -> Refusal | None:
    """Why this person may not decide this change, now; ``None`` when they may."""
    if j.person.id not in change_approvers(j.before):
        return Refusal("policy", "You may not decide changes of access.yaml; the file in use says who may.")
    if j.version.standing is not Standing.WAITING or j.version.before != j.before.digest:
        return Refusal("late", f"This change is not waiting any more: it is {j.version.standing}.")
    if j.approving and gains(j.found, j.before, j.after, j.person):
        return Refusal("separation", "You gain by this change yourself: somebody else has to approve it.")
    return None


_OWN_GAINS = frozenset({Kind.RULE, Kind.ADMIN, Kind.IDENTITY, Kind.APPROVE, Kind.ASK})


def gains(found: Difference, before: Catalogue, after: Catalogue, person: Person) -> bool:
    """Whether a change gives this human, under any name, something for themselves.

    What a role gives to everybody who may ask for it is nobody's own.
    """
    gained = {each.person for each in found.changes if each.direction is Direction.GAINED and each.kind in _OWN_GAINS}
    known = (side.people[each] for side in (before, after) for each in gained if each in side.people)
    return person.id in gained or any(each.is_same_human(person) for each in known)
