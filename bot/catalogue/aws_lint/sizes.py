"""Whether a role's policy fits on a principal once it is rendered, with the shortest and with the longest values."""

import re
from collections.abc import Iterator

from bot.catalogue.problems import Finding, Severity
from bot.catalogue.reach import askers
from bot.catalogue.size import LIMITS, rendered_size
from bot.core.model import Account, Catalogue, Parameter, Role

_ATOM = re.compile(
    r"(\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[^\\\[(){}*+?|^$])(?:\{(?:\d*,)?(\d+)\}|([*+]|\{\d*,\}))?\??", re.DOTALL
)
_UNBOUNDED = 64
"""Characters that are counted for a value whose pattern sets no end: as long as IAM's own names may be."""


def check_sizes(catalogue: Catalogue) -> Iterator[Finding]:
    """Roles that cannot be granted for their size: to nobody, or not with long values."""
    for role in catalogue.roles.values():
        principals = {
            (account, principal.partition("/")[0])
            for person in askers(role, catalogue)
            for account, principal in person.identities.items()
            if account in role.accounts
        }
        worst: dict[str, tuple[int, int]] = {}
        for account, kind in principals:
            least, most = _sizes(role, catalogue.accounts[account])
            before = worst.get(kind, (0, 0))
            worst[kind] = (max(before[0], least), max(before[1], most))
        for kind, (least, most) in sorted(worst.items()):
            yield from _judged(role, kind, least, most)


def longest_value(parameter: Parameter) -> int:
    """How many characters a value of a parameter may have; 64 where that cannot be told."""
    if parameter.choices:
        return max(map(len, parameter.choices))
    length, end = 0, 0
    for atom in _ATOM.finditer(parameter.pattern):
        if atom.start() != end or atom[3]:
            return _UNBOUNDED
        length += int(atom[2] or 1)
        end = atom.end()
    return length if end == len(parameter.pattern) else _UNBOUNDED


def _sizes(role: Role, account: Account) -> tuple[int, int]:
    return (
        rendered_size(role, account, {each.id: "x" for each in role.parameters} | _shortest(role)),
        rendered_size(role, account, {each.id: "x" * longest_value(each) for each in role.parameters}),
    )


def _shortest(role: Role) -> dict[str, str]:
    return {each.id: min(each.choices, key=len) for each in role.parameters if each.choices}


def _judged(role: Role, kind: str, least: int, most: int) -> Iterator[Finding]:
    limit = LIMITS[kind]
    path = ("roles", role.id, "statements", _largest(role))
    hint = (
        f"an IAM {kind} holds {limit:,} in all; split the role, or name fewer resources in this, its largest statement"
    )
    if least > limit:
        yield Finding(path, f"the policy has at least {least:,} characters when it is rendered", hint)
    elif most > limit:
        message = f"the policy has up to {most:,} characters when it is rendered with long values"
        yield Finding(path, message, hint, Severity.WARNING)


def _largest(role: Role) -> int:
    lengths = [len(repr(each)) for each in role.statements]
    return lengths.index(max(lengths))
