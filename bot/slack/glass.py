"""What goes without an approver, as people see it: broken glass and its review, what is approved without a word."""

from datetime import timedelta

from bot.core.duration import format_duration
from bot.core.model import AccessRequest, Ask, Catalogue, Role, Way
from bot.service.cards import Names, Notice, RequestCard
from bot.slack import blocks as b
from bot.slack import ids
from bot.slack.blocks import Blocks, Json, Message
from bot.slack.wording import SHORT, Titles, asks_for, titles

NOTE_MAX = 600
"""Longest objection; it stands on every copy of the card."""

_HEADINGS = {"reminder": "⏰ A review is owed", "overdue": "🔴 A review is overdue"}
_SAID = {False: "It was right", True: "Objection"}


# --- asking ----------------------------------------------------------------------------------------------


def field(role: Role, *, ticked: bool) -> Blocks:
    """The form's box to break glass; nothing where the role does not allow it."""
    rule = role.break_glass
    if rule is None:
        return []
    most = format_duration(min(rule.longest, role.longest))
    text = f"🚨 Break glass: no approver, at most {most}, reviewed within {_within(role)}"
    choice = b.option(text, ids.BREAK_GLASS, "The security team is told at once. It takes a code.")
    element: Json = {"type": "checkboxes", "action_id": ids.BREAK_GLASS, "options": [choice]}
    if ticked:
        element["initial_options"] = [choice]
    return [b.entry("Emergency", ids.block_of(ids.BREAK_GLASS, role.id), element, optional=True, tells=True)]


def warning(ask: Ask, catalogue: Catalogue) -> Blocks:
    """What breaking glass means, before it is done."""
    within = _within(catalogue.roles.get(ask.role))
    return [
        b.section(
            "🚨 *You are about to break glass.*\n"
            "• Nobody is asked first: you have the access within seconds.\n"
            "• The whole security team is told at once, with your name and your reason.\n"
            f"• Somebody else reviews it within {within}. Until they have, you cannot break glass again.\n"
            "If it can wait for an approver, ask one instead."
        ),
        b.section("You will get exactly this:"),
    ]


def _within(role: Role | None) -> str:
    """How soon it is reviewed: a day as 24 h, which nobody has to think about."""
    rule = role.break_glass if role else None
    length = rule.review_within if rule else timedelta(days=1)
    return "24 h" if length == timedelta(days=1) else format_duration(length)


def begun(request: AccessRequest, catalogue: Catalogue) -> Json:
    """It was approved as it was asked for; in the place of "Sent"."""
    what = Titles.of(request.ask, catalogue)
    asked = asks_for(what.role, what.account, request.ask.duration)
    start = request.ask.start_at
    begins = f"It begins {b.when(start)}." if start and start > request.asked_at else "It is being made now."
    soon = b.context(f"{begins} A message tells you when it is there, and how to use it.")
    if request.way is not Way.BREAK_GLASS:
        blocks = [b.section(f"✅ *Approved without a word.*\n{asked}"), *grounds(request), soon]
        return b.modal("Approved", blocks, close="Done", clears=True)
    by = f" Somebody else reviews it by {b.when(request.review.due_at)}" if request.review else ""
    blocks = [b.section(f"🚨 *Glass broken.*\n{asked}"), b.section(f"The security team was told.{by}"), soon]
    return b.modal("Glass broken", blocks, close="Done", clears=True)


# --- cards -----------------------------------------------------------------------------------------------


def heading(card: RequestCard, state: str) -> str:
    """The heading of a card for those who decide or review; ``state`` is where it stands, in a word or two."""
    request = card.request
    if request.way is not Way.BREAK_GLASS:
        return f"Access without a word · {state}"
    kind, review = card.audience.partition("-")[0], request.review
    if review is not None and not review.is_owed:
        return f"🚨 Glass broken · reviewed: {_SAID[review.objects].lower()}"
    return _HEADINGS.get(kind, f"🚨 Glass broken · {state}")


def verb(request: AccessRequest) -> str:
    """What the requester did, as in "X … this role"."""
    return {Way.BREAK_GLASS: "broke glass for", Way.AUTOMATIC: "was given"}.get(request.way, "asks for")


def grounds(request: AccessRequest) -> Blocks:
    """Why nobody was asked."""
    on = request.decision_note if request.way is Way.AUTOMATIC else ""
    return [b.context(f"Nobody was asked, because: {b.esc(on, 600)}")] if on else []


def review(request: AccessRequest, names: Names, *, own: bool = False) -> Blocks:
    """Where the review stands."""
    found = request.review
    if found is None:
        return []
    if found.is_owed:
        who = "Somebody else" if own else f"An admin or an approver other than {b.who(names, request.ask.requester)}"
        owed = "A review is owed: until then you cannot break glass again." if own else "Review owed."
        return [b.section(f"⏳ *{owed}* {who} says by {b.when(found.due_at)} whether it was right.")]
    mark = "⚠️" if found.objects else "👍"
    said = b.section(
        f"{mark} *Reviewed: {_SAID[found.objects].lower()}* · {b.who(names, found.by)}"
        + (f" · {b.when(found.at)}" if found.at else "")
    )
    return [said, *(b.quote(found.note, "What they say", limit=NOTE_MAX) if found.note else [])]


def review_buttons(request: AccessRequest) -> list[Json]:
    """The two words that can be said, while one is owed."""
    if request.review is None or not request.review.is_owed:
        return []
    return [
        b.button(_SAID[False], ids.REVIEW_RIGHT, request.id),
        b.button("I object", ids.REVIEW_OBJECT, request.id),
    ]


def objection(card: RequestCard) -> Json:
    """What was not right about it."""
    did = f"{b.who(card.names, card.request.ask.requester)} broke glass for"
    hint = "The requester, the security channel and the audit log see it. To end the access as well, use Revoke."
    field = b.text_input(ids.NOTE, most=NOTE_MAX, lines=True)
    blocks = [
        b.section(f"{did} {titles(card.role_title, card.account_title)}"),
        *b.quote(card.request.ask.reason, "Why"),
        b.entry("What was not right", ids.NOTE, field, hint=hint),
    ]
    return b.modal("Object", blocks, callback=ids.OBJECTION_NOTE, submit="Object", subject=card.request.id)


def reviewed(told: Notice) -> Message:
    """The requester is told what was said."""
    found = told.request.review
    objects = found is not None and found.objects
    head = "⚠️ Somebody objects to your broken glass" if objects else "👍 Your broken glass was reviewed: it was right"
    first = f"*{head}*\n{titles(told.role_title, told.account_title)}"
    where = f"{b.esc(told.role_title, SHORT)} in {b.esc(told.account_title, SHORT)}"
    return b.message(f"{head}: {where}", [b.section(first), *review(told.request, told.names)])
