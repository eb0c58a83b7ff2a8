"""The daily summary, clipped to what one message can carry."""

from zoneinfo import ZoneInfo

from bot.service.cards import Names, SummaryCard, SummaryLine
from bot.slack import blocks as b
from bot.slack.blocks import Blocks, Message

ALL_SECTIONS = 9_000
"""Characters that all sections share; a message holds about 13,000 with everything around them."""
LINE = 240
SECTIONS_MOST = 40


def summary(card: SummaryCard) -> Message:
    """Every section with its count; those without anything share one line."""
    zone = ZoneInfo(card.zone)
    span = " to ".join(moment.astimezone(zone).strftime("%a %d %b %Y %H:%M") for moment in (card.start, card.end))
    counts = ", ".join(f"{title.lower()} {len(lines)}" for title, lines in card.sections)
    filled = [(title, lines) for title, lines in card.sections if lines][:SECTIONS_MOST]
    empty = [title.lower() for title, lines in card.sections if not lines]
    blocks: Blocks = [b.header("Production access: daily summary"), b.context(f"{span} ({card.zone})")]
    share = min(b.SECTION_TEXT, ALL_SECTIONS // max(1, len(filled)))
    blocks += [b.section(_section(title, lines, card.names, share)) for title, lines in filled]
    if not filled:
        blocks.append(b.section("Nothing happened, and nobody holds production access."))
    if empty:
        blocks.append(b.context(f"None: {b.esc(', '.join(empty), 1000)}"))
    return b.message(f"Production access, daily summary: {b.esc(counts, 1000)}", blocks)


def _section(title: str, lines: tuple[SummaryLine, ...], names: Names, limit: int) -> str:
    """As many lines as fit into ``limit`` characters of JSON, and how many there are besides."""
    shown = [f"*{b.esc(title, 100)}* · {len(lines)}"]
    length = len(shown[0]) + len("\n… and 1000000 more")
    for at, line in enumerate(lines):
        by = f", by {b.everyone(names, list(line.by))}" if line.by else ""
        text = f"• {b.who(names, line.person)}: {b.esc(line.text, LINE)}{by} `{b.esc(line.id, 40)}`"
        length += len(text) + text.count('"') + text.count("\\") + 2
        if length > limit:
            return "\n".join([*shown, f"… and {len(lines) - at} more"])
        shown.append(text)
    return "\n".join(shown)
