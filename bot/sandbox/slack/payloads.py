"""Payloads of commands and interactions, field for field as Slack sends them."""

from __future__ import annotations

from bot.sandbox.slack.config import SlackPerson, Workspace
from bot.sandbox.slack.jsontypes import Json
from bot.sandbox.slack.model import Channel, Message, View, Wire

_TOKEN = "verification-token-is-deprecated"  # noqa: S105 - Slack's deprecated field, no secret
_DIRECT = {"im": "directmessage", "mpim": "mpdm"}


class Payloads:
    def __init__(self, workspace: Workspace, wire: Wire) -> None:
        self._workspace = workspace
        self._wire = wire

    def command(
        self, person: SlackPerson, channel: Channel, command: str, text: str, *, trigger_id: str, response_url: str
    ) -> Json:
        return {
            "token": _TOKEN,
            "team_id": person.team_id or self._workspace.team_id,
            "team_domain": self._workspace.team_domain,
            "channel_id": channel.id,
            "channel_name": _DIRECT.get(channel.kind, "privategroup" if channel.is_private else channel.name),
            "user_id": person.id,
            "user_name": person.name,
            "command": command,
            "text": text,
            "api_app_id": self._workspace.app.id,
            "is_enterprise_install": "false",
            "response_url": response_url,
            "trigger_id": trigger_id,
        }

    def block_actions(self, person: SlackPerson, actions: list[Json], trigger_id: str) -> Json:
        """The part that is the same wherever the element stood; see `in_message` and `in_view`."""
        return self._interaction("block_actions", person) | {"trigger_id": trigger_id, "actions": actions}

    def in_message(self, channel: Channel, message: Message, state: Json | None) -> Json:
        """Where a message's element stood. An ephemeral message is not itself part of it, as in Slack."""
        ephemeral = message.ephemeral_to is not None
        part: Json = {
            "container": {
                "type": "message",
                "message_ts": message.ts,
                "channel_id": channel.id,
                "is_ephemeral": ephemeral,
            },
            "channel": {"id": channel.id, "name": _DIRECT.get(channel.kind, channel.name)},
            "state": state or {"values": {}},
        }
        if message.thread_ts:
            part["container"]["thread_ts"] = message.thread_ts
        if not ephemeral:
            part["message"] = self._wire.message(message, channel, with_metadata=True)
        return part

    def in_view(self, view: View) -> Json:
        return {"container": {"type": "view", "view_id": view.id}, "view": self._wire.view(view)}

    def block_suggestion(self, person: SlackPerson, block_id: str, action_id: str, value: str) -> Json:
        return self._interaction("block_suggestion", person) | {
            "block_id": block_id,
            "action_id": action_id,
            "value": value,
        }

    def view_submission(self, person: SlackPerson, view: View, trigger_id: str, response_urls: list[Json]) -> Json:
        return self._interaction("view_submission", person) | {
            "trigger_id": trigger_id,
            "view": self._wire.view(view),
            "response_urls": response_urls,
        }

    def view_closed(self, person: SlackPerson, view: View, *, is_cleared: bool) -> Json:
        return self._interaction("view_closed", person) | {"view": self._wire.view(view), "is_cleared": is_cleared}

    def _interaction(self, kind: str, person: SlackPerson) -> Json:
        return {
            "type": kind,
            "team": {"id": self._workspace.team_id, "domain": self._workspace.team_domain},
            "user": {
                "id": person.id,
                "username": person.name,
                "name": person.name,
                "team_id": person.team_id or self._workspace.team_id,
            },
            "api_app_id": self._workspace.app.id,
            "token": _TOKEN,
            "enterprise": None,
            "is_enterprise_install": False,
        }
