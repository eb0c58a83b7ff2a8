"""users.*, usergroups.*, team.* and bots.*"""

from __future__ import annotations

from bot.sandbox.slack.config import SlackPerson, SlackUsergroup
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.jsontypes import Json
from bot.sandbox.slack.web_api.call import Call


def _wire(call: Call, person: SlackPerson) -> Json:
    return call.slack.wire.person(person, with_email=_may_see_email(call))


def _may_see_email(call: Call) -> bool:
    return "users:read.email" in call.slack.workspace.app.scopes


def info(call: Call) -> Json:
    return {"user": _wire(call, call.slack.members.get(call.required("user")))}


def list_users(call: Call) -> Json:
    bot = call.slack.members.get(call.slack.workspace.app.bot_user_id)
    found, metadata = call.page([*call.slack.members.everyone(), bot])
    return {"members": [_wire(call, person) for person in found], "response_metadata": metadata, "cache_ts": 0}


def lookup_by_email(call: Call) -> Json:
    return {"user": _wire(call, call.slack.members.by_email(call.required("email")))}


def profile_get(call: Call) -> Json:
    person = call.slack.members.get(call.optional("user") or call.slack.workspace.app.bot_user_id)
    profile = call.slack.wire.profile(person, with_email=_may_see_email(call))
    manager = call.slack.workspace.manager_field
    if call.flag("include_labels") and manager in profile["fields"]:
        profile["fields"][manager]["label"] = "Manager"
    return {"profile": profile}


def team_profile_get(call: Call) -> Json:
    manager = call.slack.workspace.manager_field
    definition: Json = {
        "id": manager,
        "ordering": 0,
        "label": "Manager",
        "field_name": "manager",
        "hint": "",
        "type": "user",
        "is_hidden": False,
        "possible_values": None,
    }
    return {"profile": {"fields": [] if manager is None else [definition], "sections": []}}


def team_info(call: Call) -> Json:
    workspace = call.slack.workspace
    team: Json = {
        "id": workspace.team_id,
        "name": workspace.team_name,
        "domain": workspace.team_domain,
        "url": f"{call.slack.base_url}/",
        "email_domain": "",
        "icon": {"image_default": True},
    }
    return {"team": team}


def _group(call: Call, group: SlackUsergroup) -> Json:
    wire: Json = {
        "id": group.id,
        "team_id": call.slack.workspace.team_id,
        "is_usergroup": True,
        "is_subteam": True,
        "name": group.name,
        "handle": group.handle,
        "description": "",
        "is_external": False,
        "date_delete": 1 if group.is_disabled else 0,
        "user_count": len(group.users),
    }
    if call.flag("include_users"):
        wire["users"] = list(group.users)
    return wire


def usergroups_list(call: Call) -> Json:
    groups = call.slack.members.groups(with_disabled=call.flag("include_disabled"))
    return {"usergroups": [_group(call, group) for group in groups]}


def usergroups_users_list(call: Call) -> Json:
    group = call.slack.members.group(call.required("usergroup"))
    if group.is_disabled and not call.flag("include_disabled"):
        raise SlackError("no_such_subteam")
    return {"users": list(group.users)}


def bots_info(call: Call) -> Json:
    bot = call.optional("bot")
    if bot not in {None, call.slack.workspace.app.bot_id}:
        raise SlackError("bot_not_found")
    return {"bot": call.slack.wire.bot()}


def auth_test(call: Call) -> Json:
    workspace = call.slack.workspace
    return {
        "url": f"{call.slack.base_url}/",
        "team": workspace.team_name,
        "user": workspace.app.name,
        "team_id": workspace.team_id,
        "user_id": workspace.app.bot_user_id,
        "bot_id": workspace.app.bot_id,
        "is_enterprise_install": False,
    }


def api_test(call: Call) -> Json:
    """Gives the arguments back, and the error that they ask for."""
    arguments = {name: value for name, value in call.arguments.items() if name != "token"}
    if "error" in arguments:
        raise SlackError(str(arguments["error"]), args=arguments)
    return {"args": arguments}


def connections_open(call: Call) -> Json:
    address = call.slack.base_url.replace("http", "ws", 1)
    return {"url": f"{address}/link?ticket={call.slack.sockets.issue_ticket()}&app_id={call.slack.workspace.app.id}"}
