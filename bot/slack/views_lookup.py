"""A field whose choices are listed live: a menu to search in, or to be typed where they cannot be listed."""

import re
from collections.abc import Sequence

from bot.core.lookups import Choice
from bot.core.model import Parameter, Role
from bot.slack import blocks as b
from bot.slack import ids
from bot.slack.blocks import Blocks, Json
from bot.slack.form import VALUE_MAX

NOT_LISTED = "⚠️ What there is cannot be listed just now: type it."
ACCOUNT_FIRST = "Choose an account to pick from a list"


def looked_up(role: Role, parameter: Parameter, value: str, account: str, *, listed: bool) -> Blocks:
    """The field; ``account`` is empty where none is chosen yet."""
    optional = parameter.default is not None
    if account and listed and len(value) <= b.OPTION_VALUE:
        block_id = ids.block_of(ids.PARAMETER, role.id, parameter.id, account)
        menu = b.select(ids.PARAMETER, f"Choose: {parameter.title}", b.option(value, value) if value else None)
        hint = " ".join(filter(None, (_full_stop(usage(parameter)), "What is not in the list can be typed in full.")))
        return [b.entry(parameter.title, block_id, menu, hint=hint, optional=optional)]
    # Another block than the menu's: what stands in one must not be taken for what stands in the other.
    block_id = ids.block_of(ids.PARAMETER, role.id, parameter.id)
    element = b.text_input(ids.PARAMETER, value, "" if account else ACCOUNT_FIRST, most=VALUE_MAX)
    field = b.entry(parameter.title, block_id, element, hint=usage(parameter), optional=optional)
    return [field, b.context(NOT_LISTED)] if account and not listed else [field]


def looked_up_options(parameter: Parameter, found: Sequence[Choice] | None, typed: str) -> list[Json]:
    """What matches what was typed; where nothing does, or nothing could be listed, what was typed, if it is taken."""
    words = typed.casefold().split()
    matching = [each for each in found or () if all(word in f"{each.title} {each.value}".casefold() for word in words)]
    # What is called exactly so comes first.
    exact = [each for each in matching if typed in (each.value, each.title)]
    options = [_option(each) for each in [*exact, *(each for each in matching if each not in exact)]]
    fitting = [each for each in options if each is not None]
    if not fitting and typed and len(typed) <= b.OPTION_VALUE and re.fullmatch(parameter.pattern, typed):
        return [b.option(f"Use “{typed}”", typed)]
    return fitting[: b.OPTIONS]


def usage(parameter: Parameter) -> str:
    """The catalogue's hint, which is a phrase or an example, as a line of its own; else what an empty field means."""
    hint = parameter.hint
    if hint:
        return hint[:1].upper() + hint[1:] if " " in hint else f"For example {hint}"
    return f"If you leave it empty: {parameter.default}" if parameter.default else ""


def _option(choice: Choice) -> Json | None:
    """A menu's values are limited; what is longer has to be typed."""
    if len(choice.value) > b.OPTION_VALUE:
        return None
    return b.option(choice.title or choice.value, choice.value, choice.value if choice.title else "")


def _full_stop(text: str) -> str:
    return f"{text}." if text and not text.endswith((".", "!", "?")) else text
