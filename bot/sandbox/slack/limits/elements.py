"""Block elements: what each may hold, on which surfaces it lives and inside which blocks.

Limits and the table of places are those of Slack's Block Kit reference ("Available in surfaces", "Works with
block types").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.sandbox.slack.limits import objects
from bot.sandbox.slack.limits.report import (
    Check,
    Report,
    Rule,
    array,
    boolean,
    integer,
    one_of,
    shape,
    string,
)

ALL_SURFACES = frozenset({"modal", "message", "home"})
_ACTION = {"type": string(255), "action_id": string(255)}
_PLACEHOLDER = {"placeholder": objects.plain(150)}
_CONFIRM = {"confirm": objects.confirm}
_FOCUS = {"focus_on_load": boolean}
_DATE = string(10, 10)
_TIME = string(5, 5)
_ID = string(255)


def _element(required: Mapping[str, Check], optional: Mapping[str, Check], *rules: Rule) -> Check:
    return shape({"type": string(255), **required}, {**_ACTION, **optional}, *rules)


def _options_or_groups(report: Report, at: str, value: Mapping[str, Any]) -> None:
    if bool(value.get("options") is not None) == bool(value.get("option_groups") is not None):
        report.add("must provide exactly one of options and option_groups", at)


def _lengths_fit(report: Report, at: str, value: Mapping[str, Any]) -> None:
    if value.get("min_length") is not None and value.get("max_length") is not None:
        lengths = (value["min_length"], value["max_length"])
        if all(isinstance(length, int) for length in lengths) and lengths[0] > lengths[1]:
            report.add("min_length must not be more than max_length", at)


def _initial_fits(report: Report, at: str, value: Mapping[str, Any]) -> None:
    initial, most = value.get("initial_value"), value.get("max_length")
    if isinstance(initial, str) and isinstance(most, int) and len(initial) > most:
        report.add(f"must be less than {most + 1} characters", f"{at}/initial_value")


def _select(source: Mapping[str, Check], initial: Mapping[str, Check], *rules: Rule) -> Check:
    common = {**_PLACEHOLDER, **_CONFIRM, **_FOCUS, "response_url_enabled": boolean}
    return _element({}, {**source, **initial, **common}, *rules)


_STATIC = {
    "options": array(objects.plain_option, 100),
    "option_groups": array(objects.option_group, 100),
}
_EXTERNAL = {"min_query_length": integer(0, 3000)}
_MANY = {"max_selected_items": integer(1, 100)}
_CHANNELS = {"filter": objects.conversation_filter, "default_to_current_conversation": boolean}
_TEXT_INPUT = {**_PLACEHOLDER, **_FOCUS, "dispatch_action_config": objects.dispatch_action_config}

SHAPES: dict[str, Check] = {
    "button": _element(
        {"text": objects.plain(75)},
        {
            "url": string(3000),
            "value": string(2000, shortest=0),
            "style": one_of("primary", "danger"),
            "accessibility_label": string(75),
            **_CONFIRM,
        },
    ),
    "overflow": _element({"options": array(objects.overflow_option, 5)}, _CONFIRM, objects.distinct_values),
    "image": shape({"type": string(255), "image_url": string(3000), "alt_text": string(2000)}, {}),
    "plain_text_input": _element(
        {},
        {
            "initial_value": string(3000, shortest=0),
            "multiline": boolean,
            "min_length": integer(0, 3000),
            "max_length": integer(1, 3000),
            **_TEXT_INPUT,
        },
        _lengths_fit,
        _initial_fits,
    ),
    "email_text_input": _element({}, {"initial_value": string(3000, shortest=0), **_TEXT_INPUT}),
    "url_text_input": _element({}, {"initial_value": string(3000, shortest=0), **_TEXT_INPUT}),
    "number_input": _element(
        {"is_decimal_allowed": boolean},
        {"initial_value": string(40), "min_value": string(40), "max_value": string(40), **_TEXT_INPUT},
    ),
    "datepicker": _element({}, {"initial_date": _DATE, **_PLACEHOLDER, **_CONFIRM, **_FOCUS}),
    "timepicker": _element({}, {"initial_time": _TIME, "timezone": string(255), **_PLACEHOLDER, **_CONFIRM, **_FOCUS}),
    "datetimepicker": _element({}, {"initial_date_time": integer(1_000_000_000, 9_999_999_999), **_CONFIRM, **_FOCUS}),
    "checkboxes": _element(
        {"options": array(objects.rich_option, 10)},
        {"initial_options": array(objects.rich_option, 10), **_CONFIRM, **_FOCUS},
        objects.initial_among_options,
        objects.distinct_values,
    ),
    "radio_buttons": _element(
        {"options": array(objects.rich_option, 10)},
        {"initial_option": objects.rich_option, **_CONFIRM, **_FOCUS},
        objects.initial_among_options,
        objects.distinct_values,
    ),
    "static_select": _select(
        _STATIC,
        {"initial_option": objects.plain_option},
        _options_or_groups,
        objects.initial_among_options,
        objects.distinct_values,
    ),
    "multi_static_select": _select(
        {**_STATIC, **_MANY},
        {"initial_options": array(objects.plain_option, 100)},
        _options_or_groups,
        objects.initial_among_options,
        objects.distinct_values,
    ),
    "external_select": _select(_EXTERNAL, {"initial_option": objects.plain_option}),
    "multi_external_select": _select({**_EXTERNAL, **_MANY}, {"initial_options": array(objects.plain_option, 100)}),
    "users_select": _select({}, {"initial_user": _ID}),
    "multi_users_select": _select(_MANY, {"initial_users": array(_ID, 100)}),
    "conversations_select": _select(_CHANNELS, {"initial_conversation": _ID}),
    "multi_conversations_select": _select({**_CHANNELS, **_MANY}, {"initial_conversations": array(_ID, 100)}),
    "channels_select": _select({}, {"initial_channel": _ID}),
    "multi_channels_select": _select(_MANY, {"initial_channels": array(_ID, 100)}),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an element may stand."""

    surfaces: frozenset[str]
    blocks: frozenset[str]


def _place(blocks: str, surfaces: frozenset[str] = ALL_SURFACES) -> Place:
    return Place(surfaces, frozenset(blocks.split()))


_CHOICE = _place("section actions input")
_MULTI = _place("section input")
_MODAL_INPUT = _place("input", frozenset({"modal"}))

PLACES: dict[str, Place] = {
    "button": _place("section actions"),
    "overflow": _place("section actions"),
    "image": _place("section context"),
    "plain_text_input": _place("input"),
    "email_text_input": _MODAL_INPUT,
    "url_text_input": _MODAL_INPUT,
    "number_input": _MODAL_INPUT,
    "datepicker": _CHOICE,
    "timepicker": _CHOICE,
    "datetimepicker": _place("actions input", frozenset({"modal", "message"})),
    "checkboxes": _CHOICE,
    "radio_buttons": _CHOICE,
    **{name: _CHOICE for name in SHAPES if name.endswith("_select") and not name.startswith("multi_")},
    **{name: _MULTI for name in SHAPES if name.startswith("multi_")},
}


def allowed_in(block: str, surface: str) -> frozenset[str]:
    """The element types that may stand in that kind of block on that surface."""
    return frozenset(name for name, place in PLACES.items() if block in place.blocks and surface in place.surfaces)
