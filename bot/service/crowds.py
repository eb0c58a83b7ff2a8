"""What a transaction knows of messages that are told together, when many are due to one person or channel."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bot.service.records import Digest, DigestLine, Gathered


class Crowds(Protocol):
    """A part of ``Tx``. ``who`` is ``Effect.who``."""

    def waiting(self, kind: str, who: str, most: int) -> int:
        """How many effects of a kind there are for ``who``, due or not, leased or not; counted up to ``most``."""
        ...

    def gather(self, kind: str, who: str, most: int) -> tuple[Gathered, ...]:
        """Remove effects that ``waiting`` counts, oldest first.

        Leased ones are left to whoever has them, as are those that another transaction is at.
        """
        ...

    def is_enqueued(self, key: str) -> bool:
        """Whether there is such an effect, leased or not."""
        ...

    def last_due(self, kind: str, who: str) -> datetime | None:
        """When the last effect of a kind that waits for ``who`` is due."""
        ...

    def last_errors(self, keys: Sequence[str]) -> Mapping[str, str]:
        """Why these effects are not done yet, by key, without those that are not there; empty where none was tried."""
        ...

    def add_lines(self, lines: Sequence[DigestLine]) -> None:
        """Add to digests that are still to be told; a key that is in one already changes nothing."""
        ...

    def lines_between(self, who: str) -> tuple[datetime, datetime] | None:
        """When the first and the last line of a digest were added; ``None`` when there is nothing to tell."""
        ...

    def stamp_lines(self, who: str, message: str) -> tuple[str, bool]:
        """Put all lines for ``who`` into one message, which an earlier try may have begun.

        Returns that message's key (``message`` when none was begun), and whether it was begun before.
        """
        ...

    def digest(self, message: str, most: int) -> Digest:
        """A message's lines: counts of all, the newest ``most`` of them."""
        ...

    def drop_lines(self, message: str, keys: Sequence[str] | None = None) -> None:
        """Forget a message's lines: those of the effects ``keys``, or all."""
        ...
