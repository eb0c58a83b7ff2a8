"""Turning what an app wants to say into a draft that Slack would take, or refusing it."""

from __future__ import annotations

from typing import Any

from bot.sandbox.slack.errors import SlackError, invalid_blocks
from bot.sandbox.slack.jsontypes import Json
from bot.sandbox.slack.limits import (
    MESSAGE_TEXT,
    blocks_too_long,
    check_message_blocks,
    check_metadata,
)
from bot.sandbox.slack.rooms import Draft

MOST_ATTACHMENTS = 100
METADATA_SIZE = 16_000
"""Characters of JSON; Slack's documentation gives no number, its answer is `metadata_too_large`."""


def draft_from(parts: Json, *, longest_text: int = MESSAGE_TEXT) -> Draft:
    """Check `text`, `blocks`, `attachments`, `metadata` and `thread_ts` of a message.

    Raises:
        SlackError: `no_text`, `msg_too_long`, `invalid_blocks`, `invalid_blocks_format`,
            `msg_blocks_too_long`, `too_many_attachments` or `invalid_metadata_format`.
    """
    text, blocks, attachments = parts.get("text"), parts.get("blocks"), parts.get("attachments")
    if not text and not blocks and not attachments:
        raise SlackError("no_text")
    if text is not None and len(str(text)) > longest_text:
        raise SlackError("msg_too_long")
    return Draft(
        None if text is None else str(text),
        _blocks(blocks),
        _attachments(attachments),
        _metadata(parts.get("metadata")),
        str(parts["thread_ts"]) if parts.get("thread_ts") else None,
    )


def _blocks(blocks: Any) -> list[Json] | None:
    if blocks is None:
        return None
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    if problems := check_message_blocks(blocks):
        raise invalid_blocks(problems)
    if blocks_too_long(blocks):
        raise SlackError("msg_blocks_too_long")
    return blocks


def _attachments(attachments: Any) -> list[Json] | None:
    if attachments is None:
        return None
    if not isinstance(attachments, list) or not all(isinstance(entry, dict) for entry in attachments):
        raise SlackError("invalid_attachments")
    if len(attachments) > MOST_ATTACHMENTS:
        raise SlackError("too_many_attachments")
    for attachment in attachments:
        _blocks(attachment.get("blocks"))
    return attachments


def _metadata(metadata: Any) -> Json | None:
    if metadata is None:
        return None
    if check_metadata(metadata):
        raise SlackError("invalid_metadata_format")
    if len(str(metadata)) > METADATA_SIZE:
        raise SlackError("metadata_too_large")
    return dict(metadata)
