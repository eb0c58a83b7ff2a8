"""How the bot reaches Slack."""

import logging
from dataclasses import dataclass, field

from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.client import WebClient

SLACK_API = "https://slack.com/api/"
ANSWER_TIMEOUT = 10
"""Seconds for one Web API call."""


@dataclass(frozen=True, slots=True)
class SlackConfig:
    """Tokens and where they are used. ``team_id`` empty means the bot token's own team."""

    bot_token: str = field(repr=False)
    app_token: str = field(default="", repr=False)
    """Only for Socket Mode."""
    signing_secret: str = field(default="", repr=False)
    """Only for HTTP."""
    base_url: str = SLACK_API
    team_id: str = ""
    request_verification: bool = True


def sync_client(config: SlackConfig) -> WebClient:
    """A client for threads. It tries nothing again: the effects queue does, and knows what was posted."""
    return WebClient(
        token=config.bot_token,
        base_url=config.base_url,
        timeout=ANSWER_TIMEOUT,
        retry_handlers=[],
        logger=quiet(),
    )


def async_client(config: SlackConfig) -> AsyncWebClient:
    """A client for listeners, which waits when Slack says so."""
    return AsyncWebClient(
        token=config.bot_token,
        base_url=config.base_url,
        timeout=ANSWER_TIMEOUT,
        retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=1)],
        logger=quiet(),
    )


def quiet() -> logging.Logger:
    """For slack_sdk and Bolt: below ERROR they write whole payloads, codes and secrets included."""
    logger = logging.getLogger("prodaccess.slack.sdk")
    logger.setLevel(logging.ERROR)
    return logger
