"""Strays: policies under our name that the ledger does not account for, and who may decide what becomes of them. Pure.

All times are timezone-aware UTC.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core.audit import Actor, Event, Tag
from bot.core.decisions import Refusal
from bot.core.model import (
    AccessRequest,
    Approval,
    Ask,
    Catalogue,
    Effect,
    Grant,
    GrantStatus,
    Person,
    RequestStatus,
    digest_of,
)

PREFIX = "prodaccess-"
"""What everything of ours in a cloud is called: this and a name, mostly a grant's id."""
QUARANTINE = "quarantine-"
"""What the name of a policy that only denies begins with, after ``PREFIX``."""
ADOPTED_FOR = timedelta(hours=1)
"""The longest life of what is adopted; its own end counts where that is sooner."""
ADOPTED = "adopted"
"""Stands for role and kind of work where access was adopted and not asked for."""


class DriftKind(StrEnum):
    """How the cloud differs from the ledger."""

    MISSING = "missing"
    """The ledger says active, the cloud has nothing."""
    ALTERED = "altered"
    """A live grant's policy is not what was approved."""
    UNKNOWN = "unknown"
    """A policy under our name that is no live grant's: never heard of, ended, or not begun."""


class Fate(StrEnum):
    """What becomes of a stray."""

    REMOVED = "removed"
    ADOPTED = "adopted"
    RESTORED = "restored"
    VANISHED = "vanished"
    """It went, or was put right, without an admin's word here."""


NEEDS_CODE = frozenset({Fate.ADOPTED, Fate.RESTORED})
"""What lets somebody in is confirmed with a code; removing is always safe."""


@dataclass(frozen=True, slots=True)
class Stray:
    """One policy that should not be as it is. ``version`` counts its writes.

    Open until ``fate`` is decided; settled once the cloud was seen to be as decided and the quarantine to be gone.
    """

    id: str
    account: str
    provider: str
    principal: str
    name: str
    """The policy's name after ``PREFIX``: a grant's id, or anything that somebody wrote."""
    kind: DriftKind
    text: str
    """The whole policy as it was found last (JSON)."""
    person: str
    """Person id of the principal's owner; empty when access.yaml has none."""
    found_at: datetime
    grant_id: str = ""
    """The grant that was altered, has ended, or took over what was adopted; empty where the ledger has none."""
    quarantined_at: datetime | None = None
    """When the cloud first took the policy that denies what this one allows."""
    problem: str = ""
    """Why it is not quarantined, as a sentence; empty while nothing stands against it."""
    fate: Fate | None = None
    decided_at: datetime | None = None
    settled_by: str = ""
    """Person id of who decided; ``prodaccess`` where nobody had to."""
    settled_at: datetime | None = None
    version: int = 0

    @property
    def quarantine(self) -> str:
        """The name, after ``PREFIX``, of the policy that denies what this one allows."""
        return f"{QUARANTINE}{self.id}"

    def digest(self, fate: Fate) -> str:
        """SHA-256 (hex) of what a code confirms: this fate for exactly this text."""
        return digest_of(
            {
                "stray": self.id,
                "account": self.account,
                "principal": self.principal,
                "name": self.name,
                "text": self.text,
                "fate": str(fate),
            }
        )


@dataclass(frozen=True, slots=True)
class Deciding:
    """What the rules of deciding look at."""

    stray: Stray
    fate: Fate
    person: Person
    is_admin: bool
    owners: tuple[Person, ...]
    """Everyone in access.yaml whose principal it is."""
    holder: Person | None
    """Whose grant it is, or whose principal it was when it was found."""
    grant: Grant | None
    """The grant of ``stray.grant_id``."""
    now: datetime


def why_not(d: Deciding) -> Refusal | None:
    """Why this person may not decide this, now; ``None`` when they may."""
    if not d.is_admin:
        return Refusal("policy", "Only an admin may decide what becomes of this policy.")
    if d.stray.fate is not None:
        return Refusal("late", f"This was decided already: {decided(d.stray)}.")
    if d.fate not in NEEDS_CODE:
        return None
    theirs = (*d.owners, d.holder) if d.holder else d.owners
    if any(person.is_same_human(d.person) for person in theirs):
        return Refusal("separation", "This is your own access: another admin has to decide. You can remove it.")
    return _not_restorable(d) if d.fate is Fate.RESTORED else _not_adoptable(d)


