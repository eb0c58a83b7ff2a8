"""The messages of time that goes by: what waits for somebody's word, and in whose place they approve."""

from bot.core.duration import format_duration
from bot.core.model import AccessRequest
from bot.service.cards import DelegateCard, Notice, NudgeCard
from bot.slack import blocks as b
from bot.slack import ids
from bot.slack.blocks import Blocks, Message
from bot.slack.notices import notice
from bot.slack.wording import what

MOST = 8


def told(card: Notice | NudgeCard | DelegateCard) -> Message:
    """What a person is told once."""
    match card:
        case Notice():
            return notice(card)
        case NudgeCard():
            return nudge(card)
        case DelegateCard():
            return delegate(card)


def nudge(card: NudgeCard) -> Message:
    """A reminder; what is decided from it is decided as from the card itself."""
    count = len(card.requests)
    head = f"⏰ {'A request waits' if count == 1 else f'{count} requests wait'} for your word"
    blocks: Blocks = [b.section(f"*{head}*")]
    for request in card.requests[:MOST]:
        blocks += _waits(card, request)
    if count > MOST:
        blocks.append(b.context(f"… and {count - MOST} more; all are in the app's Home tab"))
    return b.message(head, blocks)


def _waits(card: NudgeCard, request: AccessRequest) -> Blocks:
    asks = f"{b.who(card.names, request.ask.requester)} asks for {what(request.ask, card.catalogue)}"
    on_it = f" · 👀 {b.who(card.names, request.claimed_by)} is on it" if request.claimed_by else ""
    since = f"Asked {b.when(request.asked_at)} · lapses {b.when(request.lapses_at)}{on_it}"
    return [
        b.section(
            f"{asks} for {format_duration(request.ask.duration)}\n{since}",
            b.button("Show permissions", ids.PERMISSIONS, request.id),
        ),
        *b.quote(b.clip(request.ask.reason, 300)),
        b.actions(
            b.button("Approve", ids.APPROVE, request.id, "primary"),
            b.button("Deny", ids.DENY, request.id, "danger"),
            *([] if request.claimed_by == card.person else [b.button("I'm on it", ids.CLAIM, request.id)]),
        ),
    ]


def delegate(card: DelegateCard) -> Message:
    """In whose place the reader approves."""
    absence, plainly = card.absence, b.esc(b.name_of(card.names, card.absence.person), 100)
    text = (
        f"👥 *You approve in the place of {b.who(card.names, absence.person)}* until {b.when(absence.until)}\n"
        "What is asked of them is asked of you; what you ask for yourself somebody else has to approve."
    )
    return b.message(f"You approve in the place of {plainly}", [b.section(text)])
