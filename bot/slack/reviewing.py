"""Reviewing broken glass: it was right, or an objection and why."""

from bot.core.decisions import Refusal
from bot.core.text import TextTooLong
from bot.service.handling import UNKNOWN
from bot.slack import blocks as b
from bot.slack import glass, ids, payloads, views
from bot.slack.deciding import refused
from bot.slack.form import sentence
from bot.slack.payloads import Click, Submitted
from bot.slack.replies import Answer, Caller, Open, Replies, tell


def right(caller: Caller, click: Click) -> Replies:
    """It was right; one click is enough."""
    outcome = caller.desk.reviews.review(click.value, caller.person, caller.actor, objects=False)
    return refused(caller, click, click.value, outcome) if isinstance(outcome, Refusal) else ()


def objects(caller: Caller, click: Click) -> Replies:
    """Ask what was not right."""
    card = caller.desk.queries.request_card(click.value, "approvers")
    if card is None:
        return (tell(UNKNOWN.text),)
    if card.request.review is None or not card.request.review.is_owed:
        return refused(caller, click, click.value, Refusal("late", "This was reviewed already."))
    return (Open(glass.objection(card)),)


def submit_objection(caller: Caller, sent: Submitted) -> Answer:
    """The objection and its reason."""
    try:
        note = payloads.typed_text(sent.view, ids.NOTE, glass.NOTE_MAX, multiline=True)
    except TextTooLong as error:
        return Answer(errors={ids.NOTE: sentence(f"This {error}")})
    outcome = caller.desk.reviews.review(sent.subject, caller.person, caller.actor, objects=True, note=note)
    if not isinstance(outcome, Refusal):
        return Answer()
    if outcome.code == "note":
        return Answer(errors={ids.NOTE: outcome.text})
    return Answer(update=views.notice("Not said", f"⚠️ {b.esc(outcome.text, 1000)}", clears=True))
