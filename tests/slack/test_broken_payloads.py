"""Payloads that Slack should never send: each gets one honest answer, and changes nothing."""

import copy
import http.client
import logging
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from structlog.testing import capture_logs

from bot.sandbox.slack.http_delivery import sign
from bot.slack import ids, payloads
from bot.slack.shape import out_of_shape
from bot.slack.trouble import SLOW, UNREADABLE, explain
from tests.slack.conftest import OpenOffice
from tests.slack.doing import ask
from tests.slack.office import MAYA, RAVI, Office

FORM = "application/x-www-form-urlencoded"
Change = Callable[[dict[str, Any]], Any]


def submission(office: Office) -> dict[str, Any]:
    """The request form as Maya sent it, filled in but for what she left out."""
    maya = office.visitor(MAYA)
    maya.command("/prodaccess")
    maya.wait_for_modal("Request access")
    maya.fill(role="s3-read")
    maya.wait_for_modal("Bucket")
    maya.fill(account="pay", Bucket="pay-logs", work="bug-fix", duration="1h", reason="The export is broken")
    maya.submit()
    return last(office, "view_submission")


def last(office: Office, kind: str) -> dict[str, Any]:
    """The newest payload of this type that the app was sent."""
    return next(copy.deepcopy(payload) for _, payload in reversed(office.slack.sent()) if payload.get("type") == kind)


def said(answer: dict[str, Any]) -> str:
    """What a submitted modal is answered with."""
    return " ".join(answer.get("errors", {}).values()) or str(answer.get("view", {}).get("blocks"))


@pytest.fixture
def form(either_office: Office) -> tuple[Office, dict[str, Any]]:
    either_office.enrol("maya")
    return either_office, submission(either_office)


def test_the_form_without_any_team_is_answered_and_leads_nowhere(form: tuple[Office, dict[str, Any]]) -> None:
    office, payload = form
    del payload["team"], payload["user"]["team_id"]
    answer = office.slack.deliver("interactive", payload)
    assert UNREADABLE in said(answer)
    assert answer["response_action"] == "errors"


def test_what_fits_no_listener_is_acknowledged_and_logged_in_one_line(form: tuple[Office, dict[str, Any]]) -> None:
    office, payload = form
    payload["view"]["callback_id"] = "of.another-app"
    with capture_logs() as logs:
        answer = office.slack.deliver("interactive", payload)
    assert UNREADABLE in said(answer)
    (line,) = [line for line in logs if line["log_level"] != "debug"]
    assert line["event"] == "slack.unreadable"
    assert not [word for word in (MAYA, "export", "Traceback", "another-app") if word in str(line)]


def test_a_payload_of_no_known_type_is_acknowledged(form: tuple[Office, dict[str, Any]]) -> None:
    office, payload = form
    assert office.slack.deliver("interactive", {**payload, "type": "shortcut", "callback_id": "x"}) == {}
    del payload["type"]
    assert office.slack.deliver("interactive", payload) == {}


BROKEN: dict[str, Change] = {
    "a modal that is null": lambda body: body.update(view=None),
    "a modal that is a list": lambda body: body.update(view=[body["view"]]),
    "a modal without its type": lambda body: body["view"].pop("type"),
    "fields that are texts": lambda body: body["view"].update(blocks=["role", "code"]),
    "fields that are null": lambda body: body["view"].update(blocks=[None]),
    "a state that is a list": lambda body: body["view"].update(state=[]),
    "values that are a list": lambda body: body["view"]["state"].update(values=[[]]),
    "a start that is a text": lambda body: body["view"]["state"]["values"].update(start={"start": _at("soon")}),
    "a start without end": lambda body: body["view"]["state"]["values"].update(start={"start": _at(2**63)}),
    "a user that is a list": lambda body: body.update(user=[body["user"]]),
    "a user of odd characters": lambda body: body["user"].update(id="U\ud800\x00"),
    "a team that is a number": lambda body: body.update(team=7),
    "an enterprise that is a number": lambda body: body.update(enterprise=7),
    "an address that is none": lambda body: body.update(response_url="file:///etc/passwd"),
    "addresses that are null": lambda body: body.update(response_urls=None),
    "authorizations inside of each other": lambda body: body.update(authorizations=[{"authorizations": 7}]),
}


def _at(when: object) -> dict[str, object]:
    return {"type": "datetimepicker", "selected_date_time": when}


