"""After an outage of the bot, or of Slack: everything ends at once, and Slack is told little, at its own pace."""

import os
from collections.abc import Iterator
from datetime import timedelta

import pytest

from bot.sandbox.slack import screen
from bot.sandbox.slack.faults import Fault
from bot.sandbox.slack.jsontypes import Json
from tests.core.examples import MINUTE
from tests.databases import sqlite_url
from tests.service.world import BUT_CHAT
from tests.slack.office import APPROVALS
from tests.slack.outage import Outage

__all__ = ["sqlite_url"]

GRANTS = int(os.environ.get("PRODACCESS_FLOOD_GRANTS", "1000"))
"""10,000 take ten times as long."""
PEOPLE = 100
CARDS = 25
"""Cards that stand in the channel from before."""
LANES = (*BUT_CHAT, "chat")


@pytest.fixture
def outage(sqlite_url: str) -> Iterator[Outage]:
    with Outage(sqlite_url, PEOPLE).running() as outage:
        yield outage


def one_digest(messages: list[Json], total: int) -> None:
    """A person was told once, of everything."""
    (message,) = messages
    assert f"{total:,} of your requests and grants came to an end" in screen.words(message)


def refused(outage: Outage) -> int:
    """How often Slack answered 429 to a message."""
    return outage.slack.calls("chat.postMessage") - outage.messages()


def test_after_an_outage_of_the_bot_each_person_gets_one_digest_and_the_channel_one_message(outage: Outage) -> None:
    grants = outage.flood(GRANTS)
    outage.post_cards(grants[:CARDS])
    outage.until(10 * MINUTE, *LANES)
    assert outage.statuses(grants) == {"ended": GRANTS}
    assert outage.world.cloud.held() == {}
    for name in outage.names:
        one_digest(outage.direct(name), GRANTS // PEOPLE)
    (message,) = outage.slack.history(APPROVALS)[CARDS:]
    assert f"{GRANTS:,} requests were settled" in screen.words(message)
    assert f"{GRANTS:,} expired" in screen.words(message)
    assert refused(outage) <= 5


def test_with_slack_down_throughout_all_of_them_end_and_the_digests_come_when_it_is_back(outage: Outage) -> None:
    grants = outage.flood(GRANTS)
    outage.slack.order_fault("*", Fault("status", status=503), times=1_000_000)
    outage.end_all()
    assert outage.statuses(grants) == {"ended": GRANTS}
    assert outage.world.cloud.held() == {}
    outage.until(2 * MINUTE, "chat")
    outage.slack.clear_faults()
    tried = outage.slack.calls("chat.postMessage")
    assert outage.messages() == 0
    outage.until(10 * MINUTE, "chat")
    for name in outage.names:
        one_digest(outage.direct(name), GRANTS // PEOPLE)
    assert len(outage.slack.history(APPROVALS)) == 1
    assert outage.slack.calls("chat.postMessage") - tried - outage.messages() <= 5


def test_old_cards_are_brought_up_to_date_within_slacks_limit_while_new_ones_go_first(outage: Outage) -> None:
    grants = outage.flood(CARDS * 8)
    outage.post_cards(grants[:CARDS])
    outage.until(MINUTE, *LANES)
    fresh = outage.ask()
    outage.until(timedelta(seconds=1), "chat")
    assert fresh in str(outage.slack.history(APPROVALS)[-1]["blocks"])
    a_minute = []
    while outage.world.store.next_due("chat") is not None:
        before = outage.slack.calls("chat.update")
        outage.until(MINUTE, "chat")
        a_minute.append(outage.slack.calls("chat.update") - before)
    assert sum(a_minute) >= CARDS - 5
    assert max(a_minute) <= 50
    cards = outage.slack.history(APPROVALS)[:CARDS]
    assert ["Ended" in screen.words(card) for card in cards] == [True] * CARDS
    assert refused(outage) <= 5


def test_who_is_limited_keeps_nobody_else_waiting(outage: Outage) -> None:
    outage.flood(PEOPLE * 5)
    outage.end_all()
    outage.slack.order_fault("chat.postMessage", Fault("ratelimited", seconds=1200))
    outage.until(10 * MINUTE, "chat")
    told = [len(outage.direct(name)) for name in outage.names]
    channel = len(outage.slack.history(APPROVALS))
    assert sorted([*told, channel]) == [0, *[1] * PEOPLE]
    outage.until(20 * MINUTE, "chat")
    assert [len(outage.direct(name)) for name in outage.names] == [1] * PEOPLE
    assert refused(outage) == 1
