"""A role's parameters and the placeholders that they fill."""

import re
from collections.abc import Iterator

from bot.catalogue.build import full_pattern
from bot.catalogue.problems import Finding, Path, suggest
from bot.catalogue.schema import Parameter, Role

BUILT_IN = frozenset({"account", "region"})
SUBCOMMANDS = frozenset(
    {"help", "status", "enrol", "enroll", "release", "revoke", "extend", "history", "reset", "why", "away", "back"}
)
"""The first words after the slash command that are no role."""
RESERVED = BUILT_IN | {"role", "work", "for", "duration", "start", "reason", "ticket", "person"}
"""Words that the typed form of a request keeps for itself."""
PLACEHOLDER = re.compile(r"\$\{[^{}]*\}|\{([^{}]*)\}")
"""``{name}``; without a group: an IAM policy variable such as ``${aws:username}``, which is left alone."""
_ATOM = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL)
_MEANT_BY_IAM = "*?${}"
_SYNTAX = frozenset("*+?|(){}^$")


def placeholders(text: str) -> set[str]:
    """The names in braces in a resource or condition value."""
    return {match[1] for match in PLACEHOLDER.finditer(text) if match[1] is not None}


def check_parameters(role_id: str, role: Role) -> Iterator[Finding]:
    """Placeholders without parameters and the reverse; values that could widen what is granted."""
    path: Path = ("roles", role_id)
    if role_id in SUBCOMMANDS:
        yield Finding(
            path, "is what /prodaccess does something else for", f"call it something else, as in {role_id}-role"
        )
    used: set[str] = set()
    for here, text in _templates(path, role):
        used |= (names := placeholders(text))
        for name in sorted(names - BUILT_IN - role.parameters.keys()):
            hint = suggest(name, BUILT_IN | role.parameters.keys())
            yield Finding(here, f"{{{name}}} is no parameter of this role", hint)
        if re.search(r"[{}]", PLACEHOLDER.sub("", text)):
            yield Finding(here, "has a brace that belongs to no placeholder", "write {parameter} or ${aws:variable}")
    for name, parameter in role.parameters.items():
        here = (*path, "parameters", name)
        if name in RESERVED:
            yield Finding(here, "is a word that requests use themselves", f"call it something else, as in the_{name}")
        elif name not in used:
            yield Finding(here, "is used in no statement", f"write {{{name}}} in a resource, or remove it")
        yield from _values(here, parameter)
        yield from _pattern(here, parameter)
    if role.ticket and _anchors(role.ticket.pattern):
        yield Finding((*path, "ticket", "pattern"), "has ^ or $ inside", "it always has to match the whole ticket")


def _templates(path: Path, role: Role) -> Iterator[tuple[Path, str]]:
    for index, statement in enumerate(role.statements):
        here = (*path, "statements", index)
        for at, resource in enumerate(statement.resources):
            yield (*here, "resources", at), resource
        for operator, keys in statement.conditions.items():
            for key, values in keys.items():
                for at, value in enumerate(values):
                    yield (*here, "conditions", operator, key, at), value


def _values(path: Path, parameter: Parameter) -> Iterator[Finding]:
    given = re.compile((parameter.pattern or ".*").removeprefix("^").removesuffix("$"), re.DOTALL)
    for index, choice in enumerate(parameter.choices or ()):
        if not given.fullmatch(choice):
            yield Finding((*path, "choices", index), f"“{choice}” does not match the pattern", "mend one of them")
        if set(choice) & set(_MEANT_BY_IAM) or not all(" " <= sign <= "ÿ" for sign in choice):
            message = f"“{choice}” has a character that IAM gives a meaning or does not take"
            yield Finding(
                (*path, "choices", index), message, f"leave {' '.join(_MEANT_BY_IAM)} and all beyond Latin-1 out"
            )
    if parameter.default is not None and not re.fullmatch(full_pattern(parameter), parameter.default):
        what = "is none of the choices" if parameter.choices else "does not match the pattern"
        yield Finding((*path, "default"), f"“{parameter.default}” {what}", "mend one of them")


def _pattern(path: Path, parameter: Parameter) -> Iterator[Finding]:
    if parameter.choices is not None or parameter.pattern is None:
        return
    here = (*path, "pattern")
    if _anchors(parameter.pattern):
        yield Finding(here, "has ^ or $ inside", "leave them out: the pattern always has to match the whole value")
    if widening := [sign for sign in _MEANT_BY_IAM if can_hold(parameter.pattern, sign)]:
        message = f"lets the requester type {' '.join(widening)}, which can widen what is granted"
        yield Finding(
            here, message, "list the characters that are needed, as in [A-Za-z0-9/_.-]{1,64}, or give choices"
        )
    elif can_hold(parameter.pattern, "٣") or can_hold(parameter.pattern, "ａ"):
        hint = "write [0-9] for \\d and [A-Za-z0-9_] for \\w"
        yield Finding(here, "takes letters or digits that only look like ASCII", hint)


def _atoms(pattern: str) -> list[str]:
    """The pattern's literals, classes and escapes, without the syntax between them."""
    return [atom for atom in _ATOM.findall(pattern) if atom not in _SYNTAX]


def can_hold(pattern: str, sign: str) -> bool:
    return any(_matches(atom, sign) for atom in _atoms(pattern))


def _matches(atom: str, sign: str) -> bool:
    try:
        return re.fullmatch(atom, sign) is not None
    except re.error:
        return False  # half of an escape that has no meaning alone, such as a back-reference


def _anchors(pattern: str) -> bool:
    inner = pattern.removeprefix("^")
    inner = inner if inner.endswith(r"\$") else inner.removesuffix("$")
    return any(atom in {"^", "$", r"\A", r"\Z"} for atom in _ATOM.findall(inner))
