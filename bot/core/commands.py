"""What can be asked of the lifecycle. Verdicts are made by the caller, from facts read in the same transaction."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.audit import SYSTEM, Actor
from bot.core.model import AccessRequest
from bot.core.policy import Verdict


@dataclass(frozen=True, slots=True)
class Giving:
    """What the grants of an approved request are made with: an id and a provider for each of its items."""

    grant_ids: tuple[str, ...]
    providers: tuple[str, ...]
    remind_before: timedelta = timedelta(0)
    begins: datetime | None = None
    """When the grant ends that these go on from (UTC); ``None``: they begin as asked for."""


@dataclass(frozen=True, slots=True)
class Submit:
    """Ask for ``request`` (pending, undecided). ``proved``: the step-up for exactly this is fresh."""

    actor: Actor
    request: AccessRequest
    verdict: Verdict
    proved: bool
    giving: Giving | None = None
    """For a request that goes without an approver (its ``way`` says which): it is approved by this."""
    why: tuple[str, ...] = ()
    """Why nobody is asked, for the log."""
    escalations: tuple[timedelta, ...] = ()
    """After how long further people may approve it, too."""


@dataclass(frozen=True, slots=True)
class Approve:
    """Say yes. ``completes``: by the rules as they are now nobody's yes is missing after this one."""

    actor: Actor
    verdict: Verdict
    stepped_up_at: datetime | None
    giving: Giving
    completes: bool
    wanted: int = 1
    """How many persons have to say yes, by the rules as they are now."""


@dataclass(frozen=True, slots=True)
class Deny:
    """Say no, with a reason for the requester. ``allowed``: the actor is an approver now.

    ``decides``: by the rules as they are now no further no is needed.
    """

    actor: Actor
    note: str
    allowed: bool
    decides: bool = True


@dataclass(frozen=True, slots=True)
class Claim:
    """Say that one is looking at it. ``allowed``: the actor is an approver now."""

    actor: Actor
    allowed: bool


@dataclass(frozen=True, slots=True)
class Review:
    """Say afterwards whether access without an approver was right, with a note where it was not."""

    actor: Actor
    objects: bool
    note: str
    refusal: str = ""
    """Why the actor may not review it; empty when they may."""


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
class Remind:
    """Remind ``waits_for`` (person ids), whose turn it is, as was due ``at`` (UTC)."""

    at: datetime
    waits_for: tuple[str, ...]
    actor: Actor = SYSTEM


@dataclass(frozen=True, slots=True)
class Escalate:
    """Ask ``further`` people (ids) too; ``escalations``: after how long since the asking each of them is due."""

    further: tuple[str, ...]
    escalations: tuple[timedelta, ...]
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
    also: tuple[str, ...] = ()
    """Further grants of the same request."""


@dataclass(frozen=True, slots=True)
class Revoke:
    """Someone else stops it. ``allowed``: an admin, one of the role's approvers, or an operator."""

    grant_id: str
    actor: Actor
    note: str
    allowed: bool
    also: tuple[str, ...] = ()
    """Further grants of the same request."""


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
    giving: Giving


Command = (
    Submit
    | Approve
    | Deny
    | Claim
    | Review
    | Cancel
    | Lapse
    | Remind
    | Escalate
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
