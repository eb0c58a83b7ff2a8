"""What lives in the workspace, and how each thing looks on Slack's wire and on the page."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.slack.config import SlackPerson, Workspace
from bot.sandbox.slack.ids import new_block_id
from bot.sandbox.slack.jsontypes import Json

_COLORS = ("#3b6ea8", "#8a4f9e", "#2e7d5b", "#b4552d", "#5a5fb0", "#9c3d54", "#3d7f86", "#7a6a2f")


@dataclass(slots=True)
class Message:
    ts: str
    user: str
    text: str
    is_bot: bool = False
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    thread_ts: str | None = None
    edited_ts: str | None = None
    ephemeral_to: str | None = None
    reactions: list[str] = field(default_factory=list)
    once_offered: list[list[str]] = field(default_factory=list)
    """Block and action ids that stood here before an update: a slow page may still send them."""


@dataclass(slots=True)
class Channel:
    id: str
    name: str
    members: set[str]
    kind: str = "channel"
    """`channel`, `im` or `mpim`."""
    is_private: bool = False
    is_archived: bool = False
    topic: str = ""
    created: int = 0
    messages: list[Message] = field(default_factory=list)
    read_until: dict[str, str] = field(default_factory=dict)
    """By person, the timestamp of the newest message that they have seen."""

    def find(self, ts: str) -> Message | None:
        return next((message for message in reversed(self.messages) if message.ts == ts), None)

    def replies(self, ts: str) -> list[Message]:
        return [m for m in self.messages if m.thread_ts == ts and m.ts != ts and m.ephemeral_to is None]

    def unread(self, user: str) -> int:
        seen = self.read_until.get(user, "")
        return sum(
            message.ts > seen and message.user != user and message.ephemeral_to in {None, user}
            for message in self.messages
        )


@dataclass(slots=True)
class View:
    """A modal or a Home tab as Slack keeps it: the app's part in `body`, the rest around it."""

    id: str
    user: str
    hash: str
    body: Json
    root_id: str
    previous_id: str | None = None
    typed: dict[str, dict[str, Json]] = field(default_factory=dict)
    """`state.values`: what stands in the inputs, by block id and action id."""
    once_offered: list[list[str]] = field(default_factory=list)


def _inside(block: Json) -> list[Json]:
    """The elements of a block that a person can use."""
    parts = [block.get("accessory"), block.get("element")]
    parts += block.get("elements", []) if block.get("type") == "actions" else []
    return [part for part in parts if isinstance(part, dict) and part.get("type") != "image"]


def with_ids(blocks: list[Json]) -> list[Json]:
    """A copy of the blocks with the ids that Slack adds where the app gave none."""
    own = deepcopy(blocks)
    for block in own:
        block.setdefault("block_id", new_block_id())
        for element in _inside(block):
            element.setdefault("action_id", new_block_id())
    return own


def elements_of(blocks: list[Json]) -> dict[tuple[str, str], Json]:
    """Everything that a person can use in these blocks, by block and action id."""
    return {(block["block_id"], element["action_id"]): element for block in blocks for element in _inside(block)}


def all_options(element: Json) -> list[Json]:
    """The options of an element that lists them itself, those in groups included."""
    groups = element.get("option_groups") or []
    return [*(element.get("options") or []), *(option for group in groups for option in group["options"])]


def offered(blocks: list[Json]) -> list[list[str]]:
    return [list(ids) for ids in elements_of(blocks)]


