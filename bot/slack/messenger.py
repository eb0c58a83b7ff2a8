"""Cards into Slack. See service.cards.Chat."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.client import WebClient

from bot.service.cards import AlertCard, Card, EnrolmentCard, HomeCard, Notice, RequestCard, StrayCard, SummaryCard
from bot.service.records import ChatError
from bot.slack.blocks import Message
from bot.slack.cards import request_card
from bot.slack.home import home
from bot.slack.notices import alert, enrolment, notice
from bot.slack.strays import stray_card
from bot.slack.summaries import summary

log = structlog.get_logger(__name__)

EVENT_TYPE = "prodaccess_card"
LOOK_BACK = 200
"""Messages searched for one that may have been posted by a try that got no answer."""
UPDATE_TEXT = 4000
"""chat.update takes no longer text (docs.slack.dev)."""

_GONE = frozenset(
    {"message_not_found", "cant_update_message", "channel_not_found", "edit_window_closed", "is_inactive"}
)
_LASTING = frozenset(
    {
        "channel_not_found",
        "is_archived",
        "not_in_channel",
        "restricted_action",
        "restricted_action_read_only_channel",
        "user_not_found",
        "user_disabled",
        "users_not_found",
        "cannot_dm_bot",
        "user_not_visible",
        "messages_tab_disabled",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_arguments",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
        "metadata_too_large",
        "view_too_large",
    }
)
"""Errors that trying again does not mend. All others may pass, a token that is put right included."""


@dataclass(slots=True)
class SlackChat:
    """Posts, updates and publishes; safe to share between threads.

    To find what may have been posted it reads channel history: scopes channels:history, groups:history, im:history.
    """

    client: WebClient
    _direct: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def post(self, destination: str, card: Card, key: str, *, maybe_posted: bool) -> tuple[str, str]:
        """See Chat.post. Raises ChatError."""
        channel = self._channel(destination)
        if maybe_posted and (found := self._posted(channel, key)):
            self.update(channel, found, card)
            return channel, found
        message = render(card)
        answer = _call(
            lambda: self.client.chat_postMessage(
                channel=channel,
                text=message.text,
                blocks=message.blocks,
                metadata={"event_type": EVENT_TYPE, "event_payload": {"key": key}},
                unfurl_links=False,
                unfurl_media=False,
            )
        )
        return str(answer["channel"]), str(answer["ts"])

    def update(self, channel: str, ref: str, card: Card) -> None:
        """See Chat.update. Raises ChatError."""
        message = render(card)
        text = message.text[:UPDATE_TEXT]
        _call(
            lambda: self.client.chat_update(channel=channel, ts=ref, text=text, blocks=message.blocks), forgiven=_GONE
        )

    def home(self, chat_id: str, card: HomeCard) -> None:
        """See Chat.home. Raises ChatError."""
        _call(lambda: self.client.views_publish(user_id=chat_id, view=home(card)))

    def _channel(self, destination: str) -> str:
        """A channel id; a person's direct messages are opened once."""
        if not destination.startswith("@"):
            return destination
        with self._lock:
            known = self._direct.get(destination)
        if known is None:
            answer = _call(lambda: self.client.conversations_open(users=destination.removeprefix("@")))
            known = str(answer["channel"]["id"])
            with self._lock:
                self._direct[destination] = known
        return known

    def _posted(self, channel: str, key: str) -> str:
        """The ts of our message with this key among the newest; empty when there is none."""
        answer = _call(
            lambda: self.client.conversations_history(channel=channel, limit=LOOK_BACK, include_all_metadata=True)
        )
        for message in answer["messages"]:
            metadata = message.get("metadata") or {}
            if metadata.get("event_type") == EVENT_TYPE and metadata.get("event_payload", {}).get("key") == key:
                return str(message["ts"])
        return ""


def render(card: Card) -> Message:
    """What a card looks like in Slack."""
    match card:
        case RequestCard():
            return request_card(card)
        case Notice():
            return notice(card)
        case EnrolmentCard():
            return enrolment(card)
        case SummaryCard():
            return summary(card)
        case AlertCard():
            return alert(card)
        case StrayCard():
            return stray_card(card)


def _call(call: Callable[[], Any], forgiven: frozenset[str] = frozenset()) -> Any:
    """Call Slack. Raises ChatError, in words that hold no message."""
    try:
        return call()
    except SlackApiError as error:
        code, status = str(error.response.get("error", "")), error.response.status_code
        if code in forgiven:
            log.info("slack.gone", why=code)
            return None
        if status == 429 or code in {"ratelimited", "rate_limited"}:
            raise ChatError("Slack is rate limiting", passing=True, retry_after=_retry_after(error)) from None
        raise ChatError(f"Slack: {code or status}", passing=code not in _LASTING) from None
    except (SlackClientError, HTTPException, URLError, OSError, TimeoutError) as error:
        raise ChatError(f"Slack could not be reached: {type(error).__name__}", passing=True) from None


def _retry_after(error: SlackApiError) -> timedelta:
    headers = {name.lower(): value for name, value in (error.response.headers or {}).items()}
    value = headers.get("retry-after", "1")
    text = value[0] if isinstance(value, list) else value
    return timedelta(seconds=int(text)) if str(text).isdecimal() else timedelta(seconds=1)
