"""Reading what a person sees: the words of messages and views, and the things in them that can be used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.sandbox.slack.jsontypes import Json
from bot.sandbox.slack.model import elements_of


def words(thing: Json | None) -> str:
    """All text of a message or view that is on the screen, in order, a line for each piece."""
    if thing is None:
        return ""
    parts = [thing.get("title")] if thing.get("type") in {"modal", "home"} else []
    if thing.get("blocks"):
        parts.append(thing["blocks"])
    else:
        parts.append(thing.get("text"))
    parts += [thing.get("submit"), thing.get("close")]
    return "\n".join(_texts(parts))


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, list):
        for entry in part:
            yield from _texts(entry)
    elif isinstance(part, dict):
        for name in ("label", "text", "title", "fields", "elements", "element", "accessory", "placeholder", "hint"):
            yield from _texts(part.get(name))
        yield from _texts(part.get("options") if part.get("type") in {"checkboxes", "radio_buttons"} else None)


def label_of(element: Json) -> str:
    text = element.get("text") or element.get("placeholder") or {}
    return str(text.get("text", "")) if isinstance(text, dict) else ""


def usable(thing: Json) -> dict[tuple[str, str], Json]:
    """What can be used, by block and action id."""
    return elements_of(thing.get("blocks", []))


def describe(thing: Json) -> str:
    """A list of what can be used, for the message of a failed test."""
    lines = [
        f"  {element['type']} action_id={action_id!r} block_id={block_id!r} {label_of(element)!r}"
        for (block_id, action_id), element in usable(thing).items()
    ]
    return "\n".join(lines) or "  (nothing that can be used)"


def find(thing: Json, name: str, *, value: str | None = None) -> tuple[str, Json]:
    """The element that goes by this action id, block id, or label; `value` chooses among several buttons.

    Raises:
        AssertionError: there is none, or more than one.
    """
    blocks = {block["block_id"]: block for block in thing.get("blocks", [])}
    hits = []
    for (block_id, action_id), element in usable(thing).items():
        block_label = (blocks[block_id].get("label") or {}).get("text")
        if name in {action_id, block_id, label_of(element), block_label}:
            hits.append((block_id, element))
    exact = [hit for hit in hits if hit[1]["action_id"] == name]
    hits = exact or hits
    if value is not None:
        hits = [hit for hit in hits if hit[1].get("value") == value]
    if len(hits) != 1:
        wanted = name if value is None else f"{name} with value {value!r}"
        count = "no" if not hits else str(len(hits))
        raise AssertionError(f"{count} elements go by {wanted!r}; there are:\n{describe(thing)}")
    return hits[0]


def where(thing: Json) -> Json:
    """The place of a message, a Home tab or a modal, as the page names it to the workspace."""
    if "ts" in thing:
        return {"kind": "message", "channel": thing["channel"], "ts": thing["ts"]}
    if thing.get("type") == "home":
        return {"kind": "home"}
    return {"kind": "modal", "view_id": thing["id"]}
