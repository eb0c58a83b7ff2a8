"""Approving, denying, cancelling; releasing and revoking."""

from bot.core.decisions import Outcome, Refusal
from bot.core.model import RequestStatus
from bot.core.text import TextTooLong
from bot.service.deciding import WRONG_CODE
from bot.service.handling import UNKNOWN
from bot.service.proof import REFUSED
from bot.slack import blocks as b
from bot.slack import ids, payloads, views
from bot.slack.asking import enrol_first
from bot.slack.cards import request_card
from bot.slack.form import sentence
from bot.slack.home import home
from bot.slack.payloads import Click, Submitted
from bot.slack.replies import Answer, Caller, Open, Publish, Refresh, Replies, tell

OWN = frozenset({ids.CANCEL, ids.RELEASE})
"""Buttons that stand on the requester's own card."""


def approve(caller: Caller, click: Click) -> Replies:
    """One click is enough while the approver's proof is fresh; else their code is asked for."""
    outcome = caller.desk.access.deciding.approve(click.value, caller.person, caller.actor)
    if not isinstance(outcome, Refusal):
        return ()
    if outcome.code != "step-up":
        return refused(caller, click, click.value, outcome)
    if not caller.desk.enrolments.is_enrolled(caller.person.id):
        return enrol_first()
    card = caller.desk.queries.request_card(click.value, "approvers")
    return (Open(views.approve_code(card)),) if card else (tell(UNKNOWN.text),)


def submit_approve(caller: Caller, sent: Submitted) -> Answer:
    """The code, and the yes with it."""
    code = payloads.entered(sent.view, ids.CODE)
    outcome = caller.desk.access.deciding.approve_with_code(sent.subject, caller.person, code, caller.actor)
    if isinstance(outcome, Refusal) and outcome.code == WRONG_CODE:
        return Answer(errors={ids.CODE: REFUSED})
    return _ended(outcome, "Not approved")


def deny(caller: Caller, click: Click) -> Replies:
    """Ask why."""
    card = caller.desk.queries.request_card(click.value, "approvers")
    if card is None:
        return (tell(UNKNOWN.text),)
    if card.request.status is not RequestStatus.PENDING:
        late = Refusal("late", f"This request is already {card.request.status}.")
        return refused(caller, click, click.value, late)
    return (Open(views.deny_note(card)),)


def submit_deny(caller: Caller, sent: Submitted) -> Answer:
    """The no and its reason."""
    note = _note(sent)
    if isinstance(note, Answer):
        return note
    return _ended(caller.desk.access.deciding.deny(sent.subject, caller.person, note, caller.actor), "Not denied")


def claim(caller: Caller, click: Click) -> Replies:
    """The others see that the caller looks at it."""
    outcome = caller.desk.access.deciding.claim(click.value, caller.person, caller.actor)
    return refused(caller, click, click.value, outcome) if isinstance(outcome, Refusal) else ()


def permissions(caller: Caller, click: Click) -> Replies:
    """The exact statements, and all that a card is too small for."""
    card = caller.desk.queries.request_card(click.value, "approvers")
    policy = caller.desk.queries.policy_text(click.value)
    return (Open(views.permissions(card, policy)),) if card else (tell(UNKNOWN.text),)


def cancel(caller: Caller, click: Click) -> Replies:
    """The requester takes it back."""
    outcome = caller.desk.access.cancel(click.value, caller.person, caller.actor)
    return refused(caller, click, click.value, outcome) if isinstance(outcome, Refusal) else ()


def release(caller: Caller, click: Click) -> Replies:
    """The holder is done."""
    outcome = caller.desk.access.release(click.value, caller.person, caller.actor)
    if not isinstance(outcome, Refusal):
        return ()
    grant = caller.desk.access.grant(click.value)
    return refused(caller, click, grant.request_id if grant else click.value, outcome)


def revoke(caller: Caller, click: Click) -> Replies:
    """Ask why, of those who may."""
    grant = caller.desk.access.grant(click.value)
    card = caller.desk.queries.request_card(grant.request_id if grant else click.value, "approvers")
    if card is None or not card.grants:
        return (tell(UNKNOWN.text),)
    mine = caller.desk.access.stopping.revocable(click.value, caller.person)
    if not mine:
        return (tell("Only an admin or one of the role's approvers may revoke this access."),)
    if all(each.ended_at is not None for each in mine):
        return refused(caller, click, card.request.id, Refusal("late", "This access has ended."))
    return (Open(views.revoke_note(card, click.value, len(mine))),)


def submit_revoke(caller: Caller, sent: Submitted) -> Answer:
    """Stop it, with the reason."""
    note = _note(sent)
    if isinstance(note, Answer):
        return note
    return _ended(caller.desk.access.revoke(sent.subject, caller.person, caller.actor, note), "Not revoked")


def refused(caller: Caller, click: Click, request_id: str, refusal: Refusal) -> Replies:
    """Say why nothing was changed, and bring what was clicked up to date."""
    told = tell(f"⚠️ {b.esc(refusal.text, 1000)}")
    if click.origin.at_home:
        return (told, Publish(home(caller.desk.queries.home(caller.person))))
    card = caller.desk.queries.request_card(request_id, "own" if click.action in OWN else "approvers")
    # Only the request's own card may show it: a notice or a list with the same button stays as it is.
    if card is None or ids.PERMISSIONS not in click.beside:
        return (told,)
    return (told, Refresh(request_card(card)))


def _note(sent: Submitted) -> str | Answer:
    try:
        note = payloads.typed_text(sent.view, ids.NOTE, views.NOTE_MAX, multiline=True)
    except TextTooLong as error:
        return Answer(errors={ids.NOTE: sentence(f"This {error}")})
    return note or Answer(errors={ids.NOTE: "Say why, in a few words; it goes into the audit log."})


def _ended(outcome: Outcome, failed: str) -> Answer:
    if isinstance(outcome, Refusal):
        return Answer(update=views.notice(failed, f"⚠️ {b.esc(outcome.text, 1000)}", clears=True))
    return Answer()
