"""The process's clock and its source of ids."""

import secrets
from datetime import UTC, datetime

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base32 in lower case: no letter that reads as a digit, nothing that IAM refuses in a policy name."""
_LENGTH = 10


def random_text(length: int) -> str:
    """``length`` characters of ``ALPHABET``, five unguessable bits each."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


class RandomIds:
    """Ids such as ``g-7k2m9xq0t4``: 50 random bits, short enough to type."""

    def new(self, prefix: str) -> str:
        """A new id that starts with ``prefix`` and a hyphen."""
        return f"{prefix}-{random_text(_LENGTH)}"


class SystemClock:
    """The computer's clock."""

    def now(self) -> datetime:
        """The time in UTC."""
        return datetime.now(UTC)
