"""What a process brings with it: the time, ids, and a key."""

from datetime import datetime
from typing import Protocol


class SecretBox(Protocol):
    """Authenticated encryption with several keys. ``bound_to`` must be the same for both calls."""

    @property
    def key_id(self) -> str:
        """The key that ``seal`` uses now."""
        ...

    def seal(self, plain: bytes, bound_to: str) -> bytes: ...
    def open(self, sealed: bytes, key_id: str, bound_to: str) -> bytes:
        """Raises ValueError when the key is unknown or the bytes were changed; names neither."""
        ...


class Clock(Protocol):
    """The process's clock, for what no transaction times."""

    def now(self) -> datetime: ...


class Ids(Protocol):
    """Makes ids that are unguessable, short enough to type and safe in an IAM policy name."""

    def new(self, prefix: str) -> str: ...
