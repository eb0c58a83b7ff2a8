"""Cards into Slack. See service.chat.Chat."""

import functools
import math
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.client import WebClient

from bot.core.model import RequestStatus
from bot.service.cards import (
    AlertCard,
    CatalogueCard,
    DelegateCard,
    DigestCard,
    EnrolmentCard,
    HomeCard,
    Notice,
    NudgeCard,
    OverdueCard,
    RequestCard,
    StrayCard,
    SummaryCard,
    UnreadableCard,
)
from bot.service.chat import Card, earliest
from bot.service.records import ChatError
from bot.slack.blocks import Message
from bot.slack.cards import UNFINISHED, request_card
from bot.slack.changes import change_card
from bot.slack.crowds import digest, overdue
from bot.slack.home import home
from bot.slack.notices import alert, enrolment
from bot.slack.nudges import told
from bot.slack.pace import HISTORY, HOME, OPEN, POST, POST_ANYWHERE, UPDATE, Pace
from bot.slack.strays import stray_card
from bot.slack.summaries import summary

log = structlog.get_logger(__name__)

EVENT_TYPE = "prodaccess_card"
LOOK_BACK = 200
"""Messages a page, in the search for one that may have been posted by a try that got no answer."""
SKEW = timedelta(minutes=10)
"""How far Slack's clock may be behind the database's in that search."""
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
    pace: Pace = field(default_factory=Pace)
    _direct: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def post(self, destination: str, card: Card, key: str, *, maybe_posted: bool) -> tuple[str, str]:
        """See Chat.post. Raises ChatError."""
        channel = self._channel(destination)
        if maybe_posted and (found := self._posted(channel, key, earliest(card))):
            self.update(channel, found, card)
            return channel, found
        message = render(card)
        with self.pace.kept(POST, channel):
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

    def post_waits(self, destination: str) -> timedelta:
        """See Chat.post_waits."""
        with self._lock:
            channel = self._direct.get(destination, "") if destination.startswith("@") else destination
        if channel:
            return timedelta(seconds=self.pace.wait(POST, channel))
        # How busy a person's direct messages are is not known before they are opened.
        return timedelta(seconds=self.pace.wait(OPEN) or self.pace.wait(POST_ANYWHERE))

    def update_waits(self, card: Card | None) -> timedelta:
        """See Chat.update_waits."""
        urgent = card is None or not _is_settled(card)
        return timedelta(seconds=self.pace.wait(UPDATE, urgent=urgent))

    def posted(self, destination: str, keys: Collection[str]) -> frozenset[str]:
        """See Chat.posted. Raises ChatError."""
        return frozenset(keys) & self._newest(self._channel(destination)).keys()

    def update(self, channel: str, ref: str, card: Card) -> None:
        """See Chat.update. Raises ChatError."""
        message = render(card)
        text = message.text[:UPDATE_TEXT]
        with self.pace.kept(UPDATE, urgent=not _is_settled(card)):
            _call(
                lambda: self.client.chat_update(channel=channel, ts=ref, text=text, blocks=message.blocks),
                forgiven=_GONE,
            )

    def home(self, chat_id: str, card: HomeCard) -> None:
        """See Chat.home. Raises ChatError."""
        with self.pace.kept(HOME, chat_id):
            _call(lambda: self.client.views_publish(user_id=chat_id, view=home(card)))

    def _channel(self, destination: str) -> str:
        """A channel id; a person's direct messages are opened once."""
        if not destination.startswith("@"):
            return destination
        with self._lock:
            known = self._direct.get(destination)
        if known is None:
            with self.pace.kept(OPEN):
                answer = _call(lambda: self.client.conversations_open(users=destination.removeprefix("@")))
            known = str(answer["channel"]["id"])
            with self._lock:
                self._direct[destination] = known
        return known

    def _posted(self, channel: str, key: str, since: datetime | None) -> str:
        """The ts of our message with this key, however many came after it; empty when there is none.

        The newest page is searched in any case, older ones back to ``since`` (UTC).
        """
        oldest = (since - SKEW).timestamp() if since else math.inf
        for page in self._pages(channel):
            for message in page:
                if _key_of(message) == key:
                    return str(message["ts"])
            if not page or float(page[-1]["ts"]) < oldest:
                return ""
        return ""

    def _newest(self, channel: str) -> dict[str, str]:
        """The ts of our newest messages there, by key."""
        found: dict[str, str] = {}
        for message in next(self._pages(channel)):
            found.setdefault(_key_of(message), str(message["ts"]))
        return found

    def _pages(self, channel: str) -> Iterator[list[dict[str, Any]]]:
        """A channel's messages, newest first."""
        cursor: str | None = None
        while cursor != "":
            with self.pace.kept(HISTORY):
                answer = _call(
                    functools.partial(
                        self.client.conversations_history,
                        channel=channel,
                        cursor=cursor,
                        limit=LOOK_BACK,
                        include_all_metadata=True,
                    )
                )
            yield answer["messages"]
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")


def _key_of(message: Mapping[str, Any]) -> str:
    """The key that ``post`` gave it; empty for anything else's."""
    metadata = message.get("metadata") or {}
    ours = metadata.get("event_type") == EVENT_TYPE
    return str((metadata.get("event_payload") or {}).get("key") or "") if ours else ""


def render(card: Card) -> Message:
    """What a card looks like in Slack."""
    match card:
        case RequestCard():
            return request_card(card)
        case Notice() | NudgeCard() | DelegateCard():
            return told(card)
        case DigestCard():
            return digest(card)
        case OverdueCard():
            return overdue(card)
        case EnrolmentCard():
            return enrolment(card)
        case SummaryCard():
            return summary(card)
        case AlertCard():
            return alert(card)
        case StrayCard():
            return stray_card(card)
        case CatalogueCard() | UnreadableCard():
            return change_card(card)


def _is_settled(card: Card) -> bool:
    """Whether nobody waits for it: a request that was decided, of which nothing is or will be in use."""
    if not isinstance(card, RequestCard) or card.request.status is RequestStatus.PENDING:
        return False
    return not any(grant.status in UNFINISHED for grant in card.grants)


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
