"""The card of a change of access.yaml, and of one that cannot be used. Made from state alone."""

from collections.abc import Iterator, Sequence

from bot.core.difference import Direction, Line
from bot.core.versions import NOBODY, Standing
from bot.service.cards import CatalogueCard, UnreadableCard
from bot.slack import blocks as b
from bot.slack import ids
from bot.slack.blocks import Blocks, Json, Message
from bot.slack.views import CODE_HINT

CARD_TEXT = 7500
"""Characters of the difference on a card: with the rest it stays under what Slack takes."""
MODAL_TEXT = 40_000
"""As ``CARD_TEXT``, in the window in which it is approved."""
SECTION = 2800

_HEADS = {
    Standing.LIVE: "access.yaml has changed",
    Standing.REPLACED: "access.yaml has changed",
    Standing.WAITING: "A change of access.yaml waits for approval",
    Standing.DENIED: "A change of access.yaml was denied",
    Standing.WITHDRAWN: "A change of access.yaml was withdrawn",
}
_MARKS = {Standing.WAITING: "⏳", Standing.DENIED: "⛔", Standing.WITHDRAWN: "↩️"}
SAME = "Nobody gains or loses anything, and nothing else is different."


def change_card(card: CatalogueCard | UnreadableCard) -> Message:
    """For the security channel."""
    return catalogue_card(card) if isinstance(card, CatalogueCard) else unreadable_card(card)


def catalogue_card(card: CatalogueCard) -> Message:
    """For the security channel."""
    version = card.version
    head = f"{_MARKS.get(version.standing, '📋')} {_HEADS[version.standing]}"
    blocks: Blocks = [b.header(head), b.section(_status(card)), *difference(card, CARD_TEXT)]
    if version.standing is Standing.WAITING:
        blocks += [b.section(_who_approves(card)), b.actions(*_buttons(card))]
    return b.message(f"{head}: {counted(card.lines)}", blocks)


def confirm(card: CatalogueCard, *, approving: bool) -> Json:
    """All of it, and the approver's code for exactly this."""
    does = "this is in use from now on" if approving else "what was there before stays in use"
    blocks = [
        b.section(f"You decide that {does}:"),
        *difference(card, MODAL_TEXT),
        b.code_input("Code from your authenticator", ids.CODE, hint=CODE_HINT),
    ]
    word, callback = ("Approve", ids.APPROVE_CHANGE_CODE) if approving else ("Deny", ids.DENY_CHANGE_CODE)
    return b.modal(f"{word} with a code", blocks, callback=callback, submit=word, subject=card.version.id)


def unreadable_card(card: UnreadableCard) -> Message:
    """For the security channel."""
    head = "🚨 access.yaml cannot be used"
    blocks: Blocks = [
        b.header(head),
        b.section(f"What was in use before stays in use, `{b.esc(card.in_use[:12], 20)}`. Seen {b.when(card.at)}."),
        b.code(card.problems),
        b.context("As soon as the file is in order it is read again; `prodaccess check` tells when it is."),
    ]
    return b.message(f"{head}; the one before stays in use", blocks)


def counted(lines: Sequence[Line]) -> str:
    """How much of what, for a notification."""
    words = {Direction.GAINED: "gained", Direction.CHANGED: "changed", Direction.LOST: "lost"}
    counts = [(sum(line.count for line in lines if line.direction is each), word) for each, word in words.items()]
    return ", ".join(f"{count:,} {word}" for count, word in counts if count) or "nothing for anybody"


def difference(card: CatalogueCard, most: int) -> Blocks:
    """As many lines as fit into ``most`` characters, and where to find the others."""
    if card.unknown:
        return [b.section(f"⚠️ {b.esc(card.unknown)}")]
    if not card.lines:
        return [b.section(SAME)]
    shown = [_line(line) for line in card.lines]
    sections, used = [""], 0
    for at, text in enumerate(shown):
        if used + len(text) > most:
            return [*map(b.section, sections), _more(card, len(shown) - at)]
        if len(sections[-1]) + len(text) > SECTION:
            sections.append("")
        sections[-1] += f"{text}\n"
        used += len(text) + 1
    return [b.section(text) for text in sections]


def _line(line: Line) -> str:
    """What somebody gains stands out."""
    mark = line.mark if line.direction is Direction.LOST else f"*{line.mark}*"
    return f"{mark} {b.esc(line.text, 900)}"


def _who_approves(card: CatalogueCard) -> str:
    if card.approvers:
        return f"Can approve: {b.everyone(card.names, card.approvers)}"
    return (
        "*Nobody can approve this:* everybody who approves changes gains by it themselves. An operator can: "
        "`prodaccess catalogue use FILE`"
    )


def _buttons(card: CatalogueCard) -> Iterator[Json]:
    yield b.button("Approve …", ids.APPROVE_CHANGE, card.version.id, "primary")
    yield b.button("Deny …", ids.DENY_CHANGE, card.version.id, "danger")


def _more(card: CatalogueCard, rest: int) -> Json:
    old, new = card.version.before[:12], card.version.digest[:12]
    return b.context(f"… and {rest:,} lines more. All of them: `prodaccess catalogue diff {old} {new}`")


def _status(card: CatalogueCard) -> str:
    version = card.version
    what = f"`{b.esc(version.before[:12], 20) or '–'}` → `{b.esc(version.digest[:12], 20)}` · {counted(card.lines)}"
    by = "" if version.decided_by in {"", NOBODY} else f" by {b.who(card.names, version.decided_by)}"
    when = b.when(version.decided_at or version.seen_at)
    stands = {
        Standing.LIVE: f"In use{' · approved' + by if by else ''} · {when}",
        Standing.REPLACED: f"Was in use{' · approved' + by if by else ''} from {when}, replaced since",
        Standing.WAITING: f"Seen {when}. Until it is approved, what was there before is in use.",
        Standing.DENIED: f"Denied{by} · {when}. What was there before stays in use.",
        Standing.WITHDRAWN: f"The file says something else by now · {when}",
    }
    return f"{what}\n{stands[version.standing]}"
