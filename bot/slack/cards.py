"""A request's cards: one for the approvers, one for the requester. Made from state alone, never read back."""

from bot.core.duration import format_duration
from bot.core.model import AccessRequest, Grant, RequestStatus, Way
from bot.service.cards import RequestCard
from bot.service.stopping import STOPPABLE
from bot.slack import blocks as b
from bot.slack import glass, ids, several
from bot.slack.blocks import Blocks, Json, Message
from bot.slack.standings import asked, claim, standings
from bot.slack.wording import GOES_ON, SHORT, Titles, asks_for, details, status_of

HELD_MOST = 4
UNFINISHED = STOPPABLE


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
        b.section(f"{who} {glass.verb(request)} {_asked(card)}"),
        *_goes_on(card),
        *several.targets(card.targets, names),
        *b.facts([*details(request.ask, Titles.on(card)), *_identity(card)]),
        *b.quote(request.ask.reason, "Why"),
        b.section(status_of(request, card.grants, names)),
        *standings(card),
        *glass.grounds(request),
        *glass.review(request, names),
        *notes(request, card.grants),
    ]
    if request.status is RequestStatus.PENDING:
        blocks += [b.context(f"{_held(card)} · {asked(card)}")]
    what = f"{b.esc(card.role_title, SHORT)} in {b.esc(card.account_title, SHORT)}"
    text = f"{b.esc(plainly, 100)} {glass.verb(request)} {what}"
    return b.message(f"{text} for {length} · {_state_word(card)}", [*blocks, _approvers_buttons(card)])


def _identity(card: RequestCard) -> list[tuple[str, str]]:
    """Where there are several targets each has its own beside it."""
    return [] if card.targets else [("Identity", f"`{b.esc(card.request.principal, 120)}`")]


def _asked(card: RequestCard) -> str:
    return asks_for(card.role_title, card.account_title, card.request.ask.duration)


def _goes_on(card: RequestCard) -> Blocks:
    """What it makes longer; once it is approved its own window is shown, too."""
    old = card.extending
    if old is None:
        return []
    until = "" if card.grants else f", until {b.when(old.expires_at + card.request.ask.duration)}"
    return [b.section(f"{GOES_ON} *Goes on from* `{b.esc(old.id, 60)}`, which ends {b.when(old.expires_at)}{until}")]


def _heading(card: RequestCard) -> str:
    if card.request.way in {Way.AUTOMATIC, Way.BREAK_GLASS}:
        return glass.heading(card, _state_word(card))
    return {RequestStatus.PENDING: "Access request"}.get(card.request.status, f"Access request · {_state_word(card)}")


def _state_word(card: RequestCard) -> str:
    """Where it stands, in one plain word or two."""
    if card.request.status is not RequestStatus.APPROVED or not card.grants:
        return {RequestStatus.PENDING: "waiting for approval"}.get(card.request.status, str(card.request.status))
    return several.state_of(card.grants)


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
    label = "Revoke all" if card.targets else "Revoke"
    revoke = [b.button(label, ids.REVOKE, each, "danger") for each in _stoppable(card)]
    return b.actions(*revoke, *glass.review_buttons(card.request), permissions)


def _stoppable(card: RequestCard) -> list[str]:
    """What a button stops: the grant, or all of the request where it has several; nothing when all has ended."""
    grants = [grant for grant in card.grants if grant.status in UNFINISHED]
    return [card.request.id if card.targets else grant.id for grant in grants[:1]]


# --- for the requester -----------------------------------------------------------------------------------


def _own(card: RequestCard) -> Message:
    request = card.request
    blocks = [
        b.section(f"You asked for {_asked(card)}"),
        *_goes_on(card),
        *several.targets(card.targets, card.names),
        b.section(status_of(request, card.grants, card.names)),
        *standings(card),
        *glass.grounds(request),
        *glass.review(request, card.names, own=True),
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
    stoppable = _stoppable(card)
    if stoppable:
        return b.actions(b.button("I'm done", ids.RELEASE, stoppable[0], "primary"), permissions)
    return b.actions(b.button("Ask again", ids.ASK_AGAIN, request.id), permissions)


def notes(request: AccessRequest, grants: tuple[Grant, ...]) -> Blocks:
    """What was said with a decision or an end, in the words of whoever said it; what is common to several once."""
    decided = "" if request.way is Way.AUTOMATIC else request.decision_note
    ends = list(dict.fromkeys(grant.end_note for grant in grants if grant.end_note))
    fullest = [note for note in ends if not any(note in other for other in ends if other != note)]
    said = [("Reason for the decision", decided), *(("Reason for the end", note) for note in fullest)]
    return [block for label, text in said if text for block in b.quote(text, label, limit=600)]
