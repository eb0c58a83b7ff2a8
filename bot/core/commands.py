"""What can be asked of the lifecycle. Verdicts are made by the caller, from facts read in the same transaction."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.audit import SYSTEM, Actor
from bot.core.model import AccessRequest
from bot.core.policy import Verdict


@dataclass(frozen=True, slots=True)
class Submit:
    """Ask for ``request`` (pending, undecided). ``proved``: the step-up for exactly this is fresh."""

    actor: Actor
    request: AccessRequest
    verdict: Verdict
    proved: bool


@dataclass(frozen=True, slots=True)
class Approve:
    """Say yes. ``grant_id`` and ``provider`` are used if this yes completes the quorum."""

    actor: Actor
    verdict: Verdict
    stepped_up_at: datetime | None
    grant_id: str
    provider: str
    remind_before: timedelta


@dataclass(frozen=True, slots=True)
class Deny:
    """Say no, with a reason for the requester. ``allowed``: the actor is an approver now."""

    actor: Actor
    note: str
    allowed: bool


@dataclass(frozen=True, slots=True)
class Cancel:
    """The requester takes the request back; ``note`` says why when it is done for them (a reset, say)."""

    actor: Actor
    allowed: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Lapse:
    """Nobody decided in time."""

    actor: Actor = SYSTEM


@dataclass(frozen=True, slots=True)
class Start:
    """The grant's time has come; ``refusals`` says why the policy would no longer allow it, if so."""

    grant_id: str
    refusals: tuple[str, ...]
    actor: Actor = SYSTEM


@dataclass(frozen=True, slots=True)
class Granted:
    """The cloud made it."""

    grant_id: str
    actor: Actor = SYSTEM


@dataclass(frozen=True, slots=True)
class GrantFailed:
    """The cloud will not make it; ``note`` says why."""

    grant_id: str
    note: str
    actor: Actor = SYSTEM


@dataclass(frozen=True, slots=True)
class Expire:
    """Time is up."""

    grant_id: str
    actor: Actor = SYSTEM


@dataclass(frozen=True, slots=True)
class Release:
    """The holder is done."""

    grant_id: str
    actor: Actor
    allowed: bool


@dataclass(frozen=True, slots=True)
class Revoke:
    """Someone else stops it. ``allowed``: an admin, one of the role's approvers, or an operator."""

    grant_id: str
    actor: Actor
    note: str
    allowed: bool


@dataclass(frozen=True, slots=True)
class Removed:
    """The permission was observed absent, now."""

    grant_id: str
    actor: Actor = SYSTEM


@dataclass(frozen=True, slots=True)
class Lost:
    """The cloud has nothing of an active grant, and has had time enough to show it."""

    grant_id: str
    actor: Actor = SYSTEM


@dataclass(frozen=True, slots=True)
class Adopt:
    """An admin takes over access that nobody asked for: ``request`` (approved) and its grant stand for it."""

    actor: Actor
    request: AccessRequest
    grant_id: str
    provider: str


Command = (
    Submit
    | Approve
    | Deny
    | Cancel
    | Lapse
    | Start
    | Granted
    | GrantFailed
    | Expire
    | Release
    | Revoke
    | Removed
    | Lost
    | Adopt
)
