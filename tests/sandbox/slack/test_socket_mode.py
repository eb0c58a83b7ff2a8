"""Socket Mode's protocol beyond the happy path."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.client import WebClient

from bot.sandbox.slack.server import LocalSlack
from bot.sandbox.slack.visitor import Refused
from tests.sandbox.slack.echo import Echo
from tests.sandbox.slack.harness import RunApp


def open_url(slack: LocalSlack) -> str:
    client = WebClient(slack.app_token, base_url=slack.api_url)
    return str(client.apps_connections_open(app_token=slack.app_token)["url"])


def test_a_ticket_is_good_for_one_connection(slack: LocalSlack) -> None:
    url = open_url(slack)

    async def twice() -> tuple[Any, bool]:
        async with aiohttp.ClientSession() as session:
            async with session.ws_connect(url) as socket:
                hello = json.loads((await socket.receive()).data)
            try:
                async with session.ws_connect(url):
                    return hello, True
            except aiohttp.WSServerHandshakeError:
                return hello, False

    hello, came_again = asyncio.run(twice())
    assert (hello["type"], hello["num_connections"]) == ("hello", 1)
    assert not came_again


def test_without_a_connection_a_command_fails_at_once(slack: LocalSlack) -> None:
    ann = slack.visitor("U0ANN")

    with pytest.raises(Refused, match="dispatch_failed"):
        ann.command("/prodaccess")

    assert ann.notices() == ['/prodaccess failed with the error "dispatch_failed"']


def test_an_unknown_command_never_reaches_the_app(slack: LocalSlack) -> None:
    with pytest.raises(Refused, match="unknown command"):
        slack.visitor("U0ANN").command("/deploy")


def test_an_event_whose_acknowledgement_is_lost_comes_again_and_says_so(slack: LocalSlack) -> None:
    ann, url = slack.visitor("U0ANN"), open_url(slack)

    async def receive_twice() -> list[dict[str, Any]]:
        got: list[dict[str, Any]] = []
        async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
            await socket.receive()
            await asyncio.to_thread(ann.say, "hello")
            slack.lose_acknowledgements(1)
            while len(got) < 2:
                envelope = json.loads((await socket.receive()).data)
                got.append(envelope)
                await socket.send_json({"envelope_id": envelope["envelope_id"]})
        return got

    first, second = asyncio.run(asyncio.wait_for(receive_twice(), 15))
    assert first["retry_attempt"] == 0
    assert (second["retry_attempt"], second["retry_reason"]) == (1, "timeout")
    assert first["payload"]["event_id"] == second["payload"]["event_id"]
    assert first["envelope_id"] != second["envelope_id"]


def test_an_event_that_nobody_takes_is_given_up_after_three_more_tries(slack: LocalSlack) -> None:
    ann = slack.visitor("U0ANN")

    ann.say("anybody?")

    undelivered = ann.wait_for(slack.undelivered_events)
    assert undelivered[0]["event"]["text"] == "anybody?"


def test_several_connections_share_the_envelopes_each_goes_to_one(slack: LocalSlack) -> None:
    ann = slack.visitor("U0ANN")

    async def share() -> list[list[str]]:
        got: list[list[str]] = [[], []]
        async with aiohttp.ClientSession() as session:
            sockets = [await session.ws_connect(await asyncio.to_thread(open_url, slack)) for _ in got]

            async def listen(index: int) -> None:
                async for frame in sockets[index]:
                    envelope = json.loads(frame.data)
                    if "envelope_id" in envelope:
                        await sockets[index].send_json({"envelope_id": envelope["envelope_id"]})
                        got[index].append(envelope["payload"]["text"])

            listeners = [asyncio.create_task(listen(index)) for index in range(len(got))]
            for number in range(4):
                await asyncio.to_thread(ann.command, f"/prodaccess {number}")
            for socket in sockets:
                await socket.close()
            await asyncio.gather(*listeners)
        return got

    got = asyncio.run(asyncio.wait_for(share(), 15))
    assert sorted(got[0] + got[1]) == ["0", "1", "2", "3"]
    assert all(got)


def test_an_app_that_is_asked_to_refresh_comes_back_and_goes_on(slack: LocalSlack, run_socket_app: RunApp) -> None:
    echo, ann = Echo(), slack.visitor("U0ANN")
    run_socket_app(echo.build)
    opened = slack.calls("apps.connections.open")

    slack.refresh_connections()

    ann.wait_for(lambda: slack.calls("apps.connections.open") > opened and slack.connections == 1)
    ann.command("/prodaccess echo still here")
    assert ann.messages()[-1]["text"] == "echo still here"


def test_an_app_whose_connection_breaks_comes_back_by_itself(slack: LocalSlack, run_socket_app: RunApp) -> None:
    echo, ann = Echo(), slack.visitor("U0ANN")
    run_socket_app(echo.build)
    opened = slack.calls("apps.connections.open")

    slack.drop_connections()

    ann.wait_for(lambda: slack.calls("apps.connections.open") > opened and slack.connections == 1)
    ann.command("/prodaccess echo back again")
    assert ann.messages()[-1]["text"] == "echo back again"


def test_an_app_that_fails_before_its_acknowledgement_shows_a_failure(
    slack: LocalSlack, run_socket_app: RunApp
) -> None:
    echo, ann = Echo(), slack.visitor("U0ANN")
    echo.raises = True
    run_socket_app(echo.build)

    with pytest.raises(Refused, match="operation_timeout"):
        ann.command("/prodaccess")
