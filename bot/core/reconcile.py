"""The ledger against the cloud: what is recorded, what was observed, and what differs. Pure.

All times are timezone-aware UTC.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.model import Grant, GrantStatus
from bot.core.strays import DriftKind, Stray

GRACE = timedelta(minutes=2)
"""How long the cloud may take to show what was done: IAM is eventually consistent, ten seconds and more."""


@dataclass(frozen=True, slots=True)
class Found:
    """A policy under our name. ``as_asked``: what the ledger has under this name says exactly this."""

    principal: str
    name: str
    as_asked: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the ledger has for some principals of one account, read after the cloud was."""

    account: str
    grants: Mapping[str, Grant]
    """By id: those of the principals that have not ended, and every one whose id was found as a name."""
    quarantines: Mapping[str, Stray]
    """By the quarantine's name: every stray whose quarantine's name was found."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference between the ledger and the cloud."""

    kind: DriftKind
    account: str
    principal: str
    name: str
    """The policy's name after ``PREFIX``; for a grant its id."""


def diff(recorded: Recorded, found: Iterable[Found], looked_at: Collection[str], now: datetime) -> tuple[Drift, ...]:
    """What differs, by principal and name. Only principals that were ``looked_at`` can miss something.

    What is being granted or revoked is in flux: whatever is seen of it is on its way, and its own effect sees to it.
    What was granted or ended within ``GRACE`` may be seen, or not, for a while.
    """
    there = {(each.principal, each.name): each for each in found}
    missing = [
        Drift(DriftKind.MISSING, grant.account, grant.principal, grant.id)
        for grant in recorded.grants.values()
        if grant.account == recorded.account
        and grant.principal in looked_at
        and (grant.principal, grant.id) not in there
        and _is_settled(grant, now)
    ]
    strays = [
        Drift(kind, recorded.account, each.principal, each.name)
        for each in there.values()
        if (kind := _kind(recorded, each, now)) is not None
    ]
    return tuple(sorted((*missing, *strays), key=lambda drift: (drift.principal, drift.name)))


def _kind(recorded: Recorded, found: Found, now: datetime) -> DriftKind | None:
    if is_quarantine(recorded, found):
        return None
    grant = recorded.grants.get(found.name)
    if grant is None or (grant.account, grant.principal) != (recorded.account, found.principal):
        return DriftKind.UNKNOWN
    match grant.status:
        case GrantStatus.GRANTING | GrantStatus.REVOKING:
            return None
        case GrantStatus.ACTIVE:
            return DriftKind.ALTERED if _is_settled(grant, now) and not found.as_asked else None
        case GrantStatus.ENDED:
            return DriftKind.UNKNOWN if grant.ended_at is None or now - grant.ended_at >= GRACE else None
        case GrantStatus.SCHEDULED:
            return DriftKind.UNKNOWN


def is_quarantine(recorded: Recorded, found: Found) -> bool:
    """Whether it is one of our own denials where we put it.

    One whose stray is open is ours whatever it says: it is put again. Later it is ours only if it says what we wrote.
    """
    stray = recorded.quarantines.get(found.name)
    if stray is None or (stray.account, stray.principal) != (recorded.account, found.principal):
        return False
    return stray.settled_at is None or found.as_asked


def _is_settled(grant: Grant, now: datetime) -> bool:
    """Whether it is active, has been for a while, and is not about to expire: then the cloud must show it."""
    if grant.status is not GrantStatus.ACTIVE or now >= grant.expires_at:
        return False
    return grant.granted_at is None or now - grant.granted_at >= GRACE
