"""Slack's limits, each at its edge: what fits is taken, one more is refused at its place."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.slack.limits import (
    blocks_too_long,
    check_message_blocks,
    check_metadata,
    check_options_answer,
    check_view,
    view_too_large,
)
from tests.sandbox.slack.echo import button, modal, plain, text_input

Blocks = list[dict[str, Any]]


def section(text: str = "x", **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def option(text: str = "a", value: str = "a", **more: Any) -> dict[str, Any]:
    return {"text": plain(text), "value": value, **more}


def options(count: int) -> list[dict[str, Any]]:
    return [option(value=str(number)) for number in range(count)]


def select(count: int = 1, **more: Any) -> dict[str, Any]:
    return {"type": "static_select", "action_id": "s", "options": options(count), **more}


def field(length: int) -> dict[str, Any]:
    return section(fields=[{"type": "mrkdwn", "text": "x" * length}])


def confirm(**lengths: int) -> dict[str, Any]:
    sizes = {"title": 1, "text": 1, "confirm": 1, "deny": 1} | lengths
    return actions({**button("a", "A"), "confirm": {name: plain("x" * size) for name, size in sizes.items()}})


def buttons(count: int) -> dict[str, Any]:
    return actions(*(button(str(number), "A") for number in range(count)))


MESSAGE_EDGES = [
    ("blocks", lambda n: [section()] * n, 50, "/blocks"),
    ("section text", lambda n: [section("x" * n)], 3000, "/blocks/0/text/text"),
    ("fields", lambda n: [section(fields=[{"type": "mrkdwn", "text": "x"}] * n)], 10, "/blocks/0/fields"),
    ("field text", lambda n: [field(n)], 2000, "/blocks/0/fields/0/text"),
    ("header", lambda n: [{"type": "header", "text": plain("x" * n)}], 150, "/blocks/0/text/text"),
    (
        "context elements",
        lambda n: [{"type": "context", "elements": [plain("x")] * n}],
        10,
        "/blocks/0/elements",
    ),
    ("actions elements", lambda n: [buttons(n)], 25, "/blocks/0/elements"),
    ("button text", lambda n: [actions(button("a", "x" * n))], 75, "/blocks/0/elements/0/text/text"),
    ("button value", lambda n: [actions(button("a", "A", "x" * n))], 2000, "/blocks/0/elements/0/value"),
    (
        "button url",
        lambda n: [actions({**button("a", "A"), "url": "x" * n})],
        3000,
        "/blocks/0/elements/0/url",
    ),
    ("action id", lambda n: [actions(button("x" * n, "A"))], 255, "/blocks/0/elements/0/action_id"),
    ("block id", lambda n: [section(block_id="x" * n)], 255, "/blocks/0/block_id"),
    ("select options", lambda n: [actions(select(n))], 100, "/blocks/0/elements/0/options"),
    (
        "option text",
        lambda n: [actions(select(options=[option("x" * n)]))],
        75,
        "/blocks/0/elements/0/options/0/text/text",
    ),
    (
        "option value",
        lambda n: [actions(select(options=[option(value="x" * n)]))],
        150,
        "/blocks/0/elements/0/options/0/value",
    ),
    (
        "option description",
        lambda n: [actions(select(options=[option(description=plain("x" * n))]))],
        75,
        "/blocks/0/elements/0/options/0/description/text",
    ),
    (
        "placeholder",
        lambda n: [actions(select(placeholder=plain("x" * n)))],
        150,
        "/blocks/0/elements/0/placeholder/text",
    ),
    (
        "overflow options",
        lambda n: [actions({"type": "overflow", "action_id": "o", "options": options(n)})],
        5,
        "/blocks/0/elements/0/options",
    ),
    (
        "checkboxes",
        lambda n: [actions({"type": "checkboxes", "action_id": "c", "options": options(n)})],
        10,
        "/blocks/0/elements/0/options",
    ),
    ("confirm title", lambda n: [confirm(title=n)], 100, "/blocks/0/elements/0/confirm/title/text"),
    ("confirm text", lambda n: [confirm(text=n)], 300, "/blocks/0/elements/0/confirm/text/text"),
    ("confirm yes", lambda n: [confirm(confirm=n)], 30, "/blocks/0/elements/0/confirm/confirm/text"),
    ("confirm no", lambda n: [confirm(deny=n)], 30, "/blocks/0/elements/0/confirm/deny/text"),
    (
        "image url",
        lambda n: [{"type": "image", "image_url": "x" * n, "alt_text": "a"}],
        3000,
        "/blocks/0/image_url",
    ),
    (
        "image alt text",
        lambda n: [{"type": "image", "image_url": "x", "alt_text": "x" * n}],
        2000,
        "/blocks/0/alt_text",
    ),
]


@pytest.mark.parametrize(
    ("build", "most", "at"), [edge[1:] for edge in MESSAGE_EDGES], ids=[e[0] for e in MESSAGE_EDGES]
)
def test_a_message_takes_what_fits_and_refuses_one_more(build: Any, most: int, at: str) -> None:
    assert check_message_blocks(build(most)) == []

    problems = check_message_blocks(build(most + 1))

    assert len(problems) == 1
    assert problems[0].endswith(f"[json-pointer:{at}]")


def input_block(**more: Any) -> dict[str, Any]:
    return {**text_input("i"), **more}


VIEW_EDGES = [
    ("blocks", lambda n: modal("c", "T", *[section()] * n), 100, "/view/blocks"),
    ("title", lambda n: modal("c", "x" * n), 24, "/view/title/text"),
    ("submit", lambda n: modal("c", "T", submit=plain("x" * n)), 24, "/view/submit/text"),
    ("close", lambda n: modal("c", "T", close=plain("x" * n)), 24, "/view/close/text"),
    ("callback id", lambda n: modal("x" * n, "T"), 255, "/view/callback_id"),
    ("external id", lambda n: modal("c", "T", external_id="x" * n), 255, "/view/external_id"),
    ("private metadata", lambda n: modal("c", "T", private_metadata="x" * n), 3000, "/view/private_metadata"),
    (
        "input label",
        lambda n: modal("c", "T", input_block(label=plain("x" * n))),
        2000,
        "/view/blocks/0/label/text",
    ),
    (
        "input hint",
        lambda n: modal("c", "T", input_block(hint=plain("x" * n))),
        2000,
        "/view/blocks/0/hint/text",
    ),
    (
        "max_length",
        lambda n: modal("c", "T", text_input("i", max_length=n)),
        3000,
        "/view/blocks/0/element/max_length",
    ),
    (
        "initial value",
        lambda n: modal("c", "T", text_input("i", initial_value="x" * n)),
        3000,
        "/view/blocks/0/element/initial_value",
    ),
]


@pytest.mark.parametrize(("build", "most", "at"), [edge[1:] for edge in VIEW_EDGES], ids=[e[0] for e in VIEW_EDGES])
def test_a_modal_takes_what_fits_and_refuses_one_more(build: Any, most: int, at: str) -> None:
    assert check_view(build(most)) == []

    problems = check_view(build(most + 1))

    assert len(problems) == 1
    assert problems[0].endswith(f"[json-pointer:{at}]")


REFUSED_MESSAGES: list[tuple[str, Blocks, str]] = [
    ("unknown block", [{"type": "carousel"}], "unsupported block type: carousel"),
    ("unknown element", [actions({"type": "slider"})], "unsupported element type: slider"),
    ("no type", [{"text": plain("x")}], "unsupported block type: None"),
    ("not an object", ["x"], "unsupported block type"),  # type: ignore[list-item]
    ("empty text", [section("")], "must be more than 0 characters"),
    ("section without text", [{"type": "section"}], "missing required field: text"),
    ("unknown property", [section(colour="red")], "invalid additional property: colour"),
    ("mrkdwn header", [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "valid enum value: plain_text"),
    ("mrkdwn button", [actions({**button("a", "A"), "text": {"type": "mrkdwn", "text": "A"}})], "plain_text"),
    ("emoji in mrkdwn", [{"type": "section", "text": {"type": "mrkdwn", "text": "x", "emoji": True}}], "emoji"),
    ("text as a string", [{"type": "section", "text": "x"}], "must provide an object"),
    ("style", [actions({**button("a", "A"), "style": "green"})], "valid enum value: primary, danger"),
    ("text input in actions", [actions(text_input("i")["element"])], "element type not allowed here"),
    ("multi select in actions", [actions(select() | {"type": "multi_static_select"})], "not allowed here"),
    (
        "number input in a message",
        [{**input_block(), "element": {"type": "number_input", "is_decimal_allowed": True}}],
        "not allowed here",
    ),
    ("same block id twice", [section(block_id="a"), section(block_id="a")], "`block_id` a already exists"),
    ("same action id twice", [actions(button("a", "A"), button("a", "B"))], "`action_id` a already exists"),
    ("select without options", [actions({"type": "static_select", "action_id": "s"})], "exactly one of options"),
    ("no options", [actions(select(0))], "no fewer than 1 items allowed"),
    (
        "initial option not offered",
        [actions(select(initial_option=option("b", "b")))],
        "initial option must exactly match",
    ),
    ("image without a source", [{"type": "image", "alt_text": "x"}], "missing required field: image_url"),
    ("image without alt text", [{"type": "image", "image_url": "x"}], "missing required field: alt_text"),
    ("empty actions", [actions()], "no fewer than 1 items allowed"),
]


@pytest.mark.parametrize(("blocks", "problem"), [c[1:] for c in REFUSED_MESSAGES], ids=[c[0] for c in REFUSED_MESSAGES])
def test_a_message_is_refused(blocks: Blocks, problem: str) -> None:
    assert any(problem in found for found in check_message_blocks(blocks)), check_message_blocks(blocks)


REFUSED_VIEWS: list[tuple[str, Any, str]] = [
    ("input without submit", {**modal("c", "T", text_input("i")), "submit": None}, "`submit` is required"),
    ("no title", {"type": "modal", "blocks": []}, "missing required field: title"),
    ("no blocks", {"type": "modal", "title": plain("T")}, "missing required field: blocks"),
    ("unknown type", {"type": "dialog"}, "valid enum value: modal, home"),
    ("unknown property", modal("c", "T", submit_disabled=True), "invalid additional property: submit_disabled"),
    ("not an object", "view", "valid enum value"),
    (
        "two focused",
        modal("c", "T", text_input("a", focus_on_load=True), text_input("b", focus_on_load=True)),
        "only one",
    ),
    ("max_length of none", modal("c", "T", text_input("i", max_length=0)), "must be between 1 and 3000"),
    ("min above max", modal("c", "T", text_input("i", min_length=5, max_length=4)), "min_length must not be more"),
    ("initial value too long", modal("c", "T", text_input("i", initial_value="12345", max_length=4)), "less than 5"),
    ("same block id twice", modal("c", "T", text_input("i"), text_input("i")), "already exists"),
    ("markdown in a modal", modal("c", "T", {"type": "markdown", "text": "x"}), "not allowed here"),
    ("title of a home", {"type": "home", "title": plain("T"), "blocks": []}, "invalid additional property: title"),
    ("101 blocks in a home", {"type": "home", "blocks": [section()] * 101}, "no more than 100 items allowed"),
    (
        "datetime picker in a home",
        {"type": "home", "blocks": [actions({"type": "datetimepicker", "action_id": "d"})]},
        "not allowed here",
    ),
]


@pytest.mark.parametrize(("view", "problem"), [c[1:] for c in REFUSED_VIEWS], ids=[c[0] for c in REFUSED_VIEWS])
def test_a_view_is_refused(view: Any, problem: str) -> None:
    assert any(problem in found for found in check_view(view)), check_view(view)


@pytest.mark.parametrize(
    ("answer", "fine"),
    [
        ({"options": []}, True),
        ({"options": options(100)}, True),
        ({"options": options(101)}, False),
        ({"options": [option("x" * 76)]}, False),
        ({"option_groups": [{"label": plain("g"), "options": options(2)}]}, True),
        ({"option_groups": [{"label": plain("x" * 76), "options": options(2)}]}, False),
        ({}, False),
        ({"options": [], "option_groups": []}, False),
    ],
)
def test_an_answer_to_a_block_suggestion_is_held_to_the_limits(answer: dict[str, Any], fine: bool) -> None:
    assert (check_options_answer(answer) == []) is fine


def test_size_is_counted_over_the_whole_view_and_message() -> None:
    assert not view_too_large(modal("c", "T", *[section("x" * 2400)] * 100))
    assert view_too_large(modal("c", "T", *[section("x" * 2600)] * 100))
    assert not blocks_too_long([section("x" * 3000)] * 4)
    assert blocks_too_long([section("x" * 3000)] * 5)


def test_metadata_needs_a_type_and_a_payload() -> None:
    assert check_metadata({"event_type": "card", "event_payload": {"id": "r1"}}) == []
    assert check_metadata({"event_type": "card"})
    assert check_metadata("card")
