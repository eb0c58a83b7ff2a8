"""The page's own API: what each person sees, live, kept over a restart, and closed to other sites."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
from slack_sdk.web.client import WebClient

from bot.sandbox.slack.config import SlackChannel, SlackPerson, Workspace
from bot.sandbox.slack.server import LocalSlack
from bot.sandbox.slack.visitor import Refused
from tests.sandbox.slack.harness import workspace


def test_everybody_is_listed_with_what_the_page_draws(slack: LocalSlack) -> None:
    people = {person["id"]: person for person in httpx.get(slack.url + "/ui/people").json()["people"]}

    assert set(people) == {"U0ANN", "U0BEA", "U0MAX", "U0GST"}
    assert (people["U0ANN"]["initials"], people["U0GST"]["is_guest"]) == ("AL", True)


def test_a_person_sees_their_own_channels_and_the_app(slack: LocalSlack) -> None:
    names = {user: [c["name"] for c in slack.visitor(user).state()["channels"]] for user in ("U0ANN", "U0GST")}

    assert names == {"U0ANN": ["general", "random", "secret", "prodaccess"], "U0GST": ["prodaccess"]}
    with pytest.raises(Refused, match="channel_not_found"):
        slack.visitor("U0GST")._get("messages", channel="C0GENERAL")


def test_a_home_tab_and_a_modal_are_shown_without_their_private_metadata(slack: LocalSlack, client: WebClient) -> None:
    home = {"type": "home", "private_metadata": "for the app only", "blocks": [{"type": "divider"}]}
    client.views_publish(user_id="U0ANN", view=home)

    shown = slack.visitor("U0ANN").home()

    assert shown is not None
    assert "private_metadata" not in shown


def test_unread_messages_are_counted_until_they_are_read(slack: LocalSlack, client: WebClient) -> None:
    ann = slack.visitor("U0ANN")
    client.chat_postMessage(channel="U0ANN", text="one")
    client.chat_postMessage(channel="U0ANN", text="two")

    unread = {channel["name"]: channel["unread"] for channel in ann.state()["channels"]}
    ann.read()

    assert unread["prodaccess"] == 2
    assert all(channel["unread"] == 0 for channel in ann.state()["channels"])


def test_the_page_hears_of_messages_and_changes_as_they_happen(slack: LocalSlack, client: WebClient) -> None:
    def change() -> None:
        ts = client.chat_postMessage(channel="C0GENERAL", text="one")["ts"]
        client.chat_update(channel="C0GENERAL", ts=ts, text="two")
        client.chat_delete(channel="C0GENERAL", ts=ts)
        client.views_publish(user_id="U0ANN", view={"type": "home", "blocks": []})

    async def listen() -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        address = f"{slack.url}/ui/live?user=U0ANN"
        async with aiohttp.ClientSession() as session, session.ws_connect(address) as socket:
            await asyncio.to_thread(change)
            while not events or events[-1]["type"] != "home":
                events.append(json.loads((await socket.receive()).data))
        return events

    events = asyncio.run(asyncio.wait_for(listen(), 15))
    kinds = [event["type"] for event in events if event["type"] != "channels"]
    assert kinds == ["message", "message_changed", "message_deleted", "home"]
    assert [e["message"]["text"] for e in events if e["type"] == "message_changed"] == ["two"]


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"}],
)
def test_another_site_can_neither_read_nor_post(slack: LocalSlack, headers: dict[str, str]) -> None:
    posted = httpx.post(slack.url + "/ui/send", json={"user": "U0ANN"}, headers=headers)
    read = httpx.get(slack.url + "/ui/people", headers=headers)

    assert (posted.status_code, read.status_code) == (403, 403)


def test_another_site_cannot_listen(slack: LocalSlack) -> None:
    async def listen() -> None:
        async with aiohttp.ClientSession() as session:
            await session.ws_connect(f"{slack.url}/ui/live?user=U0ANN", headers={"Origin": "http://evil.example"})

    with pytest.raises(aiohttp.WSServerHandshakeError):
        asyncio.run(listen())


def test_the_pages_own_origin_is_welcome(slack: LocalSlack) -> None:
    assert httpx.get(slack.url + "/ui/people", headers={"Origin": slack.url}).status_code == 200


def test_the_workspace_survives_a_restart(tmp_path: Path) -> None:
    file, described = tmp_path / "slack.json", workspace()
    with LocalSlack(described, snapshot=file) as slack:
        client = WebClient(slack.bot_token, base_url=slack.api_url)
        metadata = {"event_type": "card", "event_payload": {"id": "r1"}}
        sent = client.chat_postMessage(channel="U0ANN", text="kept", metadata=metadata)
        client.chat_postEphemeral(channel="C0GENERAL", user="U0ANN", text="not kept")
        client.views_publish(user_id="U0ANN", view={"type": "home", "blocks": [{"type": "divider"}]})
        slack.change_person("U0BEA", deleted=True)

    with LocalSlack(described, snapshot=file) as slack:
        client, ann = WebClient(slack.bot_token, base_url=slack.api_url), slack.visitor("U0ANN")
        client.chat_update(channel=sent["channel"], ts=sent["ts"], text="kept and changed")
        assert [message["text"] for message in ann.messages()] == ["kept and changed"]
        assert slack.history(sent["channel"])[0]["metadata"] == metadata
        assert ann.messages("general") == []
        assert ann.home() is not None
        assert client.users_info(user="U0BEA")["user"]["deleted"]
        assert len([c for c in ann.state()["channels"] if c["kind"] == "dm"]) == 1


def test_a_foreign_file_is_refused_with_a_word_on_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "slack.json"
    file.write_text('{"format": 99}')

    with pytest.raises(ValueError, match="--fresh"):
        LocalSlack(workspace(), snapshot=file).start()


def test_a_taken_port_is_an_os_error(slack: LocalSlack) -> None:
    port = int(slack.url.rpartition(":")[2])

    with pytest.raises(OSError, match="in use"):
        LocalSlack(workspace()).start(port)


def test_a_workspace_that_names_strangers_is_refused() -> None:
    ann = SlackPerson("U0ANN", "ann", "Ann", "ann@example.com")

    with pytest.raises(ValueError, match="U0NOBODY"):
        Workspace(people=(ann,), channels=(SlackChannel("C0X", "x", members=("U0NOBODY",)),))
    with pytest.raises(ValueError, match="same person id"):
        Workspace(people=(ann, ann))


def test_a_visitor_who_waits_in_vain_says_what_for(slack: LocalSlack) -> None:
    slack.visitor("U0ANN").say("hello", "general")

    with pytest.raises(AssertionError, match=r"'goodbye'.*\nhello"):
        slack.visitor("U0ANN").wait_for_message("goodbye", "general", timeout=0.1)
