"""What a transaction knows of the catalogue's versions."""

from collections.abc import Mapping
from typing import Protocol

from bot.core.versions import Standing, Version


class Versions(Protocol):
    """A part of ``Tx``."""

    def version(self, version_id: str, *, lock: bool = False) -> Version | None: ...
    def version_of(self, digest: str) -> Version | None:
        """The newest whose digest begins with this."""
        ...

    def standing(self, standing: Standing) -> Version | None:
        """The one that is live, or that waits."""
        ...

    def standing_digests(self) -> Mapping[Standing, str]:
        """Digests of the one that is live and of the one that waits, without reading what they say."""
        ...

    def save_version(self, version: Version) -> None:
        """As ``save_request``; of those that are live, and of those that wait, there is one at most.

        Digest, content and when it was seen are written once.
        """
        ...
