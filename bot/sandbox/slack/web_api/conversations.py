"""conversations.* and users.conversations"""

from __future__ import annotations

from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.jsontypes import Json
from bot.sandbox.slack.model import Channel, Message
from bot.sandbox.slack.web_api.call import Call

_MOST_IN_ONE_DM = 8
"""People besides the app (docs.slack.dev, conversations.open)."""


def _channel(call: Call) -> Channel:
    return call.slack.rooms.get(call.required("channel"))


def open_conversation(call: Call) -> Json:
    rooms, bot = call.slack.rooms, call.slack.workspace.app.bot_user_id
    if channel_id := call.optional("channel"):
        return {"channel": call.slack.wire.channel(rooms.get(channel_id)), "already_open": True, "no_op": True}
    users = [user.strip() for user in (call.optional("users") or "").split(",") if user.strip()]
    if not users:
        raise SlackError("users_list_not_supplied")
    if len(users) > _MOST_IN_ONE_DM:
        raise SlackError("too_many_users")
    for user in users:
        person = call.slack.members.find(user)
        if person is None:
            raise SlackError("user_not_found")
        if person.id == bot or person.is_bot:
            raise SlackError("cannot_dm_bot")
        if person.deleted:
            raise SlackError("user_disabled")
    channel, was_open = rooms.direct(*users)
    shown = call.slack.wire.channel(channel) if call.flag("return_im") or channel.kind == "mpim" else {"id": channel.id}
    return {"channel": shown, **({"already_open": True, "no_op": True} if was_open else {})}


def info(call: Call) -> Json:
    return {"channel": call.slack.wire.channel(_channel(call))}


def _of_types(call: Call, channels: list[Channel]) -> list[Channel]:
    types = set((call.optional("types") or "public_channel").replace(" ", "").split(","))
    if types - {"public_channel", "private_channel", "im", "mpim"}:
        raise SlackError("invalid_types")
    bot, skip_archived = call.slack.workspace.app.bot_user_id, call.flag("exclude_archived")

    def kind(channel: Channel) -> str:
        if channel.kind != "channel":
            return channel.kind
        return "private_channel" if channel.is_private else "public_channel"

    return [
        channel
        for channel in channels
        if kind(channel) in types
        and (kind(channel) == "public_channel" or bot in channel.members)
        and not (skip_archived and channel.is_archived)
    ]


def list_conversations(call: Call) -> Json:
    found, metadata = call.page(_of_types(call, call.slack.rooms.all()))
    return {"channels": [call.slack.wire.channel(c) for c in found], "response_metadata": metadata}


def users_conversations(call: Call) -> Json:
    user = call.optional("user") or call.slack.workspace.app.bot_user_id
    call.slack.members.get(user)
    mine = [channel for channel in call.slack.rooms.all() if user in channel.members]
    found, metadata = call.page(_of_types(call, mine))
    return {"channels": [call.slack.wire.channel(c) for c in found], "response_metadata": metadata}


def join(call: Call) -> Json:
    channel, bot = _channel(call), call.slack.workspace.app.bot_user_id
    if channel.kind != "channel" or channel.is_private:
        raise SlackError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise SlackError("is_archived")
    extra: Json = {}
    if bot in channel.members:
        extra = {"warning": "already_in_channel", "response_metadata": {"warnings": ["already_in_channel"]}}
    else:
        call.slack.rooms.join(channel, bot)
    return {"channel": call.slack.wire.channel(channel), **extra}


def members(call: Call) -> Json:
    found, metadata = call.page(sorted(_channel(call).members))
    return {"members": found, "response_metadata": metadata}


def _readable(call: Call) -> Channel:
    channel = _channel(call)
    if call.slack.workspace.app.bot_user_id not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def _between(call: Call, messages: list[Message]) -> list[Message]:
    oldest, latest = call.optional("oldest") or "0", call.optional("latest")
    inclusive = call.flag("inclusive")

    def within(message: Message) -> bool:
        at = float(message.ts)
        after = at > float(oldest) or (inclusive and at == float(oldest))
        before = latest is None or at < float(latest) or (inclusive and at == float(latest))
        return after and before

    try:
        return [message for message in messages if within(message)]
    except ValueError:
        raise SlackError("invalid_ts_oldest") from None


def _page_of(call: Call, channel: Channel, messages: list[Message]) -> Json:
    found, metadata = call.page(messages, most=999)
    everything = call.flag("include_all_metadata")
    return {
        "messages": [call.slack.wire.message(m, channel, with_metadata=everything) for m in found],
        "has_more": bool(metadata["next_cursor"]),
        "pin_count": 0,
        "response_metadata": metadata,
    }


def history(call: Call) -> Json:
    """Newest first, without replies and without ephemeral messages, as Slack has it."""
    channel = _readable(call)
    shown = [m for m in channel.messages if m.ephemeral_to is None and m.thread_ts in {None, m.ts}]
    return _page_of(call, channel, _between(call, shown)[::-1])


def replies(call: Call) -> Json:
    channel = _readable(call)
    parent = channel.find(call.required("ts"))
    if parent is None or parent.ephemeral_to is not None:
        raise SlackError("thread_not_found")
    return _page_of(call, channel, [parent, *_between(call, channel.replies(parent.ts))])
