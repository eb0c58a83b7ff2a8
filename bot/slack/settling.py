"""Deciding what becomes of a policy that the ledger does not account for: removing, adopting, restoring."""

from bot.core.decisions import Refusal
from bot.core.strays import Fate
from bot.service.deciding import WRONG_CODE
from bot.service.proof import REFUSED
from bot.service.strays import NO_STRAY
from bot.slack import blocks as b
from bot.slack import ids, payloads, views
from bot.slack.asking import enrol_first
from bot.slack.payloads import Click, Submitted
from bot.slack.replies import Answer, Caller, Open, Refresh, Replies, tell
from bot.slack.strays import confirm, in_full, stray_card


def remove(caller: Caller, click: Click) -> Replies:
    """One click: taking away is always safe."""
    outcome = caller.desk.strays.decide(click.value, Fate.REMOVED, caller.person, caller.actor)
    return _refused(caller, click, outcome) if isinstance(outcome, Refusal) else ()


def adopt(caller: Caller, click: Click) -> Replies:
    """Ask for the admin's code."""
    return _ask_for_code(caller, click, Fate.ADOPTED)


def restore(caller: Caller, click: Click) -> Replies:
    """Ask for the admin's code."""
    return _ask_for_code(caller, click, Fate.RESTORED)


def policy(caller: Caller, click: Click) -> Replies:
    """The exact text."""
    card = caller.desk.strays.card(click.value)
    return (Open(in_full(card)),) if card else (tell(NO_STRAY.text),)


def submit_adopt(caller: Caller, sent: Submitted) -> Answer:
    """The code, and the decision with it."""
    return _decide(caller, sent, Fate.ADOPTED, "Not adopted")


def submit_restore(caller: Caller, sent: Submitted) -> Answer:
    """The code, and the decision with it."""
    return _decide(caller, sent, Fate.RESTORED, "Not restored")


def _ask_for_code(caller: Caller, click: Click, fate: Fate) -> Replies:
    refusal = caller.desk.strays.why_not(click.value, fate, caller.person, caller.actor)
    if refusal is not None:
        return _refused(caller, click, refusal)
    if not caller.desk.enrolments.is_enrolled(caller.person.id):
        return enrol_first()
    card = caller.desk.strays.card(click.value)
    return (Open(confirm(card, fate)),) if card else (tell(NO_STRAY.text),)


def _decide(caller: Caller, sent: Submitted, fate: Fate, failed: str) -> Answer:
    code = payloads.entered(sent.view, ids.CODE)
    outcome = caller.desk.strays.decide(sent.subject, fate, caller.person, caller.actor, code)
    if not isinstance(outcome, Refusal):
        return Answer()
    if outcome.code == WRONG_CODE:
        return Answer(errors={ids.CODE: REFUSED})
    return Answer(update=views.notice(failed, f"⚠️ {b.esc(outcome.text, 1000)}", clears=True))


def _refused(caller: Caller, click: Click, refusal: Refusal) -> Replies:
    """Say why nothing was changed, and bring the card up to date."""
    told = tell(f"⚠️ {b.esc(refusal.text, 1000)}")
    card = caller.desk.strays.card(click.value)
    return (told, Refresh(stray_card(card))) if card else (told,)