def _not_adoptable(d: Deciding) -> Refusal | None:
    if d.stray.kind is not DriftKind.UNKNOWN:
        return Refusal("policy", "This belongs to a grant: restore what was approved, or remove it.")
    if not d.owners:
        where = f"{d.stray.principal} in {d.stray.account}"
        return Refusal("policy", f"Nobody in access.yaml has {where}, so nobody could hold it. Remove it.")
    return None


def _not_restorable(d: Deciding) -> Refusal | None:
    if d.stray.kind is not DriftKind.ALTERED:
        return Refusal("policy", "Nothing was ever approved here that could be restored. Remove it, or adopt it.")
    if d.grant is None or d.grant.status is not GrantStatus.ACTIVE or d.now >= d.grant.expires_at:
        return Refusal("late", "The grant has ended meanwhile: its policy is removed with it.")
    return None


def decided(stray: Stray) -> str:
    """The decision in plain words, for a sentence."""
    return {
        Fate.REMOVED: "it is removed",
        Fate.ADOPTED: "it is adopted",
        Fate.RESTORED: "what was approved is restored",
        Fate.VANISHED: "it went by itself",
    }.get(stray.fate or Fate.VANISHED, "") + (f", by {stray.settled_by}" if stray.settled_by else "")


def adopted_for(end: datetime | None, now: datetime) -> timedelta:
    """How long what is adopted at ``now`` lives: until its own ``end`` where that is within an hour; whole seconds.

    Not positive when its own end has passed.
    """
    left = min(ADOPTED_FOR, end - now) if end is not None else ADOPTED_FOR
    return timedelta(seconds=left // timedelta(seconds=1))


def adopted_request(
    stray: Stray, *, request_id: str, policy: str, approval: Approval, lives: timedelta, catalogue: Catalogue
) -> AccessRequest:
    """The request that stands for what nobody asked for, approved by the admin who adopts it."""
    reason = f"Adopted: policy {stray.name} was found on {stray.principal} and had not been asked for."
    ask = Ask(stray.person, ADOPTED, stray.account, {}, ADOPTED, lives, reason)
    return AccessRequest(
        id=request_id,
        ask=ask,
        status=RequestStatus.APPROVED,
        asked_at=approval.at,
        lapses_at=approval.at + lives,
        principal=stray.principal,
        policy=policy,
        catalogue_digest=catalogue.digest,
        approvers_asked=(approval.person,),
        channel=catalogue.security_channel,
        approvals=(approval,),
        decided_at=approval.at,
        decided_by=approval.person,
    )


def is_settled_by_itself(stray: Stray, found: Iterable[tuple[str, bool]], grant: Grant | None) -> bool:
    """Whether an open stray is a stray no more; ``found`` are (name, as asked) of what its principal has now."""
    there = dict(found)
    if stray.name not in there:
        return True
    # Whatever it was found to be: by now it is what was approved, as when a grant began under the name of a stray.
    here = grant is not None and (grant.account, grant.principal) == (stray.account, stray.principal)
    return grant is not None and here and grant.status is GrantStatus.ACTIVE and there[stray.name]


def look_again(where: tuple[str, str, str, str], verdict: str, due_at: datetime) -> Effect:
    """Look once more at one policy (account, provider, principal, name); ``verdict`` is what was seen, or nothing."""
    account, provider, principal, name = where
    about = {"provider": provider, "principal": principal, "name": name, "verdict": verdict}
    return Effect("drift.confirm", account, f"drift-again:{account}:{provider}:{principal}:{name}", due_at, about)


def tend(stray: Stray, now: datetime) -> Effect:
    """Make the cloud be as the stray's record says."""
    return Effect("drift.tend", stray.id, f"stray:{stray.id}", now)


def show_stray(stray: Stray, now: datetime) -> Effect:
    """Bring the stray's card up to date."""
    return Effect("chat.stray", stray.id, f"stray-card:{stray.id}", now)


def stray_event(tag: Tag, actor: Actor, stray: Stray, **data: object) -> Event:
    """A fact about a stray."""
    about = {
        "stray": stray.id,
        "kind": str(stray.kind),
        "principal": stray.principal,
        "policy": stray.name,
        **data,
    }
    return Event(tag, actor, "", stray.grant_id, stray.person, stray.account, about)
