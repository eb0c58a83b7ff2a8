"""Between Slack's event loop and the blocking use cases: ack, hand over to a thread, carry out what comes back."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp
import structlog
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.service.desk import Desk
from bot.slack import payloads
from bot.slack.blocks import Json, Message, esc, section
from bot.slack.home import page
from bot.slack.payloads import Origin
from bot.slack.replies import (
    Answer,
    Caller,
    OnClick,
    OnHome,
    OnLine,
    OnLookup,
    OnSubmit,
    Open,
    Publish,
    Refresh,
    Replace,
    Replies,
    Reply,
    Tell,
    tell,
)
from bot.slack.running import Running
from bot.slack.trouble import explain
from bot.slack.turns import Turns
from bot.slack.views import notice

log = structlog.get_logger(__name__)

ANSWER_WITHIN = 2.0
"""Seconds; Slack, and Bolt by itself, give up on an unanswered modal after 3."""
SETTLES = 0.5
"""Seconds that Slack has to carry out an answer; an update that overtook it would be undone by it."""

TAKEN = "prodaccess.taken"
"""Where a request's context says that a listener answers it, however late."""
UNREACHABLE = (SlackApiError, SlackClientError, aiohttp.ClientError, OSError, TimeoutError)

T = TypeVar("T")
Listener = Callable[..., Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Edge:
    """Makes Bolt listeners of handlers."""

    desk: Desk
    client: AsyncWebClient
    executor: Executor
    team: str = ""
    """The only team served; empty where Slack's own answer says which it is."""
    running: Running = field(default_factory=Running)
    turns: Turns = field(default_factory=Turns)

    # --- listeners ---------------------------------------------------------------------------------------

    def on_line(self, handler: OnLine) -> Listener:
        """For the slash command."""

        async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
            await ack()
            origin = payloads.origin_of(body)
            await self._reply(origin, "command", lambda: handler(self.caller(origin), payloads.line(body)))

        return self.running.counted(listener)

    def on_click(self, handler: OnClick) -> Listener:
        """For a button or a choice in a modal."""

        async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
            await ack()
            click = payloads.click(body)
            if click.origin.view:
                self.turns.note(click.origin.view, click.origin.at)
            await self._reply(click.origin, click.action, lambda: handler(self.caller(click.origin), click))

        return self.running.counted(listener)

    def on_submit(self, handler: OnSubmit) -> Listener:
        """For a modal that is sent: answered inside the ack, so that errors stand below their fields."""

        async def listener(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
            context[TAKEN] = True
            sent, started = payloads.submitted(body), time.monotonic()
            doing = str(sent.view.get("callback_id", "modal"))
            try:
                work = self.run(lambda: handler(self.caller(sent.origin), sent))
                answer = await asyncio.wait_for(work, ANSWER_WITHIN)
            except Exception as error:  # told to the person, logged for the operators
                answer = complaint(sent.view, explain(error, doing))
            if answer.then is None:
                await ack(answer.body())
            else:
                left = ANSWER_WITHIN - (time.monotonic() - started)
                await self._answer_in_two(ack, sent.origin, doing, answer, left)

        return self.running.counted(listener)

    async def _answer_in_two(self, ack: AsyncAck, origin: Origin, doing: str, answer: Answer, left: float) -> None:
        """Answer with the outcome if it is there within ``left`` seconds; else say first that it takes a while."""
        work = asyncio.ensure_future(self._outcome(doing, answer.then or tuple, in_modal=True))
        await asyncio.wait({work}, timeout=max(0.0, left))
        if work.done() and (views := [reply.view for reply in work.result() if isinstance(reply, Replace)]):
            await ack(Answer(update=views[0]).body())
            return
        await ack(answer.body())
        replies = await work
        await asyncio.sleep(SETTLES)
        for reply in replies:
            await self._carry_out_or_tell(origin, doing, reply)

    def on_lookup(self, handler: OnLookup) -> Listener:
        """For a menu that asks for its options."""

        async def listener(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
            context[TAKEN] = True
            asked = payloads.lookup(body)
            try:
                work = self.run(lambda: handler(self.caller(asked.origin), asked))
                options = await asyncio.wait_for(work, ANSWER_WITHIN)
            except Exception as error:  # a menu can show nothing but options
                explain(error, "options")
                options = []
            await ack({"options": options})

        return self.running.counted(listener)

    def on_home(self, handler: OnHome) -> Listener:
        """For somebody who looks at their Home tab; Bolt has acknowledged it."""

        async def listener(body: dict[str, Any]) -> None:
            origin = payloads.origin_of(body)
            try:
                view = await self.run(lambda: handler(self.caller(origin)))
            except Exception as error:  # told to the person, logged for the operators
                view = page([section(f"⚠️ {esc(explain(error, 'home'))}")])
            await self._carry_out_or_tell(origin, "home", Publish(view))

        return self.running.counted(listener)

    # --- handing over ------------------------------------------------------------------------------------

    async def run(self, work: Callable[[], T]) -> T:
        """Run blocking ``work`` in a thread, on one catalogue."""
        return await in_thread(self.executor, self.desk.pinned(work))

    def caller(self, origin: Origin) -> Caller:
        """Who acts. Blocks. Raises Refused."""
        return Caller(self.desk, self.desk.people.identify(origin.user, self.team), origin.user)

    async def complain(self, origin: Origin, doing: str, text: str) -> None:
        """Tell whoever acted what went wrong, beside what they used."""
        with self.running.one_more():
            await self._carry_out_or_tell(origin, doing, tell(f"⚠️ {esc(text)}"))

    async def _reply(self, origin: Origin, doing: str, work: Callable[[], Replies]) -> None:
        for reply in await self._outcome(doing, work):
            await self._carry_out_or_tell(origin, doing, reply)

    async def _outcome(self, doing: str, work: Callable[[], Replies], *, in_modal: bool = False) -> Replies:
        try:
            return await self.run(work)
        except Exception as error:  # told to the person, logged for the operators
            text = esc(explain(error, doing))
            return (Replace(notice("Not done", text)),) if in_modal else (tell(f"⚠️ {text}"),)

    async def _carry_out_or_tell(self, origin: Origin, doing: str, reply: Reply) -> None:
        try:
            await self.carry_out(origin, reply)
        except UNREACHABLE as error:
            log.warning("slack.not-shown", doing=doing, what=type(reply).__name__, why=_why(error))
            if isinstance(reply, (Open, Tell)):
                await self._last_resort(origin, doing, reply, _why(error))

    async def _last_resort(self, origin: Origin, doing: str, reply: Open | Tell, why: str) -> None:
        """Where they clicked it cannot be shown: a direct message can."""
        late = f"⚠️ Slack did not let me open the window in time ({esc(why, 60)}). Nothing was changed; try again."
        message = reply.message if isinstance(reply, Tell) else tell(late).message
        try:
            await self._post_to(origin.user, message)
        except UNREACHABLE as error:
            log.warning("slack.not-told", doing=doing, why=_why(error))

    # --- Slack -------------------------------------------------------------------------------------------

    async def carry_out(self, origin: Origin, reply: Reply) -> None:
        """Show it. Raises slack_sdk's errors."""
        match reply:
            case Open(view):
                show = self.client.views_push if origin.view else self.client.views_open
                await show(trigger_id=origin.trigger, view=view)
            case Replace(view, seen):
                await self._replace(origin, view, seen)
            case Publish(view):
                await self.client.views_publish(user_id=origin.user, view=view)
            case Refresh(message):
                if origin.message:
                    await self.client.chat_update(
                        channel=origin.channel, ts=origin.message, text=message.text, blocks=message.blocks
                    )
            case Tell(message):
                await self._tell(origin, message)

    async def _replace(self, origin: Origin, view: Json, seen: str) -> None:
        """Put it in the modal's place, but for what was acted on there before something else."""
        if not seen:
            await self.client.views_update(view_id=origin.view, view=view)
            return
        async with self.turns.lock(origin.view):
            if self.turns.is_over(origin.view, origin.at):
                return
            try:
                await self.client.views_update(view_id=origin.view, hash=seen, view=view)
            except SlackApiError as error:
                if _why(error) != "hash_conflict":
                    raise
                # What goes with their choice before this one has been shown in between.
                await self.client.views_update(view_id=origin.view, view=view)

    async def _tell(self, origin: Origin, message: Message) -> None:
        """Where only they see it: in the modal they are in, else beside what they used, else in a direct message."""
        if origin.view:
            view = {"type": "modal", "title": {"type": "plain_text", "text": "prodaccess"}, "blocks": message.blocks}
            await self.client.views_push(trigger_id=origin.trigger, view=view)
        elif origin.response_url:
            webhook = AsyncWebhookClient(origin.response_url)
            answer = await webhook.send(
                text=message.text,
                blocks=message.blocks,
                response_type="ephemeral",
                replace_original=False,
                unfurl_links=False,
            )
            if answer.status_code != 200:
                await self._post_to(origin.user, message)
        elif origin.trigger:
            view = notice("prodaccess", "")
            await self.client.views_open(trigger_id=origin.trigger, view={**view, "blocks": message.blocks})
        else:
            await self._post_to(origin.user, message)

    async def _post_to(self, user: str, message: Message) -> None:
        await self.client.chat_postMessage(
            channel=user, text=message.text, blocks=message.blocks, unfurl_links=False, unfurl_media=False
        )


async def in_thread(executor: Executor, work: Callable[[], T]) -> T:
    """Run blocking ``work`` in one of the executor's threads."""
    return await asyncio.get_running_loop().run_in_executor(executor, work)


def complaint(view: Mapping[str, Any], text: str) -> Answer:
    """An answer to a submission that could not be handled: below its first field, else in its place."""
    blocks = payloads.block_ids(view)
    return Answer(errors={blocks[-1]: text}) if blocks else Answer(update=notice("Not done", esc(text)))


def _why(error: Exception) -> str:
    """Slack's error code, or the error's name; never its payload."""
    return str(error.response.get("error", "")) if isinstance(error, SlackApiError) else type(error).__name__
