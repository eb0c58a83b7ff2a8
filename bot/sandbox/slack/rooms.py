"""Channels, direct messages and what is said in them."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from bot.sandbox.slack.clock import Clock
from bot.sandbox.slack.config import SlackChannel, SlackPerson, Workspace
from bot.sandbox.slack.delivery import AppEvents
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.ids import Timestamps, new_id
from bot.sandbox.slack.jsontypes import Json
from bot.sandbox.slack.live import Live
from bot.sandbox.slack.members import Members
from bot.sandbox.slack.model import Channel, Message, Wire, author, offered, page_message, with_ids

_SUBSCRIPTIONS = {
    "im": "message.im",
    "mpim": "message.mpim",
    "group": "message.groups",
    "channel": "message.channels",
}


@dataclass(frozen=True, slots=True)
class Draft:
    """What a message is to say, already checked against the limits. None leaves a part as it is."""

    text: str | None = None
    blocks: list[Json] | None = None
    attachments: list[Json] | None = None
    metadata: Json | None = None
    thread_ts: str | None = None


class Rooms:
    def __init__(
        self,
        workspace: Workspace,
        *,
        members: Members,
        wire: Wire,
        live: Live,
        events: AppEvents,
        clock: Clock,
    ) -> None:
        self._bot = workspace.app.bot_user_id
        self._app_name = workspace.app.name
        self._members = members
        self._wire = wire
        self._live = live
        self._events = events
        self._clock = clock
        self._stamps = Timestamps()
        self._channels = {channel.id: self._made_from(channel) for channel in workspace.channels}

    def _made_from(self, channel: SlackChannel) -> Channel:
        default = [person.id for person in self._members.everyone() if not _is_guest(person)]
        people = set(default if channel.members is None else channel.members)
        return Channel(
            channel.id,
            channel.name,
            people | ({self._bot} if channel.has_bot else set()),
            is_private=channel.is_private,
            is_archived=channel.is_archived,
            topic=channel.topic,
            created=int(self._clock.now()),
        )

    def all(self) -> list[Channel]:
        return list(self._channels.values())

    def get(self, channel: str) -> Channel:
        """A channel that the bot can see, by id or `#name`.

        Raises:
            SlackError: `channel_not_found`.
        """
        found = self._channels.get(channel) or self._named(channel.removeprefix("#"))
        if found is None or ((found.is_private or found.kind != "channel") and self._bot not in found.members):
            raise SlackError("channel_not_found")
        return found

    def _named(self, name: str) -> Channel | None:
        return next((c for c in self._channels.values() if c.kind == "channel" and c.name == name), None)

    def seen_by(self, user: str, channel: str) -> Channel:
        """A channel that a person is in.

        Raises:
            SlackError: `channel_not_found`.
        """
        found = self._channels.get(channel)
        if found is None or user not in found.members:
            raise SlackError("channel_not_found")
        return found

    def direct(self, *users: str) -> tuple[Channel, bool]:
        """The bot's conversation with these people, and whether it was there already."""
        people = {self._bot, *users}
        for channel in self._channels.values():
            if channel.kind != "channel" and channel.members == people:
                return channel, True
        kind, prefix = ("im", "D") if len(users) == 1 else ("mpim", "G")
        names = [person.name for user in sorted(users) if (person := self._members.find(user))]
        name = self._app_name if kind == "im" else f"mpdm-{'--'.join(names)}-1"
        channel = Channel(new_id(prefix), name, people, kind=kind, created=int(self._clock.now()))
        self._channels[channel.id] = channel
        self.announce_channels(users)
        return channel, False

    def join(self, channel: Channel, user: str) -> None:
        channel.members.add(user)
        self.announce_channels([user])
        event = {"type": "member_joined_channel", "user": user, "channel": channel.id, "channel_type": "C"}
        self._events.emit("member_joined_channel", event, self._clock.now())

    def leave(self, channel: Channel, user: str) -> None:
        channel.members.discard(user)
        self.announce_channels([user])

    def post(self, channel: Channel, user: str, draft: Draft, *, ephemeral_to: str | None = None) -> Message:
        """Say something in a channel, to everybody there or, `ephemeral_to`, to one of them only."""
        message = Message(
            self._stamps.after(self._clock.now()),
            user,
            draft.text or "",
            is_bot=user == self._bot,
            blocks=with_ids(draft.blocks or []),
            attachments=draft.attachments or [],
            metadata=draft.metadata,
            thread_ts=draft.thread_ts,
            ephemeral_to=ephemeral_to,
        )
        channel.messages.append(message)
        if user != self._bot:
            channel.read_until[user] = message.ts
        self._show("message", channel, message)
        if ephemeral_to is None:
            self._tell_app(channel, message)
        return message

    def update(self, channel: Channel, message: Message, draft: Draft) -> None:
        """Change a message; parts that the draft leaves out stay (docs.slack.dev, chat.update)."""
        before = self._wire.message(message, channel, with_metadata=True)
        if draft.text is not None:
            message.text = draft.text
        if draft.blocks is not None:
            message.once_offered += offered(message.blocks)
            message.blocks = with_ids(draft.blocks)
        if draft.attachments is not None:
            message.attachments = draft.attachments
        if draft.metadata is not None:
            message.metadata = draft.metadata
        message.edited_ts = self._stamps.after(self._clock.now())
        self._show("message_changed", channel, message)
        if message.ephemeral_to is None:
            after = self._wire.message(message, channel, with_metadata=True)
            self._tell_change(channel, {"subtype": "message_changed", "message": after, "previous_message": before})

    def replace(self, channel: Channel, message: Message, draft: Draft) -> None:
        """Put something else in a message's place, as `replace_original` does: what is not given is gone."""
        complete = Draft(draft.text or "", draft.blocks or [], draft.attachments or [], draft.metadata)
        self.update(channel, message, complete)

    def show_changed(self, channel: Channel, message: Message) -> None:
        self._show("message_changed", channel, message)

    def delete(self, channel: Channel, message: Message) -> None:
        channel.messages.remove(message)
        self._show("message_deleted", channel, message)
        if message.ephemeral_to is None:
            before = self._wire.message(message, channel, with_metadata=True)
            change = {"subtype": "message_deleted", "deleted_ts": message.ts, "previous_message": before}
            self._tell_change(channel, change)

    def read(self, channel: Channel, user: str) -> None:
        if channel.messages:
            channel.read_until[user] = channel.messages[-1].ts
        self.announce_channels([user])

    def announce_channels(self, users: object) -> None:
        for user in users if isinstance(users, list | tuple | set | frozenset) else []:
            self._live.publish([user], {"type": "channels", "channels": self.page_channels(user)})

    def page_channels(self, user: str) -> list[Json]:
        """The channels that a person's page lists: those they are in, direct messages last."""
        mine = [channel for channel in self._channels.values() if user in channel.members]
        mine.sort(key=lambda channel: (channel.kind != "channel", channel.name))
        return [
            {
                "id": channel.id,
                "name": channel.name,
                "kind": "channel" if channel.kind == "channel" else "dm",
                "unread": channel.unread(user),
                "topic": channel.topic,
            }
            for channel in mine
        ]

    def page(self, message: Message, channel: Channel) -> Json:
        person = self._members.find(message.user)
        return page_message(message, channel, author(person.real_name if person else "?", message.user))

    def _show(self, what: str, channel: Channel, message: Message) -> None:
        users = {message.ephemeral_to} if message.ephemeral_to else channel.members
        shown = {"type": what, "channel": channel.id, "message": self.page(message, channel)}
        self._live.publish([user for user in users if user], shown)
        if what == "message":
            self.announce_channels([user for user in users if user and user not in {message.user, self._bot}])

    def _tell_app(self, channel: Channel, message: Message) -> None:
        event = self._wire.message(message, channel, with_metadata=True) | {"event_ts": message.ts}
        self._emit(channel, event)
        if f"<@{self._bot}>" in message.text and channel.kind == "channel":
            mention = {**event, "type": "app_mention", "channel": channel.id}
            self._events.emit("app_mention", mention, self._clock.now())

    def _tell_change(self, channel: Channel, change: Json) -> None:
        ts = self._stamps.after(self._clock.now())
        self._emit(channel, {"type": "message", "hidden": True, "ts": ts, "event_ts": ts, **change})

    def _emit(self, channel: Channel, event: Json) -> None:
        """Send a message event, if the app is in the channel and listens to its kind."""
        kind = channel.kind if channel.kind != "channel" else ("group" if channel.is_private else "channel")
        if self._bot in channel.members:
            placed = {**event, "channel": channel.id, "channel_type": kind}
            self._events.emit(_SUBSCRIPTIONS[kind], placed, self._clock.now())

    def snapshot(self) -> list[Json]:
        """Everything but ephemeral messages, which do not outlive a session in Slack either."""
        saved = []
        for channel in self._channels.values():
            entry = asdict(channel)
            entry["members"] = sorted(channel.members)
            entry["messages"] = [m for m in entry["messages"] if m["ephemeral_to"] is None]
            saved.append(entry)
        return saved

    def restore(self, saved: list[Json]) -> None:
        self._channels = {c.id: c for c in self._channels.values() if c.kind == "channel"}
        for entry in saved:
            messages = [Message(**message) for message in entry["messages"]]
            channel = Channel(**{**entry, "members": set(entry["members"]), "messages": messages})
            self._channels[channel.id] = channel
            for message in messages:
                self._stamps.never_before(message.edited_ts or message.ts)


def _is_guest(person: SlackPerson) -> bool:
    return person.is_restricted or person.is_ultra_restricted or person.is_stranger
