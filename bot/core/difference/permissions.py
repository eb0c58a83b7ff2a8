"""What roles permit, compared piece by piece: an action on a resource under conditions."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache

from bot.core.difference.model import Change, Direction, Kind
from bot.core.model import Role, Statement

Piece = tuple[str, str, str]
"""Action, resource and conditions (JSON, empty where there are none)."""


def compare_permissions(before: Mapping[str, Role], after: Mapping[str, Role]) -> Iterator[Change]:
    """What each role permits that it did not permit, and the other way round.

    What a pattern on the other side covers already is neither gained nor lost.
    """
    for role in sorted({*before, *after}):
        if before.get(role) == after.get(role):
            continue
        old, new = _pieces(before.get(role)), _pieces(after.get(role))
        for action, resource, conditions in _not_covered(new, old):
            yield Change(Kind.PERMISSION, Direction.GAINED, role, what=_where(resource, conditions), after=action)
        for action, resource, conditions in _not_covered(old, new):
            yield Change(Kind.PERMISSION, Direction.LOST, role, what=_where(resource, conditions), before=action)


def _pieces(role: Role | None) -> frozenset[Piece]:
    return frozenset(piece for statement in (role.statements if role else ()) for piece in _pieces_of(statement))


def _pieces_of(statement: Statement) -> Iterator[Piece]:
    stated = {
        operator: {key: sorted(values) for key, values in keys.items()}
        for operator, keys in statement.conditions.items()
    }
    conditions = json.dumps(stated, sort_keys=True) if stated else ""
    for action in statement.actions:
        for resource in statement.resources:
            yield action, resource, conditions


def _where(resource: str, conditions: str) -> str:
    return f"{resource} if {conditions}" if conditions else resource


def _not_covered(pieces: Collection[Piece], by: Collection[Piece]) -> Iterator[Piece]:
    wide = [piece for piece in by if not piece[2] or re.search(r"[*?]", piece[0] + piece[1])]
    for piece in sorted(set(pieces) - set(by)):
        if not any(_covers(each, piece) for each in wide):
            yield piece


def _covers(wide: Piece, narrow: Piece) -> bool:
    """Whether all that ``narrow`` permits is permitted by ``wide``; false where that is not plain to see."""
    action = _glob(wide[0].casefold()).fullmatch(narrow[0].casefold())
    return bool(action and _glob(wide[1]).fullmatch(narrow[1]) and wide[2] in {"", narrow[2]})


@lru_cache(maxsize=4096)
def _glob(pattern: str) -> re.Pattern[str]:
    # A star of the narrower one stands for anything, so that only a star may stand for it.
    return re.compile("".join({"*": ".*", "?": "[^*]"}.get(char, re.escape(char)) for char in pattern), re.DOTALL)
