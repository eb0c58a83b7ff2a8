"""Trigger ids and response URLs: how often and how long they can be used."""

from __future__ import annotations

import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.client import WebClient
from slack_sdk.webhook.client import WebhookClient

from bot.sandbox.slack.clock import ShiftedClock
from bot.sandbox.slack.server import LocalSlack
from tests.sandbox.slack.echo import CODE, FORM, Echo
from tests.sandbox.slack.harness import RunApp


def command_payload(slack: LocalSlack, run_app: RunApp) -> dict[str, str]:
    echo = Echo()
    run_app(echo.build)
    slack.visitor("U0ANN").command("/prodaccess echo x")
    return echo.payloads("command")[0]


def error_of(call: object, **arguments: object) -> str:
    with pytest.raises(SlackApiError) as refusal:
        call(**arguments)  # type: ignore[operator]
    return str(refusal.value.response["error"])


def test_a_trigger_opens_one_view(slack: LocalSlack, client: WebClient, run_socket_app: RunApp) -> None:
    trigger_id = command_payload(slack, run_socket_app)["trigger_id"]

    client.views_open(trigger_id=trigger_id, view=FORM)

    assert error_of(client.views_open, trigger_id=trigger_id, view=FORM) == "exchanged_trigger_id"


def test_a_trigger_lives_three_seconds(
    slack: LocalSlack, client: WebClient, run_socket_app: RunApp, clock: ShiftedClock
) -> None:
    trigger_id = command_payload(slack, run_socket_app)["trigger_id"]

    clock.advance(3.1)

    assert error_of(client.views_open, trigger_id=trigger_id, view=FORM) == "expired_trigger_id"


def test_a_made_up_trigger_is_invalid(client: WebClient) -> None:
    assert error_of(client.views_open, trigger_id="1.2.abc", view=FORM) == "invalid_trigger_id"


def test_a_refused_view_leaves_the_trigger_unspent(
    slack: LocalSlack, client: WebClient, run_socket_app: RunApp
) -> None:
    trigger_id = command_payload(slack, run_socket_app)["trigger_id"]
    bad = {**FORM, "title": {"type": "plain_text", "text": "x" * 25}}

    assert error_of(client.views_open, trigger_id=trigger_id, view=bad) == "invalid_arguments"

    assert client.views_open(trigger_id=trigger_id, view=FORM)["ok"]


def test_only_an_interaction_in_a_modal_can_push_and_three_is_the_limit(
    slack: LocalSlack, client: WebClient, run_socket_app: RunApp
) -> None:
    echo, ann = Echo(), slack.visitor("U0ANN")
    run_socket_app(echo.build)
    ann.command("/prodaccess echo x")
    trigger_id = echo.payloads("command")[0]["trigger_id"]
    assert error_of(client.views_push, trigger_id=trigger_id, view=CODE) == "not_found"
    ann.command("/prodaccess")
    ann.wait_for_modal()
    ann.fill(fruit="apple", reason="bad")
    for title in ("two", "three"):
        form = next(modal for modal in ann.modals() if modal["callback_id"] == "form")
        ann.submit(form)
        view = {**CODE, "title": {"type": "plain_text", "text": title}}
        client.views_push(trigger_id=echo.payloads("form")[-1]["trigger_id"], view=view)

    ann.submit(form)
    trigger_id = echo.payloads("form")[-1]["trigger_id"]
    assert error_of(client.views_push, trigger_id=trigger_id, view=CODE) == "push_limit_reached"
    assert [modal["title"]["text"] for modal in ann.modals()] == ["Form", "two", "three"]


def test_views_update_knows_its_view_and_its_hash(slack: LocalSlack, client: WebClient, run_socket_app: RunApp) -> None:
    trigger_id = command_payload(slack, run_socket_app)["trigger_id"]
    view = client.views_open(trigger_id=trigger_id, view={**FORM, "external_id": "mine"})["view"]

    updated = client.views_update(external_id="mine", hash=view["hash"], view=FORM)["view"]

    assert updated["id"] == view["id"]
    assert error_of(client.views_update, view_id=view["id"], hash=view["hash"], view=FORM) == "hash_conflict"
    assert error_of(client.views_update, view_id="V0NOWHERE", view=FORM) == "not_found"


def test_an_external_id_is_taken_while_its_view_is_open(
    slack: LocalSlack, client: WebClient, run_socket_app: RunApp
) -> None:
    echo = Echo()
    run_socket_app(echo.build)
    for user in ("U0ANN", "U0BEA"):
        slack.visitor(user).command("/prodaccess echo x")
    mine, hers = (payload["trigger_id"] for payload in echo.payloads("command"))
    client.views_open(trigger_id=mine, view={**FORM, "external_id": "one"})

    taken = error_of(client.views_open, trigger_id=hers, view={**FORM, "external_id": "one"})

    assert taken == "duplicate_external_id"


def test_a_response_url_can_be_used_five_times(slack: LocalSlack, run_socket_app: RunApp) -> None:
    webhook = WebhookClient(command_payload(slack, run_socket_app)["response_url"])

    answers = [webhook.send(text=f"number {number}") for number in range(6)]

    assert [answer.status_code for answer in answers] == [200] * 5 + [404]
    assert "used_url" in answers[-1].body


def test_a_response_url_lives_thirty_minutes(slack: LocalSlack, run_socket_app: RunApp, clock: ShiftedClock) -> None:
    webhook = WebhookClient(command_payload(slack, run_socket_app)["response_url"])

    clock.advance(30 * 60 + 1)

    assert "expired_url" in webhook.send(text="too late").body


def test_a_response_url_of_a_click_replaces_or_deletes_the_message(
    slack: LocalSlack, client: WebClient, run_socket_app: RunApp
) -> None:
    echo, ann = Echo(), slack.visitor("U0ANN")
    run_socket_app(echo.build)
    button = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
    client.chat_postEphemeral(
        channel="C0GENERAL", user="U0ANN", text="private", blocks=[{"type": "actions", "elements": [button]}]
    )
    ann.click(ann.wait_for_message("private", "general"), "go")
    payload = echo.payloads("go")[0]
    webhook = WebhookClient(payload["response_url"])
    assert payload["container"]["is_ephemeral"]
    assert "message" not in payload

    webhook.send(text="replaced", replace_original=True)
    assert [(m["text"], m["blocks"]) for m in ann.messages("general")] == [("replaced", [])]
    webhook.send(delete_original=True)
    assert ann.messages("general") == []


def test_a_response_url_takes_no_message_that_slack_would_refuse(slack: LocalSlack, run_socket_app: RunApp) -> None:
    url = command_payload(slack, run_socket_app)["response_url"]

    refused = httpx.post(url, json={"blocks": [{"type": "divider"}] * 51})

    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_blocks")
