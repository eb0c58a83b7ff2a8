"""Signed HTTP delivery, as Slack does it to an app's request URL."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

import aiohttp
import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.sandbox.slack.errors import DispatchError
from bot.sandbox.slack.http_delivery import sign
from bot.sandbox.slack.jsontypes import dump
from bot.sandbox.slack.server import LocalSlack
from bot.sandbox.slack.visitor import Refused
from tests.sandbox.slack.echo import Echo
from tests.sandbox.slack.harness import RunApp


def test_the_signature_is_the_v0_scheme_of_slacks_documentation() -> None:
    secret, timestamp, body = "8f742231b10e8888abcd99yyyzzz85a5", "1531420618", b"token=xyz&text="
    expected = hmac.new(secret.encode(), b"v0:1531420618:token=xyz&text=", hashlib.sha256).hexdigest()

    assert sign(secret, timestamp, body) == f"v0={expected}"


def test_the_request_url_is_verified_by_its_challenge(slack: LocalSlack, run_http_app: RunApp) -> None:
    run_http_app(Echo().build)

    assert slack.verify_request_url()


def test_an_app_refuses_what_is_signed_with_another_secret(slack: LocalSlack, run_http_app: RunApp) -> None:
    echo = Echo()
    app = run_http_app(echo.build)
    body = urlencode({"payload": dump({"type": "block_actions", "actions": []})}).encode()

    async def forge() -> int:
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": "1700000000",
            "X-Slack-Signature": sign("not the secret", "1700000000", body),
        }
        async with (
            aiohttp.ClientSession() as session,
            session.post(app.request_url, data=body, headers=headers) as response,
        ):
            return response.status

    assert app.run(forge()) == 401
    assert echo.seen == []


def test_a_payload_can_be_sent_again_as_a_replay(slack: LocalSlack, run_http_app: RunApp) -> None:
    echo, ann = Echo(), slack.visitor("U0ANN")
    run_http_app(echo.build)
    ann.command("/prodaccess echo once")

    kind, payload = slack.sent()[-1]
    answer = slack.deliver(kind, payload)

    assert answer == {"text": "echo once"}
    assert len(echo.payloads("command")) == 2


def test_an_app_that_answers_500_is_shown_by_its_status(slack: LocalSlack, run_http_app: RunApp) -> None:
    echo, ann = Echo(), slack.visitor("U0ANN")
    run_http_app(echo.build)
    ann.command("/prodaccess")
    ann.wait_for_modal()
    echo.raises = True

    with pytest.raises(Refused, match="dispatch_failed"):
        ann.command("/prodaccess")
    with pytest.raises(DispatchError) as refusal:
        slack.deliver("slash_commands", slack.sent()[-1][1])

    assert refusal.value.status == 500


def test_nobody_listening_at_the_request_url_fails_at_once(slack: LocalSlack) -> None:
    slack.deliver_over_http("http://127.0.0.1:9/slack/events")

    with pytest.raises(Refused, match="dispatch_failed"):
        slack.visitor("U0ANN").command("/prodaccess")


def test_an_event_is_retried_over_http_with_slacks_headers(slack: LocalSlack, run_http_app: RunApp) -> None:
    ann, seen = slack.visitor("U0ANN"), []

    def build(app: AsyncApp) -> None:
        async def on_message(req: AsyncBoltRequest) -> None:
            seen.append({name: req.headers.get(f"x-slack-retry-{name}") for name in ("num", "reason")})
            if len(seen) < 3:
                raise RuntimeError("not yet")

        app.use(on_message_first(on_message))
        app.event("message")(on_nothing)

    run_http_app(build)

    ann.say("hello")

    ann.wait_for(lambda: len(seen) == 3)
    assert seen == [
        {"num": None, "reason": None},
        {"num": ["1"], "reason": ["http_error"]},
        {"num": ["2"], "reason": ["http_error"]},
    ]
    assert slack.undelivered_events() == []


async def on_nothing() -> None:
    """Takes the event."""


def on_message_first(look: Callable[[AsyncBoltRequest], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """A middleware that fails the request when `look` does: before the acknowledgement, as a broken app would."""

    async def middleware(req: AsyncBoltRequest, next_: Callable[[], Awaitable[None]]) -> None:
        await look(req)
        await next_()

    return middleware


def test_an_event_for_which_nobody_listens_is_given_up(slack: LocalSlack) -> None:
    slack.deliver_over_http("http://127.0.0.1:9/slack/events")
    ann = slack.visitor("U0ANN")

    ann.say("hello")

    assert ann.wait_for(slack.undelivered_events)[0]["event"]["text"] == "hello"
