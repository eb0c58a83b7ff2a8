"""One call of a Web API method: its arguments, however they were encoded, and the workspace it acts on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from bot.sandbox.slack.context import Slack
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.jsontypes import Json, well_formed


def parse_arguments(query: str, content_type: str, body: bytes) -> Json:
    """The arguments of a call from its query, form or JSON body.

    Raises:
        SlackError: `invalid_json`, `json_not_object` or `invalid_post_type`.
    """
    arguments: Json = dict(parse_qsl(query, keep_blank_values=True))
    kind = content_type.partition(";")[0].strip().lower()
    if not body:
        return arguments
    if kind == "application/json":
        try:
            posted = json.loads(body)
        except ValueError:
            raise SlackError("invalid_json") from None
        if not isinstance(posted, dict):
            raise SlackError("json_not_object")
    elif kind in {"application/x-www-form-urlencoded", ""}:
        posted = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    else:
        raise SlackError("invalid_post_type")
    cleaned: Json = well_formed(arguments | posted)
    return cleaned


@dataclass(frozen=True, slots=True)
class Call:
    slack: Slack
    arguments: Json

    def optional(self, name: str) -> str | None:
        value = self.arguments.get(name)
        return None if value is None or value == "" else str(value)

    def required(self, name: str) -> str:
        """A textual argument that must be there.

        Raises:
            SlackError: `invalid_arguments`, naming it.
        """
        value = self.optional(name)
        if value is None:
            messages = [f"[ERROR] missing required field: {name}"]
            raise SlackError("invalid_arguments", response_metadata={"messages": messages})
        return value

    def flag(self, name: str) -> bool:
        return str(self.arguments.get(name, "")).lower() in {"1", "true"}

    def count(self, name: str, default: int, most: int) -> int:
        """A number of items to return, between 1 and `most`.

        Raises:
            SlackError: `invalid_limit`.
        """
        value = self.optional(name)
        try:
            number = default if value is None else int(value)
        except ValueError:
            raise SlackError("invalid_limit") from None
        if number < 0:
            raise SlackError("invalid_limit")
        return min(number or default, most)

    def structure(self, name: str, malformed: str) -> Any:
        """An argument that is JSON, given as such or as a string; None when it is not given.

        Raises:
            SlackError: the code `malformed`.
        """
        value = self.arguments.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError(malformed) from None

    def page(self, items: list[Any], *, default: int = 100, most: int = 1000) -> tuple[list[Any], Json]:
        """A slice of the items by `limit` and `cursor`, and the metadata that leads to the next.

        Raises:
            SlackError: `invalid_cursor` or `invalid_limit`.
        """
        cursor = self.optional("cursor") or "0"
        if not cursor.isdecimal():
            raise SlackError("invalid_cursor")
        start, size = int(cursor), self.count("limit", default, most)
        beyond = start + size
        return items[start:beyond], {"next_cursor": str(beyond) if beyond < len(items) else ""}
