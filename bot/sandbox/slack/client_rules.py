"""What Slack's own client checks before it sends a form: required inputs, lengths, formats."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.sandbox.slack.jsontypes import Json
from bot.sandbox.slack.limits import input_blocks
from bot.sandbox.slack.model import all_options

_LONGEST_INPUT = 3000
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_URL = re.compile(r"https?://\S+", re.IGNORECASE)


def problems_of_form(body: Json, typed: dict[str, dict[str, Json]]) -> dict[str, str]:
    """What the client says under each input that cannot be sent as it stands, by block id."""
    problems = {}
    for block_id, block in input_blocks(body).items():
        element = block["element"]
        value = _value(typed.get(block_id, {}).get(element["action_id"], {}))
        if value is None or value in ("", []):
            if not block.get("optional"):
                problems[block_id] = "Please complete this required field."
        elif problem := _problem(element, value):
            problems[block_id] = problem
    return problems


def _value(state: Json) -> Any:
    return next((part for name, part in state.items() if name != "type"), None)


def _problem(element: Json, value: Any) -> str | None:
    kind = element["type"]
    if kind == "plain_text_input" and isinstance(value, str):
        return _length_problem(element, value)
    if kind == "email_text_input" and not _EMAIL.fullmatch(str(value)):
        return "Please enter a valid email address."
    if kind == "url_text_input" and not _URL.fullmatch(str(value)):
        return "Please enter a valid URL."
    if kind == "number_input":
        return _number_problem(element, str(value))
    most = element.get("max_selected_items")
    if most is not None and isinstance(value, list) and len(value) > most:
        return f"Please select no more than {most} items."
    return _choice_problem(element, value)


def _length_problem(element: Json, value: str) -> str | None:
    least = element.get("min_length") or 0
    most = element.get("max_length") or _LONGEST_INPUT
    if len(value) < least:
        return f"Please enter at least {least} characters."
    if len(value) > most:
        return f"Please enter no more than {most} characters."
    return None


def _number_problem(element: Json, value: str) -> str | None:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return "Please enter a number."
    if not element["is_decimal_allowed"] and number != number.to_integral_value():
        return "Please enter a whole number."
    least, most = element.get("min_value"), element.get("max_value")
    if least is not None and number < Decimal(least):
        return f"Please enter a number of at least {least}."
    if most is not None and number > Decimal(most):
        return f"Please enter a number of at most {most}."
    return None


def _choice_problem(element: Json, value: Any) -> str | None:
    """A client can only send what was offered to it (external options are the app's to check)."""
    known = {option["value"] for option in all_options(element)}
    if not known:
        return None
    chosen = value if isinstance(value, list) else [value]
    if all(isinstance(option, dict) and option.get("value") in known for option in chosen):
        return None
    return "Please choose one of the options."
