"""A request for several targets is told of as one: one beginning, one reminder, one end."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from bot.core.decisions import Decision, State, tell
from bot.core.model import AccessRequest, Effect, EndReason, Grant, GrantStatus

_MAKING = frozenset({GrantStatus.SCHEDULED, GrantStatus.GRANTING})
_ON = _MAKING | {GrantStatus.ACTIVE}


def told_as_one(state: State, decision: Decision, now: datetime) -> Decision:
    """The decision, with what is told of single grants told of the request where it has several; as it is else.

    That it began is told once none of them is being made any more, that it ended once all have. What ends while
    others go on is told by itself.
    """
    request = decision.request or state.request
    if request is None or not request.ask.more:
        return decision
    after = _after(state.grants, decision.grants)
    goes_on = any(grant.status in _ON and now < grant.expires_at for grant in after)
    effects = tuple(_effects(request, decision, now, goes_on=goes_on))
    cancels = decision.cancels if goes_on or not after else (*decision.cancels, _reminder(request))
    return replace(decision, effects=(*effects, *_told(request, decision.grants, after, now)), cancels=cancels)


def _effects(request: AccessRequest, decision: Decision, now: datetime, *, goes_on: bool) -> Iterator[Effect]:
    of_grants = {grant.id for grant in decision.grants}
    for effect in decision.effects:
        if effect.kind == "chat.remind":
            yield replace(effect, subject=request.id, key=_reminder(request))
        elif not (effect.kind == "chat.tell" and effect.subject in of_grants) or (
            goes_on and effect.payload["what"] == "ended"
        ):
            yield effect


def _told(request: AccessRequest, changed: Sequence[Grant], after: Sequence[Grant], now: datetime) -> Iterator[Effect]:
    statuses, person = {grant.status for grant in after}, request.ask.requester
    if any(grant.status is GrantStatus.ACTIVE for grant in changed) and not statuses & _MAKING:
        yield tell("active", request.id, person, now)
    ends = [grant.end_reason for grant in changed if grant.status is GrantStatus.ENDED]
    if ends and statuses == {GrantStatus.ENDED}:
        failed = any(grant.end_reason is EndReason.FAILED for grant in after)
        yield tell("ended", request.id, person, now, str(EndReason.FAILED if failed else ends[-1]))


def _after(before: Sequence[Grant], changed: Sequence[Grant]) -> tuple[Grant, ...]:
    now = {grant.id: grant for grant in changed}
    kept = tuple(now.pop(grant.id, grant) for grant in before)
    return (*kept, *now.values())


def _reminder(request: AccessRequest) -> str:
    return f"remind:{request.id}"
