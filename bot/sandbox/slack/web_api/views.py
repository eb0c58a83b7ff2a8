"""views.*"""

from __future__ import annotations

from bot.sandbox.slack.errors import SlackError, invalid_arguments
from bot.sandbox.slack.jsontypes import Json
from bot.sandbox.slack.model import View
from bot.sandbox.slack.web_api.call import Call


def _body(call: Call) -> Json:
    view = call.structure("view", "invalid_arguments")
    if not isinstance(view, dict):
        raise invalid_arguments(["missing required field: view"])
    return view


def _shown(call: Call, view: View) -> Json:
    return {"view": call.slack.wire.view(view)}


def open_view(call: Call) -> Json:
    body = _body(call)
    trigger = call.slack.triggers.look_up(call.required("trigger_id"))
    view = call.slack.views.open(trigger.user, body)
    trigger.exchanged = True
    return _shown(call, view)


def push(call: Call) -> Json:
    body = _body(call)
    trigger = call.slack.triggers.look_up(call.required("trigger_id"))
    if trigger.view_id is None:
        raise SlackError("not_found")
    view = call.slack.views.push(trigger.user, body)
    trigger.exchanged = True
    return _shown(call, view)


def update(call: Call) -> Json:
    body = _body(call)
    view = call.slack.views.look_up(call.optional("view_id"), call.optional("external_id"))
    call.slack.views.update(view, body, call.optional("hash"))
    return _shown(call, view)


def publish(call: Call) -> Json:
    body = _body(call)
    person = call.slack.members.get(call.required("user_id"))
    return _shown(call, call.slack.views.publish(person.id, body, call.optional("hash")))
