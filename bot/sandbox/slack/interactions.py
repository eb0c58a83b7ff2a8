"""What people do with commands, messages and the Home tab, and what the app's answers lead to."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.sandbox.slack.context import Slack
from bot.sandbox.slack.drafts import draft_from
from bot.sandbox.slack.errors import DispatchError, SlackError
from bot.sandbox.slack.jsontypes import Json
from bot.sandbox.slack.limits import check_options_answer
from bot.sandbox.slack.model import Channel, Message, View, elements_of
from bot.sandbox.slack.rooms import Draft

SHORTEST_QUERY = 3
"""Characters typed before an external select asks the app (docs.slack.dev, `min_query_length`)."""
_TIMEOUTS = frozenset({"timeout", "http_timeout"})
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_MENTION = re.compile(r"@([A-Za-z0-9._-]+)")


def page_error(failure: DispatchError) -> str:
    """The word that Slack's client shows for a failed delivery."""
    return "operation_timeout" if failure.reason in _TIMEOUTS else "dispatch_failed"


def failure_text(failure: DispatchError) -> str:
    """What Slack's client says when a click came to nothing."""
    if failure.status is not None:
        return f"This app responded with Status Code {failure.status}."
    if failure.reason in _TIMEOUTS:
        return "This app took too long to respond. Try again."
    return "Something went wrong: the app could not be reached."


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person used something: the payload's part about it, and what is and was to be used there."""

    part: Json
    blocks: list[Json]
    once_offered: list[list[str]]
    channel: Channel | None = None
    message: Message | None = None
    view: View | None = None

    def element(self, block_id: str, action_id: str) -> Json:
        """The element that was used. One that has gone since can still be: a page may be a moment behind.

        Raises:
            SlackError: `element_not_found`; nothing of that name was ever there.
        """
        found = elements_of(self.blocks).get((block_id, action_id))
        if found is None and [block_id, action_id] not in self.once_offered:
            raise SlackError("element_not_found")
        return found or {}