def test_a_form_with_a_part_of_the_wrong_kind_is_answered_without_a_traceback(
    form: tuple[Office, dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    office, payload = form
    caplog.set_level(logging.DEBUG)
    for name, change in BROKEN.items():
        body = copy.deepcopy(payload)
        change(body)
        caplog.clear()
        with capture_logs() as logs:
            assert UNREADABLE in said(office.slack.deliver("interactive", body)), name
        assert [line["event"] for line in logs if line["log_level"] != "debug"] == ["slack.unreadable"], name
        assert "Traceback" not in f"{logs} {caplog.text}", name
    assert "The export is broken" not in caplog.text


CLICKS: dict[str, Change] = {
    "no actions": lambda body: body.update(actions=[]),
    "an action that is null": lambda body: body.update(actions=[None]),
    "an action that is a text": lambda body: body.update(actions=["request.deny"]),
    "actions that are a mapping": lambda body: body.update(actions={"0": body["actions"][0]}),
    "an action without an id": lambda body: body["actions"][0].pop("action_id"),
    "an id that is a list": lambda body: body["actions"][0].update(action_id=["request.deny"]),
    "a message that is a list": lambda body: body.update(message=[]),
    "blocks that are texts": lambda body: body["message"].update(blocks=["a", "b"]),
    "elements that are texts": lambda body: body["message"].update(blocks=[{"elements": ["a"]}]),
}


def test_a_click_with_a_part_of_the_wrong_kind_is_acknowledged_and_opens_nothing(either_office: Office) -> None:
    office = either_office
    office.enrol("maya")
    ask(office)
    ravi = office.visitor(RAVI)
    ravi.click(ravi.wait_for_message("nightly export", "approvals"), ids.DENY)
    ravi.wait_for_modal("asks for")
    ravi.close()
    payload = last(office, "block_actions")
    for name, change in CLICKS.items():
        body = copy.deepcopy(payload)
        change(body)
        with capture_logs() as logs:
            assert office.slack.deliver("interactive", body) == {}, name
            office.answered()
        assert [line["event"] for line in logs if line["log_level"] != "debug"] == ["slack.unreadable"], name
    assert not ravi.modals()
    assert len(office.desk.queries.pending()) == 1


def test_an_event_about_nobody_is_taken_and_forgotten(either_office: Office) -> None:
    office = either_office
    office.slack.change_person(MAYA, title="Senior engineer")
    payload = office.visitor(MAYA).wait_for(lambda: last(office, "event_callback"), what="Slack's word of the change")
    changes: list[Any] = [{"type": "user_change", "user": user} for user in (None, {}, {"deleted": True}, [])]
    for number, event in enumerate([*changes, {"type": "user_change"}, {"type": "subteam_members_changed"}, None, {}]):
        with capture_logs() as logs:
            assert office.slack.deliver("events_api", {**payload, "event_id": f"Ev{number}", "event": event}) == {}
            office.answered()
        assert not [line for line in logs if line["log_level"] == "error"], event


@pytest.mark.parametrize("payload", [None, [], 7, "text", [{"type": "block_actions"}]])
def test_an_envelope_with_anything_in_it_is_acknowledged(
    office: Office, payload: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert office.slack.deliver("interactive", payload) == {}
    assert "Traceback" not in caplog.text


def test_a_form_without_fields_is_answered_in_its_place(form: tuple[Office, dict[str, Any]]) -> None:
    office, payload = form
    payload["view"]["blocks"] = []
    answer = office.slack.deliver("interactive", payload)
    assert answer["response_action"] == "update"
    assert "Nothing was sent" in said(answer)


def test_a_listener_that_is_late_is_not_said_to_have_changed_nothing(
    form: tuple[Office, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    office, payload = form
    monkeypatch.setattr("bot.slack.edge.ANSWER_WITHIN", 15.0)
    over, identify = threading.Event(), type(office.desk.people).identify

    def identify_late(*arguments: Any) -> Any:
        over.wait(15)
        return identify(*arguments)

    monkeypatch.setattr(type(office.desk.people), "identify", identify_late)
    answer = office.slack.deliver("interactive", {**payload, "again": 1})
    over.set()
    assert SLOW in said(answer)


# --- over HTTP -------------------------------------------------------------------------------------------


def post(office: Office, body: bytes, kind: str = FORM, **headers: str) -> tuple[int, str]:
    """The status and body of the answer to a signed request; ``headers`` take the place of the right ones."""
    at = str(int(time.time()))
    signed = {"Content-Type": kind, "X-Slack-Request-Timestamp": at}
    signed["X-Slack-Signature"] = sign(office.config.signing_secret, at, body)
    url = urlsplit(office.request_url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=15)
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("POST", url.path, body, {**signed, **changed})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


NO_PAYLOADS = [
    (b"{", "application/json"),
    (b"[" * 100_000, "application/json"),
    (b"\x00\x01", "application/json"),
    (urlencode({"payload": "{"}).encode(), FORM),
    (urlencode({"payload": ""}).encode(), FORM),
]


def test_a_signed_body_that_cannot_be_parsed_is_a_bad_request(
    open_office: OpenOffice, caplog: pytest.LogCaptureFixture
) -> None:
    office = open_office(over_http=True)
    for body, kind in NO_PAYLOADS:
        assert post(office, body, kind)[0] == 400, body[:20]
        assert post(office, body, kind, X_Slack_Signature="v0=0")[0] == 401, body[:20]
    assert "Traceback" not in caplog.text


def test_a_signed_body_that_is_no_mapping_is_acknowledged(open_office: OpenOffice) -> None:
    office = open_office(over_http=True)
    for body in (b"[]", b"null", b"7", b'"text"', b""):
        assert post(office, body, "application/json")[0] == 200, body


ODD_HEADERS = [
    {"X_Slack_Request_Timestamp": "soon"},
    {"X_Slack_Request_Timestamp": ""},
    {"X_Slack_Request_Timestamp": "9" * 5_000},
    {"X_Slack_Request_Timestamp": "1e9"},
    {"X_Slack_Signature": ""},
    {"X_Slack_Signature": "v0=\xe9"},
    {"X_Slack_Signature": "x" * 9_000},
]


def test_a_signature_of_odd_characters_is_a_forged_one(open_office: OpenOffice) -> None:
    office = open_office(over_http=True)
    body = urlencode({"command": "/prodaccess", "text": "help", "team_id": "T0LOCALDEMO", "user_id": MAYA}).encode()
    with capture_logs() as logs:
        for headers in ODD_HEADERS:
            assert post(office, body, **headers)[0] == 401, headers
    assert not [line for line in logs if line["log_level"] == "error"]
    assert post(office, b"\xff\xfe" + body)[0] == 401


# --- values ----------------------------------------------------------------------------------------------


def test_what_is_of_the_wrong_kind_counts_as_missing() -> None:
    for wrong in (None, 7, "text", ["text"], [None, 7], {"a": 1}):
        assert payloads.block_ids({"blocks": wrong}) == ()
        click = payloads.click({"actions": wrong, "message": {"blocks": wrong}})
        assert (click.action, click.value, click.beside) == ("", "", frozenset())
        assert payloads.click({"message": {"blocks": [{"elements": wrong}]}}).beside == frozenset()
    assert payloads.block_ids({"blocks": [{"type": "input"}, {"type": "input", "block_id": ["a"]}]}) == ()
    assert payloads.entered_time({"state": {"values": {"start": {"start": _at(2**80)}}}}, "start") is None
    assert payloads.entered_time({"state": {"values": {"start": {"start": _at(True)}}}}, "start") is None
    assert payloads.Submitted(payloads.origin_of({}), "", {"id": "V1", "root_view_id": []}).is_root is False


@pytest.mark.parametrize("odd", ["\ud800", "r-1\x00", "r-1 or 1=1", "ü", "r" * 256, 7, None, ["r-1"]])
def test_an_id_that_we_never_gave_is_none(odd: Any) -> None:
    assert payloads.click({"actions": [{"action_id": "a", "value": odd}]}).value == ""
    assert payloads.submitted({"view": {"private_metadata": odd}}).subject == ""


def test_a_text_with_half_a_character_can_still_be_hashed() -> None:
    view = {"state": {"values": {"invite": {"invite": {"value": "ab\ud800"}}}}}
    assert payloads.entered(view, "invite").encode() == "ab\ufffd".encode()


def test_a_payload_in_shape_is_told_from_one_that_is_not() -> None:
    assert out_of_shape({"type": "event_callback", "event": {"type": "message", "user": {"id": "U1"}}}) == ""
    assert out_of_shape({"command": "/prodaccess", "text": "ü \ud800", "user_id": "U1", "enterprise": None}) == ""
    assert out_of_shape({"type": "event_callback"}) == "event.type"
    assert out_of_shape({"type": "event_callback", "event": {"type": "x", "user": {"id": []}}}) == "event.user"
    assert out_of_shape({"actions": [{"action_id": "a"}, {"action_id": 7}]}) == "actions[].action_id"
    assert out_of_shape({"view": {"state": {"values": {"secret": {"x": 1}}}}}) == "view.state.values.*.*"
    assert out_of_shape([]) == "(body)"


def test_a_mistake_of_ours_inside_of_bolt_is_told_with_a_reference() -> None:
    assert "Reference: " in explain(_raised_in("slack_bolt.app", "bot.slack.edge", "slack_bolt.context"), "x")
    assert "Reference: " in explain(_raised_in("slack_bolt.app", "bot.slack.guard"), "x")
    assert explain(_raised_in("bot.slack.door", "slack_bolt.app", "slack_bolt.request"), "x") == UNREADABLE


def _raised_in(*modules: str) -> Exception:
    """A KeyError from functions of these modules, each called by the one before it."""
    call: Callable[[], Any] = {}.popitem
    for module in reversed(modules):
        room: dict[str, Any] = {"__name__": module, "call": call}
        exec("def run():\n    call()", room)
        call = room["run"]
    try:
        call()
    except KeyError as error:
        # Without this test's own frame: whoever called Bolt comes first.
        return error.with_traceback(error.__traceback__.tb_next if error.__traceback__ else None)
    raise AssertionError
