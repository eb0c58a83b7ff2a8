"""Getting envelopes to the app, whichever way it is connected, and what becomes of them when it does not answer.

Commands and interactions are tried once and fail before the person's eyes; events are tried again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from bot.sandbox.slack.config import Behaviour
from bot.sandbox.slack.errors import DispatchError
from bot.sandbox.slack.ids import new_id
from bot.sandbox.slack.jsontypes import Json

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Envelope:
    kind: str
    """`slash_commands`, `interactive` or `events_api`, as in Socket Mode."""
    payload: Json
    accepts_response_payload: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    attempt: int
    reason: str


class Transport(Protocol):
    async def send(self, envelope: Envelope, retry: Retry | None) -> Json:
        """Deliver once and return what the app answered, `{}` for a bare acknowledgement.

        Raises:
            DispatchError: nobody is connected, or the answer was late or not what Slack accepts.
        """
        ...


class Courier:
    """Delivers envelopes by the configured transport and keeps account of what is still under way."""

    def __init__(self, transport: Transport, behaviour: Behaviour) -> None:
        self.transport = transport
        self.sent: deque[Envelope] = deque(maxlen=behaviour.kept_envelopes)
        self._behaviour = behaviour
        self._under_way: set[asyncio.Task[None]] = set()
        self.undelivered: list[Json] = []
        """Events that the app never acknowledged, oldest first."""

    async def ask(self, kind: str, payload: Json, *, accepts_response_payload: bool = False) -> Json:
        """Deliver a command or an interaction; see `Transport.send` for what comes back and what is raised."""
        envelope = Envelope(kind, payload, accepts_response_payload)
        self.sent.append(envelope)
        return await self.transport.send(envelope, None)

    def tell(self, payload: Json) -> None:
        """Deliver an event in the background, again and again as Slack's retries go."""
        envelope = Envelope("events_api", payload)
        self.sent.append(envelope)
        self.spawn(self._tell(envelope))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _tell(self, envelope: Envelope) -> None:
        retry: Retry | None = None
        for attempt, delay in enumerate((0.0, *self._behaviour.event_retry_delays)):
            await asyncio.sleep(delay)
            try:
                await self.transport.send(envelope, retry)
            except DispatchError as failure:
                retry = Retry(attempt + 1, failure.reason)
            else:
                return
        log.info("event %s was never acknowledged", envelope.payload.get("event_id"))
        self.undelivered.append(envelope.payload)

    async def close(self) -> None:
        for task in list(self._under_way):
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)


class AppEvents:
    """The Events API: wraps what happened and sends it when the app is subscribed to it."""

    def __init__(
        self, courier: Courier, *, team_id: str, app_id: str, bot_user_id: str, events: frozenset[str]
    ) -> None:
        self._courier = courier
        self._team_id = team_id
        self._app_id = app_id
        self._bot_user_id = bot_user_id
        self._events = events

    def emit(self, subscription: str, event: Json, now: float) -> None:
        """Send `event` if the app listens to `subscription` (e.g. `message.im`); `now` in Unix seconds."""
        if subscription not in self._events:
            return
        authorization = {
            "enterprise_id": None,
            "team_id": self._team_id,
            "user_id": self._bot_user_id,
            "is_bot": True,
            "is_enterprise_install": False,
        }
        self._courier.tell(
            {
                "token": "verification-token-is-deprecated",
                "team_id": self._team_id,
                "context_team_id": self._team_id,
                "api_app_id": self._app_id,
                "event": {**event, "event_ts": event.get("event_ts") or f"{now:.6f}"},
                "type": "event_callback",
                "event_id": new_id("Ev"),
                "event_time": int(now),
                "authorizations": [authorization],
                "is_ext_shared_channel": False,
                "event_context": new_id("4-"),
            }
        )
