"""What happens while a request waits: nothing of it changes, those who can decide it are told."""

from datetime import datetime

from bot.core import commands as c
from bot.core import nudges
from bot.core.audit import Tag
from bot.core.decisions import Decision, Outcome, Refusal, State, pending, request_event, show
from bot.core.model import AccessRequest, Effect


def remind(state: State, command: c.Remind, now: datetime) -> Outcome:
    request = pending(state.request)
    if isinstance(request, Refusal):
        return request
    again = nudges.remind(request, now)
    # After a yes others have their turn, who are reminded from then on: what was meant for those before is not said.
    if not command.waits_for or now < command.at or command.at not in nudges.reminders(request):
        return Decision(effects=again)
    about = {"to": list(command.waits_for), "waited_seconds": _waited(request, now)}
    return Decision(
        events=(request_event(Tag.REQUEST_REMINDED, command.actor, request, about),),
        effects=(*again, *(nudges.tell(person, now) for person in command.waits_for)),
    )


def escalate(state: State, command: c.Escalate, now: datetime) -> Outcome:
    request = pending(state.request)
    if isinstance(request, Refusal):
        return request
    again = nudges.escalate(request, command.escalations, now)
    if not command.further:
        return Decision(effects=again)
    waited = _waited(request, now)
    told = {"what": "escalated", "person": request.ask.requester}
    return Decision(
        events=(
            request_event(
                Tag.REQUEST_ESCALATED, command.actor, request, {"to": list(command.further), "waited_seconds": waited}
            ),
        ),
        effects=(
            *again,
            *show(request, now),
            Effect("chat.tell", request.id, f"tell:escalated:{request.id}:{waited}", now, told),
        ),
    )


def _waited(request: AccessRequest, now: datetime) -> int:
    return int((now - request.asked_at).total_seconds())
