"""The Web API's methods and refusals, asked by slack_sdk's own client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.client import WebClient

from bot.sandbox.slack.clock import ShiftedClock
from bot.sandbox.slack.faults import Fault
from bot.sandbox.slack.server import LocalSlack
from tests.sandbox.slack.harness import workspace

HOME = {"type": "home", "blocks": [{"type": "divider"}]}


def call(client: WebClient, method: str, **arguments: Any) -> dict[str, Any]:
    answer = client.api_call(method, json=arguments)
    data = answer.data
    assert isinstance(data, dict)
    return data


def refusal(client: WebClient, method: str, **arguments: Any) -> dict[str, Any]:
    with pytest.raises(SlackApiError) as refused:
        call(client, method, **arguments)
    data = refused.value.response.data
    assert isinstance(data, dict)
    return data


REFUSALS = [
    ("chat.postMessage", {"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
    ("chat.postMessage", {"channel": "C0SECRET", "text": "x"}, "channel_not_found"),
    ("chat.postMessage", {"channel": "C0RANDOM", "text": "x"}, "not_in_channel"),
    ("chat.postMessage", {"channel": "C0GENERAL"}, "no_text"),
    ("chat.postMessage", {"channel": "C0GENERAL", "text": "x" * 40_001}, "msg_too_long"),
    ("chat.postMessage", {"channel": "C0GENERAL", "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
    ("chat.postMessage", {"channel": "C0GENERAL", "text": "x", "blocks": "{"}, "invalid_blocks_format"),
    ("chat.postMessage", {"channel": "C0GENERAL", "text": "x", "thread_ts": "1.0"}, "thread_not_found"),
    ("chat.postMessage", {"channel": "C0GENERAL", "text": "x", "metadata": {}}, "invalid_metadata_format"),
    ("chat.update", {"channel": "C0GENERAL", "ts": "1.0", "text": "x"}, "message_not_found"),
    ("chat.delete", {"channel": "C0GENERAL", "ts": "1.0"}, "message_not_found"),
    ("chat.getPermalink", {"channel": "C0GENERAL", "message_ts": "1.0"}, "message_not_found"),
    ("chat.postEphemeral", {"channel": "C0GENERAL", "user": "U0GST", "text": "x"}, "user_not_in_channel"),
    ("conversations.open", {"users": "U0NOBODY"}, "user_not_found"),
    ("conversations.open", {}, "users_list_not_supplied"),
    ("conversations.info", {"channel": "D0NOWHERE"}, "channel_not_found"),
    ("conversations.info", {}, "invalid_arguments"),
    ("conversations.history", {"channel": "C0RANDOM"}, "not_in_channel"),
    ("conversations.replies", {"channel": "C0GENERAL", "ts": "1.0"}, "thread_not_found"),
    ("conversations.list", {"types": "secret_channel"}, "invalid_types"),
    ("users.info", {"user": "U0NOBODY"}, "user_not_found"),
    ("users.lookupByEmail", {"email": "nobody@example.com"}, "users_not_found"),
    ("users.profile.get", {"user": "U0NOBODY"}, "user_not_found"),
    ("usergroups.users.list", {"usergroup": "S0NONE"}, "no_such_subteam"),
    ("bots.info", {"bot": "B0OTHER"}, "bot_not_found"),
    ("views.publish", {"user_id": "U0NOBODY", "view": HOME}, "user_not_found"),
    ("views.publish", {"user_id": "U0ANN"}, "invalid_arguments"),
    ("views.publish", {"user_id": "U0ANN", "view": {**HOME, "type": "modal"}}, "invalid_arguments"),
    ("views.publish", {"user_id": "U0ANN", "view": {"type": "home", "blocks": "x" * 250_000}}, "view_too_large"),
    ("views.open", {"view": HOME}, "invalid_arguments"),
    ("api.test", {"error": "my_error"}, "my_error"),
    ("chat.whisper", {}, "unknown_method"),
    ("apps.connections.open", {}, "not_allowed_token_type"),
]


@pytest.mark.parametrize(("method", "arguments", "error"), REFUSALS)
def test_slacks_own_error_codes(client: WebClient, method: str, arguments: dict[str, Any], error: str) -> None:
    assert refusal(client, method, **arguments)["error"] == error


def test_a_token_is_asked_for_and_checked(slack: LocalSlack) -> None:
    assert httpx.post(slack.api_url + "auth.test").json() == {"ok": False, "error": "not_authed"}
    wrong = httpx.post(slack.api_url + "auth.test", headers={"Authorization": "Bearer xoxb-wrong"})
    assert wrong.json() == {"ok": False, "error": "invalid_auth"}
    as_argument = httpx.post(slack.api_url + "auth.test", data={"token": slack.bot_token})
    assert as_argument.json()["ok"]


def test_forms_and_json_bodies_are_the_same(slack: LocalSlack) -> None:
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    form = {"channel": "C0GENERAL", "text": "form", "blocks": '[{"type":"divider"}]'}
    as_json = {"channel": "C0GENERAL", "text": "json", "blocks": [{"type": "divider"}]}

    httpx.post(slack.api_url + "chat.postMessage", data=form, headers=headers)
    httpx.post(slack.api_url + "chat.postMessage", json=as_json, headers=headers)

    assert [[b["type"] for b in m["blocks"]] for m in slack.history("C0GENERAL")] == [["divider"], ["divider"]]


def test_every_problem_of_blocks_is_named_at_its_place(client: WebClient) -> None:
    long = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}

    refused = refusal(
        client, "chat.postMessage", channel="C0GENERAL", blocks=[{"type": "divider"}, long, {"type": "x"}]
    )

    assert refused["response_metadata"]["messages"] == [
        "[ERROR] must be less than 3001 characters [json-pointer:/blocks/1/text/text]",
        "[ERROR] unsupported block type: x [json-pointer:/blocks/2/type]",
    ]


def test_a_message_is_posted_updated_and_deleted_with_its_metadata(slack: LocalSlack, client: WebClient) -> None:
    metadata = {"event_type": "card", "event_payload": {"request": "r1"}}
    posted = client.chat_postMessage(channel="#general", text="one", metadata=metadata)
    channel, ts = posted["channel"], posted["ts"]

    client.chat_update(channel=channel, ts=ts, text="two")

    found = client.conversations_history(channel=channel, include_all_metadata=True)["messages"][0]
    assert (found["text"], found["metadata"], "edited" in found) == ("two", metadata, True)
    client.chat_delete(channel=channel, ts=ts)
    assert client.conversations_history(channel=channel)["messages"] == []


def test_an_update_keeps_blocks_that_it_does_not_mention(slack: LocalSlack, client: WebClient) -> None:
    ts = client.chat_postMessage(channel="C0GENERAL", text="one", blocks=[{"type": "divider"}])["ts"]

    client.chat_update(channel="C0GENERAL", ts=ts, text="two")
    assert slack.history("C0GENERAL")[0]["blocks"][0]["type"] == "divider"
    client.chat_update(channel="C0GENERAL", ts=ts, text="three", blocks=[])
    assert "blocks" not in slack.history("C0GENERAL")[0]


def test_nobody_elses_message_can_be_changed(slack: LocalSlack, client: WebClient) -> None:
    ts = slack.visitor("U0ANN").say("mine", "general")

    assert refusal(client, "chat.update", channel="C0GENERAL", ts=ts, text="x")["error"] == "cant_update_message"
    assert refusal(client, "chat.delete", channel="C0GENERAL", ts=ts)["error"] == "cant_delete_message"


def test_direct_messages_are_one_conversation_however_they_are_addressed(slack: LocalSlack, client: WebClient) -> None:
    opened = client.conversations_open(users="U0ANN")["channel"]["id"]

    posted = client.chat_postMessage(channel="U0ANN", text="hello")

    assert posted["channel"] == opened
    assert opened.startswith("D")
    assert client.conversations_open(users=["U0ANN"])["already_open"]
    assert slack.visitor("U0ANN").messages()[-1]["text"] == "hello"


def test_a_deactivated_person_can_neither_be_found_nor_written_to(slack: LocalSlack, client: WebClient) -> None:
    slack.change_person("U0BEA", deleted=True)

    assert client.users_info(user="U0BEA")["user"]["deleted"]
    assert refusal(client, "conversations.open", users="U0BEA")["error"] == "user_disabled"
    assert refusal(client, "users.lookupByEmail", email="bea@example.com")["error"] == "users_not_found"


def test_the_manager_is_a_profile_field_of_type_user(client: WebClient) -> None:
    fields = client.api_call("team.profile.get")["profile"]["fields"]
    manager = next(field for field in fields if field["label"] == "Manager")

    profile = client.users_profile_get(user="U0ANN")["profile"]

    assert manager["type"] == "user"
    assert profile["fields"][manager["id"]]["value"] == "U0MAX"
    assert client.users_profile_get(user="U0MAX")["profile"]["fields"] == {}


def test_guests_and_strangers_are_marked(slack: LocalSlack, client: WebClient) -> None:
    slack.change_person("U0BEA", is_stranger=True, team_id="T0OTHER")

    guest, stranger = (client.users_info(user=user)["user"] for user in ("U0GST", "U0BEA"))

    assert guest["is_restricted"]
    assert (stranger["is_stranger"], stranger["team_id"]) == (True, "T0OTHER")


def test_groups_and_members_are_listed(slack: LocalSlack, client: WebClient) -> None:
    assert client.usergroups_users_list(usergroup="S0LEADS")["users"] == ["U0MAX", "U0BEA"]
    assert client.usergroups_list(include_users=True)["usergroups"][0]["handle"] == "leads"
    assert "U0GST" not in client.conversations_members(channel="C0GENERAL")["members"]
    assert client.auth_test()["bot_id"] == slack.workspace.app.bot_id


def test_lists_come_in_pages(client: WebClient) -> None:
    seen: list[str] = []
    cursor = None
    while cursor != "":
        page = client.users_list(limit=2, cursor=cursor)
        seen += [member["id"] for member in page["members"]]
        cursor = page["response_metadata"]["next_cursor"]

    assert len(seen) == len(set(seen)) == 5


def test_history_has_no_replies_and_no_ephemeral_messages(client: WebClient) -> None:
    ts = client.chat_postMessage(channel="C0GENERAL", text="first")["ts"]
    client.chat_postMessage(channel="C0GENERAL", text="reply", thread_ts=ts)
    client.chat_postEphemeral(channel="C0GENERAL", user="U0ANN", text="psst")
    client.chat_postMessage(channel="C0GENERAL", text="second")

    history = client.conversations_history(channel="C0GENERAL")["messages"]
    replies = client.conversations_replies(channel="C0GENERAL", ts=ts)["messages"]

    assert [message["text"] for message in history] == ["second", "first"]
    assert history[1]["reply_count"] == 1
    assert [message["text"] for message in replies] == ["first", "reply"]


def test_lone_surrogates_are_replaced_before_they_are_kept(slack: LocalSlack) -> None:
    body = b'{"channel":"C0GENERAL","text":"a\\ud800b"}'
    headers = {"Authorization": f"Bearer {slack.bot_token}", "Content-Type": "application/json"}

    httpx.post(slack.api_url + "chat.postMessage", content=body, headers=headers)

    assert slack.history("C0GENERAL")[0]["text"] == "a\ufffdb"


@pytest.fixture
def narrow() -> Iterator[WebClient]:
    """A client of an app that may only write."""
    with LocalSlack(workspace(app={"scopes": frozenset({"chat:write"})})) as slack:
        yield WebClient(slack.bot_token, base_url=slack.api_url)


def test_a_missing_scope_is_named(narrow: WebClient) -> None:
    refused = refusal(narrow, "users.info", user="U0ANN")

    assert refused["error"] == "missing_scope"
    assert (refused["needed"], refused["provided"]) == ("users:read", "chat:write")


def test_a_channel_takes_about_one_message_a_second_when_limits_are_on() -> None:
    clock = ShiftedClock()
    with LocalSlack(workspace(behaviour={"rate_limits": True}), clock=clock) as slack:
        client = WebClient(slack.bot_token, base_url=slack.api_url, retry_handlers=[])
        for _ in range(5):
            client.chat_postMessage(channel="C0GENERAL", text="x")
        with pytest.raises(SlackApiError) as refused:
            client.chat_postMessage(channel="C0GENERAL", text="x")
        client.chat_postMessage(channel="C0APPROVE", text="another channel")
        clock.advance(2)
        assert client.chat_postMessage(channel="C0GENERAL", text="x")["ok"]

    response = refused.value.response
    assert (response.status_code, response["error"]) == (429, "ratelimited")
    assert int(response.headers["Retry-After"]) >= 1


def test_ordered_faults_happen_as_often_as_ordered(slack: LocalSlack, client: WebClient) -> None:
    slack.order_fault("chat.postMessage", Fault("error", code="fatal_error"))
    slack.order_fault("chat.postMessage", Fault("ratelimited", seconds=7))
    slack.order_fault("*", Fault("status", status=503))

    assert refusal(client, "chat.postMessage", channel="C0GENERAL", text="x")["error"] == "fatal_error"
    with pytest.raises(SlackApiError) as limited:
        client.chat_postMessage(channel="C0GENERAL", text="x")
    assert limited.value.response.headers["Retry-After"] == "7"
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    assert httpx.post(slack.api_url + "chat.postMessage", headers=headers).status_code == 503
    assert client.chat_postMessage(channel="C0GENERAL", text="x")["ok"]
    assert slack.calls("chat.postMessage") == 4


def test_a_dropped_call_was_carried_out_all_the_same(slack: LocalSlack) -> None:
    slack.order_fault("chat.postMessage", Fault("drop"))
    headers = {"Authorization": f"Bearer {slack.bot_token}"}

    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(slack.api_url + "chat.postMessage", json={"channel": "C0GENERAL", "text": "x"}, headers=headers)

    assert [message["text"] for message in slack.history("C0GENERAL")] == ["x"]


def test_a_hanging_call_ends_with_the_faults_and_does_nothing(slack: LocalSlack) -> None:
    slack.order_fault("chat.postMessage", Fault("hang"))
    headers = {"Authorization": f"Bearer {slack.bot_token}"}

    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            slack.api_url + "chat.postMessage", json={"channel": "C0GENERAL", "text": "x"}, headers=headers, timeout=0.2
        )
    slack.clear_faults()

    assert slack.history("C0GENERAL") == []
