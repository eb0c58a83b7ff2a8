"""What stands in an element after a person entered something: plain values made into Slack's state objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime

from bot.sandbox.slack.jsontypes import Json
from bot.sandbox.slack.model import all_options

Value = str | int | date | datetime | Iterable[str] | None
Ask = Callable[[str], list[Json]]

_PLAIN_SLOTS = {
    "plain_text_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
    "number_input": "value",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
}
_MANY_IDS = {
    "multi_users_select": "selected_users",
    "multi_conversations_select": "selected_conversations",
    "multi_channels_select": "selected_channels",
}
_MANY_OPTIONS = frozenset({"checkboxes", "multi_static_select", "multi_external_select"})


def entered(element: Json, value: Value, ask: Ask) -> Json:
    """The state of `element` after `value` was entered; `ask` gets an external select's options.

    Raises:
        AssertionError: the value is not among the options.
    """
    kind: str = element["type"]
    if kind in _PLAIN_SLOTS:
        return {"type": kind, _PLAIN_SLOTS[kind]: None if value is None else str(value)}
    if kind == "datetimepicker":
        return {"type": kind, "selected_date_time": _unix(value)}
    if kind in _MANY_IDS:
        return {"type": kind, _MANY_IDS[kind]: _several(value)}
    if kind in _MANY_OPTIONS:
        chosen = [_option(_offered(element, name, ask), name) for name in _several(value)]
        return {"type": kind, "selected_options": chosen}
    if value is None:
        return {"type": kind, "selected_option": None}
    return {"type": kind, "selected_option": _option(_offered(element, str(value), ask), str(value))}


def _unix(value: Value) -> int | None:
    if isinstance(value, datetime):
        return int(value.timestamp())
    return None if value is None else int(str(value))


def _several(value: Value) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [str(part) for part in value] if isinstance(value, Iterable) else []


def _offered(element: Json, typed: str, ask: Ask) -> list[Json]:
    if element["type"].endswith("external_select"):
        return ask(typed)
    return all_options(element)


def _option(offered: list[Json], wanted: str) -> Json:
    """The option with this value or, failing that, this text."""
    by_value = [option for option in offered if option["value"] == wanted]
    by_text = [option for option in offered if option["text"]["text"] == wanted]
    for found in (by_value, by_text):
        if found:
            return found[0]
    shown = ", ".join(f"{option['value']!r} ({option['text']['text']})" for option in offered) or "nothing"
    raise AssertionError(f"{wanted!r} is not offered; offered are: {shown}")
