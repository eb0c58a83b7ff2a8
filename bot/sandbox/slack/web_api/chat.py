"""chat.* and reactions.*"""

from __future__ import annotations

from bot.sandbox.slack.drafts import draft_from
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.jsontypes import Json
from bot.sandbox.slack.limits import UPDATE_TEXT
from bot.sandbox.slack.model import Channel, Message
from bot.sandbox.slack.rooms import Draft
from bot.sandbox.slack.web_api.call import Call


def _draft(call: Call, longest_text: int | None = None) -> Draft:
    parts: Json = {
        "text": call.arguments.get("text"),
        "blocks": call.structure("blocks", "invalid_blocks_format"),
        "attachments": call.structure("attachments", "invalid_attachments"),
        "metadata": call.structure("metadata", "invalid_metadata_format"),
        "thread_ts": call.optional("thread_ts"),
    }
    return draft_from(parts) if longest_text is None else draft_from(parts, longest_text=longest_text)


def _destination(call: Call) -> Channel:
    """The channel to write to; a person's id stands for the direct messages with them."""
    name = call.optional("channel")
    if name is None:
        raise SlackError("channel_not_found")
    slack, bot = call.slack, call.slack.workspace.app.bot_user_id
    person = slack.members.find(name)
    if person is not None and person.id != bot and not person.deleted:
        return slack.rooms.direct(person.id)[0]
    channel = slack.rooms.get(name)
    if channel.is_archived:
        raise SlackError("is_archived")
    if bot not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def _own_message(call: Call, forbidden: str) -> tuple[Channel, Message]:
    channel = call.slack.rooms.get(call.required("channel"))
    message = channel.find(call.required("ts"))
    if message is None or message.ephemeral_to is not None:
        raise SlackError("message_not_found")
    if message.user != call.slack.workspace.app.bot_user_id:
        raise SlackError(forbidden)
    return channel, message


def post_message(call: Call) -> Json:
    channel = _destination(call)
    draft = _draft(call)
    if draft.thread_ts and channel.find(draft.thread_ts) is None:
        raise SlackError("thread_not_found")
    pace = call.slack.pace
    if pace is not None and (seconds := pace.retry_after(channel.id)) is not None:
        raise SlackError("ratelimited", retry_after=seconds)
    message = call.slack.rooms.post(channel, call.slack.workspace.app.bot_user_id, draft)
    wire = call.slack.wire.message(message, channel, with_metadata=True)
    return {"channel": channel.id, "ts": message.ts, "message": wire}


def post_ephemeral(call: Call) -> Json:
    channel, user = _destination(call), call.required("user")
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    draft = _draft(call, UPDATE_TEXT)
    message = call.slack.rooms.post(channel, call.slack.workspace.app.bot_user_id, draft, ephemeral_to=user)
    return {"message_ts": message.ts}


def update(call: Call) -> Json:
    channel, message = _own_message(call, "cant_update_message")
    draft = _draft(call, UPDATE_TEXT)
    call.slack.rooms.update(channel, message, draft)
    wire = call.slack.wire.message(message, channel, with_metadata=True)
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": wire}


def delete(call: Call) -> Json:
    channel, message = _own_message(call, "cant_delete_message")
    call.slack.rooms.delete(channel, message)
    return {"channel": channel.id, "ts": message.ts}


def get_permalink(call: Call) -> Json:
    channel = call.slack.rooms.get(call.required("channel"))
    ts = call.required("message_ts")
    message = channel.find(ts)
    if message is None or message.ephemeral_to is not None:
        raise SlackError("message_not_found")
    return {"channel": channel.id, "permalink": f"{call.slack.base_url}/archives/{channel.id}/p{ts.replace('.', '')}"}


def add_reaction(call: Call) -> Json:
    channel = call.slack.rooms.get(call.required("channel"))
    message = channel.find(call.required("timestamp"))
    name = call.required("name")
    if message is None:
        raise SlackError("message_not_found")
    if name in message.reactions:
        raise SlackError("already_reacted")
    message.reactions.append(name)
    call.slack.rooms.show_changed(channel, message)
    return {}
