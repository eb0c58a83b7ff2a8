"""How a holder uses what was granted."""

import re
from collections.abc import Sequence

from bot.slack import blocks as b
from bot.slack.blocks import Blocks, Json
from bot.slack.wording import SHORT

HOW_TO_MOST = 6


def how_to_use(pairs: Sequence[tuple[str, str]]) -> Blocks:
    """What to type, ready to copy."""
    return [_how_to(b.clip(label, SHORT), b.clip(text, 700)) for label, text in pairs[:HOW_TO_MOST]]


def _how_to(label: str, text: str) -> Json:
    # A link only where nothing in it could end it early or show as something else.
    if re.fullmatch(r"https://[\w.:/?=&%#~+@-]+", text, re.ASCII):
        return b.section(f"*{b.esc(label)}*\n<{text.replace('&', '&amp;')}>")
    return b.code(text, label)
