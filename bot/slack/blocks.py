"""Block Kit from plain values, within Slack's limits by construction (docs.slack.dev, Block Kit reference).

What people typed reaches Slack only as ``plain_text`` or through ``esc``; every ``mrkdwn`` object is
``verbatim``, so that nothing in it becomes a link or a mention by itself.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.service.cards import Names

Json = dict[str, Any]
Blocks = list[Json]

SECTION_TEXT = 3000
FIELD_TEXT = 2000
HEADER_TEXT = 150
BUTTON_TEXT = 75
OPTION_TEXT = 75
OPTION_VALUE = 150
OPTIONS = 100
TITLE = 24
PLACEHOLDER = 150
LABEL = 2000
INPUT_TEXT = 3000
MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
FALLBACK_TEXT = 3000
MESSAGE_SIZE = 13_000
"""Characters of a message's blocks as compact JSON; above it Slack was seen to answer ``msg_blocks_too_long``."""

_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


@dataclass(frozen=True, slots=True)
class Message:
    """What a message shows; ``text`` is for notifications and screen readers."""

    text: str
    blocks: Blocks


# --- text ------------------------------------------------------------------------------------------------


def clip(text: str, limit: int) -> str:
    """``text``, its end replaced by … where it is longer than ``limit`` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def esc(text: str, limit: int = 300) -> str:
    """``text`` for mrkdwn, where it shows as it is: no mention, link or date. At most ``limit`` characters."""
    shown = [_ESCAPED.get(char, char) for char in text]
    if sum(map(len, shown)) <= limit:
        return "".join(shown)
    kept, length = [], 0
    for piece in shown:
        length += len(piece)
        if length > limit - 1:
            break
        kept.append(piece)
    return "".join(kept) + "…"


def when(moment: datetime) -> str:
    """A time (UTC) in mrkdwn, shown in each reader's own zone."""
    fallback = moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} {{time}}|{fallback}>"


def who(names: Names, person: str | None) -> str:
    """A person in mrkdwn: a mention where their Slack id is known."""
    if not person:
        return "nobody"
    chat_id = names.mention.get(person)
    return f"<@{chat_id}>" if chat_id else esc(names.shown.get(person, person), 100)


def name_of(names: Names, person: str | None) -> str:
    """A person in plain text."""
    return clip(names.shown.get(person, person), 100) if person else "nobody"


def everyone(names: Names, people: Sequence[str], most: int = 8) -> str:
    """Several people in mrkdwn, the first ``most`` of them by name."""
    shown = [who(names, person) for person in people[:most]]
    return ", ".join(shown) + (f" and {len(people) - most} more" if len(people) > most else "")


def plain(text: str, limit: int = SECTION_TEXT) -> Json:
    """A plain_text object; Slack takes no empty ones."""
    return {"type": "plain_text", "text": clip(text, limit) or "–", "emoji": False}


def mrkdwn(text: str, limit: int = SECTION_TEXT) -> Json:
    """A mrkdwn object of what is already safe: own words, ``esc``, ``when``, ``who``."""
    return {"type": "mrkdwn", "text": clip(text, limit) or "–", "verbatim": True}


# --- blocks ----------------------------------------------------------------------------------------------


def header(text: str) -> Json:
    """A heading."""
    return {"type": "header", "text": plain(text, HEADER_TEXT)}


def section(text: str, accessory: Json | None = None) -> Json:
    """Safe mrkdwn, with a button beside it if given."""
    block: Json = {"type": "section", "text": mrkdwn(text)}
    return {**block, "accessory": accessory} if accessory else block


def context(text: str) -> Json:
    """Safe mrkdwn, small."""
    return {"type": "context", "elements": [mrkdwn(text)]}


def divider() -> Json:
    """A line."""
    return {"type": "divider"}


def facts(pairs: Iterable[tuple[str, str]]) -> Blocks:
    """(label, safe mrkdwn) pairs in two columns, ten to a block."""
    fields = [mrkdwn(f"*{esc(label, 100)}*\n{value}", FIELD_TEXT) for label, value in pairs]
    return [{"type": "section", "fields": fields[at : at + 10]} for at in range(0, len(fields), 10)]


def quote(text: str, label: str = "", limit: int = SECTION_TEXT) -> Blocks:
    """What somebody wrote, as they wrote it: nothing in it is formatted, linked or a mention."""
    words: Json = {"type": "section", "text": plain(text, limit)}
    return [section(f"*{esc(label)}*"), words] if label else [words]


def code(text: str, label: str = "") -> Json:
    """Text to read letter by letter, or to copy; what does not fit is cut."""
    heading = f"*{esc(label, 150)}*\n" if label else ""
    return section(f"{heading}```{esc(_unfenced(text), SECTION_TEXT - len(heading) - 6)}```")


