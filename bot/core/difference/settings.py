"""Whatever else is different in the file, key by key, so that no change goes unseen."""

from collections.abc import Collection, Iterator, Mapping, Set
from dataclasses import fields, is_dataclass
from datetime import timedelta

from bot.core.difference.model import Change, Direction, Kind
from bot.core.duration import format_duration
from bot.core.model import Account, Catalogue, Parameter, Person, Role

TEXT_MOST = 200
"""Characters of a value that are shown."""
_EMPTY: tuple[object, ...] = ("", None, (), frozenset())
CHANNELS = frozenset({"channel", "security_channel"})
HIDDEN = frozenset({"external_id"})
"""Never shown."""
PLACES = frozenset({"number", "region", "broker_role", "external_id"})
"""Fields of an account that say where the bot goes and as whom."""
NAMES: Mapping[str, str] = {
    "auto": "automatic approval",
    "break_glass": "break-glass",
    "extend": "extension",
    "critical": "critical",
    "sensitive": "sensitive",
    "separation": "separation",
    "caps": "limits",
    "hours": "hours",
    "outside": "outside its hours",
}
"""Fields of a role that are rules, and what they are called."""
ASK = "rules of asking"
STAGES = "rules of approving"
_DERIVED: Mapping[str, Set[str]] = {
    "statements": {Kind.PERMISSION},
    "parameters": {Kind.PARAMETER},
    "ask": {Kind.ASK, ASK},
    "only_accounts": {Kind.ASK, ASK},
    "only_tags": {Kind.ASK, ASK},
    "accounts": {Kind.ASK},
    "stages": {Kind.APPROVE, Kind.QUORUM, STAGES},
    "longest": {Kind.LONGEST},
    "longest_by_work": {Kind.LONGEST},
    "work": {Kind.LONGEST},
    "ask_step_up": {Kind.STEP_UP},
    "approve_step_up": {Kind.STEP_UP},
    "ticket": {Kind.TICKET},
    **{name: {what} for name, what in NAMES.items()},
}
"""Fields of a role that are told by what comes of them; where nothing does, they are told by their name."""
_OF_PEOPLE = frozenset({"groups", "email", "slack_ids", "identities"})
"""Fields of a person that are told as group members and identities."""
_SECTIONS = {
    "work": Kind.SETTING,
    "hours": Kind.RULES,
    "schedules": Kind.RULES,
    "trackers": Kind.RULES,
    "bundles": Kind.SETTING,
}
_ELSEWHERE = frozenset({"digest", "accounts", "people", "groups", "roles", "admins", *_SECTIONS})
"""Fields of a catalogue that are compared entry by entry."""
_KINDS = {**dict.fromkeys(CHANNELS, Kind.CHANNEL), "limits": Kind.RULES}


def compare_settings(before: Catalogue, after: Catalogue, found: Collection[Change]) -> Iterator[Change]:
    """What ``found`` does not tell."""
    for name, old, new in _differing(before, after, _ELSEWHERE):
        if name != "changes":
            yield _changed(_KINDS.get(name, Kind.SETTING), name, old, new)
        elif not any(change.kind is Kind.RULE for change in found):
            yield _changed(Kind.RULE, name, old, new)
    told: dict[str, set[str]] = {}
    for change in found:
        told.setdefault(change.role, set()).add(change.what if change.kind is Kind.RULES else change.kind)
    for key in sorted(before.roles.keys() & after.roles.keys()):
        yield from _role(before.roles[key], after.roles[key], told.get(key, set()))
    yield from _only_named(before.roles, after.roles, told)
    for key in sorted(before.accounts.keys() & after.accounts.keys()):
        yield from _account(before.accounts[key], after.accounts[key])
    for key in sorted(before.people.keys() & after.people.keys()):
        yield from _person(before.people[key], after.people[key])
    for name, kind in _SECTIONS.items():
        yield from _entries(kind, name, getattr(before, name), getattr(after, name))
    yield from _empty_groups(before.groups, after.groups)


def _role(before: Role, after: Role, told: Set[str]) -> Iterator[Change]:
    seen = set(told)
    if before.parameters != after.parameters:
        found = list(_parameters(before, after))
        seen |= {change.kind for change in found}
        yield from found
    for name, old, new in _differing(before, after):
        if not _DERIVED.get(name, set()) & seen:
            yield _changed(Kind.CHANNEL if name in CHANNELS else Kind.SETTING, name, old, new, role=before.id)


