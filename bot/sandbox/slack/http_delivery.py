"""Signed HTTP delivery: what Slack posts to an app's request URL, with the v0 signature and the 3 s limit."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
from urllib.parse import urlencode

import aiohttp

from bot.sandbox.slack.clock import Clock
from bot.sandbox.slack.config import Behaviour
from bot.sandbox.slack.delivery import Envelope, Retry
from bot.sandbox.slack.errors import DispatchError
from bot.sandbox.slack.jsontypes import Json, dump, well_formed

log = logging.getLogger(__name__)


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The v0 signature of a request (docs.slack.dev, "Verifying requests from Slack")."""
    base = b":".join((b"v0", timestamp.encode(), body))
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


class SignedHttp:
    """Posts envelopes to the request URL. Runs in the server's event loop."""

    def __init__(self, url: str, signing_secret: str, behaviour: Behaviour, clock: Clock) -> None:
        self._url = url
        self._secret = signing_secret
        self._behaviour = behaviour
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def send(self, envelope: Envelope, retry: Retry | None) -> Json:
        """Post the envelope and read the answer's body.

        Raises:
            DispatchError: `http_timeout`, `connection_failed`, or `http_error` with the status.
        """
        content_type, body = _encode(envelope)
        headers = {"Content-Type": content_type, "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)"}
        if retry is not None:
            headers |= {"X-Slack-Retry-Num": str(retry.attempt), "X-Slack-Retry-Reason": retry.reason}
        return await self._post(body, headers)

    async def verify_url(self) -> bool:
        """The `url_verification` handshake: whether the app gives the challenge back."""
        challenge = {
            "token": "",
            "challenge": hashlib.sha256(self._url.encode()).hexdigest(),
            "type": "url_verification",
        }
        headers = {"Content-Type": "application/json"}
        answer = await self._post(dump(challenge).encode(), headers)
        return challenge["challenge"] in {answer.get("challenge"), answer.get("text")}

    async def _post(self, body: bytes, headers: dict[str, str]) -> Json:
        timestamp = str(int(self._clock.now()))
        signed = headers | {
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": sign(self._secret, timestamp, body),
        }
        if self._session is None:
            # A connection of its own for each: one that was kept may be closed by the app just as it is used again.
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        try:
            async with asyncio.timeout(self._behaviour.ack_seconds):
                async with self._session.post(self._url, data=body, headers=signed) as response:
                    text = await response.text(errors="replace")
        except TimeoutError:
            raise DispatchError("http_timeout") from None
        except aiohttp.ClientError:
            raise DispatchError("connection_failed") from None
        if response.status != 200:
            raise DispatchError("http_error", response.status)
        return _decode(text, response.content_type)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def _encode(envelope: Envelope) -> tuple[str, bytes]:
    form = "application/x-www-form-urlencoded"
    if envelope.kind == "events_api":
        return "application/json", dump(envelope.payload).encode()
    if envelope.kind == "slash_commands":
        return form, urlencode(well_formed(envelope.payload)).encode()
    return form, urlencode({"payload": dump(envelope.payload)}).encode()


def _decode(text: str, content_type: str) -> Json:
    if not text.strip():
        return {}
    if content_type != "application/json":
        return {"text": text}
    try:
        answer = json.loads(text)
    except ValueError:
        raise DispatchError("http_error") from None
    return answer if isinstance(answer, dict) else {}