def code_in_full(text: str, most: int) -> Blocks:
    """``text`` in as many code blocks as it takes, split at line ends, ``most`` at the most."""
    pieces: list[str] = []
    for line in _unfenced(text).split("\n"):
        if pieces and _escaped_length(pieces[-1]) + _escaped_length(line) < SECTION_TEXT - 10:
            pieces[-1] += f"\n{line}"
        else:
            pieces.append(line)
    shown = [section(f"```{esc(piece, SECTION_TEXT - 6) or ' '}```") for piece in pieces[:most]]
    return [*shown, context(f"… and {len(pieces) - most} parts more")] if len(pieces) > most else shown


def _unfenced(text: str) -> str:
    """Without what would end a code block; in JSON it means the same."""
    return text.replace("`", "\\u0060")


def _escaped_length(text: str) -> int:
    return sum(len(_ESCAPED.get(char, char)) for char in text)


# --- things to press -------------------------------------------------------------------------------------


def button(text: str, action_id: str, value: str = "", style: str = "") -> Json:
    """A button; ``value`` is an id, ``style`` is ``primary`` or ``danger``."""
    element: Json = {"type": "button", "text": plain(text, BUTTON_TEXT), "action_id": action_id}
    return {**element, **({"value": value} if value else {}), **({"style": style} if style else {})}


def actions(*elements: Json) -> Json:
    """A row of buttons."""
    return {"type": "actions", "elements": list(elements)}


# --- modals ----------------------------------------------------------------------------------------------


def modal(
    title: str,
    blocks: Blocks,
    *,
    callback: str = "",
    submit: str = "",
    close: str = "",
    subject: str = "",
    clears: bool = False,
) -> Json:
    """A modal. ``subject`` (private_metadata) is an id; ``clears``: closing it closes those under it.

    ``close`` is by default Cancel where something would be submitted, else Close.
    """
    view: Json = {
        "type": "modal",
        "title": plain(title, TITLE),
        "close": plain(close or ("Cancel" if submit else "Close"), TITLE),
        "blocks": within(blocks, VIEW_BLOCKS),
        "callback_id": callback,
        "private_metadata": subject,
        "clear_on_close": clears,
    }
    return {**view, "submit": plain(submit, TITLE)} if submit else view


def within(blocks: Blocks, most: int) -> Blocks:
    """At most that many blocks; where some are left out the last one says so."""
    return blocks if len(blocks) <= most else [*blocks[: most - 1], context(f"… {len(blocks) - most + 1} parts more")]


def message(text: str, blocks: Blocks) -> Message:
    """A message within Slack's limits: from the end, what does not fit is left out, buttons excepted."""
    kept = within(blocks, MESSAGE_BLOCKS)
    while _size(kept) > MESSAGE_SIZE:
        droppable = [at for at, block in enumerate(kept) if block["type"] != "actions"]
        kept = [block for at, block in enumerate(kept) if at != droppable[-1]]
    return Message(clip(text, FALLBACK_TEXT), kept)


def _size(blocks: Blocks) -> int:
    return len(json.dumps(blocks, ensure_ascii=False, separators=(",", ":")))


# --- inputs ----------------------------------------------------------------------------------------------


def entry(
    label: str, block_id: str, element: Json, *, hint: str = "", optional: bool = False, tells: bool = False
) -> Json:
    """An input block; ``tells``: the app hears of a change at once."""
    block: Json = {
        "type": "input",
        "block_id": block_id,
        "label": plain(label, LABEL),
        "element": element,
        "optional": optional,
    }
    return {
        **block,
        **({"hint": plain(hint, LABEL)} if hint else {}),
        **({"dispatch_action": True} if tells else {}),
    }


def text_input(
    action_id: str, initial: str = "", placeholder: str = "", *, most: int = INPUT_TEXT, lines: bool = False
) -> Json:
    """A text field; ``initial`` is cut to ``most`` characters."""
    element: Json = {"type": "plain_text_input", "action_id": action_id, "max_length": most, "multiline": lines}
    return {
        **element,
        **({"initial_value": initial[:most]} if initial else {}),
        **({"placeholder": plain(placeholder, PLACEHOLDER)} if placeholder else {}),
    }


def code_input(label: str, block_id: str = "code", *, hint: str = "") -> Json:
    """A field for a TOTP code: six digits, never filled in for anybody."""
    element = text_input(block_id, placeholder="123456", most=6)
    return entry(label, block_id, element, hint=hint)


def option(text: str, value: str, description: str = "") -> Json:
    """Something to choose; the value must fit (150 characters), the rest is cut."""
    if len(value) > OPTION_VALUE:
        raise ValueError("an option's value would not fit")
    choice: Json = {"text": plain(text, OPTION_TEXT), "value": value}
    return {**choice, "description": plain(description, OPTION_TEXT)} if description else choice


def select(action_id: str, placeholder: str, initial: Json | None, options: Sequence[Json] | None = None) -> Json:
    """A menu of at most 100 ``options``; with more, or with none given, the app is asked for them as one types."""
    element: Json = {"action_id": action_id, "placeholder": plain(placeholder, PLACEHOLDER)}
    if initial:
        element["initial_option"] = initial
    if options is None or len(options) > OPTIONS:
        return {"type": "external_select", **element, "min_query_length": 0}
    return {"type": "static_select", **element, "options": list(options)}
