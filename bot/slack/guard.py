"""What is let in: our team only, each signed request once, each event once."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.service.ports import Store
from bot.service.records import StoreUnavailable
from bot.slack import ids, payloads
from bot.slack.edge import TAKEN, Edge, complaint, in_thread
from bot.slack.running import Running
from bot.slack.shape import kind_of
from bot.slack.trouble import UNREADABLE, explain

log = structlog.get_logger(__name__)

REMEMBER = timedelta(minutes=15)
"""Longer than a signature counts: Bolt takes timestamps up to 5 minutes old, or as much in the future."""
REMEMBER_EVENT = timedelta(hours=2)
"""Slack delivers an event again for about an hour (docs.slack.dev, Events API, "Retries")."""
FOREIGN = "Only members of this workspace may use prodaccess."
BROKEN = "prodaccess.broken"
"""Where a request's context says what is wrong with its payload; its body is empty then."""

Next = Callable[[], Awaitable[BoltResponse]]


@dataclass(frozen=True, slots=True)
class Broken:
    """A payload that Bolt is not shown."""

    why: str
    """What is wrong with it, without a word of it."""
    sent: dict[str, Any] = field(default_factory=dict, repr=False)
    status: int = 200
    """That of the answer."""

    def answer(self) -> BoltResponse:
        """Logs it, too."""
        log.warning("slack.unreadable", doing=kind_of(self.sent), why=self.why)
        response = apology(self.sent, UNREADABLE)
        response.status = self.status
        return response


@dataclass(frozen=True, slots=True)
class Guard:
    """Global middleware, after Bolt's own check of the signature."""

    store: Store
    executor: Executor
    team: str = ""
    running: Running = field(default_factory=Running)

    def stand_before(self, app: AsyncApp) -> None:
        """Register it."""
        app.middleware(self.our_team_only)
        app.middleware(self.each_once)

    async def our_team_only(self, req: AsyncBoltRequest, next: Next) -> BoltResponse | None:  # noqa: A002 - Bolt's
        """Every team that the payload names must be ours; people of shared channels are told so."""
        broken = req.context.get(BROKEN)
        if isinstance(broken, Broken):
            return broken.answer()
        own = req.context.authorize_result
        team = self.team or (own.team_id if own else None) or ""
        teams = payloads.origin_of(req.body).teams
        if teams and teams <= {team}:
            with self.running.one_more():
                await next()
            return None
        log.warning("slack.foreign-team", teams=sorted(teams))
        return apology(req.body, FOREIGN if teams else UNREADABLE)

    async def each_once(self, req: AsyncBoltRequest, next: Next) -> BoltResponse | None:  # noqa: A002 - Bolt's
        """A signed request that was seen is refused; an event that was seen is taken and forgotten."""
        signature = req.headers.get("x-slack-signature", [""])[0] if req.mode == "http" else ""
        event = str(req.body.get("event_id") or "")
        if signature and not await self._is_new(signature, req.body):
            log.warning("slack.replayed")
            return BoltResponse(status=401, body={"error": "this request was seen before"})
        if event and not await self._first(f"slack-event:{event}", REMEMBER_EVENT):
            return BoltResponse(status=200, body="")
        await next()
        return None

    async def _is_new(self, signature: str, body: dict[str, Any]) -> bool:
        """What only takes access away may come twice: it is let in where nobody can remember anything just now."""
        try:
            return await self._first(f"slack-sig:{_digest(signature)}", REMEMBER)
        except StoreUnavailable:
            if not _only_stops(body):
                raise
            return True

    async def _first(self, key: str, remember: timedelta) -> bool:
        def once() -> bool:
            with self.store.transaction() as tx:
                return tx.once(key, tx.now() + remember)

        return await in_thread(self.executor, once)


def _only_stops(body: dict[str, Any]) -> bool:
    """Whether all that this can do is to take access away."""
    if body.get("type") == "block_actions":
        return payloads.click(body).action in {ids.RELEASE, ids.REVOKE}
    return body.get("type") == "view_submission" and payloads.part(body, "view").get("callback_id") == ids.REVOKE_NOTE


def answering(edge: Edge) -> Callable[..., Awaitable[BoltResponse]]:
    """What is answered when anything fails before its listener: Slack gets 200 and the person a sentence."""
    telling: set[asyncio.Task[None]] = set()

    async def answer_trouble(error: Exception, body: dict[str, Any], context: AsyncBoltContext) -> BoltResponse:
        if isinstance(error, BoltUnhandledRequestError) and context.get(TAKEN):
            # To Bolt a listener that takes too long is none.
            error = TimeoutError()
        text = explain(error, kind_of(body))
        if body.get("type") == "block_actions":
            # Slack shows nothing of the answer to a click, and does not wait for long.
            task = asyncio.create_task(edge.complain(payloads.origin_of(body), "click", text))
            telling.add(task)
            task.add_done_callback(telling.discard)
        return apology(body, text)

    return answer_trouble


def apology(body: dict[str, Any], text: str) -> BoltResponse:
    """An answer that shows ``text`` where the kind of payload allows it."""
    if body.get("type") == "view_submission":
        return BoltResponse(status=200, body=complaint(payloads.part(body, "view"), text).body())
    if body.get("type") == "block_suggestion":
        return BoltResponse(status=200, body={"options": []})
    shown = {"response_type": "ephemeral", "text": f"⚠️ {text}"} if "command" in body else ""
    return BoltResponse(status=200, body=shown)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
