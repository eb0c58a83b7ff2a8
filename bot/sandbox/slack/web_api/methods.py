"""The methods that this Slack has, with the token and the scopes that each wants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.sandbox.slack.jsontypes import Json
from bot.sandbox.slack.web_api import chat, conversations, people, views
from bot.sandbox.slack.web_api.call import Call


@dataclass(frozen=True, slots=True)
class Method:
    run: Callable[[Call], Json]
    scopes: frozenset[str] = frozenset()
    """Any one of these will do, as in Slack's own table of each method."""
    token: str | None = "bot"  # noqa: S105 - the kind of token
    """`bot`, `app`, or None where none is needed."""


def _any_of(scopes: str) -> frozenset[str]:
    return frozenset(scopes.split())


def _kinds(verb: str) -> frozenset[str]:
    return frozenset(f"{kind}:{verb}" for kind in ("channels", "groups", "im", "mpim"))


METHODS: dict[str, Method] = {
    "api.test": Method(people.api_test, token=None),
    "apps.connections.open": Method(people.connections_open, token="app"),  # noqa: S106 - the kind of token
    "auth.test": Method(people.auth_test),
    "bots.info": Method(people.bots_info, _any_of("users:read")),
    "chat.delete": Method(chat.delete, _any_of("chat:write")),
    "chat.getPermalink": Method(chat.get_permalink),
    "chat.postEphemeral": Method(chat.post_ephemeral, _any_of("chat:write")),
    "chat.postMessage": Method(chat.post_message, _any_of("chat:write")),
    "chat.update": Method(chat.update, _any_of("chat:write")),
    "conversations.history": Method(conversations.history, _kinds("history")),
    "conversations.info": Method(conversations.info, _kinds("read")),
    "conversations.join": Method(conversations.join, _any_of("channels:join")),
    "conversations.list": Method(conversations.list_conversations, _kinds("read")),
    "conversations.members": Method(conversations.members, _kinds("read")),
    "conversations.open": Method(conversations.open_conversation, _any_of("im:write mpim:write")),
    "conversations.replies": Method(conversations.replies, _kinds("history")),
    "reactions.add": Method(chat.add_reaction, _any_of("reactions:write")),
    "team.info": Method(people.team_info, _any_of("team:read")),
    "team.profile.get": Method(people.team_profile_get, _any_of("users.profile:read")),
    "usergroups.list": Method(people.usergroups_list, _any_of("usergroups:read")),
    "usergroups.users.list": Method(people.usergroups_users_list, _any_of("usergroups:read")),
    "users.conversations": Method(conversations.users_conversations, _kinds("read")),
    "users.info": Method(people.info, _any_of("users:read")),
    "users.list": Method(people.list_users, _any_of("users:read")),
    "users.lookupByEmail": Method(people.lookup_by_email, _any_of("users:read.email")),
    "users.profile.get": Method(people.profile_get, _any_of("users.profile:read")),
    "views.open": Method(views.open_view),
    "views.publish": Method(views.publish),
    "views.push": Method(views.push),
    "views.update": Method(views.update),
}
