"""Who may say yes, stage by stage, and where a request stands."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.model import Approval, Catalogue, Person, Role
from bot.core.policy.facts import Facts
from bot.core.rules import Escalation, Stage

AT_ONCE = timedelta(0)
EVER = timedelta.max
"""As ``waited``: whoever may come to approve, escalations included."""

Sets = tuple[tuple[Person, ...], ...]
"""For each stage its approvers, by id."""


def approver_set(
    catalogue: Catalogue,
    role: Role,
    requester: Person,
    facts: Facts,
    *,
    waited: timedelta = AT_ONCE,
    now: datetime | None = None,
) -> tuple[Person, ...]:
    """Everyone who may approve this role for this requester in any stage, the requester's own identities left out.

    The catalogue's manager goes before the chat profile's. ``waited`` is how long the request waits already. At ``now``
    (UTC) whoever is away is left out for their delegate; without a time, all in ``facts.away`` are.
    """
    sets = stage_sets(catalogue, role, requester, facts, waited=waited, now=now)
    return _sorted({person.id: person for each in sets for person in each}.values())


def stage_sets(
    catalogue: Catalogue,
    role: Role,
    requester: Person,
    facts: Facts,
    *,
    waited: timedelta = AT_ONCE,
    now: datetime | None = None,
) -> Sets:
    """As ``approver_set``, stage by stage."""
    of = _Of(catalogue, role, requester, facts, now)
    return tuple(_stage_set(of, stage, waited) for stage in role.stages)


def with_stand_ins(sets: Sets, approvals: Iterable[Approval], then: Callable[[Approval], Sets]) -> Sets:
    """With those who said yes in the place of somebody who was away ``then``, and is not any more: their yes stays."""
    found = [{person.id: person for person in each} for each in sets]
    for approval in approvals:
        if not any(approval.person in each for each in found):
            for each, those in zip(found, then(approval), strict=True):
                each.update({person.id: person for person in those if person.id == approval.person})
    return tuple(_sorted(each.values()) for each in found)


def may_revoke(catalogue: Catalogue, approvers: Iterable[Person], person: Person) -> bool:
    """Admins and the role's approvers may stop a grant."""
    return person.id in catalogue.admins or any(person.id == approver.id for approver in approvers)


def stands_for(facts: Facts, person: Person, asked: Iterable[str], now: datetime) -> bool:
    """Whether this person approves, at ``now`` (UTC), in the place of one of ``asked`` (person ids) who is away."""
    return any(person.id == _stand_in(facts, each, now) for each in asked if each != person.id)


def slack_groups_of_approving(role: Role) -> frozenset[str]:
    """The Slack groups whose members have to be known to say who may approve."""
    first = [group for stage in role.stages for group in stage.slack_groups]
    later = [group for stage in role.stages for further in stage.escalate for group in further.slack_groups]
    return frozenset([*first, *later])


# --- where a request stands ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """Whose yes counted in which stage (person ids)."""

    counted: tuple[tuple[str, ...], ...]
    current: int
    """The index of the stage that is on; the number of stages when all are through."""

    @property
    def complete(self) -> bool:
        """Whether there is a stage and each has its quorum."""
        return bool(self.counted) and self.current == len(self.counted)


def standing(stages: Sequence[Stage], sets: Sets, yeses: Sequence[str]) -> Standing:
    """Count person ids in the order in which they spoke. A yes counts once, in the stage that was on, for its members.

    What counts is who is in the sets now: the yes of someone who has left them is no more.
    """
    counted: list[list[str]] = [[] for _ in stages]
    heard: set[str] = set()
    for yes in yeses:
        at = _open(stages, counted)
        if at < len(stages) and yes not in heard and any(person.id == yes for person in sets[at]):
            counted[at].append(yes)
            heard.add(yes)
    return Standing(tuple(map(tuple, counted)), _open(stages, counted))