def _only_named(before: Mapping[str, Role], after: Mapping[str, Role], told: Mapping[str, object]) -> Iterator[Change]:
    """Roles that came or went; most are told by what they permit."""
    for roles, others, direction in ((after, before, Direction.GAINED), (before, after, Direction.LOST)):
        for key in sorted(roles.keys() - others.keys()):
            if key not in told:
                yield Change(Kind.SETTING, direction, key, what="role")


def _parameters(before: Role, after: Role) -> Iterator[Change]:
    old, new = ({each.id: each for each in role.parameters} for role in (before, after))
    for key in sorted({*old, *new}):
        if old.get(key) != new.get(key):
            yield _parameter(before.id, key, old.get(key), new.get(key))


def _parameter(role: str, key: str, old: Parameter | None, new: Parameter | None) -> Change:
    direction = Direction.CHANGED
    if old and new and old.choices and new.choices and old.choices != new.choices:
        choices = set(old.choices), set(new.choices)
        if choices[0] < choices[1]:
            direction = Direction.GAINED
        elif choices[1] < choices[0]:
            direction = Direction.LOST
    words = [_values(each) for each in (old, new)]
    if words[0] == words[1]:
        words = [shown(each) if each else "" for each in (old, new)]
    return Change(Kind.PARAMETER, direction, role, what=key, before=words[0], after=words[1])


def _values(parameter: Parameter | None) -> str:
    if parameter is None:
        return ""
    return shown(parameter.choices) if parameter.choices else parameter.pattern


def _account(before: Account, after: Account) -> Iterator[Change]:
    for name, old, new in _differing(before, after):
        yield _changed(Kind.ACCOUNT if name in PLACES else Kind.SETTING, name, old, new, account=before.id)


def _person(before: Person, after: Person) -> Iterator[Change]:
    for name, old, new in _differing(before, after, _OF_PEOPLE):
        yield _changed(Kind.SETTING, name, old, new, person=before.id)


def _entries(kind: Kind, section: str, before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[Change]:
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if old != new:
            yield _changed(kind, f"{section} {key}", old or "", new or "")
    if list(before) != list(after) and set(before) == set(after):
        yield _changed(kind, f"{section}, in this order", tuple(before), tuple(after))


def _empty_groups(before: Mapping[str, Set[str]], after: Mapping[str, Set[str]]) -> Iterator[Change]:
    """Groups of nobody: what came or went with members is told by these."""
    for groups, others, direction in ((after, before, Direction.GAINED), (before, after, Direction.LOST)):
        for key in sorted(groups.keys() - others.keys()):
            if not groups[key]:
                yield Change(Kind.GROUP, direction, what=key)


def _differing(before: object, after: object, without: Set[str] = frozenset()) -> Iterator[tuple[str, object, object]]:
    if is_dataclass(before):
        for each in fields(before):
            old, new = getattr(before, each.name), getattr(after, each.name)
            if each.name not in without and old != new:
                yield each.name, old, new


def _changed(
    kind: Kind, name: str, old: object, new: object, *, role: str = "", account: str = "", person: str = ""
) -> Change:
    words = ("", "") if name in HIDDEN else (shown(old), shown(new))
    return Change(kind, Direction.CHANGED, role, account, person, name, *words)


def shown(value: object) -> str:
    """A value in plain words, cut where it is long."""
    text = _plain(value)
    return text if len(text) <= TEXT_MOST else text[: TEXT_MOST - 1] + "…"


def _plain(value: object) -> str:
    match value:
        case timedelta():
            return format_duration(value) if value > timedelta(0) else "0"
        case Set():
            return ", ".join(sorted(map(_plain, value)))
        case tuple() | list():
            return ", ".join(map(_plain, value))
        case Mapping():
            return ", ".join(f"{key}: {_plain(inner)}" for key, inner in value.items())
    if is_dataclass(value):
        parts = ((each.name, getattr(value, each.name)) for each in fields(value))
        given = ((name, inner) for name, inner in parts if inner not in _EMPTY and inner is not False)
        return ", ".join(name if inner is True else f"{name} {_plain(inner)}" for name, inner in given)
    return str(value)
