"""Slack's side of a crowd: signed requests, sent at one instant or one after the other, each on its own connection."""

import asyncio
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from bot.slack import ids
from tests.benchmarks import company
from tests.benchmarks.stubs import TEAM

PATH = "/slack/events"
_triggers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Sent:
    """One request: when it was sent and when its answer began (monotonic seconds), and the answer's status."""

    at: float
    answered_at: float
    status: int


def click(person: str, action: str, value: str, blocks: Sequence[object], slack_url: str) -> dict[str, str]:
    """A button on a card in an approvers' channel, as Slack sends it."""
    about = {
        "response_url": f"{slack_url}/respond",
        "container": {
            "type": "message",
            "message_ts": "1.000001",
            "channel_id": company.CHANNELS[0],
            "is_ephemeral": False,
        },
        "channel": {"id": company.CHANNELS[0], "name": "approvals"},
        "state": {"values": {}},
        "message": {"ts": "1.000001", "type": "message", "user": "U0BOT", "text": "card", "blocks": blocks},
    }
    return _action(person, {"action_id": action, "block_id": "b", "type": "button", "value": value}, about)


def chosen(person: str, role: str, view_id: str) -> dict[str, str]:
    """A role chosen in the form with nothing else in it, as Slack sends it."""
    option = {"text": {"type": "plain_text", "text": role}, "value": role}
    entered = {"type": "external_select", "selected_option": option}
    block = {"type": "input", "block_id": ids.ROLE, "label": {}, "element": {"action_id": ids.ROLE}}
    view = {
        "id": view_id,
        "type": "modal",
        "hash": "1.a",
        "callback_id": ids.FORM,
        "blocks": [block],
        "state": {"values": {ids.ROLE: {ids.ROLE: entered}}},
    }
    about = {"container": {"type": "view", "view_id": view_id}, "view": view}
    return _action(person, {"action_id": ids.ROLE, "block_id": ids.ROLE, **entered}, about)


def typing(person: str, text: str) -> dict[str, str]:
    """Something typed into the form's menu of roles."""
    view = {"id": "V0TYPING", "type": "modal", "callback_id": ids.FORM, "blocks": [], "state": {"values": {}}}
    asked = {"type": "block_suggestion", "action_id": ids.ROLE, "block_id": ids.ROLE, "value": text, "view": view}
    return _interaction(person, {**asked, "container": {"type": "view", "view_id": "V0TYPING"}})


def _action(person: str, action: dict[str, object], about: dict[str, object]) -> dict[str, str]:
    actions = [{**action, "action_ts": f"{time.time():.6f}"}]
    return _interaction(person, {"type": "block_actions", "trigger_id": _trigger(), **about, "actions": actions})


def _interaction(person: str, about: dict[str, object]) -> dict[str, str]:
    user = {"id": company.slack_id(person), "username": person, "name": person, "team_id": TEAM}
    sent_by = {"team": {"id": TEAM, "domain": "bench"}, "user": user, "api_app_id": "A0BENCH", "token": "bench"}
    return {"payload": json.dumps({**sent_by, "enterprise": None, "is_enterprise_install": False, **about})}


def command(person: str, slack_url: str) -> dict[str, str]:
    """``/prodaccess`` alone: it opens the form."""
    return {
        "token": "bench",
        "team_id": TEAM,
        "team_domain": "bench",
        "channel_id": company.CHANNELS[0],
        "channel_name": "approvals",
        "user_id": company.slack_id(person),
        "user_name": person,
        "command": "/prodaccess",
        "text": "",
        "api_app_id": "A0BENCH",
        "is_enterprise_install": "false",
        "response_url": f"{slack_url}/respond",
        "trigger_id": _trigger(),
    }


def _trigger() -> str:
    return f"{next(_triggers)}.1"


def at_once(urls: Sequence[str], forms: Sequence[dict[str, str]], within: float = 0.0) -> list[Sent]:
    """Open a connection for each, in turn to these replicas, then send all at one instant; returns when all are
    answered. ``within`` so many seconds instead, evenly.
    """
    where = [urls[place % len(urls)] for place, _ in enumerate(forms)]
    return asyncio.run(_at_once(where, [_signed(url, form) for url, form in zip(where, forms, strict=True)], within))


def _signed(url: str, form: dict[str, str]) -> bytes:
    """The whole HTTP request, signed as Slack signs (docs.slack.dev, "Verifying requests from Slack")."""
    body, timestamp = urlencode(form).encode(), str(int(time.time()))
    base = b"v0:%s:%s" % (timestamp.encode(), body)
    signature = "v0=" + hmac.new(company.SIGNING_SECRET.encode(), base, hashlib.sha256).hexdigest()
    head = (
        f"POST {PATH} HTTP/1.1\r\nhost: {urlsplit(url).netloc}\r\ncontent-type: application/x-www-form-urlencoded\r\n"
        f"x-slack-request-timestamp: {timestamp}\r\nx-slack-signature: {signature}\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _at_once(urls: Sequence[str], requests: Sequence[bytes], within: float) -> list[Sent]:
    streams = [await asyncio.open_connection(where.hostname, where.port) for where in map(urlsplit, urls)]
    answering = [asyncio.create_task(_answer(reader)) for reader, _ in streams]
    sent = []
    for (_, writer), request in zip(streams, requests, strict=True):
        sent.append(_send(writer, request))
        if within:
            await asyncio.sleep(within / len(requests))
    answers = await asyncio.gather(*answering)
    for _, writer in streams:
        writer.close()
    return [Sent(at, *answer) for at, answer in zip(sent, answers, strict=True)]


def _send(writer: asyncio.StreamWriter, request: bytes) -> float:
    at = time.monotonic()
    writer.write(request)
    return at


async def _answer(reader: asyncio.StreamReader) -> tuple[float, int]:
    line = await reader.readline()
    return time.monotonic(), int(line.split()[1])
