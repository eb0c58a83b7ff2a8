"""Whole messages, views and option lists against Slack's limits."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from bot.sandbox.slack.jsontypes import Json
from bot.sandbox.slack.limits import blocks as block_checks
from bot.sandbox.slack.limits import objects
from bot.sandbox.slack.limits.report import Report, anything, array, boolean, one_of, shape, string

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
MESSAGE_TEXT = 40_000
"""Characters; chat.postMessage (docs.slack.dev, "Truncating really long messages")."""
UPDATE_TEXT = 4_000
"""Characters; chat.update and chat.postEphemeral answer `msg_too_long` above it."""
MESSAGE_BLOCKS_SIZE = 13_000
"""Characters of compact JSON. `msg_blocks_too_long` was observed from about 13,170 (bolt-js issue 2509)."""
VIEW_SIZE = 250_000
"""Bytes; `view_too_large` in views.open."""


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _object(report: Report, at: str, value: Any) -> None:
    if not isinstance(value, dict):
        report.add("must provide an object", at)


_VIEW_COMMON = {
    "private_metadata": string(3000, shortest=0),
    "callback_id": string(255, shortest=0),
    "external_id": string(255, shortest=0),
}
_modal = shape(
    {"type": one_of("modal"), "title": objects.plain(24), "blocks": array(block_checks.block("modal"), VIEW_BLOCKS, 0)},
    {
        **_VIEW_COMMON,
        "submit": objects.plain(24),
        "close": objects.plain(24),
        "clear_on_close": boolean,
        "notify_on_close": boolean,
    },
)
_home = shape({"type": one_of("home"), "blocks": array(block_checks.block("home"), VIEW_BLOCKS, 0)}, _VIEW_COMMON)
_options = array(objects.plain_option, 100, 0)
_option_groups = array(objects.option_group, 100, 0)
_metadata = shape(
    {"event_type": string(255), "event_payload": _object},
    {"entities": anything},
)


def check_message_blocks(blocks: Any) -> list[str]:
    """Every problem of a message's blocks, e.g. `no more than 50 items allowed [json-pointer:/blocks]`."""
    report = Report()
    array(block_checks.block("message"), MESSAGE_BLOCKS, 0)(report, "/blocks", blocks)
    _distinct_ids(report, "/blocks", blocks)
    return report.problems


def blocks_too_long(blocks: Any) -> bool:
    """Whether the blocks together are past what one message can carry (see `MESSAGE_BLOCKS_SIZE`)."""
    return len(_compact(blocks)) > MESSAGE_BLOCKS_SIZE


def check_view(view: Any) -> list[str]:
    """Every problem of a modal or a Home tab, apart from its size in bytes."""
    report = Report()
    kind = view.get("type") if isinstance(view, dict) else None
    if kind not in {"modal", "home"}:
        report.add("must be a valid enum value: modal, home", "/view/type")
        return report.problems
    (_modal if kind == "modal" else _home)(report, "/view", view)
    _distinct_ids(report, "/view/blocks", view.get("blocks"))
    if kind == "modal":
        _input_needs_submit(report, view)
    _one_focus(report, view)
    return report.problems


def view_too_large(view: Any) -> bool:
    return len(_compact(view).encode("utf-8", "surrogatepass")) > VIEW_SIZE


def check_options_answer(answer: Mapping[str, Any]) -> list[str]:
    """Every problem of an answer to block_suggestion: `options` or `option_groups`, at most 100 of them."""
    report = Report()
    if (answer.get("options") is None) == (answer.get("option_groups") is None):
        report.add("must provide exactly one of options and option_groups", "")
    if answer.get("options") is not None:
        _options(report, "/options", answer["options"])
    if answer.get("option_groups") is not None:
        _option_groups(report, "/option_groups", answer["option_groups"])
    return report.problems


def check_metadata(metadata: Any) -> list[str]:
    report = Report()
    _metadata(report, "/metadata", metadata)
    return report.problems


def input_blocks(view: Mapping[str, Any]) -> dict[str, Json]:
    """The view's input blocks by block id."""
    return {str(block["block_id"]): block for block in view.get("blocks", []) if block.get("type") == "input"}


def _blocks_of(blocks: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for index, block in enumerate(blocks if isinstance(blocks, list) else []):
        if isinstance(block, dict):
            yield index, block


def _distinct_ids(report: Report, at: str, blocks: Any) -> None:
    seen: set[str] = set()
    for index, block in _blocks_of(blocks):
        block_id = block.get("block_id")
        if isinstance(block_id, str) and block_id in seen:
            report.add(f"`block_id` {block_id} already exists", f"{at}/{index}/block_id")
        elif isinstance(block_id, str):
            seen.add(block_id)
        inside: set[str] = set()
        for element in block_checks.interactive(block):
            action_id = element.get("action_id")
            if isinstance(action_id, str) and action_id in inside:
                report.add(f"`action_id` {action_id} already exists for `block_id` {block_id}", f"{at}/{index}")
            elif isinstance(action_id, str):
                inside.add(action_id)


def _input_needs_submit(report: Report, view: Mapping[str, Any]) -> None:
    has_input = any(block.get("type") == "input" for _, block in _blocks_of(view.get("blocks")))
    if has_input and view.get("submit") is None:
        report.add("`submit` is required when an `input` block is present", "/view/submit")


def _one_focus(report: Report, view: Mapping[str, Any]) -> None:
    count = sum(
        bool(element.get("focus_on_load"))
        for _, block in _blocks_of(view.get("blocks"))
        for element in block_checks.interactive(block)
    )
    if count > 1:
        report.add("only one element may have focus_on_load", "/view/blocks")
