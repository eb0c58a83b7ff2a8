"""Versions of the catalogue: which one is live, which one waits for somebody's word, and what a file changes. Pure.

All times are timezone-aware UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.core.audit import Actor, Event, Tag
from bot.core.model import Effect, digest_of

NOBODY = "prodaccess"
"""Stands for who decided where nobody had to."""


class Standing(StrEnum):
    """Where a version stands; one at most is live, and one at most waits."""

    LIVE = "live"
    WAITING = "waiting"
    REPLACED = "replaced"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    """The file said something else before anybody decided."""


@dataclass(frozen=True, slots=True)
class Version:
    """What access.yaml said once. ``revision`` counts its writes."""

    id: str
    digest: str
    """The catalogue's."""
    before: str
    """The digest of what was live when it was seen; empty for the first."""
    content: str = field(repr=False)
    """The file, as it was."""
    standing: Standing
    guarded: bool
    """Whether by its own words a change of it waits for a second person."""
    seen_at: datetime
    decided_at: datetime | None = None
    decided_by: str = ""
    """Person id, an operator's name, or ``NOBODY``."""
    signature: str = ""
    """The installation's, over ``signed``; empty as long as it was never live."""
    revision: int = 0

    @property
    def signed(self) -> str:
        """SHA-256 (hex) of what the signature vouches for."""
        return digest_of({"version": self.id, "digest": self.digest, "before": self.before, "guarded": self.guarded})

    def confirmed(self, *, approving: bool) -> str:
        """SHA-256 (hex) of what a code confirms: this word on exactly this change."""
        return digest_of({"change": self.id, "digest": self.digest, "before": self.before, "approving": approving})


class Step(StrEnum):
    """What a file that was read changes."""

    NOTHING = "nothing"
    TAKE = "take"
    PROPOSE = "propose"
    WITHDRAW = "withdraw"
    """It says what is live again: what waited is off."""
    STALE = "stale"
    """It says what was there before, and was replaced or denied since: another replica has a newer file."""


def next_step(
    digest: str,
    *,
    live: Version | None,
    waiting: Version | None,
    known: Version | None,
    own: str = "",
    told: bool = False,
) -> Step:
    """What becomes of a file with this digest. Whether somebody has to approve it, the live version's rule says.

    ``known`` is the newest version of this digest, ``own`` the digest of what this process's file said before, empty
    at its start. ``told``: somebody at this machine said that it is to be read. A file that is behind the others'
    never brings back what they have replaced: that takes an edit where the newest was there, or somebody's word.
    """
    if live is None:
        return Step.TAKE
    head = waiting or live
    if head.digest == digest:
        return Step.NOTHING
    if known is not None and not told:
        denied = known.standing is Standing.DENIED and known.before == live.digest
        if denied or own != head.digest:
            return Step.STALE
    if live.digest == digest:
        return Step.WITHDRAW
    return Step.PROPOSE if live.guarded else Step.TAKE


def show_version(version: Version, now: datetime) -> Effect:
    """Bring the card of a change up to date."""
    return Effect("chat.catalogue", version.id, f"catalogue:{version.id}", now)


def version_event(tag: Tag, actor: Actor, version: Version, **data: object) -> Event:
    """A fact about a version."""
    about: Mapping[str, object] = {"version": version.id, "digest": version.digest, "before": version.before, **data}
    return Event(tag, actor, data=about)
