"""What a decision is made of: the state before, the records, facts and effects after, and how each is worded."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.audit import Actor, Event, Tag
from bot.core.commands import Giving
from bot.core.model import AccessRequest, Effect, EndReason, Grant, GrantStatus, RequestStatus

BEGINS_WITHIN = timedelta(seconds=1)
"""After its approval, access that is not there by then is shown as being made; mostly it is, which is shown at once."""
AHEAD = timedelta(seconds=30)
"""What goes on from a grant is put into the cloud this long before that one ends: it works from its own start on."""


@dataclass(frozen=True, slots=True)
class State:
    """A request and its grants, as stored."""

    request: AccessRequest | None
    grants: tuple[Grant, ...] = ()

    def grant(self, grant_id: str) -> Grant | None:
        """The grant of that id, if it belongs to this request."""
        return next((grant for grant in self.grants if grant.id == grant_id), None)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a command changes: records to save, facts to log, effects to run. ``cancels`` are effect keys."""

    request: AccessRequest | None = None
    grants: tuple[Grant, ...] = ()
    events: tuple[Event, ...] = ()
    effects: tuple[Effect, ...] = ()
    cancels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a command changes nothing. ``code`` is for programs, ``text`` for the person who acted."""

    code: str
    text: str


Outcome = Decision | Refusal


@dataclass(frozen=True, slots=True)
class Ending:
    """Who stops a grant, when (UTC), why, in whose words."""

    actor: Actor
    at: datetime
    reason: EndReason
    note: str = ""


@dataclass(frozen=True, slots=True)
class Closing:
    """Who decides a pending request without a grant, when (UTC), how, in whose words."""

    actor: Actor
    at: datetime
    status: RequestStatus
    note: str = ""


def pending(request: AccessRequest | None) -> AccessRequest | Refusal:
    """The request, if it can still be decided."""
    if request is None:
        return Refusal("unknown", "There is no such request.")
    if request.status is not RequestStatus.PENDING:
        return Refusal("late", f"This request is already {request.status}.")
    return request


def scheduled(request: AccessRequest, giving: Giving, now: datetime) -> tuple[Grant, ...]:
    """The grants of an approved request: their clock starts at the approval, or at the chosen start.

    Raises ValueError when ``giving`` is not for as many items as the request has.
    """
    starts_at = max(now, giving.begins or request.ask.start_at or now)
    items = zip(request.ask.items, request.parts, giving.grant_ids, giving.providers, strict=True)
    return tuple(
        Grant(
            id=grant_id,
            request_id=request.id,
            person=request.ask.requester,
            role=item.role,
            account=item.account,
            provider=provider,
            principal=part.principal,
            policy=part.policy,
            digest=request.digest(),
            status=GrantStatus.SCHEDULED,
            starts_at=starts_at,
            expires_at=starts_at + request.ask.duration,
            item=at,
        )
        for at, (item, part, grant_id, provider) in enumerate(items)
    )


def may_begin_at(request: AccessRequest, grant: Grant) -> datetime:
    """When a grant may be put into the cloud (UTC); the permission itself works from the grant's start on."""
    return grant.starts_at - AHEAD if request.ask.extends else grant.starts_at


def goes_on_without_a_gap(request: AccessRequest, grant: Grant) -> bool:
    """Whether it was approved before the grant ended that it goes on from: then nothing begins anew for its holder."""
    return bool(request.ask.extends) and request.decided_at is not None and grant.starts_at > request.decided_at


def converge(grant: Grant, now: datetime) -> Effect:
    """Make the cloud be as the grant's status says."""
    return Effect("grant.converge", grant.id, f"converge:{grant.id}", now)


def timers(grant: Grant) -> tuple[str, ...]:
    """Keys of the effects that wait for a grant's times."""
    return (f"start:{grant.id}", f"expire:{grant.id}", f"remind:{grant.id}")


def remind(grant: Grant, before: timedelta) -> tuple[Effect, ...]:
    """Say that the end is near; nothing where that would be said at the very beginning."""
    due_at = grant.expires_at - before
    return (Effect("chat.remind", grant.id, f"remind:{grant.id}", due_at),) if due_at > grant.starts_at else ()


def show(request: AccessRequest, now: datetime, outcome: str = "") -> tuple[Effect, ...]:
    """Bring every copy of the request's cards, and the requester's home, up to date.

    ``outcome`` is how it came to an end, or ``revoking`` on the way there; then it may wait when there are many.
    """
    person, channel = request.ask.requester, f"channel:{request.channel}" if outcome else ""
    about = {"outcome": outcome} if outcome else {}
    return (
        Effect("chat.cards", request.id, f"cards:{request.id}", now, about, channel),
        Effect("chat.home", person, f"home:{person}", now),
    )


def tell(what: str, subject: str, person: str, now: datetime, outcome: str = "") -> Effect:
    """Say it to a person, once. With an ``outcome`` (``expired``, ``denied`` …) it may be told with others."""
    about = {"what": what, "person": person, **({"outcome": outcome} if outcome else {})}
    return Effect("chat.tell", subject, f"tell:{what}:{subject}", now, about, f"person:{person}" if outcome else "")


def asked(request: AccessRequest) -> dict[str, object]:
    """What was asked for, for the log."""
    ask = request.ask
    return {
        "role": ask.role,
        "params": dict(ask.params),
        "work": ask.work,
        "seconds": int(ask.duration.total_seconds()),
        "reason": ask.reason,
        "ticket": ask.ticket,
        "start_at": ask.start_at.isoformat() if ask.start_at else "",
        "principal": request.principal,
        # Only where they are used, so that the records of a plain request stay as they were.
        **({"more": [[item.role, item.account, dict(item.params)] for item in ask.more]} if ask.more else {}),
        **({"break_glass": True} if ask.break_glass else {}),
        **({"extends": ask.extends} if ask.extends else {}),
    }


def request_event(tag: Tag, actor: Actor, request: AccessRequest, data: Mapping[str, object]) -> Event:
    """A fact about a request."""
    return Event(
        tag, actor, request.id, "", request.ask.requester, request.ask.account, {"role": request.ask.role, **data}
    )


def grant_event(tag: Tag, actor: Actor, grant: Grant, data: Mapping[str, object]) -> Event:
    """A fact about a grant."""
    return Event(tag, actor, grant.request_id, grant.id, grant.person, grant.account, {"role": grant.role, **data})
