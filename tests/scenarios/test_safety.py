"""What comes in that should not: forged, stale and repeated payloads, strangers, people who are no more."""

import http.client
import itertools
import json
import sqlite3
import time
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from bot.sandbox.slack import screen
from bot.sandbox.slack.errors import DispatchError
from bot.sandbox.slack.http_delivery import sign
from bot.sandbox.slack.jsontypes import Json
from bot.settings import Transport
from bot.slack import ids
from tests.scenarios.company import APPROVALS, TEAM
from tests.scenarios.conftest import OpenWorld
from tests.scenarios.harness import LINE, World, at_once, wait_for

AHEAD = itertools.count(1)
"""Seconds that a timestamp lies in the future: ever more, so that no two requests have the same signature."""
FORM = "application/x-www-form-urlencoded"
LOOK = "/prodaccess look payments-prod 30m is it up or is it down"


@pytest.fixture
def http_world(open_world: OpenWorld) -> World:
    return open_world(transport=Transport.HTTP)


def last_sent(world: World, kind: str, **having: str) -> Json:
    """The newest payload of a kind that went to the bot."""
    payloads = [p for k, p in world.slack.sent() if k == kind and all(p.get(n) == v for n, v in having.items())]
    return dict(payloads[-1])


def signed(world: World, body: bytes, *, kind: str = FORM, secret: str = "", age: float = 0) -> dict[str, str]:
    """Slack's headers for a body; ``age`` in seconds."""
    stamp = str(int(time.time() - age))
    signature = sign(secret or world.slack.signing_secret, stamp, body)
    return {"Content-Type": kind, "X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature}


def encoded(payload: Json) -> tuple[str, bytes]:
    """Content type and body, as Slack sends them."""
    if payload.get("type") == "event_callback":
        return "application/json", json.dumps(payload).encode()
    return FORM, urlencode(payload if "command" in payload else {"payload": json.dumps(payload)}).encode()


def post(world: World, payload: Json, *, secret: str = "", age: float = 0) -> int:
    """Post to the bot's own address as whoever can reach it; the answer's status."""
    kind, body = encoded(payload)
    return send(world, body, signed(world, body, kind=kind, secret=secret, age=age))


def deliver_again(world: World, kind: str, payload: Json, times: int = 3) -> None:
    """As when Slack, or whoever listened, sends it again; over HTTP a repeated signature is refused as such."""
    for _ in range(times):
        if world.transport is Transport.HTTP:
            assert post(world, payload, age=-next(AHEAD)) == 200
        else:
            world.slack.deliver(kind, payload)


def send(world: World, body: bytes, headers: dict[str, str]) -> int:
    """The status of the answer."""
    parts = urlsplit(world.service.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.request("POST", "/slack/events", body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def confirmation(world: World, who: str = "maya") -> Json:
    """A confirmation that needs no code, sent once; its payload."""
    visitor = world.visitor(who)
    visitor.command(LOOK)
    visitor.wait_for_modal("exactly this")
    visitor.submit()
    visitor.wait_for_modal("Sent.")
    visitor.close()
    return last_sent(world, "interactive", type="view_submission")


# --- the wire --------------------------------------------------------------------------------------------


def test_a_forged_stale_or_missing_signature_is_refused(http_world: World) -> None:
    world = http_world
    request_id = world.ask(LOOK)
    world.visitor("ravi").click(world.card("ravi", request_id), ids.PERMISSIONS)
    click = last_sent(world, "interactive", type="block_actions")
    click["actions"] = [{**click["actions"][0], "action_id": ids.APPROVE}]
    assert post(world, click, secret="0" * 32) == 401
    assert post(world, click, age=6 * 60) == 401
    kind, body = encoded(click)
    assert send(world, body, {"Content-Type": kind}) == 401
    assert send(world, body + b"%20", signed(world, body)) == 401
    assert world.is_pending(request_id)
    assert post(world, click) == 200
    world.wait_for_grant(request_id, "active")


def test_the_same_signed_request_counts_once(http_world: World) -> None:
    world = http_world
    kind, body = encoded(last_sent_command(world))
    headers = signed(world, body, kind=kind, age=10)
    answers = at_once([lambda: send(world, body, headers) for _ in range(5)])
    assert sorted(answers, key=str) == [200, 401, 401, 401, 401]


def last_sent_command(world: World) -> Json:
    world.visitor("maya").command("/prodaccess help")
    world.visitor("maya").wait_for_message("Ask for access")
    return last_sent(world, "slash_commands")


def test_a_body_that_is_no_payload_is_refused_quietly(http_world: World) -> None:
    world = http_world
    for body in (b"", b"payload=", b"payload=%7B", b"payload=[]", b"\xff\xfe\x00"):
        assert send(world, body, signed(world, body)) in {200, 400, 401, 404}
    assert world.ask(LOOK)


def test_a_redelivered_event_is_handled_once(world: World) -> None:
    maya = world.visitor("maya")
    maya.open_home()
    maya.wait_for_home("Production access")
    event = last_sent(world, "events_api")
    before = world.slack.calls("views.publish")
    deliver_again(world, "events_api", event)
    maya.command("/prodaccess help")
    maya.wait_for_message("Ask for access")
    assert world.slack.calls("views.publish") == before


def test_a_repeated_submission_asks_once(world: World) -> None:
    payload = confirmation(world)
    deliver_again(world, "interactive", payload)
    assert len(world.pending()) == 1
    assert len(world.audit("request.submitted")) == 1


def test_a_repeated_click_grants_once(world: World) -> None:
    request_id = world.ask(LOOK)
    world.approve(request_id, "ravi")
    grant = world.wait_for_grant(request_id, "active")
    click = last_sent(world, "interactive", type="block_actions")
    deliver_again(world, "interactive", click)
    world.visitor("maya").command(f"/prodaccess release {grant.id}")
    world.wait_for_grant(request_id, "ended")
    deliver_again(world, "interactive", click)
    assert len(world.grants_of(request_id)) == 1
    assert len(world.audit("grant.active")) == 1


def test_somebody_elses_draft_cannot_be_confirmed(world: World) -> None:
    maya, tomas = world.visitor("maya"), world.visitor("tomas")
    for visitor in (maya, tomas):
        visitor.command(LINE)
        visitor.wait_for_modal("exactly this")
    assert world.type_code("maya", world.wrong_code("maya")).action == "errors"
    draft = last_sent(world, "interactive", type="view_submission")["view"]["private_metadata"]
    assert world.type_code("tomas", world.wrong_code("tomas")).action == "errors"
    payload = last_sent(world, "interactive", type="view_submission")
    state = {"values": {"code": {"code": {"type": "plain_text_input", "value": world.code("tomas")}}}}
    world.slack.deliver(
        "interactive", {**payload, "view": {**payload["view"], "private_metadata": draft, "state": state}}
    )
    assert not world.pending()
    assert not world.audit("step-up.passed")


# --- strangers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "says"),
    [("zed", "Only members of this workspace may use prodaccess"), ("gwen", "Guests may not use prodaccess")],
)
def test_strangers_and_guests_are_refused_wherever_they_click(world: World, who: str, says: str) -> None:
    request_id = world.ask(LOOK)
    visitor = world.visitor(who)
    for line in ("/prodaccess", "/prodaccess help", LOOK, "/prodaccess enrol", "/prodaccess status"):
        visitor.command(line)
    visitor.wait_for_message(says)
    card = world.card(who, request_id)
    for action in (ids.APPROVE, ids.DENY, ids.PERMISSIONS):
        visitor.click(card, action, value=request_id)
    visitor.open_home()
    assert not visitor.modals()
    assert world.is_pending(request_id)
    assert "s3:" not in world.shown_to(who)
    assert not world.audit("mfa.enrolment-requested")


def test_a_payload_that_names_another_team_is_refused(world: World) -> None:
    request_id = world.ask(LOOK)
    world.visitor("ravi").click(world.card("ravi", request_id), ids.PERMISSIONS)
    click = last_sent(world, "interactive", type="block_actions")
    click["actions"] = [{**click["actions"][0], "action_id": ids.APPROVE}]
    for change in ({"team": {"id": "T0ELSEWHERE"}}, {"user": {**click["user"], "team_id": "T0ELSEWHERE"}}):
        world.slack.deliver("interactive", {**click, **change})
    command = {**last_sent(world, "slash_commands"), "team_id": "T0ELSEWHERE"}
    assert "Only members of this workspace" in str(world.slack.deliver("slash_commands", command))
    assert world.is_pending(request_id)


def test_a_person_whom_slack_does_not_know_gets_nowhere(world: World) -> None:
    command = {**last_sent_command(world), "user_id": "U0NOBODY", "text": LOOK.partition(" ")[2]}
    world.slack.deliver("slash_commands", command)
    world.visitor("maya").wait_for_message("could not be looked up")
    assert not world.visitor("maya").modals()


# --- people who are no more ------------------------------------------------------------------------------


def test_a_deactivated_approver_cannot_approve(world: World) -> None:
    request_id = world.ask(LOOK)
    card = world.card("ravi", request_id)
    world.slack.change_person("U0RAVI", deleted=True)
    ravi = world.visitor("ravi")

    def refused() -> bool:
        ravi.click(card, ids.PERMISSIONS, value=request_id)
        for _ in ravi.modals():
            ravi.close()
        return any("deactivated" in screen.words(m) for m in ravi.messages(APPROVALS))

    ravi.wait_for(refused, what="the bot to have heard of it")
    ravi.click(card, ids.APPROVE, value=request_id)
    assert world.is_pending(request_id)


def test_nothing_is_granted_to_somebody_who_was_deactivated_between_asking_and_approving(world: World) -> None:
    request_id = world.ask(LOOK)
    card = world.card("ravi", request_id)
    world.slack.change_person("U0MAYA", deleted=True)
    maya = world.visitor("maya")

    def heard() -> bool:
        maya.command("/prodaccess help")
        return any("deactivated" in screen.words(m) for m in maya.messages())

    maya.wait_for(heard, what="the bot to have heard of it")
    ravi = world.visitor("ravi")
    ravi.click(card, ids.APPROVE, value=request_id)
    ravi.wait_for(lambda: len(ravi.messages(APPROVALS)) > 1 or world.grants_of(request_id), what="an answer")
    for grant in world.grants_of(request_id):
        world.wait_for_grant(request_id, "ended")
        assert str(grant.status) != "active"
    assert not world.audit("grant.active")
    assert not world.cloud.policies("maya")


# --- what can never be pressed ---------------------------------------------------------------------------


def forged_click(world: World, who: str, action: str, value: str) -> Json:
    """A button press that Slack would sign, on a message that the bot never sent."""
    visitor = world.visitor(who)
    visitor.command("/prodaccess help")
    visitor.wait_for_message("Ask for access")
    sent = last_sent(world, "slash_commands", user_id=visitor.user)
    return {
        "type": "block_actions",
        "team": {"id": TEAM, "domain": "x"},
        "user": {"id": visitor.user, "team_id": TEAM, "name": "x", "username": "x"},
        "trigger_id": sent["trigger_id"],
        "container": {"type": "message", "channel_id": sent["channel_id"], "is_ephemeral": True},
        "channel": {"id": sent["channel_id"], "name": "directmessage"},
        "actions": [{"type": "button", "action_id": action, "value": value, "block_id": "b"}],
        "api_app_id": sent["api_app_id"],
        "response_url": sent["response_url"],
        "enterprise": None,
        "is_enterprise_install": False,
    }


def test_every_button_takes_ids_that_nobody_ever_made(world: World) -> None:
    actions = [value for name, value in vars(ids).items() if name.isupper() and isinstance(value, str) and "." in value]
    base = forged_click(world, "maya", "x", "")
    for action in [*actions, "nonsense", ""]:
        for value in ("r-0000000000", "", "x" * 2000, "'; DROP TABLE grants; --", "../../etc/passwd"):
            button = {"type": "button", "action_id": action, "value": value, "block_id": "b"}
            world.slack.deliver("interactive", {**base, "actions": [button]})
    assert "Something went wrong" not in world.shown_to("maya")
    assert not world.log_lines("slack.failed")
    assert not world.pending()


def test_payloads_with_missing_parts_break_nothing(http_world: World) -> None:
    world = http_world
    base = forged_click(world, "maya", ids.APPROVE, "x")
    maimed: list[dict[str, Any]] = [
        {name: part for name, part in base.items() if name != left_out}
        for left_out in ("actions", "container", "channel", "trigger_id", "response_url", "user", "team")
    ]
    maimed += [{**base, "actions": []}, {**base, "user": {"team_id": TEAM}}, {**base, "type": "view_submission"}]
    for payload in maimed:
        try:
            world.slack.deliver("interactive", payload)
        except DispatchError:
            continue  # not taken at all
    assert world.ask(LOOK)


# --- when we break ourselves -----------------------------------------------------------------------------


def spoil_policy(world: World, request_id: str) -> None:
    """A record that no code of ours could have written."""
    with sqlite3.connect(world.folder / "prodaccess.db", timeout=10) as database:
        database.execute(
            "UPDATE requests SET policy = 'token=xoxb-1234-secret code 987654 {' WHERE id = ?", [request_id]
        )


def test_a_failure_of_ours_is_told_by_a_reference_and_logged_without_secrets(world: World) -> None:
    request_id = world.ask(LOOK)
    card = world.card("ravi", request_id)
    spoil_policy(world, request_id)
    ravi = world.visitor("ravi")
    ravi.click(card, ids.PERMISSIONS)
    words = screen.words(ravi.wait_for_message("Something went wrong on our side", APPROVALS))
    reference = words.partition("Reference: ")[2].split(".")[0].strip("`* ")
    assert reference
    (line,) = [entry for entry in world.log_lines("slack.failed") if entry["reference"] == reference]
    assert "Traceback" in line["trace"]
    for secret in ("xoxb-1234-secret", "987654"):
        assert secret not in world.logged()
    for internal in ("Traceback", 'File "', "json", "Error"):
        assert internal not in words


def test_a_failure_inside_a_modal_is_told_there_and_the_modal_stays(world: World) -> None:
    maya = world.visitor("maya")
    maya.command("/prodaccess s3-read payments-prod bucket=payments-logs 1h the nightly export is broken")
    maya.wait_for_modal("exactly this")
    with world.service.parts.store.transaction() as tx:
        authenticator = tx.authenticator("maya")
        assert authenticator is not None
        tx.remove_authenticator("maya")
        spoiled = {name: getattr(authenticator, name) for name in ("person", "key_id", "enrolled_at", "vouched_by")}
        tx.save_authenticator(type(authenticator)(sealed=b"spoiled", **spoiled))
    answer = world.type_code("maya")
    assert answer.action == "errors"
    assert "Reference: " in answer.errors["code"]
    assert wait_for(lambda: world.log_lines("slack.failed"), "the log line")
