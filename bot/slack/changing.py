"""Deciding a change of access.yaml: approving and denying, both with a code."""

from bot.core.decisions import Refusal
from bot.service.changes import NO_CHANGE
from bot.service.deciding import WRONG_CODE
from bot.service.proof import REFUSED
from bot.slack import blocks as b
from bot.slack import ids, payloads, views
from bot.slack.asking import enrol_first
from bot.slack.changes import catalogue_card, confirm
from bot.slack.payloads import Click, Submitted
from bot.slack.replies import Answer, Caller, Open, Refresh, Replies, tell


def approve(caller: Caller, click: Click) -> Replies:
    """Show all of it, and ask for a code."""
    return _ask_for_code(caller, click, approving=True)


def deny(caller: Caller, click: Click) -> Replies:
    """Ask for a code: who could deny without one could keep a lost right alive."""
    return _ask_for_code(caller, click, approving=False)


def submit_approve(caller: Caller, sent: Submitted) -> Answer:
    """The code, and the decision with it."""
    return _decide(caller, sent, approving=True)


def submit_deny(caller: Caller, sent: Submitted) -> Answer:
    """The code, and the decision with it."""
    return _decide(caller, sent, approving=False)


def _ask_for_code(caller: Caller, click: Click, *, approving: bool) -> Replies:
    refusal = caller.desk.changes.why_not(click.value, caller.person, caller.actor, approving=approving)
    if refusal is not None:
        return _refused(caller, click, refusal)
    if not caller.desk.enrolments.is_enrolled(caller.person.id):
        return enrol_first()
    card = caller.desk.changes.card(click.value)
    return (Open(confirm(card, approving=approving)),) if card else (tell(NO_CHANGE.text),)


def _decide(caller: Caller, sent: Submitted, *, approving: bool) -> Answer:
    code = payloads.entered(sent.view, ids.CODE)
    outcome = caller.desk.changes.decide(sent.subject, caller.person, caller.actor, code, approving=approving)
    if not isinstance(outcome, Refusal):
        return Answer()
    if outcome.code == WRONG_CODE:
        return Answer(errors={ids.CODE: REFUSED})
    failed = "Not approved" if approving else "Not denied"
    return Answer(update=views.notice(failed, f"⚠️ {b.esc(outcome.text, 1000)}", clears=True))


def _refused(caller: Caller, click: Click, refusal: Refusal) -> Replies:
    """Say why nothing was changed, and bring the card up to date."""
    told = tell(f"⚠️ {b.esc(refusal.text, 1000)}")
    card = caller.desk.changes.card(click.value)
    return (told, Refresh(catalogue_card(card))) if card else (told,)
