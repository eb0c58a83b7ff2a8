"""What becomes of a request: pending → approved | denied | cancelled | lapsed."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.core import commands as c
from bot.core import nudges
from bot.core.audit import SYSTEM, Actor, Tag
from bot.core.decisions import (
    BEGINS_WITHIN,
    Closing,
    Decision,
    Outcome,
    Refusal,
    State,
    asked,
    goes_on_without_a_gap,
    grant_event,
    may_begin_at,
    pending,
    remind,
    request_event,
    scheduled,
    show,
    tell,
)
from bot.core.model import AccessRequest, Approval, Denial, Effect, Grant, RequestStatus, Way

AHEAD = timedelta(days=1)
"""An alarm is due this long before it is wanted: it goes before every other message that waits."""


def submit(state: State, command: c.Submit, now: datetime) -> Outcome:
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
    event = request_event(Tag.REQUEST_SUBMITTED, command.actor, request, about)
    if request.way is not Way.APPROVERS:
        return _without_a_word(command, now, about)
    return Decision(
        request=request,
        events=(event,),
        effects=(
            Effect("request.lapse", request.id, f"lapse:{request.id}", request.lapses_at),
            *nudges.remind(request, now),
            *nudges.escalate(request, command.escalations, now),
            *show(request, now),
        ),
    )


def _without_a_word(command: c.Submit, now: datetime, submitted: Mapping[str, object]) -> Outcome:
    """Asked for and approved in one; the log says on what grounds."""
    if command.giving is None:
        return Refusal("policy", "Nobody has decided this.")
    # Cards say on what grounds nobody was asked; of broken glass its reason is the ground.
    grounds = " ".join(command.why) if command.request.way is Way.AUTOMATIC else ""
    approved = replace(
        command.request,
        status=RequestStatus.APPROVED,
        decided_at=now,
        decided_by=SYSTEM.id,
        decision_note=grounds,
    )
    decision = _given(approved, SYSTEM, command.giving, {"way": str(approved.way), "why": list(command.why)}, now)
    events = [request_event(Tag.REQUEST_SUBMITTED, command.actor, approved, submitted)]
    effects: tuple[Effect, ...] = ()
    if approved.way is Way.BREAK_GLASS:
        events.append(request_event(Tag.GLASS_BROKEN, command.actor, approved, {"reason": approved.ask.reason}))
        effects = (Effect("chat.alarm", approved.id, f"alarm:{approved.id}", now - AHEAD),)
    if approved.review is not None:
        effects += (Effect("request.review", approved.id, f"review:{approved.id}", now),)
    return replace(decision, events=(*events, *decision.events), effects=(*decision.effects, *effects))


def approve(state: State, command: c.Approve, now: datetime) -> Outcome:
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
    said = replace(
        request,
        approvals=approvals,
        quorum=max(request.quorum, command.wanted),
        denials=tuple(denial for denial in request.denials if denial.person != yes.person),
    )
    about: dict[str, object] = {"digest": said.digest(), "stepped_up_at": proof, "quorum": said.quorum}
    if not command.completes or len({approval.person for approval in approvals}) < said.quorum:
        event = request_event(Tag.REQUEST_APPROVAL_ADDED, command.actor, said, about)
        return Decision(request=said, events=(event,), effects=(*nudges.remind(said, now), *show(said, now)))
    approved = replace(said, status=RequestStatus.APPROVED, decided_at=now, decided_by=command.actor.id)
    return _given(approved, command.actor, command.giving, about, now)


def _given(
    approved: AccessRequest, actor: Actor, giving: c.Giving, about: Mapping[str, object], now: datetime
) -> Decision:
    grants = scheduled(approved, giving, now)
    later = all(grant.starts_at > now for grant in grants)
    return Decision(
        request=approved,
        grants=grants,
        events=(
            request_event(Tag.REQUEST_APPROVED, actor, approved, about),
            *(grant_event(Tag.GRANT_SCHEDULED, actor, grant, _window(grant)) for grant in grants),
        ),
        effects=(
            *(effect for grant in grants for effect in _timed(approved, grant, now)),
            *remind(grants[0], giving.remind_before),
            *show(approved, now if later else now + BEGINS_WITHIN),
            *(tell("goes-on", each.id, each.person, now) for each in grants if goes_on_without_a_gap(approved, each)),
        ),
        cancels=_waited_for(approved),
    )


def _timed(request: AccessRequest, grant: Grant, now: datetime) -> tuple[Effect, ...]:
    """The end is on the books before the beginning: no crash in between leaves access without its expiry."""
    return (
        Effect("grant.expire", grant.id, f"expire:{grant.id}", grant.expires_at),
        Effect("grant.start", grant.id, f"start:{grant.id}", max(now, may_begin_at(request, grant))),
    )


def deny(state: State, command: c.Deny, now: datetime) -> Outcome:
    if state.request is not None and not command.allowed:
        return Refusal("policy", "Only an approver of this request may deny it.")
    if command.decides:
        return _close(state, Closing(command.actor, now, RequestStatus.DENIED, command.note))
    request = pending(state.request)
    if isinstance(request, Refusal):
        return request
    if any(denial.person == command.actor.id for denial in request.denials):
        return Refusal("late", "You said no to this already; it takes somebody else's too.")
    said = replace(
        request,
        denials=(*request.denials, Denial(command.actor.id, now, command.note)),
        approvals=tuple(approval for approval in request.approvals if approval.person != command.actor.id),
    )
    event = request_event(Tag.REQUEST_DENIAL_ADDED, command.actor, said, {"note": command.note})
    return Decision(request=said, events=(event,), effects=show(said, now))


def cancel(state: State, command: c.Cancel, now: datetime) -> Outcome:
    if state.request is not None and not command.allowed:
        return Refusal("policy", "Only the requester may cancel this request.")
    return _close(state, Closing(command.actor, now, RequestStatus.CANCELLED, command.note))


def lapse(state: State, command: c.Lapse, now: datetime) -> Outcome:
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
        cancels=_waited_for(closed),
    )


def _waited_for(request: AccessRequest) -> tuple[str, ...]:
    """Keys of the effects that wait while it is pending."""
    return (f"lapse:{request.id}", *nudges.keys(request))


def claim(state: State, command: c.Claim, now: datetime) -> Outcome:
    request = pending(state.request)
    if isinstance(request, Refusal):
        return request
    if not command.allowed:
        return Refusal("policy", "Only an approver of this request may take it on.")
    if request.claimed_by == command.actor.id:
        return Refusal("late", "You said so already.")
    claimed = replace(request, claimed_by=command.actor.id)
    event = request_event(Tag.REQUEST_CLAIMED, command.actor, claimed, {"before": request.claimed_by})
    return Decision(request=claimed, events=(event,), effects=show(claimed, now))


def review(state: State, command: c.Review, now: datetime) -> Outcome:
    """Somebody else's word on access that went without one; the first counts."""
    request = state.request
    if request is None:
        return Refusal("unknown", "There is no such request.")
    if request.review is None:
        return Refusal("policy", "Nobody has to review this.")
    if not request.review.is_owed:
        return Refusal("late", "This was reviewed already.")
    if command.refusal:
        return Refusal("policy", command.refusal)
    said = replace(request.review, at=now, by=command.actor.id, objects=command.objects, note=command.note)
    reviewed = replace(request, review=said)
    about = {"objects": command.objects, "note": command.note}
    objection = Effect("chat.review", reviewed.id, f"objection:{reviewed.id}", now, {"what": "objection"})
    return Decision(
        request=reviewed,
        events=(request_event(Tag.REQUEST_REVIEWED, command.actor, reviewed, about),),
        effects=(
            *show(reviewed, now),
            tell("reviewed", reviewed.id, reviewed.ask.requester, now),
            *((objection,) if command.objects else ()),
        ),
        cancels=(f"review:{reviewed.id}",),
    )


def adopt(state: State, command: c.Adopt, now: datetime) -> Outcome:
    request = command.request
    if state.request is not None:
        return Refusal("late", "This was adopted already.")
    if request.status is not RequestStatus.APPROVED:
        return Refusal("policy", "Only what an admin approved is adopted.")
    (grant,) = scheduled(request, command.giving, now)
    about = {**asked(request), "digest": request.digest(), "quorum": request.quorum, "adopted": True}
    return Decision(
        request=request,
        grants=(grant,),
        events=(
            request_event(Tag.REQUEST_APPROVED, command.actor, request, about),
            grant_event(Tag.GRANT_SCHEDULED, command.actor, grant, _window(grant)),
        ),
        # It is started once what it replaces was seen to be gone; its end does not wait for that.
        effects=(Effect("grant.expire", grant.id, f"expire:{grant.id}", grant.expires_at), *show(request, now)),
    )


def _window(grant: Grant) -> dict[str, object]:
    return {"starts_at": grant.starts_at.isoformat(), "expires_at": grant.expires_at.isoformat()}
