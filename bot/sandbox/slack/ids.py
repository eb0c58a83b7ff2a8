"""Identifiers in Slack's formats."""

from __future__ import annotations

import secrets
import string
from typing import Final

_ALPHABET: Final = string.ascii_uppercase + string.digits


def new_id(prefix: str) -> str:
    """An id like `V0A1B2C3D4E`: a prefix that tells the kind, then 10 characters."""
    return prefix + "0" + "".join(secrets.choice(_ALPHABET) for _ in range(9))


def new_block_id() -> str:
    """What Slack puts where an app gave no block or action id."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(5))


class Timestamps:
    """Message timestamps: Unix seconds with six decimals, never the same one twice."""

    def __init__(self) -> None:
        self._last = 0

    def after(self, now: float) -> str:
        self._last = max(self._last + 1, int(now * 1_000_000))
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    def never_before(self, ts: str) -> None:
        """Let a loaded workspace go on after its newest message."""
        seconds, _, micros = ts.partition(".")
        self._last = max(self._last, int(seconds) * 1_000_000 + int(micros or 0))
