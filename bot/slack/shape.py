"""Whether a payload is of the shape that Slack documents, in all that Bolt and prodaccess read of it.

Slack signs what it sends, so that nothing else should come. But Bolt's own parsing fails on the rest in a way that
leaves it unanswered, and a part of the wrong kind must not count as one that is missing: a start time that cannot be
read is no wish to start at once.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

_NAME = re.compile(r"[!-~]{0,255}")
"""Ids and tokens as Slack writes them, and ours that it gives back."""
_ADDRESS = re.compile(r"https?://[!-~]{1,2000}")
_LATEST = 2**33
"""Seconds since 1970; in the year 2242."""


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _name(value: Any) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _address(value: Any) -> bool:
    return isinstance(value, str) and _ADDRESS.fullmatch(value) is not None


def _seconds(value: Any) -> bool:
    return type(value) is int and 0 <= value < _LATEST


def _somebody(value: Any) -> bool:
    """In events a user is an id, or an account with all that Slack knows of it."""
    return _name(value) or (isinstance(value, dict) and not misplaced(value, {"id": _name}))


_STATE = {
    "value": _text,
    "selected_option": {"value": _text},
    "selected_options": [{"value": _text}],
    "selected_user": _name,
    "selected_date_time": _seconds,
}
_VIEW = {
    "id": _name,
    "type": _name,
    "callback_id": _name,
    "root_view_id": _name,
    "private_metadata": _name,
    "blocks": [{"type": _name, "block_id": _name}],
    "state": {"values": {"*": {"*": _STATE}}},
}
_BODY = {
    **dict.fromkeys(("type", "command", "event_id", "team_id", "user_id", "channel_id", "trigger_id"), _name),
    **dict.fromkeys(("action_id", "block_id", "callback_id"), _name),
    "text": _text,
    "value": _text,
    "response_url": _address,
    "response_urls": [{"response_url": _address}],
    "authorizations": [{"team_id": _name, "enterprise_id": _name}],
    "enterprise": {"id": _name},
    "team": {"id": _name},
    "user": {"id": _name, "team_id": _name},
    "channel": {"id": _name},
    "container": {"channel_id": _name, "message_ts": _name},
    "message": {"blocks": [{"elements": [{}]}]},
    "actions": [{"action_id": _name, "block_id": _name, "value": _text}],
    "view": _VIEW,
    "event": {
        **dict.fromkeys(("type", "bot_id", "user_team", "source_team", "subteam_id"), _name),
        "user": _somebody,
    },
}
_NEEDED = {
    "block_actions": (("actions", 0, "action_id"),),
    "view_submission": (("view", "type"), ("view", "callback_id")),
    "view_closed": (("view", "type"), ("view", "callback_id")),
    "block_suggestion": (("action_id",),),
    "event_callback": (("event", "type"),),
}
"""By type of payload, what has to be there."""

Shape = Callable[[Any], bool] | list[Any] | Mapping[str, Any]


def out_of_shape(body: object) -> str:
    """The path of the first part that is not what it should be or is not there; empty for a payload in shape.

    It holds no word of the payload itself.
    """
    if not isinstance(body, dict):
        return "(body)"
    if wrong := misplaced(body, _BODY):
        return wrong
    needed = _NEEDED.get(body.get("type") or "", ())
    return next((".".join(map(str, path)) for path in needed if not _is_there(body, path)), "")


def kind_of(body: object) -> str:
    """What kind of payload it is, in words that may be logged whatever was sent."""
    kind = body.get("type") if isinstance(body, dict) else None
    if isinstance(kind, str) and kind in _NEEDED:
        return kind
    return "command" if isinstance(body, dict) and "command" in body else "unknown"


def misplaced(value: Any, shape: Shape, at: str = "") -> str:
    """The path of the first part of ``value`` of another kind than in ``shape``; what is missing or null fits.

    Parts that ``shape`` does not name may be anything; its ``*`` stands for all of them.
    """
    if isinstance(shape, list):
        if not isinstance(value, list) or None in value:
            return at
        return next(filter(None, (misplaced(part, shape[0], f"{at}[]") for part in value)), "")
    if isinstance(shape, Mapping):
        if not isinstance(value, dict):
            return at
        pairs = [(part, shape["*"], "*") for part in value.values()] if "*" in shape else []
        pairs += [(value[name], inner, name) for name, inner in shape.items() if name in value]
        inner_at = f"{at}." if at else ""
        found = (misplaced(part, inner, f"{inner_at}{name}") for part, inner, name in pairs if part is not None)
        return next(filter(None, found), "")
    return "" if shape(value) else at


def _is_there(value: Any, path: tuple[str | int, ...]) -> bool:
    for key in path:
        if isinstance(key, int):
            if not value:
                return False
        elif not isinstance(value, dict) or key not in value:
            return False
        value = value[key]
    return value is not None
