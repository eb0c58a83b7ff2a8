"""What becomes of a grant: scheduled → granting → active → revoking → ended."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import reduce

from bot.core import commands as c
from bot.core.audit import Tag
from bot.core.decisions import (
    BEGINS_WITHIN,
    Decision,
    Ending,
    Outcome,
    Refusal,
    State,
    converge,
    goes_on_without_a_gap,
    grant_event,
    may_begin_at,
    show,
    tell,
    timers,
)
from bot.core.model import AccessRequest, EndReason, Grant, GrantStatus, RequestStatus

ENDS_WITHIN = timedelta(seconds=10)
"""After its time was up, access that is then still to be seen is shown as being removed."""


def start(state: State, command: c.Start, now: datetime) -> Outcome:
    grant, request = state.grant(command.grant_id), state.request
    if grant is None or request is None or grant.status is not GrantStatus.SCHEDULED:
        return Refusal("late", "This grant is not waiting to start.")
    if now < may_begin_at(request, grant):
        return Refusal("early", "This grant's time has not come.")
    if now >= grant.expires_at:
        return _end(
            request, grant, Ending(command.actor, now, EndReason.EXPIRED, "It could not be started before its end.")
        )
    if request.status is not RequestStatus.APPROVED or request.digest() != grant.digest:
        return _fail(state, grant, Ending(command.actor, now, EndReason.FAILED, "It is not what was approved."))
    if command.refusals:
        return _fail(state, grant, Ending(command.actor, now, EndReason.FAILED, " ".join(command.refusals)))
    granting = replace(grant, status=GrantStatus.GRANTING)
    return Decision(
        grants=(granting,),
        events=(grant_event(Tag.GRANT_STARTED, command.actor, granting, {"policy": granting.policy}),),
        effects=(converge(granting, now), *show(request, now + BEGINS_WITHIN)),
    )


def granted(state: State, command: c.Granted, now: datetime) -> Outcome:
    grant, request = state.grant(command.grant_id), state.request
    if grant is None or request is None or grant.status is not GrantStatus.GRANTING:
        return Refusal("late", "This grant is not being made.")
    active = replace(grant, status=GrantStatus.ACTIVE, granted_at=now)
    about = {"expires_at": active.expires_at.isoformat(), "principal": active.principal}
    # Whose access goes on was told so when that was approved.
    told = () if goes_on_without_a_gap(request, active) else (tell("active", active.id, active.person, now),)
    return Decision(
        grants=(active,),
        events=(grant_event(Tag.GRANT_ACTIVE, command.actor, active, about),),
        effects=(*show(request, now), *told),
    )


def grant_failed(state: State, command: c.GrantFailed, now: datetime) -> Outcome:
    grant = state.grant(command.grant_id)
    if grant is not None and grant.status is not GrantStatus.GRANTING:
        return Refusal("late", "This grant is not being made.")
    return _fail(state, grant, Ending(command.actor, now, EndReason.FAILED, command.note))


def expire(state: State, command: c.Expire, now: datetime) -> Outcome:
    grant = state.grant(command.grant_id)
    if grant is not None and now < grant.expires_at:
        return Refusal("early", "This grant has not expired yet.")
    return _stop(state, grant, Ending(command.actor, now, EndReason.EXPIRED))


def release(state: State, command: c.Release, now: datetime) -> Outcome:
    if not command.allowed:
        return Refusal("policy", "Only the holder may release this access.")
    return _stop_each(state, (command.grant_id, *command.also), Ending(command.actor, now, EndReason.RELEASED))


def revoke(state: State, command: c.Revoke, now: datetime) -> Outcome:
    if not command.allowed:
        return Refusal("policy", "Only an admin or one of the role's approvers may revoke this access.")
    ending = Ending(command.actor, now, EndReason.REVOKED, command.note)
    return _stop_each(state, (command.grant_id, *command.also), ending)


def _stop_each(state: State, grant_ids: Iterable[str], ending: Ending) -> Outcome:
    """Stop those that can still be stopped; where none can, say why the first cannot."""
    outcomes = [_stop(state, state.grant(each), ending) for each in grant_ids]
    stopped = [outcome for outcome in outcomes if isinstance(outcome, Decision)]
    return reduce(_together, stopped) if stopped else outcomes[0]


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
        grants=(revoking,),
        events=(grant_event(Tag.GRANT_REVOKING, ending.actor, revoking, about),),
        effects=(converge(revoking, ending.at), *show(request, ending.at + _seen_within(ending), str(revoking.status))),
        cancels=timers(revoking),
    )


def _fail(state: State, grant: Grant | None, ending: Ending) -> Outcome:
    """Stop this grant, and with it the others of its request: all of them or none."""
    outcome = _stop(state, grant, ending)
    if isinstance(outcome, Refusal) or grant is None:
        return outcome
    note = f"{grant.role} in {grant.account} could not be given: {ending.note}"
    for other in state.grants:
        stopped = _stop(state, other, replace(ending, note=note)) if other.id != grant.id else None
        if isinstance(stopped, Decision):
            outcome = _together(outcome, stopped)
    return outcome


def _together(one: Decision, other: Decision) -> Decision:
    return Decision(
        request=one.request,
        grants=(*one.grants, *other.grants),
        events=(*one.events, *other.events),
        effects=tuple({effect.key: effect for effect in (*one.effects, *other.effects)}.values()),
        cancels=(*one.cancels, *other.cancels),
    )


def _seen_within(ending: Ending) -> timedelta:
    """Nobody looks at the moment when time is up, and the end mostly follows at once: it is shown in one go."""
    return ENDS_WITHIN if ending.reason is EndReason.EXPIRED else timedelta(0)


def lost(state: State, command: c.Lost, now: datetime) -> Outcome:
    grant = state.grant(command.grant_id)
    if grant is not None and grant.status is not GrantStatus.ACTIVE:
        return Refusal("late", "This grant is not active.")
    # Never put back: somebody may have taken it away in an emergency. What reappears is removed as after any end.
    outcome = _stop(state, grant, Ending(command.actor, now, EndReason.LOST, "It was removed outside of prodaccess."))
    if isinstance(outcome, Refusal) or grant is None:
        return outcome
    lost = grant_event(Tag.GRANT_LOST, command.actor, grant, {"principal": grant.principal})
    return replace(outcome, events=(lost, *outcome.events))


def removed(state: State, command: c.Removed, now: datetime) -> Outcome:
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
        grants=(ended,),
        events=(grant_event(Tag.GRANT_ENDED, ending.actor, ended, about),),
        effects=(*show(request, ending.at, how), tell("ended", ended.id, ended.person, ending.at, how)),
        cancels=timers(ended),
    )
