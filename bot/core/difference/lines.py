"""A Difference in sentences: many changes of a kind become one line. Plain text, escaped by whoever shows it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import groupby

from bot.core.difference.compare import ALWAYS, ON_CALL, OWNER, SLACK_GROUP, SLACK_MANAGER, UNGUARDED, eligible
from bot.core.difference.model import Change, Difference, Direction, Kind
from bot.core.difference.settings import shown
from bot.core.model import Catalogue

NAMED_MOST = 5
"""People of a line who are named; the others are counted."""
GROUP_LEAST = 3
"""Fewer people than that are named and not called by their group."""
APPROVERS_MOST = 6
"""Lines about who approves a role, for whom: managers are many."""
PLACES_MOST = 8
"""Roles, actions or accounts of a line that are named."""


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence about ``count`` changes of a kind and direction."""

    kind: Kind
    direction: Direction
    text: str
    count: int = 1

    @property
    def mark(self) -> str:
        """One character: more, less, or other."""
        return {Direction.GAINED: "+", Direction.LOST: "−"}.get(self.direction, "±")

    def __str__(self) -> str:
        return f"{self.mark} {self.text}"


def describe(found: Difference, before: Catalogue, after: Catalogue) -> tuple[Line, ...]:
    """The difference between these two in lines, most dangerous first. Together they count every change."""
    words = _Words(before, after)
    lines: list[Line] = []
    for (_, kind, direction), changes in groupby(found.changes, lambda c: (c.danger()[0], c.kind, c.direction)):
        lines += words.lines(kind, direction, list(changes))
    return tuple(lines)


_NAMES = {SLACK_MANAGER: "their manager in Slack", OWNER: "the owner of what is asked for"}


