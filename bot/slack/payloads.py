"""Slack's payloads as typed values. What is not there, or of another kind, is empty; nothing here trusts more than
Slack signed.
"""

import html
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.core.text import clean

Json = Mapping[str, Any]

COMMAND_MOST = 8000
"""Longest command line that is read (Slack's composer takes about as much)."""
_ID = re.compile(r"[!-~]{1,255}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINK = re.compile(
    r"<(?:@(?P<user>[UW][A-Z0-9]+)|#(?P<channel>[CG][A-Z0-9]+)|(?P<address>[a-z]+:[^<>|\s]+))(?:\|(?P<shown>[^<>]*))?>"
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Who did something, and where an answer can go."""

    user: str
    teams: frozenset[str]
    """Every team id that the payload names."""
    channel: str = ""
    message: str = ""
    """The ts of the message that was used; empty for one that only they see."""
    view: str = ""
    """The id of the modal that was used."""
    at_home: bool = False
    """Whether it was used on the Home tab."""
    at: float = 0.0
    """When it was used, in Slack's seconds since 1970; 0 where Slack does not say."""
    trigger: str = field(default="", repr=False)
    response_url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Line:
    """A typed slash command, without the command itself."""

    origin: Origin
    text: str


@dataclass(frozen=True, slots=True)
class Click:
    """A button that was pressed, or a choice made in a modal; ``view`` is that modal."""

    origin: Origin
    action: str
    value: str
    view: Json = field(default_factory=dict, repr=False)
    beside: frozenset[str] = frozenset()
    """Action ids of the buttons on the same message."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """A modal that was sent. ``view`` may hold a code: it is never printed or logged."""

    origin: Origin
    subject: str
    """The id in its private_metadata."""
    view: Json = field(repr=False)

    @property
    def is_root(self) -> bool:
        """Whether it is the first of its stack."""
        return self.view.get("root_view_id") in (self.view.get("id"), None, "")


@dataclass(frozen=True, slots=True)
class Lookup:
    """What somebody typed into a menu that asks for its options."""

    origin: Origin
    block: str
    text: str
    view: Json = field(default_factory=dict, repr=False)


def origin_of(body: Json) -> Origin:
    """From a command, an interaction or an event."""
    container, view, event = part(body, "container"), part(body, "view"), part(body, "event")
    user = part(body, "user").get("id") or body.get("user_id") or event.get("user") or ""
    ephemeral = bool(container.get("is_ephemeral"))
    return Origin(
        user=str(user.get("id", "")) if isinstance(user, Mapping) else str(user),
        teams=_teams(body),
        channel=str(part(body, "channel").get("id") or body.get("channel_id") or container.get("channel_id") or ""),
        message="" if ephemeral else str(container.get("message_ts") or ""),
        view=str(view.get("id") or "") if view.get("type") == "modal" else "",
        at_home=view.get("type") == "home",
        at=_seconds(next(_parts(body, "actions"), {}).get("action_ts")),
        trigger=str(body.get("trigger_id") or ""),
        response_url=str(body.get("response_url") or ""),
    )


def line(body: Json) -> Line:
    """A slash command; mentions in it become ``@U…``, links their address, whether Slack escaped them or not.

    Raises TextTooLong.
    """
    text = html.unescape(_LINK.sub(_unlinked, str(body.get("text") or "")))
    return Line(origin_of(body), clean(text, limit=COMMAND_MOST, multiline=True))


def click(body: Json) -> Click:
    """The first action of a block_actions payload; there is only ever one."""
    action = next(_parts(body, "actions"), {})
    blocks = _parts(part(body, "message"), "blocks")
    beside = {str(element.get("action_id")) for block in blocks for element in _parts(block, "elements")}
    return Click(
        origin=origin_of(body),
        action=str(action.get("action_id", "")),
        value=_id(action.get("value")),
        view=part(body, "view"),
        beside=frozenset(beside),
    )


def submitted(body: Json) -> Submitted:
    """A view_submission payload."""
    view = part(body, "view")
    return Submitted(origin_of(body), _id(view.get("private_metadata")), view)


def lookup(body: Json) -> Lookup:
    """A block_suggestion payload."""
    text = clean(str(body.get("value") or "")[:200], limit=200)
    return Lookup(origin_of(body), str(body.get("block_id") or ""), text, part(body, "view"))


def entered(view: Json, block_id: str) -> str:
    """What stands in a text field or menu, as it came but for lone surrogates; empty when nothing does."""
    state = _state(view, block_id)
    chosen = state.get("selected_option")
    value = chosen.get("value") if isinstance(chosen, Mapping) else state.get("value") or state.get("selected_user")
    # A lone surrogate is no text: nothing that hashes, sends or stores it would take it.
    return _SURROGATE.sub("\ufffd", value) if isinstance(value, str) else ""


def entered_all(view: Json, block_id: str) -> tuple[str, ...]:
    """What is chosen in a menu of one or of several, each once, in its order."""
    chosen = _state(view, block_id).get("selected_options")
    options = [each for each in chosen if isinstance(each, Mapping)] if isinstance(chosen, list) else []
    values = (each.get("value") for each in options)
    found = dict.fromkeys(_SURROGATE.sub("\ufffd", value) for value in values if isinstance(value, str) and value)
    one = entered(view, block_id)
    return tuple(found) or ((one,) if one else ())


def entered_time(view: Json, block_id: str) -> datetime | None:
    """What stands in a datetimepicker, in UTC."""
    seconds = _state(view, block_id).get("selected_date_time")
    if type(seconds) is int:
        with suppress(ValueError, OverflowError, OSError):
            return datetime.fromtimestamp(seconds, UTC)
    return None


def ticked(view: Json, block_id: str) -> bool:
    """Whether any box of a group is ticked."""
    return any(_parts(_state(view, block_id), "selected_options"))


def typed_text(view: Json, block_id: str, limit: int, *, multiline: bool = False) -> str:
    """A text field's words, cleaned. Raises TextTooLong."""
    return clean(entered(view, block_id), limit=limit, multiline=multiline)


def block_ids(view: Json) -> tuple[str, ...]:
    """The view's input blocks, in order."""
    inputs = [block for block in _parts(view, "blocks") if block.get("type") == "input"]
    return tuple(block["block_id"] for block in inputs if block.get("block_id") and isinstance(block["block_id"], str))


def part(body: Json, name: str) -> Json:
    """A part that is itself a mapping; empty when it is not there or of another kind."""
    found = body.get(name)
    return found if isinstance(found, Mapping) else {}


def _state(view: Json, block_id: str) -> Json:
    """The one element's state in a block."""
    values = part(part(part(view, "state"), "values"), block_id)
    return next((state for state in values.values() if isinstance(state, Mapping)), {})


def _seconds(value: object) -> float:
    """Of a timestamp like ``1700000000.000100``; 0 for anything else."""
    return float(value) if isinstance(value, str) and _TIMESTAMP.fullmatch(value) else 0.0


def _teams(body: Json) -> frozenset[str]:
    event, user = part(body, "event"), part(body, "user")
    named = (
        body.get("team_id"),
        part(body, "team").get("id"),
        user.get("team_id"),
        event.get("user_team"),
        event.get("source_team"),
    )
    return frozenset(team for team in named if isinstance(team, str) and team)


def _unlinked(match: re.Match[str]) -> str:
    if match["user"]:
        return f"@{match['user']}"
    return match["address"] or match["shown"] or match["channel"]


def _parts(body: Json, name: str) -> Iterator[Json]:
    """The mappings of a part that is a list."""
    found = body.get(name)
    return (each for each in found if isinstance(each, Mapping)) if isinstance(found, list) else iter(())


def _id(value: object) -> str:
    """An id that we gave; empty for anything else, which no database has to be asked for."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""
