"""Errors that cross Slack's wire."""

from __future__ import annotations

from typing import Any


class SlackError(Exception):
    """A refusal with one of Slack's error codes, and whatever else the answer carries."""

    def __init__(self, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.extra = extra


def invalid_blocks(problems: list[str]) -> SlackError:
    """chat.*'s refusal of blocks, which names every problem and its place."""
    return SlackError(
        "invalid_blocks",
        errors=problems,
        response_metadata={"messages": [f"[ERROR] {problem}" for problem in problems]},
    )


def invalid_arguments(problems: list[str]) -> SlackError:
    """views.*'s refusal of a view, which names every problem and its place."""
    return SlackError(
        "invalid_arguments",
        response_metadata={"messages": [f"[ERROR] {problem}" for problem in problems]},
    )


class DispatchError(Exception):
    """The app could not be reached, or did not answer as Slack demands; `reason` is Slack's word for it."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
