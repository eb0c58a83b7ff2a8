"""A request's cards: one for the approvers, one for the requester. Made from state alone, never read back."""

import re

from bot.core.duration import format_duration
from bot.core.model import AccessRequest, Grant, GrantStatus, RequestStatus
from bot.service.cards import RequestCard
from bot.slack import blocks as b
from bot.slack import ids
from bot.slack.blocks import Blocks, Json, Message
from bot.slack.standings import asked, claim, standings
from bot.slack.wording import SHORT, Titles, asks_for, details, status_of

HELD_MOST = 4
HOW_TO_MOST = 6
UNFINISHED = frozenset({GrantStatus.SCHEDULED, GrantStatus.GRANTING, GrantStatus.ACTIVE})


def request_card(card: RequestCard) -> Message:
    """The card for its audience."""
    return _own(card) if card.audience == "own" else _approvers(card)


# --- for the approvers -----------------------------------------------------------------------------------


def _approvers(card: RequestCard) -> Message:
    request, names = card.request, card.names
    who, plainly = b.who(names, request.ask.requester), b.name_of(names, request.ask.requester)
    length = format_duration(request.ask.duration)
    blocks = [
        b.header(_heading(card)),
        b.section(f"{who} asks for {_asked(card)}"),
        *b.facts([*details(request.ask, Titles.on(card)), ("Identity", f"`{b.esc(request.principal, 120)}`")]),
        *b.quote(request.ask.reason, "Why"),
        b.section(status_of(request, card.grants, names)),
        *standings(card),
        *notes(request, card.grants),
    ]
    if request.status is RequestStatus.PENDING:
        blocks += [b.context(f"{_held(card)} · {asked(card)}")]
    text = f"{b.esc(plainly, 100)} asks for {b.esc(card.role_title, SHORT)} in {b.esc(card.account_title, SHORT)}"
    return b.message(f"{text} for {length} · {_state_word(card)}", [*blocks, _approvers_buttons(card)])


def _asked(card: RequestCard) -> str:
    return asks_for(card.role_title, card.account_title, card.request.ask.duration)


def _heading(card: RequestCard) -> str:
    return {RequestStatus.PENDING: "Access request"}.get(card.request.status, f"Access request · {_state_word(card)}")


def _state_word(card: RequestCard) -> str:
    """Where it stands, in one plain word or two."""
    if card.request.status is not RequestStatus.APPROVED or not card.grants:
        return {RequestStatus.PENDING: "waiting for approval"}.get(card.request.status, str(card.request.status))
    grant = card.grants[-1]
    if grant.status is GrantStatus.ENDED:
        return f"ended: {grant.end_reason}"
    return {GrantStatus.GRANTING: "approved", GrantStatus.REVOKING: "being removed"}.get(
        grant.status, str(grant.status)
    )


def _held(card: RequestCard) -> str:
    if not card.held:
        return "Holds no other access"
    shown = [
        f"{b.esc(grant.role, SHORT)} in {b.esc(grant.account, SHORT)} until {b.when(grant.expires_at)}"
        for grant in card.held
    ]
    more = f"; and {len(shown) - HELD_MOST} more" if len(shown) > HELD_MOST else ""
    return f"Holds already: {'; '.join(shown[:HELD_MOST])}{more}"


def _approvers_buttons(card: RequestCard) -> Json:
    permissions = b.button("Show permissions", ids.PERMISSIONS, card.request.id)
    if card.request.status is RequestStatus.PENDING:
        approve = b.button("Approve", ids.APPROVE, card.request.id, "primary")
        deny = b.button("Deny", ids.DENY, card.request.id, "danger")
        return b.actions(approve, deny, claim(card.request), permissions)
    revoke = [b.button("Revoke", ids.REVOKE, grant.id, "danger") for grant in _stoppable(card.grants)[:1]]
    return b.actions(*revoke, permissions)


def _stoppable(grants: tuple[Grant, ...]) -> list[Grant]:
    return [grant for grant in grants if grant.status in UNFINISHED]


# --- for the requester -----------------------------------------------------------------------------------


def _own(card: RequestCard) -> Message:
    request = card.request
    blocks = [
        b.section(f"You asked for {_asked(card)}"),
        b.section(status_of(request, card.grants, card.names)),
        *standings(card),
        *notes(request, card.grants),
    ]
    if request.status is RequestStatus.PENDING:
        blocks.append(b.context(asked(card)))
    text = f"Your request for {b.esc(card.role_title, SHORT)} in {b.esc(card.account_title, SHORT)}"
    return b.message(f"{text}: {_state_word(card)}", [*blocks, _own_buttons(card)])


def _own_buttons(card: RequestCard) -> Json:
    request, permissions = card.request, b.button("Show permissions", ids.PERMISSIONS, card.request.id)
    if request.status is RequestStatus.PENDING:
        return b.actions(b.button("Cancel request", ids.CANCEL, request.id), permissions)
    stoppable = _stoppable(card.grants)
    if stoppable:
        return b.actions(b.button("I'm done", ids.RELEASE, stoppable[0].id, "primary"), permissions)
    return b.actions(b.button("Ask again", ids.ASK_AGAIN, request.id), permissions)


def how_to_use(pairs: tuple[tuple[str, str], ...]) -> Blocks:
    """What to type, ready to copy."""
    return [_how_to(b.clip(label, SHORT), b.clip(text, 700)) for label, text in pairs[:HOW_TO_MOST]]


def _how_to(label: str, text: str) -> Json:
    # A link only where nothing in it could end it early or show as something else.
    if re.fullmatch(r"https://[\w.:/?=&%#~+@-]+", text, re.ASCII):
        return b.section(f"*{b.esc(label)}*\n<{text.replace('&', '&amp;')}>")
    return b.code(text, label)


def notes(request: AccessRequest, grants: tuple[Grant, ...]) -> Blocks:
    """What was said with a decision or an end, in the words of whoever said it."""
    said = [
        ("Reason for the decision", request.decision_note),
        *(("Reason for the end", grant.end_note) for grant in grants),
    ]
    return [block for label, text in said if text for block in b.quote(text, label, limit=600)]