class Wire:
    """How the workspace's things look in the Web API and in payloads."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def person(self, person: SlackPerson, *, with_email: bool = True) -> Json:
        team = person.team_id or self._workspace.team_id
        user: Json = {
            "id": person.id,
            "team_id": team,
            "name": person.name,
            "deleted": person.deleted,
            "real_name": person.real_name,
            "tz": person.tz,
            "is_bot": person.is_bot,
            "is_app_user": person.is_app_user,
            "updated": 0,
            "profile": self.profile(person, with_email=with_email, with_fields=False),
        }
        if not person.deleted:
            user |= {
                "is_admin": person.is_admin,
                "is_owner": False,
                "is_primary_owner": False,
                "is_restricted": person.is_restricted,
                "is_ultra_restricted": person.is_ultra_restricted,
            }
        if person.is_stranger:
            user["is_stranger"] = True
        return user

    def profile(self, person: SlackPerson, *, with_email: bool = True, with_fields: bool = True) -> Json:
        profile: Json = {
            "title": person.title,
            "real_name": person.real_name,
            "real_name_normalized": person.real_name,
            "display_name": person.name,
            "display_name_normalized": person.name,
            "team": person.team_id or self._workspace.team_id,
        }
        if with_email:
            profile["email"] = person.email
        if with_fields:
            manager = self._workspace.manager_field
            has_one = manager is not None and person.manager is not None
            profile["fields"] = {manager: {"value": person.manager, "alt": ""}} if has_one else {}
        return profile

    def message(self, message: Message, channel: Channel, *, with_metadata: bool = False) -> Json:
        app = self._workspace.app
        wire: Json = {
            "type": "message",
            "user": message.user,
            "text": message.text,
            "ts": message.ts,
            "team": self._workspace.team_id,
        }
        if message.is_bot:
            wire |= {"bot_id": app.bot_id, "app_id": app.id, "bot_profile": self.bot()}
        if message.blocks:
            wire["blocks"] = deepcopy(message.blocks)
        if message.attachments:
            wire["attachments"] = deepcopy(message.attachments)
        if message.edited_ts:
            wire["edited"] = {"user": message.user, "ts": message.edited_ts}
        if message.thread_ts:
            wire["thread_ts"] = message.thread_ts
        if replies := channel.replies(message.ts):
            wire |= {"thread_ts": message.ts, "reply_count": len(replies)}
        if message.metadata is not None:
            wire["metadata"] = (
                deepcopy(message.metadata) if with_metadata else {"event_type": message.metadata["event_type"]}
            )
        return wire

    def bot(self) -> Json:
        app = self._workspace.app
        return {
            "id": app.bot_id,
            "app_id": app.id,
            "user_id": app.bot_user_id,
            "name": app.name,
            "deleted": False,
            "updated": 0,
            "icons": {},
            "team_id": self._workspace.team_id,
        }

    def channel(self, channel: Channel) -> Json:
        bot = self._workspace.app.bot_user_id
        wire: Json = {
            "id": channel.id,
            "created": channel.created,
            "is_archived": channel.is_archived,
            "is_im": channel.kind == "im",
            "is_mpim": channel.kind == "mpim",
            "is_channel": channel.kind == "channel" and not channel.is_private,
            "is_group": channel.kind == "channel" and channel.is_private,
            "is_private": channel.is_private or channel.kind != "channel",
            "context_team_id": self._workspace.team_id,
        }
        if channel.kind == "im":
            other = next(iter(channel.members - {bot}))
            return wire | {"user": other, "is_open": True}
        return wire | {
            "name": channel.name,
            "name_normalized": channel.name,
            "is_general": False,
            "is_member": bot in channel.members,
            "topic": {"value": channel.topic, "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
            "num_members": len(channel.members),
        }

    def view(self, view: View) -> Json:
        app, body = self._workspace.app, view.body
        common: Json = {
            "id": view.id,
            "team_id": self._workspace.team_id,
            "type": body["type"],
            "blocks": deepcopy(body.get("blocks", [])),
            "private_metadata": body.get("private_metadata") or "",
            "callback_id": body.get("callback_id") or "",
            "external_id": body.get("external_id") or "",
            "state": {"values": deepcopy(view.typed)},
            "hash": view.hash,
            "root_view_id": view.root_id,
            "previous_view_id": view.previous_id,
            "app_id": app.id,
            "app_installed_team_id": self._workspace.team_id,
            "bot_id": app.bot_id,
            "title": body.get("title") or {"type": "plain_text", "text": "View Title", "emoji": True},
            "submit": body.get("submit"),
            "close": body.get("close"),
            "clear_on_close": bool(body.get("clear_on_close")),
            "notify_on_close": bool(body.get("notify_on_close")),
        }
        return common


def author(name: str, seed: str) -> Json:
    """How the page draws somebody: a name, two initials, a colour that stays the same."""
    words = name.split()
    initials = "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"
    return {"name": name, "initials": initials, "color": _COLORS[sum(map(ord, seed)) % len(_COLORS)]}


def page_view(wire: Json) -> Json:
    """A view without what only the app may see."""
    return {key: value for key, value in wire.items() if key != "private_metadata"}


def page_message(message: Message, channel: Channel, who: Json) -> Json:
    shown: dict[str, Any] = {
        "ts": message.ts,
        "user": message.user,
        "bot": message.is_bot,
        "author": who,
        "text": message.text,
        "blocks": deepcopy(message.blocks),
        "edited": message.edited_ts is not None,
        "deleted": False,
        "ephemeral": message.ephemeral_to is not None,
        "thread_ts": message.thread_ts,
        "reply_count": len(channel.replies(message.ts)),
        "metadata": message.metadata,
        "reactions": list(message.reactions),
    }
    return shown
