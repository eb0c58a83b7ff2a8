"""The catalogue in use: one place, swapped as a whole."""

import threading
from collections.abc import Callable
from functools import wraps
from typing import Generic, ParamSpec, TypeVar

from bot.core.model import Catalogue

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class Latest(Generic[T]):
    """What is made of a catalogue, made once for each and kept for the latest. Safe to share between threads."""

    def __init__(self, make: Callable[[Catalogue], T]) -> None:
        self._make = make
        self._kept: tuple[Catalogue, T] | None = None

    def of(self, catalogue: Catalogue) -> T:
        """By identity: two catalogues of one digest are still two."""
        kept = self._kept
        if kept is None or kept[0] is not catalogue:
            kept = self._kept = (catalogue, self._make(catalogue))
        return kept[1]


class InUse:
    """Called, it gives the catalogue that this process goes by. Safe to share between threads.

    A use case asks for it several times: ``pinned`` work is given the same one until it ends, whatever comes meanwhile.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._pinned = threading.local()

    def __call__(self) -> Catalogue:
        pinned: Catalogue | None = getattr(self._pinned, "catalogue", None)
        return pinned or self._catalogue

    @property
    def newest(self) -> Catalogue:
        """The one that work begun now goes by."""
        return self._catalogue

    def swap(self, catalogue: Catalogue) -> None:
        """Work that begins from now on goes by this one."""
        self._catalogue = catalogue

    def pinned(self, work: Callable[P, R]) -> Callable[P, R]:
        """``work``, during which its thread is given one catalogue, that of its beginning."""

        @wraps(work)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            if getattr(self._pinned, "catalogue", None) is not None:
                return work(*args, **kwargs)
            self._pinned.catalogue = self._catalogue
            try:
                return work(*args, **kwargs)
            finally:
                self._pinned.catalogue = None

        return run
