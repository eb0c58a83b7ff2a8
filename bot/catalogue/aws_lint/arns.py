"""Whether a resource in access.yaml and a resource type of AWS can be about the same thing."""

from collections.abc import Mapping
from functools import cache
from re import compile as pattern_of

from bot.catalogue.parameters import BUILT_IN, PLACEHOLDER, can_hold
from bot.catalogue.schema import Parameter

Sign = tuple[str, bool]
"""What one place of a text may hold, and whether any number of times; a class or one character."""
Signs = tuple[Sign, ...]
Arn = tuple[Signs, ...]
"""Six fields: a wildcard does not reach over the colon between two of them."""

_ANY = "any character"
_NAME = "any character but / and :"
FIELDS = 6
_VARIABLE = pattern_of(r"\$\{(\w+)\}")
_NO_PATH = frozenset({"Partition", "Region", "Account", "BucketName", "TableName", "InstanceId"})
"""Variables of the reference that never hold a slash: a bucket is no object, a table no index."""


def is_whole(resource: str) -> bool:
    """Whether a resource is ``*`` or has all the fields of an ARN."""
    return resource == "*" or (resource.startswith("arn:") and _plain(resource).count(":") >= FIELDS - 1)


@cache
def of_type(arn: str) -> Arn:
    """The ARN of a resource type, as in ``arn:${Partition}:s3:::${BucketName}``."""
    return tuple(map(_type_signs, arn.split(":", FIELDS - 1)))


def of_resource(resource: str, parameters: Mapping[str, Parameter]) -> Arn:
    """A resource of a role, its placeholders standing for whatever can be filled in. Needs ``is_whole``."""
    fields = _plain(resource).split(":", FIELDS - 1) if resource != "*" else ["*"] * FIELDS
    return tuple(_resource_signs(each, parameters) for each in fields)


def overlap(left: Arn, right: Arn) -> bool:
    """Whether there is an ARN that both of them take in."""
    return all(_meet(one, other) for one, other in zip(left, right, strict=True))


def _plain(resource: str) -> str:
    """Without the colons of ``${aws:username}`` and its like, which stand for any text."""
    return PLACEHOLDER.sub(lambda match: match[0] if match[1] else "*", resource)


@cache
def _type_signs(text: str) -> Signs:
    signs: list[Sign] = []
    end = 0
    for match in _VARIABLE.finditer(text):
        signs += [(sign, False) for sign in text[end : match.start()]]
        signs += _some(_NAME if match[1] in _NO_PATH else _ANY)
        end = match.end()
    return tuple(signs + _globbed(text[end:]))


def _resource_signs(text: str, parameters: Mapping[str, Parameter]) -> Signs:
    signs: list[Sign] = []
    end = 0
    for match in PLACEHOLDER.finditer(text):
        signs += _globbed(text[end : match.start()])
        signs += _some(_class_of(match[1], parameters))
        end = match.end()
    return tuple(signs + _globbed(text[end:]))


def _class_of(name: str | None, parameters: Mapping[str, Parameter]) -> str:
    if name in BUILT_IN:
        return _NAME
    parameter = parameters.get(name or "")
    if parameter is None:
        return _ANY
    if parameter.choices is not None:
        return _ANY if any(set(choice) & set("/:") for choice in parameter.choices) else _NAME
    return _ANY if any(can_hold(parameter.pattern or "", sign) for sign in "/:") else _NAME


def _some(kind: str) -> list[Sign]:
    return [(kind, False), (kind, True)]


def _globbed(text: str) -> list[Sign]:
    return [(_ANY, sign == "*") if sign in "*?" else (sign, False) for sign in text]


@cache
def _meet(left: Signs, right: Signs) -> bool:
    """Whether some text fits both; walks the pairs of places that can be reached together."""
    open_pairs, seen = [(0, 0)], {(0, 0)}
    while open_pairs:
        at, to = open_pairs.pop()
        if at == len(left) and to == len(right):
            return True
        for pair in _steps(left, right, at, to):
            if pair not in seen:
                seen.add(pair)
                open_pairs.append(pair)
    return False


def _steps(left: Signs, right: Signs, at: int, to: int) -> list[tuple[int, int]]:
    one = left[at] if at < len(left) else None
    other = right[to] if to < len(right) else None
    steps = []
    if one and one[1]:
        steps.append((at + 1, to))
    if other and other[1]:
        steps.append((at, to + 1))
    if one and other and _share(one[0], other[0]):
        steps.append((at + (not one[1]), to + (not other[1])))
    return steps


def _share(one: str, other: str) -> bool:
    if _ANY in {one, other} or one == other:
        return True
    if _NAME in {one, other}:
        return (one if other == _NAME else other) not in {"/", ":"}
    return False
