"""Finding things by what somebody typed into a menu, the likeliest first."""

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")

Texts = tuple[tuple[str, ...], tuple[str, ...]]
"""What a thing is called, likeliest to be typed first, and what else is said of it."""


def best(typed: str, things: Iterable[T], texts: Callable[[T], Texts], most: int) -> list[T]:
    """At most so many of the things of which each typed word is in some text.

    First comes what is called so, then what begins so, then what has words that begin so; of these each in its order.
    """
    wanted = typed.casefold()
    words = wanted.split()
    if not words:
        return [thing for thing, _ in zip(things, range(most), strict=False)]
    ranked = ((_rank(wanted.strip(), words, texts(thing)), thing) for thing in things)
    found = [each for each in ranked if each[0] is not None]
    return [thing for _, thing in sorted(found, key=lambda each: each[0] or 0)][:most]


def _rank(wanted: str, words: list[str], texts: Texts) -> int | None:
    """0 is the best; ``None``: not found."""
    names, more = (tuple(map(str.casefold, part)) for part in texts)
    if wanted in names:
        return 0
    if any(name.startswith(wanted) for name in names):
        return 1
    if not all(any(word in text for text in (*names, *more)) for word in words):
        return None
    starts = {part for name in names for part in name.replace("-", " ").split()}
    if all(any(start.startswith(word) for start in starts) for word in words):
        return 2
    return 3 if all(any(word in name for name in names) for word in words) else 4
