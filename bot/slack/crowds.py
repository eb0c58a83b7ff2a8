"""Messages about many things: digests, and what should be gone from an account and is not."""

from collections.abc import Sequence
from datetime import datetime

from bot.service.cards import DigestCard, Notice, OverdueCard, OverdueLine
from bot.slack import blocks as b
from bot.slack import ids
from bot.slack.blocks import Blocks, Message
from bot.slack.wording import SHORT, titles

_MARKS = {
    "expired": "⚪",
    "released": "⚪",
    "revoked": "🛑",
    "failed": "🔴",
    "denied": "⛔",
    "cancelled": "↩️",
    "lapsed": "⌛",
}


def digest(card: DigestCard) -> Message:
    """For a person: what ended or was decided meanwhile. For a channel: that requests were settled."""
    counts = ", ".join(f"{count:,} {outcome}" for outcome, count in card.counts)
    if card.audience == "channel":
        head = f"{card.total:,} {'request was' if card.total == 1 else 'requests were'} settled"
        said = "Too many at once for a card each: those above are brought up to date one after the other."
    else:
        head = f"{card.total:,} of your requests and grants came to an end"
        said = "Too many at once for a message each. Nothing else is sent about them."
    lines = [_line(told, card.audience) for told in card.lines]
    blocks: Blocks = [b.section(f"📋 *{head}*\n{counts}"), *_list(lines, card.total), b.context(said)]
    if card.audience != "channel" and card.lines:
        blocks.append(b.actions(b.button("Ask again for the newest", ids.ASK_AGAIN, card.lines[0].request.id)))
    return b.message(f"{head}: {counts}", blocks)


def _line(told: Notice, audience: str) -> str:
    what = titles(told.role_title, told.account_title)
    of = f"{b.who(told.names, told.request.ask.requester)}: " if audience == "channel" else ""
    subject = told.grant.id if told.grant else told.request.id
    return f"{_MARKS.get(told.what, '•')} {of}{what} · {_outcome(told)} `{b.esc(subject, 40)}`"


def _outcome(told: Notice) -> str:
    """In a channel, which is told of requests, it is not said when and by whom their grants ended."""
    if told.grant:
        at, by = told.grant.ended_at, told.grant.ended_by
    else:
        decided = told.what in {"denied", "cancelled", "lapsed"}
        at, by = (told.request.decided_at, told.request.decided_by) if decided else (None, None)
    who = f" by {b.who(told.names, by)}" if by and told.what in {"revoked", "denied"} else ""
    return f"{b.esc(told.what, SHORT)}{who}{f' {b.when(at)}' if at else ''}"


def overdue(card: OverdueCard) -> Message:
    """What should be gone from an account and is not; or that it is, by now."""
    account = b.clip(card.account_title, SHORT)
    if card.solved_at is not None:
        return _solved(card, account, card.solved_at)
    head = f"🚨 Access that should be gone is not: {account} ({card.total:,})"
    blocks: Blocks = [
        b.header(head),
        *_list([_overdue_line(line, card) for line in card.lines], card.total),
        b.context(
            f"First seen {b.when(card.opened_at)} · removal is tried until each is observed absent, and this card "
            "changes with it."
        ),
    ]
    return b.message(b.esc(head), blocks)


def _solved(card: OverdueCard, account: str, solved_at: datetime) -> Message:
    head = f"✅ Solved: access that should be gone is gone: {account}"
    all_of_them = "It was" if card.seen == 1 else f"All {card.seen:,} were"
    said = f"Solved at {b.when(solved_at)}. {all_of_them} observed absent; first seen {b.when(card.opened_at)}."
    return b.message(b.esc(head), [b.header(head), b.section(said)])


def _overdue_line(line: OverdueLine, card: OverdueCard) -> str:
    grant = line.grant
    # Its own end is part of the permission: what is past it is still there, but allows nothing.
    allows = "may allow access until" if line.since < grant.expires_at else "allows nothing since"
    return (
        f"• {b.who(card.names, grant.person)}: *{b.esc(line.role_title, SHORT)}* `{b.esc(grant.id, 40)}`\n"
        f"   overdue since {b.when(line.since)}; {allows} {b.when(grant.expires_at)}\n   {b.esc(line.why, 160)}"
    )


def _list(lines: Sequence[str], total: int) -> Blocks:
    """In as many sections as it takes, and how many there are besides."""
    texts: list[str] = []
    for line in lines:
        if texts and len(texts[-1]) + len(line) < b.SECTION_TEXT:
            texts[-1] += f"\n{line}"
        else:
            texts.append(line)
    more = [b.context(f"… and {total - len(lines):,} more")] if total > len(lines) else []
    return [*(b.section(text) for text in texts), *more]
