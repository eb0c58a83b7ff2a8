"""Cards on their way into Slack, on good days and bad ones."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.sandbox.slack.faults import Fault
from bot.sandbox.slack.server import LocalSlack
from bot.service.cards import AlertCard
from bot.service.records import ChatError
from bot.slack.config import SlackConfig, sync_client
from bot.slack.messenger import EVENT_TYPE, LOOK_BACK, SKEW, SlackChat
from bot.slack.pace import POST, UPDATE, Pace
from tests.slack.office import APPROVALS, MAYA, SECURITY

CARD = AlertCard("Access that should be gone is not", (("Subject", "g-1"),))


@pytest.fixture
def chat(slack: LocalSlack) -> SlackChat:
    return SlackChat(sync_client(SlackConfig(slack.bot_token, base_url=slack.api_url)))


def test_a_card_goes_to_a_channel_or_a_person(chat: SlackChat, slack: LocalSlack) -> None:
    channel, ref = chat.post(SECURITY, CARD, "k1", maybe_posted=False)
    assert channel == SECURITY
    (message,) = slack.history(SECURITY)
    assert message["ts"] == ref
    assert message["text"]
    assert message["metadata"] == {"event_type": EVENT_TYPE, "event_payload": {"key": "k1"}}
    direct, _ = chat.post(f"@{MAYA}", CARD, "k2", maybe_posted=False)
    assert direct.startswith("D")
    chat.post(f"@{MAYA}", CARD, "k3", maybe_posted=False)
    assert slack.calls("conversations.open") == 1


def test_what_was_posted_without_an_answer_is_found_again(chat: SlackChat, slack: LocalSlack) -> None:
    slack.order_fault("chat.postMessage", Fault("drop"))
    with pytest.raises(ChatError) as raised:
        chat.post(SECURITY, CARD, "k1", maybe_posted=False)
    assert raised.value.passing
    channel, ref = chat.post(SECURITY, CARD, "k1", maybe_posted=True)
    assert [message["ts"] for message in slack.history(SECURITY)] == [ref]
    chat.post(channel, CARD, "another", maybe_posted=True)
    assert len(slack.history(SECURITY)) == 2


def chatter(chat: SlackChat, channel: str, count: int) -> None:
    """So many messages of anybody's."""
    for number in range(count):
        chat.client.chat_postMessage(channel=channel, text=f"Message {number}.")


def test_a_busy_channel_does_not_hide_what_was_posted_without_an_answer(chat: SlackChat, slack: LocalSlack) -> None:
    card = replace(CARD, at=datetime.now(UTC))
    slack.order_fault("chat.postMessage", Fault("drop"))
    with pytest.raises(ChatError):
        chat.post(SECURITY, card, "k1", maybe_posted=False)
    chatter(chat, SECURITY, 300)
    channel, ref = chat.post(SECURITY, card, "k1", maybe_posted=True)
    messages = slack.history(channel)
    assert [message["ts"] for message in messages if message.get("metadata")] == [ref]
    assert ref == messages[0]["ts"]
    assert slack.calls("conversations.history") == 2


def test_the_search_does_not_read_what_is_older_than_the_card(chat: SlackChat, slack: LocalSlack) -> None:
    chatter(chat, SECURITY, 3 * LOOK_BACK)
    chat.post(SECURITY, replace(CARD, at=datetime.now(UTC) + 2 * SKEW), "k1", maybe_posted=True)
    chat.post(SECURITY, CARD, "of no known time", maybe_posted=True)
    assert slack.calls("conversations.history") == 2, "a page for each"


def test_the_search_ends_where_the_channel_begins(chat: SlackChat, slack: LocalSlack) -> None:
    chatter(chat, SECURITY, LOOK_BACK + 1)
    card = replace(CARD, at=datetime.now(UTC) - timedelta(days=1))
    assert chat.post(SECURITY, card, "k1", maybe_posted=True)[1] == slack.history(SECURITY)[-1]["ts"]
    assert slack.calls("conversations.history") == 2


def test_an_update_shows_the_card_and_a_message_that_is_gone_is_no_error(chat: SlackChat, slack: LocalSlack) -> None:
    channel, ref = chat.post(SECURITY, CARD, "k1", maybe_posted=False)
    chat.update(channel, ref, AlertCard("Another title", ()))
    (message,) = slack.history(SECURITY)
    assert "Another title" in str(message["blocks"])
    chat.update(channel, "1.000001", CARD)


def test_a_rate_limit_says_how_long_to_wait(chat: SlackChat, slack: LocalSlack) -> None:
    slack.order_fault("chat.postMessage", Fault("ratelimited", seconds=7))
    with pytest.raises(ChatError) as raised:
        chat.post(SECURITY, CARD, "k1", maybe_posted=False)
    assert raised.value.passing
    assert raised.value.retry_after == timedelta(seconds=7)


@pytest.mark.parametrize(
    ("fault", "passing"),
    [
        (Fault("error", "internal_error"), True),
        (Fault("error", "token_revoked"), True),
        (Fault("status", status=503), True),
        (Fault("error", "not_in_channel"), False),
        (Fault("error", "is_archived"), False),
        (Fault("error", "invalid_blocks"), False),
    ],
)
def test_what_may_pass_is_told_from_what_lasts(chat: SlackChat, slack: LocalSlack, fault: Fault, passing: bool) -> None:
    slack.order_fault("chat.postMessage", fault)
    with pytest.raises(ChatError) as raised:
        chat.post(APPROVALS, CARD, "k1", maybe_posted=False)
    assert raised.value.passing is passing
    assert "Subject" not in str(raised.value)


def test_a_slack_that_is_away_may_come_back(slack: LocalSlack) -> None:
    chat = SlackChat(sync_client(SlackConfig("xoxb-none", base_url="http://127.0.0.1:9/api/")))
    with pytest.raises(ChatError) as raised:
        chat.post(SECURITY, CARD, "k1", maybe_posted=False)
    assert raised.value.passing


def test_a_person_who_cannot_be_reached_is_a_lasting_error(chat: SlackChat, slack: LocalSlack) -> None:
    slack.change_person(MAYA, deleted=True)
    with pytest.raises(ChatError) as raised:
        chat.post(f"@{MAYA}", CARD, "k1", maybe_posted=False)
    assert not raised.value.passing


def test_how_long_a_call_would_be_put_off_is_known_before_it(chat: SlackChat, slack: LocalSlack) -> None:
    now = [0.0]
    chat.pace = Pace(lambda: now[0])
    for _ in range(5):
        with chat.pace.kept(POST, SECURITY):
            pass
    for _ in range(40):
        with chat.pace.kept(UPDATE):
            pass
    assert not chat.post_waits(APPROVALS)
    assert not chat.post_waits(f"@{MAYA}")
    waits = chat.post_waits(SECURITY), chat.update_waits(CARD)
    assert all(waits)
    now[0] += max(waits).total_seconds()
    assert not chat.post_waits(SECURITY)
    assert not chat.update_waits(CARD)
    assert slack.calls("chat.postMessage") == slack.calls("chat.update") == 0


def test_a_person_whose_messages_are_not_open_waits_for_what_all_wait_for(chat: SlackChat) -> None:
    chat.pace = Pace(lambda: 0.0)
    for number in range(60):
        with chat.pace.kept(POST, f"C{number}"):
            pass
    assert chat.post_waits(f"@{MAYA}")
