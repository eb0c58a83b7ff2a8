"""Slack's limits, enforced on everything that the workspace receives: it never accepts what Slack would refuse."""

from bot.sandbox.slack.limits.surfaces import (
    MESSAGE_TEXT,
    UPDATE_TEXT,
    blocks_too_long,
    check_message_blocks,
    check_metadata,
    check_options_answer,
    check_view,
    input_blocks,
    view_too_large,
)

__all__ = [
    "MESSAGE_TEXT",
    "UPDATE_TEXT",
    "blocks_too_long",
    "check_message_blocks",
    "check_metadata",
    "check_options_answer",
    "check_view",
    "input_blocks",
    "view_too_large",
]
