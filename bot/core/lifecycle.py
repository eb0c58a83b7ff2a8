"""Every transition of a request and its grants, on one page.

    request: pending → approved | denied | cancelled | lapsed
    grant:   scheduled → granting → active → revoking → ended

``decide`` is pure: the time is a parameter, ids come with the commands. What is terminal absorbs: a late click, timer
or result gets a ``Refusal`` and changes nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.core import commands as c
from bot.core.audit import Tag
from bot.core.decisions import (
    Closing,
    Decision,
    Ending,
    Outcome,
    Refusal,
    State,
    asked,
    converge,
    grant_event,
    pending,
    remind,
    request_event,
    scheduled,
    show,
    tell,
    timers,
)
from bot.core.model import AccessRequest, Approval, Effect, EndReason, Grant, GrantStatus, RequestStatus

ENDS_WITHIN = timedelta(seconds=10)
"""After its time was up, access that is then still to be seen is shown as being removed."""
BEGINS_WITHIN = timedelta(seconds=1)
"""After its approval, access that is not there by then is shown as being made; mostly it is, which is shown at once."""


def decide(state: State, command: c.Command, now: datetime) -> Outcome:
    """What becomes of ``state`` by ``command`` at ``now`` (UTC)."""
    return _TRANSITIONS[type(command)](state, command, now)


# --- requests --------------------------------------------------------------------------------------------


def _submit(state: State, command: c.Submit, now: datetime) -> Outcome:
    request = command.request
    if state.request is not None:
        return Refusal("late", "This request was sent already.")
    if not command.verdict.allowed:
        return Refusal("policy", " ".join(reason.text for reason in command.verdict.refusals) or "Not allowed.")
    if not command.proved:
        return Refusal("step-up", "The code does not prove this request.")
    about = {
        **asked(request),
        "approvers": list(request.approvers_asked),
        "catalogue": request.catalogue_digest,
        "digest": request.digest(),
    }
    return Decision(
        request=request,
        events=(request_event(Tag.REQUEST_SUBMITTED, command.actor, request, about),),
        effects=(
            Effect("request.lapse", request.id, f"lapse:{request.id}", request.lapses_at),
            *show(request, now),
        ),
    )


def _approve(state: State, command: c.Approve, now: datetime) -> Outcome:
    request = pending(state.request)
    if isinstance(request, Refusal):
        return request
    if now >= request.lapses_at:
        return Refusal("late", "This request has lapsed.")
    if not command.verdict.allowed:
        missing = {reason.rule for reason in command.verdict.refusals}
        code = "step-up" if missing == {"step-up"} else "policy"
        return Refusal(code, " ".join(reason.text for reason in command.verdict.refusals) or "Not allowed.")
    yes = Approval(command.actor.id, now, command.stepped_up_at)
    approvals = (*request.approvals, yes)
    proof = command.stepped_up_at.isoformat() if command.stepped_up_at else ""
    about: dict[str, object] = {"digest": request.digest(), "stepped_up_at": proof, "quorum": request.quorum}
    if len({approval.person for approval in approvals}) < request.quorum:
        waiting = replace(request, approvals=approvals)
        event = request_event(Tag.REQUEST_APPROVAL_ADDED, command.actor, waiting, about)
        return Decision(request=waiting, events=(event,), effects=show(waiting, now))
    approved = replace(
        request, status=RequestStatus.APPROVED, approvals=approvals, decided_at=now, decided_by=command.actor.id
    )
    grant = scheduled(approved, command, now)
    window = {"starts_at": grant.starts_at.isoformat(), "expires_at": grant.expires_at.isoformat()}
    return Decision(
        request=approved,
        grant=grant,
        events=(
            request_event(Tag.REQUEST_APPROVED, command.actor, approved, about),
            grant_event(Tag.GRANT_SCHEDULED, command.actor, grant, window),
        ),
        # The end is on the books before the beginning: no crash in between leaves access without its expiry.
        effects=(
            Effect("grant.expire", grant.id, f"expire:{grant.id}", grant.expires_at),
            Effect("grant.start", grant.id, f"start:{grant.id}", grant.starts_at),
            *remind(grant, command.remind_before),
            *show(approved, now if grant.starts_at > now else now + BEGINS_WITHIN),
        ),
        cancels=(f"lapse:{request.id}",),
    )


def _deny(state: State, command: c.Deny, now: datetime) -> Outcome:
    if state.request is not None and not command.allowed:
        return Refusal("policy", "Only an approver of this request may deny it.")
    return _close(state, Closing(command.actor, now, RequestStatus.DENIED, command.note))


def _cancel(state: State, command: c.Cancel, now: datetime) -> Outcome:
    if state.request is not None and not command.allowed:
        return Refusal("policy", "Only the requester may cancel this request.")
    return _close(state, Closing(command.actor, now, RequestStatus.CANCELLED, command.note))


def _lapse(state: State, command: c.Lapse, now: datetime) -> Outcome:
    if state.request is not None and now < state.request.lapses_at:
        return Refusal("early", "This request has not lapsed yet.")
    return _close(state, Closing(command.actor, now, RequestStatus.LAPSED))


def _close(state: State, closing: Closing) -> Outcome:
    request = pending(state.request)
    if isinstance(request, Refusal):
        return request
    closed = replace(
        request,
        status=closing.status,
        decided_at=closing.at,
        decided_by=closing.actor.id,
        decision_note=closing.note,
    )
    event = request_event(Tag(f"request.{closing.status}"), closing.actor, closed, {"note": closing.note})
    how, person = str(closing.status), closed.ask.requester
    return Decision(
        request=closed,
        events=(event,),
        effects=(*show(closed, closing.at, how), tell(how, closed.id, person, closing.at, how)),
        cancels=(f"lapse:{closed.id}",),
    )


def _adopt(state: State, command: c.Adopt, now: datetime) -> Outcome:
    request = command.request
    if state.request is not None:
        return Refusal("late", "This was adopted already.")
    if request.status is not RequestStatus.APPROVED:
        return Refusal("policy", "Only what an admin approved is adopted.")
    grant = scheduled(request, command, now)
    window = {"starts_at": grant.starts_at.isoformat(), "expires_at": grant.expires_at.isoformat()}
    about = {**asked(request), "digest": request.digest(), "quorum": request.quorum, "adopted": True}
    return Decision(
        request=request,
        grant=grant,
        events=(
            request_event(Tag.REQUEST_APPROVED, command.actor, request, about),
            grant_event(Tag.GRANT_SCHEDULED, command.actor, grant, window),
        ),
        # It is started once what it replaces was seen to be gone; its end does not wait for that.
        effects=(Effect("grant.expire", grant.id, f"expire:{grant.id}", grant.expires_at), *show(request, now)),
    )


# --- grants ----------------------------------------------------------------------------------------------


def _start(state: State, command: c.Start, now: datetime) -> Outcome:
    grant, request = state.grant(command.grant_id), state.request
    if grant is None or request is None or grant.status is not GrantStatus.SCHEDULED:
        return Refusal("late", "This grant is not waiting to start.")
    if now < grant.starts_at:
        return Refusal("early", "This grant's time has not come.")
    if now >= grant.expires_at:
        return _end(
            request, grant, Ending(command.actor, now, EndReason.EXPIRED, "It could not be started before its end.")
        )
    if request.status is not RequestStatus.APPROVED or request.digest() != grant.digest:
        return _end(request, grant, Ending(command.actor, now, EndReason.FAILED, "It is not what was approved."))
    if command.refusals:
        return _end(request, grant, Ending(command.actor, now, EndReason.FAILED, " ".join(command.refusals)))
    granting = replace(grant, status=GrantStatus.GRANTING)
    return Decision(
        grant=granting,
        events=(grant_event(Tag.GRANT_STARTED, command.actor, granting, {"policy": granting.policy}),),
        effects=(converge(granting, now), *show(request, now + BEGINS_WITHIN)),
    )


def _granted(state: State, command: c.Granted, now: datetime) -> Outcome:
    grant, request = state.grant(command.grant_id), state.request
    if grant is None or request is None or grant.status is not GrantStatus.GRANTING:
        return Refusal("late", "This grant is not being made.")
    active = replace(grant, status=GrantStatus.ACTIVE, granted_at=now)
    about = {"expires_at": active.expires_at.isoformat(), "principal": active.principal}
    return Decision(
        grant=active,
        events=(grant_event(Tag.GRANT_ACTIVE, command.actor, active, about),),
        effects=(*show(request, now), tell("active", active.id, active.person, now)),
    )


def _grant_failed(state: State, command: c.GrantFailed, now: datetime) -> Outcome:
    grant = state.grant(command.grant_id)
    if grant is not None and grant.status is not GrantStatus.GRANTING:
        return Refusal("late", "This grant is not being made.")
    return _stop(state, grant, Ending(command.actor, now, EndReason.FAILED, command.note))


def _expire(state: State, command: c.Expire, now: datetime) -> Outcome:
    grant = state.grant(command.grant_id)
    if grant is not None and now < grant.expires_at:
        return Refusal("early", "This grant has not expired yet.")
    return _stop(state, grant, Ending(command.actor, now, EndReason.EXPIRED))


def _release(state: State, command: c.Release, now: datetime) -> Outcome:
    if not command.allowed:
        return Refusal("policy", "Only the holder may release this access.")
    return _stop(state, state.grant(command.grant_id), Ending(command.actor, now, EndReason.RELEASED))


def _revoke(state: State, command: c.Revoke, now: datetime) -> Outcome:
    if not command.allowed:
        return Refusal("policy", "Only an admin or one of the role's approvers may revoke this access.")
    return _stop(state, state.grant(command.grant_id), Ending(command.actor, now, EndReason.REVOKED, command.note))


def _stop(state: State, grant: Grant | None, ending: Ending) -> Outcome:
    request = state.request
    if grant is None or request is None:
        return Refusal("unknown", "There is no such grant.")
    if grant.status is GrantStatus.SCHEDULED:
        return _end(request, grant, ending)
    if grant.status not in {GrantStatus.GRANTING, GrantStatus.ACTIVE}:
        return Refusal("late", "This access is already being removed." if grant.is_live else "This access has ended.")
    revoking = replace(
        grant,
        status=GrantStatus.REVOKING,
        revoking_since=ending.at,
        end_reason=ending.reason,
        ended_by=ending.actor.id,
        end_note=ending.note,
    )
    about = {"reason": str(ending.reason), "note": ending.note}
    return Decision(
        grant=revoking,
        events=(grant_event(Tag.GRANT_REVOKING, ending.actor, revoking, about),),
        effects=(converge(revoking, ending.at), *show(request, ending.at + _seen_within(ending), str(revoking.status))),
        cancels=timers(revoking),
    )


def _seen_within(ending: Ending) -> timedelta:
    """Nobody looks at the moment when time is up, and the end mostly follows at once: it is shown in one go."""
    return ENDS_WITHIN if ending.reason is EndReason.EXPIRED else timedelta(0)


def _lost(state: State, command: c.Lost, now: datetime) -> Outcome:
    grant = state.grant(command.grant_id)
    if grant is not None and grant.status is not GrantStatus.ACTIVE:
        return Refusal("late", "This grant is not active.")
    # Never put back: somebody may have taken it away in an emergency. What reappears is removed as after any end.
    outcome = _stop(state, grant, Ending(command.actor, now, EndReason.LOST, "It was removed outside of prodaccess."))
    if isinstance(outcome, Refusal) or grant is None:
        return outcome
    lost = grant_event(Tag.GRANT_LOST, command.actor, grant, {"principal": grant.principal})
    return replace(outcome, events=(lost, *outcome.events))


def _removed(state: State, command: c.Removed, now: datetime) -> Outcome:
    grant, request = state.grant(command.grant_id), state.request
    if grant is None or request is None or grant.status is not GrantStatus.REVOKING or grant.end_reason is None:
        return Refusal("late", "This access is not being removed.")
    return _end(request, grant, Ending(command.actor, now, grant.end_reason, grant.end_note))


def _end(request: AccessRequest, grant: Grant, ending: Ending) -> Decision:
    ended = replace(
        grant,
        status=GrantStatus.ENDED,
        ended_at=ending.at,
        end_reason=ending.reason,
        ended_by=grant.ended_by or ending.actor.id,
        end_note=ending.note,
    )
    since, how = grant.revoking_since, str(ending.reason)
    about = {
        "reason": how,
        "note": ending.note,
        "granted_at": grant.granted_at.isoformat() if grant.granted_at else "",
        "observed_absent": since is not None,
        "lag_ms": round((ending.at - min(grant.expires_at, since)).total_seconds() * 1000) if since else 0,
    }
    return Decision(
        grant=ended,
        events=(grant_event(Tag.GRANT_ENDED, ending.actor, ended, about),),
        effects=(*show(request, ending.at, how), tell("ended", ended.id, ended.person, ending.at, how)),
        cancels=timers(ended),
    )


_TRANSITIONS: Mapping[type, Callable[[State, Any, datetime], Outcome]] = {
    c.Submit: _submit,
    c.Approve: _approve,
    c.Deny: _deny,
    c.Cancel: _cancel,
    c.Lapse: _lapse,
    c.Start: _start,
    c.Granted: _granted,
    c.GrantFailed: _grant_failed,
    c.Expire: _expire,
    c.Release: _release,
    c.Revoke: _revoke,
    c.Removed: _removed,
    c.Lost: _lost,
    c.Adopt: _adopt,
}
