"""A person's own page: what they hold, what they wait for, what waits for them."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from bot.core.duration import format_duration
from bot.core.model import AccessRequest, Grant, GrantStatus
from bot.service.cards import HomeCard
from bot.slack import blocks as b
from bot.slack import ids
from bot.slack.absent import at_home
from bot.slack.blocks import Blocks, Json
from bot.slack.cards import UNFINISHED
from bot.slack.wording import grant_status, left, what, what_grant

MOST = 8
"""Entries shown of each kind; a page holds 100 blocks."""

T = TypeVar("T")


def home(card: HomeCard) -> Json:
    """The Home tab."""
    blocks: Blocks = [b.header("Production access")]
    if not card.enrolled:
        text = "🔑 *Set up your authenticator first.* Without it nothing can be asked for or approved."
        blocks.append(b.section(text, b.button("Set up", ids.ENROL, style="primary")))
    if card.roles:
        blocks.append(b.actions(b.button("Request access", ids.ASK, style="primary" if card.enrolled else "")))
    else:
        blocks.append(b.context("No role is offered to you. An admin can add you in access.yaml."))
    blocks += _part("My access", card.live, lambda grant: _live(grant, card), "You hold no access.")
    blocks += _part("My pending requests", card.pending, lambda request: _pending(request, card))
    blocks += _part("Waiting for me", card.waiting_for_me, lambda request: _waiting(request, card))
    blocks += _part("Recent requests", card.recent, lambda request: _recent(request, card))
    blocks += at_home(card)
    blocks.append(b.context(f"As of {b.when(card.now)} · `{ids.COMMAND} help` shows what can be typed"))
    return page(blocks)


def page(blocks: Blocks) -> Json:
    """A Home tab of these blocks."""
    return {"type": "home", "blocks": b.within(blocks, b.VIEW_BLOCKS)}


def _part(title: str, entries: Sequence[T], show: Callable[[T], Blocks], nothing: str = "") -> Blocks:
    if not entries and not nothing:
        return []
    shown = [block for entry in entries[:MOST] for block in show(entry)]
    more = [b.context(f"… and {len(entries) - MOST} more")] if len(entries) > MOST else []
    return [b.divider(), b.section(f"*{title}*"), *shown, *more, *([] if entries else [b.context(nothing)])]


def _live(grant: Grant, card: HomeCard) -> Blocks:
    text = f"{what_grant(grant, card.catalogue)}\n{grant_status(grant, card.names)}"
    if grant.status is GrantStatus.ACTIVE:
        text += f" · {left(grant, card.now)} left"
    done = b.button("I'm done", ids.RELEASE, grant.id) if grant.status in UNFINISHED else None
    return [b.section(text, done)]


def _pending(request: AccessRequest, card: HomeCard) -> Blocks:
    length, lapses = format_duration(request.ask.duration), b.when(request.lapses_at)
    text = f"{what(request.ask, card.catalogue)} for {length}\n⏳ Lapses {lapses}"
    return [b.section(text, b.button("Cancel", ids.CANCEL, request.id))]


def _waiting(request: AccessRequest, card: HomeCard) -> Blocks:
    requester = b.who(card.names, request.ask.requester)
    length = format_duration(request.ask.duration)
    return [
        b.section(f"{requester} asks for {what(request.ask, card.catalogue)} for {length}"),
        *b.quote(b.clip(request.ask.reason, 300)),
        b.actions(
            b.button("Approve", ids.APPROVE, request.id, "primary"),
            b.button("Deny", ids.DENY, request.id, "danger"),
            b.button("Show permissions", ids.PERMISSIONS, request.id),
        ),
    ]


def _recent(request: AccessRequest, card: HomeCard) -> Blocks:
    length = format_duration(request.ask.duration)
    text = f"{what(request.ask, card.catalogue)}\n{request.status.capitalize()} · {length} · {b.when(request.asked_at)}"
    return [b.section(text, b.button("Ask again", ids.ASK_AGAIN, request.id))]
