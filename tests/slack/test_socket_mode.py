"""The connection to Slack outlives a busy moment."""

import asyncio
import threading
import time
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType
from slack_bolt.async_app import AsyncApp

from bot.sandbox.slack.server import LocalSlack
from bot.slack import app as slack_app
from bot.slack.config import SlackConfig, async_client

PING = 0.2
BUSY = 0.7 * PING
"""Longer than the half of an interval that aiohttp's heartbeat waits, shorter than the four that slack_sdk does."""
PINGS = 12


def test_a_loop_that_was_busy_when_the_answer_to_a_ping_came_keeps_its_connection(
    slack: LocalSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slack_app, "PING_SECONDS", PING)
    mine, pinged = threading.get_ident(), asyncio.Event()
    right, pings = aiohttp.http.WebSocketWriter.send_frame, 0

    async def send_and_be_busy(self: Any, message: bytes, opcode: int, compress: int | None = None) -> None:
        nonlocal pings
        await right(self, message, opcode, compress)
        if opcode == WSMsgType.PING and threading.get_ident() == mine:
            time.sleep(BUSY)
            pings += 1
            if pings >= PINGS:
                pinged.set()

    monkeypatch.setattr(aiohttp.http.WebSocketWriter, "send_frame", send_and_be_busy)

    async def stay_connected() -> int:
        config = SlackConfig(slack.bot_token, slack.app_token, slack.signing_secret, slack.api_url)
        link = slack_app.SocketMode(AsyncApp(client=async_client(config), signing_secret="s"), config)
        await link.start()
        await pinged.wait()
        await link.stop()
        return slack.calls("apps.connections.open")

    assert asyncio.run(stay_connected()) == 1
