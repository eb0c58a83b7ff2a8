"""Things that the workspace hands out and takes back a limited number of times: trigger ids, response URLs."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from bot.sandbox.slack.clock import Clock
from bot.sandbox.slack.config import Behaviour
from bot.sandbox.slack.errors import SlackError


@dataclass(slots=True)
class Trigger:
    user: str
    view_id: str | None
    """The modal that the interaction happened in, if it did."""
    issued: float
    exchanged: bool = False


class Triggers:
    """Trigger ids: good for one view, for three seconds."""

    def __init__(self, clock: Clock, behaviour: Behaviour) -> None:
        self._clock = clock
        self._behaviour = behaviour
        self._issued: dict[str, Trigger] = {}

    def issue(self, user: str, view_id: str | None = None) -> str:
        trigger_id = f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**13)}.{secrets.token_hex(16)}"
        self._issued[trigger_id] = Trigger(user, view_id, self._clock.monotonic())
        return trigger_id

    def look_up(self, trigger_id: str) -> Trigger:
        """The trigger, if it can still be exchanged.

        Raises:
            SlackError: `invalid_trigger_id`, `expired_trigger_id` or `exchanged_trigger_id`.
        """
        trigger = self._issued.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.exchanged:
            raise SlackError("exchanged_trigger_id")
        if self._clock.monotonic() - trigger.issued > self._behaviour.trigger_seconds:
            raise SlackError("expired_trigger_id")
        return trigger


@dataclass(slots=True)
class ResponseUrl:
    """A place to answer to: the channel and person of an interaction, and the message it came from."""

    user: str
    channel: str
    message_ts: str | None
    issued: float
    uses_left: int


class ResponseUrls:
    """Response URLs: five uses within thirty minutes."""

    def __init__(self, clock: Clock, behaviour: Behaviour) -> None:
        self._clock = clock
        self._behaviour = behaviour
        self._issued: dict[str, ResponseUrl] = {}
        self.base = ""
        """The server's own address, known once it listens."""

    def issue(self, user: str, channel: str, message_ts: str | None, kind: str) -> str:
        """A new URL; `kind` is `commands` or `actions`, as in Slack's own."""
        token = secrets.token_urlsafe(24)
        self._issued[token] = ResponseUrl(
            user, channel, message_ts, self._clock.monotonic(), self._behaviour.response_url_uses
        )
        return f"{self.base}/{kind}/{token}"

    def use(self, token: str) -> ResponseUrl:
        """Spend one use.

        Raises:
            SlackError: `invalid_url`, `expired_url` or `used_url`.
        """
        found = self._issued.get(token)
        if found is None:
            raise SlackError("invalid_url")
        if self._clock.monotonic() - found.issued > self._behaviour.response_url_seconds:
            raise SlackError("expired_url")
        if found.uses_left <= 0:
            raise SlackError("used_url")
        found.uses_left -= 1
        return found
