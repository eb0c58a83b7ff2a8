"""Values that are nearly right: one place or a few of a good one are changed as no sender should.

``FUZZ=20`` in the environment runs 20 times as many examples, other ones each time; a failure prints how to replay it.
"""

import copy
import os
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

_TIMES = int(os.environ.get("FUZZ", "0"))

ODD_TEXTS = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\t",
    "\r\n",
    "\u2028",
    "\ufeff",
    "\ud800",
    "\udfff\ud800",
    "\u202e\u200b",
    "e\u0301" * 40,
    "Z\u0351\u036b\u0343" * 60,
    "🏴\U000e0067\U000e007f" * 9,
    "１２３４５６",
    "null",
    "-1",
    "1e999",
    "NaN",
    "../../etc/passwd",
    "'; DROP TABLE grants; --",
    "<!channel>",
    "{{7*7}}${7*7}%s%n",
    "A" * 5_000,
    "🔥" * 3_000,
)
ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    2**31,
    2**63,
    -(2**200),
    10**400,
    1.5,
    -0.0,
    1e308,
    [],
    {},
    [None],
    [[]],
    [{}],
    {"": ""},
    {"id": None},
    {"id": {"id": []}},
    {"type": "modal", "id": 7},
)


def fuzzed(count: int) -> Callable[[Any], Any]:
    """``count`` examples, the same ones at each run unless ``FUZZ`` is set."""
    return settings(
        max_examples=count * max(1, _TIMES),
        derandomize=not _TIMES,
        print_blob=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def deep(depth: int) -> Any:
    """Lists and mappings inside of each other."""
    value: Any = "bottom"
    for level in range(depth):
        value = {"a": value} if level % 2 else [value]
    return value


odd: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(ODD_TEXTS), st.sampled_from(ODD_VALUES), st.text(max_size=40), st.integers(1, 120).map(deep)
)
"""What stands where something else should."""


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every part of a JSON value, the whole left out."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield (*path, key)
        yield from places(part, (*path, key))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    """The part at a path."""
    for key in path:
        value = value[key]
    return value


def swapped(value: Any) -> Any:
    """The same content as another type."""
    match value:
        case bool() | None:
            return str(value)
        case str():
            return [value]
        case int() | float():
            return str(value)
        case list():
            return {str(number): part for number, part in enumerate(value)}
        case _:
            return list(value.values())


def change(draw: st.DrawFn, value: Any, path: tuple[Any, ...]) -> None:
    """Change what is at ``path``, in place."""
    holder, key = at(value, path[:-1]), path[-1]
    match draw(st.sampled_from(["drop", "null", "swap", "odd", "odd", "wrap", "rename", "double"])):
        case "drop":
            del holder[key]
        case "null":
            holder[key] = None
        case "swap":
            holder[key] = swapped(holder[key])
        case "odd":
            holder[key] = draw(odd)
        case "wrap":
            holder[key] = [holder[key]]
        case "rename" if isinstance(holder, dict):
            holder[draw(st.sampled_from(ODD_TEXTS)) or f"{key}_"] = holder.pop(key)
        case _ if isinstance(holder, list):
            holder.extend(copy.deepcopy(holder) * 3)
        case _:
            holder[f"{key}2"] = copy.deepcopy(holder[key])


@st.composite
def mutated(draw: st.DrawFn, originals: tuple[Any, ...], within: tuple[Any, ...] = ()) -> tuple[int, Any]:
    """One of the ``originals`` by its number, and what became of it; ``within`` a part of it."""
    number = draw(st.integers(0, len(originals) - 1))
    value = copy.deepcopy(originals[number])
    for _ in range(draw(st.integers(1, 3))):
        there = [path for path in places(value) if path[: len(within)] == within]
        if there:
            change(draw, value, draw(st.sampled_from(there)))
    return number, value
