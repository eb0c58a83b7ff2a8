"""Composition objects: text, options, confirm dialogs. Limits as in Slack's Block Kit reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.sandbox.slack.limits.report import Check, Report, array, boolean, one_of, shape, string


def _emoji_only_in_plain(report: Report, at: str, value: Mapping[str, Any]) -> None:
    if value.get("type") == "mrkdwn" and "emoji" in value:
        report.add("invalid additional property: emoji", at)
    if value.get("type") == "plain_text" and "verbatim" in value:
        report.add("invalid additional property: verbatim", at)


def text(longest: int) -> Check:
    """A text object of either kind, at most `longest` characters."""
    return shape(
        {"type": one_of("plain_text", "mrkdwn"), "text": string(longest)},
        {"emoji": boolean, "verbatim": boolean},
        _emoji_only_in_plain,
    )


def plain(longest: int) -> Check:
    """A text object that may only be plain_text, at most `longest` characters."""
    return shape({"type": one_of("plain_text"), "text": string(longest)}, {"emoji": boolean})


def _url_only_in_overflow(report: Report, at: str, value: Mapping[str, Any]) -> None:
    if "url" in value:
        report.add("invalid additional property: url", at)


_OPTION_VALUE = string(150, shortest=0)

plain_option = shape(
    {"text": plain(75), "value": _OPTION_VALUE},
    {"description": plain(75), "url": string(3000)},
    _url_only_in_overflow,
)
rich_option = shape(
    {"text": text(75), "value": _OPTION_VALUE},
    {"description": text(75), "url": string(3000)},
    _url_only_in_overflow,
)
overflow_option = shape({"text": plain(75), "value": _OPTION_VALUE}, {"description": plain(75), "url": string(3000)})

option_group = shape({"label": plain(75), "options": array(plain_option, 100)}, {})

confirm = shape(
    {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)},
    {"style": one_of("primary", "danger")},
)

dispatch_action_config = shape({"trigger_actions_on": array(one_of("on_enter_pressed", "on_character_entered"), 2)}, {})

conversation_filter = shape(
    {},
    {
        "include": array(one_of("im", "mpim", "private", "public"), 4),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    },
)


def initial_among_options(report: Report, at: str, value: Mapping[str, Any]) -> None:
    """Whatever is chosen at first must be one of what can be chosen."""
    offered = [option for option in value.get("options") or [] if isinstance(option, dict)]
    for group in value.get("option_groups") or []:
        if isinstance(group, dict):
            offered += [option for option in group.get("options") or [] if isinstance(option, dict)]
    known = {(str(option.get("value")), _words(option)) for option in offered}
    chosen = value.get("initial_options") or (
        [value["initial_option"]] if value.get("initial_option") is not None else []
    )
    for option in chosen if isinstance(chosen, list) else []:
        if isinstance(option, dict) and (str(option.get("value")), _words(option)) not in known:
            report.add("initial option must exactly match one of the provided options", at)


def _words(option: Mapping[str, Any]) -> str:
    words = option.get("text")
    return str(words.get("text")) if isinstance(words, dict) else ""


def distinct_values(report: Report, at: str, value: Mapping[str, Any]) -> None:
    """Two options with one value cannot be told apart in what is sent."""
    options = [option for option in value.get("options") or [] if isinstance(option, dict)]
    values = [str(option.get("value")) for option in options]
    if len(set(values)) != len(values):
        report.add("duplicate option values are not allowed", f"{at}/options")
