"""A person's own page: what they hold, what they wait for, what waits for them."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from bot.core.duration import format_duration
from bot.core.model import AccessRequest, Favourite, Grant, GrantStatus
from bot.service.cards import HomeCard
from bot.service.favourites import MOST as FAVOURITES
from bot.service.favourites import same_as
from bot.service.going_on import GoingOn
from bot.service.turns import Turn
from bot.slack import blocks as b
from bot.slack import glass, ids, several
from bot.slack.absent import at_home
from bot.slack.blocks import Blocks, Json
from bot.slack.cards import UNFINISHED
from bot.slack.wording import GOES_ON, SHORT, grant_status, left, what, what_grant

MOST = 8
"""Entries shown of each kind; a page holds 100 blocks."""

REVIEWS_MOST = 3
"""As ``MOST`` for reviews, which wait for several people."""
BESIDE_REVIEWS = 4
"""As ``MOST`` on a page with reviews, which need its room."""

T = TypeVar("T")


def home(card: HomeCard) -> Json:
    """The Home tab."""
    blocks: Blocks = [b.header("Production access")]
    if not card.enrolled:
        text = "🔑 *Set up your authenticator first.* Without it nothing can be asked for or approved."
        blocks.append(b.section(text, b.button("Set up", ids.ENROL, style="primary")))
    if card.roles:
        blocks.append(b.actions(b.button("Request access", ids.ASK, style="primary" if card.enrolled else "")))
    elif not (card.waiting_for_me or card.to_review):
        blocks.append(b.context("No role is offered to you. An admin can add you in access.yaml."))
    further = {on.grant.id for on in card.going_on.values() if on.grant}
    most = BESIDE_REVIEWS if card.to_review or card.owes_review else MOST
    held = several.together(grant for grant in card.live if grant.id not in further)
    mine = _part("My access", held, lambda grants: _held(grants, card), "You hold no access.", most=most)
    waiting = _part("Waiting for me", card.waiting_for_me, lambda request: _waiting(request, card), most=most)
    reviews = _part("Waiting for my review", card.to_review, lambda request: _review(request, card), most=REVIEWS_MOST)
    urgent = [*waiting, *reviews] if _is_their_turn(card) else [*reviews, *waiting]
    blocks += [*urgent, *mine] if _is_their_turn(card) or reviews else [*mine, *urgent]
    blocks += _part("Broken glass", card.owes_review, lambda request: _owed(request, card), most=REVIEWS_MOST)
    blocks += _part("My pending requests", card.pending, lambda request: _pending(request, card), most=most)
    blocks += _part("Favourites", card.favourites, _favourite, most=FAVOURITES)
    blocks += _part("Ask again", card.recent, lambda request: _recent(request, card), most=most)
    blocks += at_home(card)
    blocks.append(b.context(f"As of {b.when(card.now)} · `{ids.COMMAND} help` shows what can be typed"))
    return page(blocks)


def _is_their_turn(card: HomeCard) -> bool:
    """Whether somebody waits for this very person."""
    turns = [card.turns.get(request.id) for request in card.waiting_for_me]
    return any(turn is None or turn.mine for turn in turns)


def page(blocks: Blocks) -> Json:
    """A Home tab of these blocks."""
    return {"type": "home", "blocks": b.within(blocks, b.VIEW_BLOCKS)}


def _part(
    title: str, entries: Sequence[T], show: Callable[[T], Blocks], nothing: str = "", *, most: int = MOST
) -> Blocks:
    if not entries and not nothing:
        return []
    shown = [block for entry in entries[:most] for block in show(entry)]
    more = [b.context(f"… and {len(entries) - most} more")] if len(entries) > most else []
    return [b.divider(), b.section(f"*{title}*"), *shown, *more, *([] if entries else [b.context(nothing)])]


def _held(grants: Sequence[Grant], card: HomeCard) -> Blocks:
    return several.live(grants, card) if len(grants) > 1 else _live(grants[0], card)


def _live(grant: Grant, card: HomeCard) -> Blocks:
    text = f"{what_grant(grant, card.catalogue)}\n{grant_status(grant, card.names)}"
    if grant.status is GrantStatus.ACTIVE:
        text += f" · {left(grant, card.now)} left"
    if on := card.going_on.get(grant.id):
        text += f"\n{GOES_ON} {_goes_on(on)}"
    done = b.button("I'm done", ids.RELEASE, grant.id)
    if grant.id in card.extendable:
        return [b.section(text), b.actions(done, b.button("Extend", ids.EXTEND, grant.id))]
    return [b.section(text, done if grant.status in UNFINISHED else None)]


def _goes_on(on: GoingOn) -> str:
    length = format_duration(on.request.ask.duration)
    if on.until is not None:
        return f"Goes on for {length}, until {b.when(on.until)}"
    return f"You asked for {length} more: waiting for approval" if on.grant is None else "It does not go on"


def _pending(request: AccessRequest, card: HomeCard) -> Blocks:
    length, lapses = format_duration(request.ask.duration), b.when(request.lapses_at)
    longer = " more" if request.ask.extends else ""
    text = f"{what(request.ask, card.catalogue)} for {length}{longer}\n⏳ Lapses {lapses}"
    return [b.section(text, b.button("Cancel", ids.CANCEL, request.id))]


def _owed(request: AccessRequest, card: HomeCard) -> Blocks:
    (owed,) = glass.review(request, card.names, own=True)
    return [b.section(f"🚨 {what(request.ask, card.catalogue)} · {b.when(request.asked_at)}"), owed]


def _review(request: AccessRequest, card: HomeCard) -> Blocks:
    due_at = request.review.due_at if request.review else card.now
    due = f"⏳ Review owed by {b.when(due_at)}" if card.now < due_at else f"🔴 *Overdue* since {b.when(due_at)}"
    who = f"{b.who(card.names, request.ask.requester)} {glass.verb(request)} {what(request.ask, card.catalogue)}"
    return [
        b.section(f"🚨 {who} for {format_duration(request.ask.duration)}\n{due}"),
        *b.quote(b.clip(request.ask.reason, 300)),
        b.actions(*glass.review_buttons(request), b.button("Show permissions", ids.PERMISSIONS, request.id)),
    ]


def _waiting(request: AccessRequest, card: HomeCard) -> Blocks:
    requester, turn = b.who(card.names, request.ask.requester), card.turns.get(request.id)
    length, longer = format_duration(request.ask.duration), " more" if request.ask.extends else ""
    text = f"{requester} asks for {what(request.ask, card.catalogue)} for {length}{longer}\n{_turn(turn)}"
    if request.claimed_by:
        text += f" · 👀 {b.who(card.names, request.claimed_by)} is on it"
    approve = (b.button("Approve", ids.APPROVE, request.id, "primary"),) if turn is None or turn.mine else ()
    return [
        b.section(f"{text} · lapses {b.when(request.lapses_at)}"),
        *b.quote(b.clip(request.ask.reason, 300)),
        b.actions(
            *approve,
            b.button("Deny", ids.DENY, request.id, "danger"),
            b.button("Show permissions", ids.PERMISSIONS, request.id),
        ),
    ]


def _turn(turn: Turn | None) -> str:
    """Whose turn it is, and how far it is."""
    if turn is None:
        return "⏳ Waiting for approval"
    whose = "👉 *Your turn*" if turn.mine else "✅ You said yes" if turn.said else "⏳ Not your turn"
    title = f": {b.esc(turn.title, SHORT)}" if turn.title else ""
    stage = f" · stage {turn.stage} of {turn.stages}{title}" if turn.stages > 1 else ""
    return whose + stage + (f" · {turn.yeses} of {turn.quorum} said yes" if turn.quorum > 1 else "")


def _favourite(favourite: Favourite) -> Blocks:
    ask = favourite.ask
    values = ", ".join(f"{name}={value}" for name, value in ask.params.items() if value)
    rest = f"{b.esc(values, 200)} · " if values else ""
    return [
        b.section(f"⭐ *{b.esc(favourite.title, 160)}*\n{rest}{format_duration(ask.duration)}"),
        b.actions(b.button("Ask", ids.ASK_FAVOURITE, favourite.id), b.button("✕", ids.FORGET, favourite.id)),
    ]


def _recent(request: AccessRequest, card: HomeCard) -> Blocks:
    length = format_duration(request.ask.duration)
    text = f"{what(request.ask, card.catalogue)}\n{request.status.capitalize()} · {length} · {b.when(request.asked_at)}"
    again = b.button("Ask again", ids.ASK_AGAIN, request.id)
    if same_as(request.ask, card.favourites):
        return [b.section(text, again)]
    return [b.section(text), b.actions(again, b.button("⭐ Keep", ids.KEEP, request.id))]