@dataclass(frozen=True, slots=True)
class _Words:
    before: Catalogue
    after: Catalogue

    def lines(self, kind: Kind, direction: Direction, changes: Sequence[Change]) -> Iterator[Line]:
        together: Mapping[Kind, Callable[[Direction, Sequence[Change]], Iterator[tuple[str, int]]]] = {
            Kind.ASK: self._asking,
            Kind.APPROVE: self._approving,
            Kind.PERMISSION: self._permitting,
            Kind.PERSON: self._being_there,
            Kind.ADMIN: self._being_admin,
            Kind.GROUP: self._being_member,
        }
        if kind in together:
            found: Iterable[tuple[str, int]] = together[kind](direction, changes)
        else:
            found = ((self._one(change), 1) for change in changes)
        return (Line(kind, direction, text, count) for text, count in found)

    # --- people together ---------------------------------------------------------------------------------

    def _asking(self, direction: Direction, changes: Sequence[Change]) -> Iterator[tuple[str, int]]:
        people: dict[tuple[str, str, str], set[str]] = {}
        for each in changes:
            people.setdefault((each.role, each.account, _end(each)), set()).add(each.person)
        where: dict[str, dict[str, list[str]]] = {}
        sizes: dict[str, list[int]] = {}
        for (role, account, end), ids in people.items():
            who = self._everyone(ids, direction, account)
            where.setdefault(who, {}).setdefault(role, []).append(account + end)
            sizes.setdefault(who, []).append(len(ids))
        may = "may now ask for" if direction is Direction.GAINED else "may no longer ask for"
        for who in sorted(where, key=lambda each: (-max(sizes[each]), each)):
            places = [f"{role} in {_few(accounts)}" for role, accounts in where[who].items()]
            yield f"{who} {may} {_few(places, '; ')}", sum(sizes[who])

    def _approving(self, direction: Direction, changes: Sequence[Change]) -> Iterator[tuple[str, int]]:
        may = "may now approve" if direction is Direction.GAINED else "may no longer approve"
        for role, of_role in groupby(changes, lambda each: each.role):
            asked: dict[str, set[str]] = {}
            for each in of_role:
                asked.setdefault(each.person, set()).add(each.what)
            alike: dict[frozenset[str], set[str]] = {}
            for approver, askers in asked.items():
                alike.setdefault(frozenset(askers), set()).add(approver)
            side = self._side(direction)
            everyone = frozenset(p.id for p in side.people.values() if eligible(side, side.roles[role], p))
            found = sorted(alike.items(), key=lambda item: (-len(item[0]), sorted(item[1])))
            for whom, approvers in found[:APPROVERS_MOST]:
                named = self._whom(whom, everyone - approvers, direction)
                yield f"{self._everyone(approvers, direction)} {may} {role} for {named}", len(whom) * len(approvers)
            if rest := found[APPROVERS_MOST:]:
                count = sum(len(approvers) for _, approvers in rest)
                asking = len({each for whom, _ in rest for each in whom})
                text = f"{count} more people {may} {role}, each for some of {asking} people"
                yield text, sum(len(whom) * len(approvers) for whom, approvers in rest)

    def _whom(self, askers: Set[str], everyone: Set[str], direction: Direction) -> str:
        if len(askers) > 1 and everyone <= askers:
            return f"everyone who may ask for it ({len(askers)})"
        return self._everyone(askers, direction)

    def _everyone(self, ids: Set[str], direction: Direction, account: str = "") -> str:
        """People by their groups, where a whole group is among them; else by name."""
        side, parts = self._side(direction), list[str]()
        left = frozenset(ids)
        for group, members in sorted(side.groups.items(), key=lambda item: (-len(item[1]), item[0])):
            there: Set[str] = {each for each in members if not account or self._is_in(side, each, account)}
            if len(there & left) >= GROUP_LEAST and there <= ids:
                some = "" if len(there) == len(members) else " with an identity there"
                parts.append(f"everyone in {group}{some} ({len(there)})")
                left -= there
        parts += self._names(sorted(left))
        text = " and ".join(parts) if len(parts) < 3 else ", ".join(parts)
        return text[:1].upper() + text[1:] if text.startswith("everyone") else text

    @staticmethod
    def _is_in(side: Catalogue, person: str, account: str) -> bool:
        known = side.people.get(person)
        return known is not None and account in known.identities

    def _side(self, direction: Direction) -> Catalogue:
        return self.before if direction is Direction.LOST else self.after

    def _names(self, ids: Sequence[str]) -> list[str]:
        most = NAMED_MOST if len(ids) <= NAMED_MOST + 1 else NAMED_MOST - 1
        named = [self._name(each) for each in ids[: max(most, 0)]]
        rest = len(ids) - len(named)
        if rest == 1:
            return [*named, self._name(ids[-1])]
        return [*named, f"{rest} more"] if rest else named

    def _name(self, person: str) -> str:
        if person.startswith(SLACK_GROUP):
            return f"everyone in Slack group {person.removeprefix(SLACK_GROUP)}"
        if person.startswith(ON_CALL):
            return f"whoever is on call by {person.removeprefix(ON_CALL)}"
        if person in _NAMES:
            return _NAMES[person]
        known = self.after.people.get(person) or self.before.people.get(person)
        return f"{known.name} ({person})" if known else person

    # --- other things together ---------------------------------------------------------------------------

    def _permitting(self, direction: Direction, changes: Sequence[Change]) -> Iterator[tuple[str, int]]:
        permits = "now permits" if direction is Direction.GAINED else "no longer permits"
        for (role, what), same in groupby(changes, lambda each: (each.role, each.what)):
            actions = [each.after or each.before for each in same]
            new = " (a new role)" if role not in self.before.roles else ""
            gone = " (which is gone)" if role not in self.after.roles else ""
            yield f"{role}{new}{gone} {permits} {_few(actions)} on {what}", len(actions)

    def _being_there(self, direction: Direction, changes: Sequence[Change]) -> Iterator[tuple[str, int]]:
        names = ", ".join(self._names([each.person for each in changes]))
        yield f"{names} {'now' if direction is Direction.GAINED else 'no longer'} in the catalogue", len(changes)

    def _being_admin(self, direction: Direction, changes: Sequence[Change]) -> Iterator[tuple[str, int]]:
        for each in changes:
            yield f"{self._name(each.person)} is {'now' if direction is Direction.GAINED else 'no longer'} an admin", 1

    def _being_member(self, direction: Direction, changes: Sequence[Change]) -> Iterator[tuple[str, int]]:
        verb = "now in" if direction is Direction.GAINED else "no longer in"
        for group, same in groupby(sorted(changes, key=lambda each: each.what), lambda each: each.what):
            people = [each.person for each in same if each.person]
            names = ", ".join(self._names(people)) if people else "nobody, an empty group,"
            yield f"{names} {verb} {group}", max(1, len(people))

    # --- one at a time -----------------------------------------------------------------------------------

    def _one(self, change: Change) -> str:
        match change.kind:
            case Kind.RULE if change.direction is not Direction.CHANGED:
                return self._rule(change)
            case Kind.IDENTITY:
                where = f"{change.what} in {change.account}" if change.account else change.what
                verb = "is now" if change.direction is Direction.GAINED else "is no longer"
                return f"{where} {verb} {self._name(change.person)}"
            case Kind.ACCOUNT if not change.what:
                return f"Account {change.account} {'came' if change.direction is Direction.GAINED else 'is gone'}"
            case Kind.LONGEST:
                return self._longest(change)
            case Kind.STEP_UP:
                return f"{change.role}: a code when {change.what}: {change.after}, was {change.before}"
            case Kind.QUORUM:
                return f"{change.role}: {change.after} must approve, was {change.before}"
            case Kind.TICKET:
                return f"{change.role}: ticket {change.after or 'not needed'}, was {change.before or 'not needed'}"
            case Kind.PARAMETER:
                return f"{change.role}: parameter {change.what}: {_to(change)}"
        return self._setting(change)

    @staticmethod
    def _longest(change: Change) -> str:
        if not change.after:
            return f"{change.role} may no longer be asked for {change.what}"
        if not change.before:
            return f"{change.role} may now be asked for {change.what}, for {change.after} at most"
        return f"{change.role} for {change.what}: {change.after} at most, was {change.before}"

    def _rule(self, change: Change) -> str:
        gained = change.direction is Direction.GAINED
        if change.what == UNGUARDED:
            return f"Changes of access.yaml {'no longer wait' if gained else 'wait from now on'} for approval"
        return f"{self._name(change.person)} may {'now' if gained else 'no longer'} approve changes of access.yaml"

    def _setting(self, change: Change) -> str:
        if change.what == "role" and not change.before and not change.after:
            return f"Role {change.role} {'came' if change.direction is Direction.GAINED else 'is gone'}"
        person = self._name(change.person) if change.person else ""
        where = change.role or (f"account {change.account}" if change.account else person)
        return f"{where + ': ' if where else ''}{change.what}: {_to(change)}"


def _end(change: Change) -> str:
    """Until when somebody may ask, where that has an end or had one."""
    if not change.before or not change.after:
        end = change.after or change.before
        return "" if end == ALWAYS else f" ({end})"
    return f" ({change.after}, was {change.before})"


def _to(change: Change) -> str:
    if change.before == change.after:
        return "changed"
    return f"{change.after or 'nothing'}, was {change.before or 'nothing'}"


def _few(values: Sequence[str], separator: str = ", ") -> str:
    rest = len(values) - PLACES_MOST
    return separator.join(shown(each) for each in values[:PLACES_MOST]) + (f" and {rest} more" if rest > 0 else "")
