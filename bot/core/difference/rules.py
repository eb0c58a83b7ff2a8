"""The rules of a role beside who asks and who approves, each told as it is."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from bot.core.difference.model import Change, Direction, Kind
from bot.core.difference.settings import ASK, NAMES, STAGES, shown
from bot.core.model import Role
from bot.core.rules import AskRule, Stage

_OPENINGS = frozenset({"auto", "break_glass", "extend"})
"""Ways that are there or not; told of a role that came or went, too."""
_TIGHT = frozenset({"critical", "sensitive", "hours"})
"""What binds where it is set."""


def compare_rules(before: Mapping[str, Role], after: Mapping[str, Role]) -> Iterator[Change]:
    """What is different in them, of every role."""
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        for name, what in NAMES.items():
            if (old and new) or name in _OPENINGS:
                values = (getattr(old, name, None), getattr(new, name, None))
                yield from _rule(key, what, values, _direction(name, *values))
        # Whom Slack groups hold is not known here, so that such rules are told as they are.
        asking = (_by_slack(old), _by_slack(new))
        yield from _rule(key, ASK, asking, _presence(*asking))
        if old and new:
            yield from _rule(key, STAGES, _stages(old, new), Direction.CHANGED)


def _rule(role: str, what: str, values: tuple[object, object], direction: Direction) -> Iterator[Change]:
    if values[0] != values[1]:
        yield Change(Kind.RULES, direction, role, what=what, before=_words(values[0]), after=_words(values[1]))


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return shown(value) if value else ""


def _direction(name: str, old: object, new: object) -> Direction:
    if name in _OPENINGS:
        return _presence(old, new)
    return _presence(new, old) if name in _TIGHT else Direction.CHANGED


def _presence(old: object, new: object) -> Direction:
    if bool(old) is bool(new):
        return Direction.CHANGED
    return Direction.GAINED if new else Direction.LOST


def _by_slack(role: Role | None) -> tuple[tuple[str, AskRule], ...]:
    """Where, and by which rule, for those that name Slack groups."""
    if role is None:
        return ()
    only = (*sorted(role.only_accounts.items()), *sorted(role.only_tags.items()))
    places = (("anywhere", role.ask), *only)
    return tuple((place, rule) for place, rules in places for rule in rules if rule.slack_groups)


def _stages(old: Role, new: Role) -> tuple[tuple[Stage, ...], tuple[Stage, ...]]:
    """What of them is not told by who approves for whom and by how many; of several stages, all of it."""
    if len(old.stages) == len(new.stages) == 1:
        return tuple(map(_bare, old.stages)), tuple(map(_bare, new.stages))
    return old.stages, new.stages


def _bare(stage: Stage) -> Stage:
    nobody = frozenset[str]()
    return replace(stage, people=nobody, groups=nobody, slack_groups=nobody, manager=False, quorum=1)