class Interactions:
    def __init__(self, slack: Slack) -> None:
        self._slack = slack

    def say(self, user: str, channel_id: str, text: str) -> Message:
        """A plain message, its control characters escaped and its @names made mentions, as Slack's client does."""
        channel = self._slack.rooms.seen_by(user, channel_id)
        if channel.is_archived:
            raise SlackError("is_archived")
        if not text.strip():
            raise SlackError("no_text")
        return self._slack.rooms.post(channel, user, Draft(self._mentions(text.translate(_ESCAPES), "<@{id}>")))

    async def command(self, user: str, channel_id: str, line: str) -> None:
        """Run a slash command and show what the app answers at once.

        Raises:
            SlackError: `unknown command`, `dispatch_failed` or `operation_timeout`.
        """
        slack = self._slack
        channel = slack.rooms.seen_by(user, channel_id)
        command, _, text = line.strip().partition(" ")
        if command not in slack.workspace.app.commands:
            raise SlackError("unknown command")
        text = text.strip()
        if slack.workspace.app.should_escape:
            text = self._mentions(text, "<@{id}|{name}>")
        payload = slack.payloads.command(
            slack.members.get(user),
            channel,
            command,
            text,
            trigger_id=slack.triggers.issue(user),
            response_url=slack.response_urls.issue(user, channel.id, None, "commands"),
        )
        try:
            answer = await slack.courier.ask("slash_commands", payload, accepts_response_payload=True)
            self._show_answer(user, channel, answer)
        except DispatchError as failure:
            error = page_error(failure)
            slack.live.notice(user, f'{command} failed with the error "{error}"')
            raise SlackError(error) from None

    def _show_answer(self, user: str, channel: Channel, answer: Json) -> None:
        if not answer.get("text") and not answer.get("blocks"):
            return
        try:
            draft = draft_from(answer)
        except SlackError as refusal:
            raise DispatchError(refusal.code) from None
        private = answer.get("response_type") != "in_channel"
        bot = self._slack.workspace.app.bot_user_id
        self._slack.rooms.post(channel, bot, draft, ephemeral_to=user if private else None)

    def _mentions(self, text: str, form: str) -> str:
        app = self._slack.workspace.app
        names = {person.name: person.id for person in self._slack.members.everyone()} | {app.name: app.bot_user_id}

        def mention(match: re.Match[str]) -> str:
            name = match[1]
            return form.format(id=names[name], name=name) if name in names else match[0]

        return _MENTION.sub(mention, text)

    async def act(self, user: str, where: Json, block_id: str, action: Json, state: Json | None) -> None:
        """Click a button or choose from a menu.

        Raises:
            SlackError: the place is gone, or `dispatch_failed`, `operation_timeout`.
        """
        slack, place = self._slack, self._place(user, where, state)
        place.element(block_id, str(action.get("action_id")))
        full = {**action, "block_id": block_id, "action_ts": f"{slack.clock.now():.6f}"}
        modal = place.view.id if place.view and place.view.body["type"] == "modal" else None
        trigger_id = slack.triggers.issue(user, modal)
        payload = slack.payloads.block_actions(slack.members.get(user), [full], trigger_id) | place.part
        if place.channel is not None and place.message is not None:
            ts = place.message.ts
            payload["response_url"] = slack.response_urls.issue(user, place.channel.id, ts, "actions")
        try:
            await slack.courier.ask("interactive", payload)
        except DispatchError as failure:
            slack.live.notice(user, failure_text(failure))
            raise SlackError(page_error(failure)) from None

    async def options(self, user: str, where: Json, block_id: str, action_id: str, value: str) -> Json:
        """What the app offers for an external select, as typed so far.

        Raises:
            SlackError: the place is gone, the app could not be asked, or answered more than Slack takes.
        """
        slack, place = self._slack, self._place(user, where, None)
        if len(value) < place.element(block_id, action_id).get("min_query_length", SHORTEST_QUERY):
            return {"options": [], "option_groups": None}
        payload = slack.payloads.block_suggestion(slack.members.get(user), block_id, action_id, value) | place.part
        try:
            answer = await slack.courier.ask("interactive", payload, accepts_response_payload=True)
        except DispatchError as failure:
            slack.live.notice(user, failure_text(failure))
            raise SlackError(page_error(failure)) from None
        if problems := check_options_answer(answer):
            slack.live.notice(user, "The app's options could not be shown.")
            raise SlackError("invalid_options", problems=problems)
        return {"options": answer.get("options"), "option_groups": answer.get("option_groups")}

    def _place(self, user: str, where: Json, state: Json | None) -> Place:
        """Where something happened.

        Raises:
            SlackError: `channel_not_found`, `message_not_found`, `not_found` or `invalid_arguments`.
        """
        slack, kind = self._slack, where.get("kind")
        if kind == "message":
            channel = slack.rooms.seen_by(user, str(where.get("channel")))
            message = channel.find(str(where.get("ts")))
            if message is None or message.ephemeral_to not in {None, user}:
                raise SlackError("message_not_found")
            part = slack.payloads.in_message(channel, message, state)
            return Place(part, message.blocks, message.once_offered, channel=channel, message=message)
        if kind not in {"modal", "home"}:
            raise SlackError("invalid_arguments")
        view = slack.views.home(user) if kind == "home" else slack.views.modal(user, str(where.get("view_id")))
        if view is None:
            raise SlackError("not_found")
        slack.views.keep_typed(view, state)
        return Place(slack.payloads.in_view(view), view.body["blocks"], view.once_offered, view=view)

    def open_home(self, user: str) -> None:
        """Open the app's Home tab, which the app hears of by app_home_opened."""
        slack = self._slack
        channel, _ = slack.rooms.direct(user)
        home = slack.views.home(user)
        event: Json = {"type": "app_home_opened", "user": user, "channel": channel.id, "tab": "home"}
        if home is not None:
            event["view"] = slack.wire.view(home)
        slack.events.emit("app_home_opened", event, slack.clock.now())
