"""The shape of what travels on Slack's wire, and the one JSON encoder that all of it passes through."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]


def dump(value: Any) -> str:
    """Encode compactly and as ASCII, so that any text at all, lone surrogates included, can be sent."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def well_formed(value: Any) -> Any:
    """Replace lone surrogates, which no Slack text can hold, by U+FFFD, all the way down."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [well_formed(item) for item in value]
    if isinstance(value, dict):
        return {well_formed(key): well_formed(item) for key, item in value.items()}
    return value