def are_enough_against(stages: Sequence[Stage], sets: Sets, noes: Sequence[str]) -> bool:
    """Whether with the last of these noes (person ids) there are as many as a stage takes that this person is in.

    In a stage that is through, and in one that is still to come, too: no yes stands in the way of a no.
    """
    members = ({person.id for person in each} for each in sets)
    return any(
        bool(noes) and noes[-1] in ids and len(ids & set(noes)) >= max(1, stage.refusals)
        for stage, ids in zip(stages, members, strict=True)
    )


def can_be_filled(stages: Sequence[Stage], sets: Sets) -> bool:
    """Whether every quorum can be had with each person counted in one stage only."""
    seats = [at for at, stage in enumerate(stages) for _ in range(max(1, stage.quorum))]
    taken: dict[str, int] = {}

    def seat(number: int, tried: set[str]) -> bool:
        for person in sets[seats[number]]:
            if person.id not in tried:
                tried.add(person.id)
                if person.id not in taken or seat(taken[person.id], tried):
                    taken[person.id] = number
                    return True
        return False

    return bool(seats) and all(seat(number, set()) for number in range(len(seats)))


def _open(stages: Sequence[Stage], counted: Sequence[Sequence[str]]) -> int:
    short = (at for at, stage in enumerate(stages) if len(counted[at]) < max(1, stage.quorum))
    return next(short, len(stages))


# --- one stage -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Of:
    catalogue: Catalogue
    role: Role
    requester: Person
    facts: Facts
    now: datetime | None


def _stage_set(of: _Of, stage: Stage, waited: timedelta) -> tuple[Person, ...]:
    named = [*_members(of, stage), *_manager(of, stage), *of.facts.on_call.get(stage.on_call, ())]
    if stage.owner is not None:
        named += of.facts.owners
    for further in stage.escalate:
        if waited >= further.after:
            named += _members(of, further)
    found = _able(of, named)
    if len(found) < stage.quorum or waited == EVER:
        found |= _able(of, _in_groups(of, stage.fallback))
    return _sorted(found.values())


def _able(of: _Of, named: Iterable[Person]) -> dict[str, Person]:
    """Those who are there, or who stands in for them, without the requester and whoever is of the same team."""
    teams = of.requester.groups & of.role.separation.teams
    there = (_present(of, person) for person in named)
    return {
        person.id: person
        for person in there
        if person is not None and not person.is_same_human(of.requester) and person.groups.isdisjoint(teams)
    }


def _members(of: _Of, who: Stage | Escalation) -> Iterator[Person]:
    yield from (of.catalogue.people[each] for each in who.people if each in of.catalogue.people)
    yield from _in_groups(of, who.groups)
    for group in who.slack_groups:
        yield from of.facts.slack_groups.get(group, ())


def _in_groups(of: _Of, groups: Iterable[str]) -> Iterator[Person]:
    people = of.catalogue.people
    for group in groups:
        yield from (people[each] for each in of.catalogue.groups.get(group, ()) if each in people)


def _manager(of: _Of, stage: Stage) -> Iterator[Person]:
    if not stage.manager:
        return
    mapped = of.catalogue.people.get(of.requester.manager) if of.requester.manager else None
    found = mapped or of.facts.manager
    if found is not None:
        yield found


def _present(of: _Of, person: Person) -> Person | None:
    stand_in = _stand_in(of.facts, person.id, of.now)
    return person if stand_in == person.id else of.catalogue.people.get(stand_in or "")


def _stand_in(facts: Facts, person: str, now: datetime | None) -> str | None:
    """The id of who approves in somebody's place: their own when they are there; ``None``: nobody does."""
    passed: set[str] = set()
    current: str | None = person
    while current is not None and current not in passed:
        away = facts.away.get(current)
        if away is None or (now is not None and now >= away.until):
            return current
        passed.add(current)
        current = away.delegate
    return None


def _sorted(people: Iterable[Person]) -> tuple[Person, ...]:
    return tuple(sorted(people, key=lambda person: person.id))
