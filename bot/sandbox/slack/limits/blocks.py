"""Layout blocks per surface. Limits as in Slack's Block Kit reference.

Kinds that Slack knows and this workspace does not (rich_text, video, files …) are refused too: what cannot be checked
is not accepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from bot.sandbox.slack.limits import elements, objects
from bot.sandbox.slack.limits.report import (
    Check,
    Report,
    array,
    boolean,
    by_type,
    shape,
    string,
)

_BLOCK = {"block_id": string(255)}
_TYPE = {"type": string(255)}
_MESSAGE_ONLY = frozenset({"markdown"})


def _text_or_fields(report: Report, at: str, value: Mapping[str, Any]) -> None:
    if value.get("text") is None and value.get("fields") is None:
        report.add("missing required field: text", at)


def _context_item(report: Report, at: str, value: Any) -> None:
    if isinstance(value, dict) and value.get("type") == "image":
        elements.SHAPES["image"](report, at, value)
    else:
        objects.text(3000)(report, at, value)


def _dispatches_or_not(report: Report, at: str, value: Mapping[str, Any]) -> None:
    if not isinstance(value.get("element"), dict):
        return
    if value["element"].get("dispatch_action_config") is not None and not value.get("dispatch_action"):
        report.add("dispatch_action_config needs dispatch_action to be true", at)
    if value["element"].get("confirm") is not None:
        report.add("invalid additional property: confirm", f"{at}/element")


@lru_cache(maxsize=3)
def block(surface: str) -> Check:
    """The check of one block on a surface: `message`, `modal` or `home`."""

    def inside(kind: str) -> Check:
        return by_type(elements.SHAPES, elements.allowed_in(kind, surface), "element")

    shapes: dict[str, Check] = {
        "section": shape(
            _TYPE,
            {
                **_BLOCK,
                "text": objects.text(3000),
                "fields": array(objects.text(2000), 10),
                "accessory": inside("section"),
                "expand": boolean,
            },
            _text_or_fields,
        ),
        "header": shape({**_TYPE, "text": objects.plain(150)}, _BLOCK),
        "divider": shape(_TYPE, _BLOCK),
        "context": shape({**_TYPE, "elements": array(_context_item, 10)}, _BLOCK),
        "actions": shape({**_TYPE, "elements": array(inside("actions"), 25)}, _BLOCK),
        "image": shape(
            {**_TYPE, "image_url": string(3000), "alt_text": string(2000)},
            {**_BLOCK, "title": objects.plain(2000)},
        ),
        "input": shape(
            {**_TYPE, "label": objects.plain(2000), "element": inside("input")},
            {**_BLOCK, "hint": objects.plain(2000), "optional": boolean, "dispatch_action": boolean},
            _dispatches_or_not,
        ),
        "markdown": shape({**_TYPE, "text": string(12_000)}, _BLOCK),
    }
    allowed = frozenset(shapes) if surface == "message" else frozenset(shapes) - _MESSAGE_ONLY
    return by_type(shapes, allowed, "block")


def interactive(of: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The elements of a block that a person can act on or fill in."""
    found = [of.get("accessory"), of.get("element")]
    if of.get("type") == "actions" and isinstance(of.get("elements"), list):
        found += of["elements"]
    return [element for element in found if isinstance(element, dict) and element.get("type") != "image"]
