"""Choices that follow each other faster than they are shown."""

import asyncio
from typing import Any, cast

import pytest
from slack_sdk.errors import SlackApiError

from bot.slack.edge import Edge
from bot.slack.payloads import Origin, origin_of
from bot.slack.replies import Replace
from bot.slack.turns import MOST, Turns

FIRST, SECOND = "1700000000.000100", "1700000000.000200"


class Client:
    """Takes updates of one modal, whose hash changes with each, as Slack does; it takes longer over the first."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.hash = "h0"

    async def views_update(self, *, view_id: str, view: dict[str, str], hash: str = "") -> None:  # noqa: A002
        for _ in range(9 if view["text"] == "first" else 1):
            await asyncio.sleep(0)
        if hash and hash != self.hash:
            raise SlackApiError("conflict", {"error": "hash_conflict"})
        self.shown.append(view["text"])
        self.hash = f"h{len(self.shown)}"


def origin(at: str) -> Origin:
    return origin_of({"view": {"type": "modal", "id": "V1"}, "actions": [{"action_ts": at}]})


def shown(*order: tuple[str, str]) -> list[str]:
    """What is shown after both choices were made, where their answers come in this order as (when, text)."""
    client = Client()
    edge = Edge(cast(Any, None), cast(Any, client), cast(Any, None))
    for at in (FIRST, SECOND):
        edge.turns.note("V1", origin(at).at)

    async def answer_all() -> None:
        for at, text in order:
            await edge.carry_out(origin(at), Replace({"text": text}, seen="h0"))

    asyncio.run(answer_all())
    return client.shown


def test_an_answer_to_an_earlier_choice_is_not_shown_after_a_later_one() -> None:
    assert shown((SECOND, "second"), (FIRST, "first")) == ["second"]


def test_an_answer_to_the_last_choice_is_shown_though_the_modal_changed_since() -> None:
    client = Client()
    edge = Edge(cast(Any, None), cast(Any, client), cast(Any, None))

    async def choose_twice() -> None:
        edge.turns.note("V1", origin(FIRST).at)
        await edge.carry_out(origin(FIRST), Replace({"text": "first"}, seen="h0"))
        edge.turns.note("V1", origin(SECOND).at)
        await edge.carry_out(origin(SECOND), Replace({"text": "second"}, seen="h0"))

    asyncio.run(choose_twice())
    assert client.shown == ["first", "second"]


def test_both_at_once_end_with_the_last() -> None:
    client = Client()
    edge = Edge(cast(Any, None), cast(Any, client), cast(Any, None))

    async def choose_both() -> None:
        edge.turns.note("V1", origin(FIRST).at)
        first = asyncio.create_task(edge.carry_out(origin(FIRST), Replace({"text": "first"}, seen="h0")))
        await asyncio.sleep(0)
        edge.turns.note("V1", origin(SECOND).at)
        await edge.carry_out(origin(SECOND), Replace({"text": "second"}, seen="h0"))
        await first

    asyncio.run(choose_both())
    assert client.shown[-1] == "second"


def test_after_another_error_than_a_conflict_it_is_not_tried_again() -> None:
    calls = []

    class Gone(Client):
        async def views_update(self, **_: object) -> None:
            calls.append("views.update")
            raise SlackApiError("gone", {"error": "not_found"})

    edge = Edge(cast(Any, None), cast(Any, Gone()), cast(Any, None))
    with pytest.raises(SlackApiError):
        asyncio.run(edge.carry_out(origin(FIRST), Replace({"text": "x"}, seen="h0")))
    assert len(calls) == 1


def test_only_so_many_modals_are_remembered() -> None:
    turns = Turns()
    for number in range(MOST + 1):
        turns.note(f"V{number}", 2.0)
    assert not turns.is_over("V0", 1.0)
    assert turns.is_over(f"V{MOST}", 1.0)
