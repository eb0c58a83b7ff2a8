"""What must not get in, what must not break, and what people are told about it."""

import hashlib
import hmac
import logging
import threading
import time
import urllib.error
import urllib.request
from urllib.parse import urlencode

import pytest
from structlog.testing import capture_logs

from bot.core.audit import SYSTEM
from bot.sandbox.slack.faults import Fault
from bot.sandbox.slack.screen import words
from bot.sandbox.slack.visitor import Refused
from bot.slack import ids
from bot.slack.trouble import DATABASE_AWAY, redact
from tests.slack.conftest import OpenOffice
from tests.slack.doing import LINE, again, ask
from tests.slack.office import GUS, INES, MAYA, RAVI, Office


def test_a_guest_is_told_why_and_gets_nothing(office: Office) -> None:
    gus = office.visitor(GUS)
    gus.command("/prodaccess", "general")
    gus.wait_for_message("Guests may not use prodaccess", "general")
    assert not gus.modals()


def test_someone_deactivated_loses_the_use_at_once(office: Office) -> None:
    office.enrol("maya")
    maya = office.visitor(MAYA)
    maya.command("/prodaccess help")
    maya.wait_for_message("Ask for access")
    office.slack.change_person(MAYA, deleted=True)
    maya.wait_for(lambda: office.directory.user(MAYA).refused, what="Slack's word of the change")
    maya.command("/prodaccess", "general")
    maya.wait_for_message("deactivated", "general")
    assert not maya.modals()


def test_another_teams_people_are_refused(either_office: Office) -> None:
    office = either_office
    office.slack.change_person(MAYA, team_id="T0OTHER")
    maya = office.visitor(MAYA)
    maya.command("/prodaccess", "general")
    maya.wait_for_message("Only members of this workspace", "general")


def test_a_click_from_another_team_changes_nothing(office: Office) -> None:
    office.enrol("maya")
    ask(office)
    ravi = office.visitor(RAVI)
    card = ravi.wait_for_message("nightly export", "approvals")
    office.slack.change_person(RAVI, team_id="T0OTHER")
    ravi.click(card, ids.DENY)
    assert not ravi.modals()
    assert len(office.desk.queries.pending()) == 1


def test_a_reason_of_ten_thousand_characters_is_refused_below_its_field(office: Office) -> None:
    """The client holds it back; forged past the client, the bot does."""
    office.enrol("maya")
    maya = office.visitor(MAYA)
    _fill_in(maya)
    maya.fill(reason="x" * 10_000)
    assert "reason" in maya.submit().errors
    maya.fill(reason="long enough to be sent")
    maya.submit()
    payload = next(
        payload for kind, payload in reversed(office.slack.sent()) if payload.get("type") == "view_submission"
    )
    payload["view"]["state"]["values"]["reason"]["reason"]["value"] = "x" * 10_000
    answer = office.slack.deliver("interactive", payload)
    assert answer["response_action"] == "errors"
    assert answer["errors"]["reason"] == "This is 10,000 characters long; the longest is 3,000."


def test_every_problem_stands_below_its_own_field_and_nothing_typed_is_lost(office: Office) -> None:
    office.enrol("maya")
    maya = office.visitor(MAYA)
    _fill_in(maya)
    maya.fill(duration="9h", reason="short", Prefix="no such thing!")
    errors = maya.submit().errors
    assert errors["duration"] == "9 h is not within what is allowed here, from 1 min to 2 h."
    assert errors["reason"] == "The reason needs 10 to 3000 characters; this has 5."
    assert errors["param:s3-read:prefix"] == "Prefix must be the start of the keys."
    maya.fill(duration="two hours")
    assert "two hours" in maya.submit().errors["duration"]
    assert maya.typed(maya.modal())["reason"]["reason"]["value"] == "short"


def test_choosing_another_role_keeps_what_was_typed(office: Office) -> None:
    office.enrol("maya")
    maya = office.visitor(MAYA)
    _fill_in(maya)
    maya.fill(role="s3-write")
    maya.wait_for_modal("PAY-123")
    typed = maya.typed(maya.modal())
    assert typed["duration"]["duration"]["value"] == "1h"
    assert typed["reason"]["reason"]["value"] == "The export is broken"
    assert typed["param:s3-write:bucket"]["param"]["selected_option"]["value"] == "pay-logs"
    assert typed["account:s3-write"]["account"]["selected_option"]["value"] == "pay"


def test_only_what_one_may_ask_for_is_offered(office: Office) -> None:
    office.enrol("maya")
    maya = office.visitor(MAYA)
    maya.command("/prodaccess")
    modal = maya.wait_for_modal("Request access")
    assert {option["value"] for option in maya.options(modal, "role", "")} == {"s3-read", "s3-write", "look"}
    assert maya.options(modal, "role", "secret") == []
    assert [option["value"] for option in maya.options(modal, "role", "status")] == ["look"]


def test_a_hidden_role_asked_for_by_hand_is_refused_like_an_unknown_one(office: Office) -> None:
    office.enrol("maya")
    maya = office.visitor(MAYA)
    maya.command("/prodaccess secret-role pay 1h please let me in")
    maya.wait_for_message("There is no role “secret-role” that you may ask for")
    assert not maya.modals()


def test_a_line_with_mistakes_comes_back_with_a_form_that_keeps_the_rest(office: Office) -> None:
    office.enrol("maya")
    maya = office.visitor(MAYA)
    maya.command("/prodaccess s3-read pay bucket=pay-logs 9h the export is <!channel> broken")
    told = maya.wait_for_message("9 h is not within")
    assert "the export is <!channel> broken" in words(told)
    maya.click(told, ids.ASK_AGAIN)
    form = maya.wait_for_modal("Request access")
    typed = maya.typed(form)
    assert typed["param:s3-read:bucket"]["param"]["selected_option"]["value"] == "pay-logs"
    assert typed["reason"]["reason"]["value"] == "the export is <!channel> broken"


def test_mentions_and_hidden_characters_reach_nobody(office: Office) -> None:
    office.enrol("maya")
    ask(
        office, "/prodaccess s3-read pay bucket=pay-logs 1h the\u202e export\u200b <!channel> <@U0INES> *is* broken\x00"
    )
    card = office.visitor(RAVI).wait_for_message("export <!channel>", "approvals")
    reason = next(
        block for block in card["blocks"] if "export" in str(block.get("text")) and block["type"] == "section"
    )
    assert reason["text"]["type"] == "plain_text"
    assert reason["text"]["text"] == "the export <!channel> @U0INES *is* broken"


def test_a_double_click_grants_once(office: Office) -> None:
    office.enrol("maya", "ravi")
    maya = office.visitor(MAYA)
    maya.command("/prodaccess look pay 30m to see whether it is up")
    maya.wait_for_modal("exactly this")
    maya.submit()
    ravi = office.visitor(RAVI)
    card = ravi.wait_for_message("whether it is up", "approvals")
    ravi.click(card, ids.APPROVE)
    ravi.click(card, ids.APPROVE)
    ravi.wait_for_message("already approved", "approvals")
    assert len(office.grants("maya")) == 1
    assert office.tags().count("request.approved") == 1


def test_an_approver_without_authenticator_learns_how_to_get_one(office: Office) -> None:
    office.enrol("maya")
    ask(office)
    ines = office.visitor(INES)
    ines.click(ines.wait_for_message("nightly export", "approvals"), ids.APPROVE)
    ines.wait_for_message("Set up your authenticator first", "approvals")


def test_whoever_is_no_approver_is_told_so(office: Office) -> None:
    office.enrol("maya")
    ask(office)
    maya = office.visitor(MAYA)
    card = maya.wait_for_message("nightly export", "approvals")
    maya.click(card, ids.DENY)
    maya.wait_for_modal("asks for")
    maya.fill(note="Because")
    maya.submit()
    maya.wait_for_modal("Only an approver of this request may deny it")
    maya.close()
    maya.click(card, ids.APPROVE)
    maya.wait_for_message("Nobody approves their own request", "approvals")
    assert len(office.desk.queries.pending()) == 1


def test_without_its_database_the_bot_says_so_everywhere(office: Office) -> None:
    office.enrol("maya")
    maya = office.visitor(MAYA)
    _fill_in(maya)
    office.store.away = True
    submitted = maya.submit()
    assert list(submitted.errors.values()) == [DATABASE_AWAY]
    maya.command("/prodaccess status", "general")
    maya.wait_for_message(DATABASE_AWAY, "general")
    office.store.away = False
    assert maya.submit().action == "push"


def test_over_http_too_a_lost_database_is_answered(open_office: OpenOffice) -> None:
    office = open_office(over_http=True)
    office.store.away = True
    maya = office.visitor(MAYA)
    maya.command("/prodaccess", "general")
    maya.wait_for_message(DATABASE_AWAY, "general")


def test_what_nobody_expected_gets_a_reference_and_no_traceback(office: Office) -> None:
    office.enrol("maya")
    maya = office.visitor(MAYA)
    office.desk.access.providers.clear()
    with capture_logs() as logs:
        maya.command(LINE)
        told = maya.wait_for_message("Something went wrong on our side")
    assert "Traceback" not in words(told)
    assert "KeyError" not in words(told)
    (entry,) = [entry for entry in logs if entry["event"] == "slack.failed"]
    assert entry["reference"] in words(told)
    assert "KeyError" in entry["trace"]


def test_the_same_in_a_modal_stands_below_a_field(office: Office) -> None:
    office.enrol("maya")
    maya = office.visitor(MAYA)
    _fill_in(maya)
    office.desk.access.providers.clear()
    submitted = maya.submit()
    assert submitted.action == "errors"
    assert "Reference: " in " ".join(submitted.errors.values())


def test_a_slow_answer_is_an_error_below_a_field_not_a_dead_modal(office: Office) -> None:
    office.enrol("maya")
    maya = office.visitor(MAYA)
    _fill_in(maya)
    office.slack.order_fault("users.info", Fault("delay", seconds=5), times=5)
    office.directory.forget(MAYA)
    submitted = maya.submit()
    assert "longer than Slack allows" in " ".join(submitted.errors.values())


def test_a_cloud_that_takes_its_time_is_waited_for_in_the_modal(office: Office) -> None:
    office.enrol("maya")
    answers = threading.Event()
    office.around_cloud = lambda call, done: answers.wait(20)
    maya = office.visitor(MAYA)
    maya.command(LINE)
    maya.wait_for_modal("exactly this")
    maya.fill(code=office.code("maya"))
    assert maya.submit().action == "update"
    assert "Checking with the cloud" in words(maya.modal())
    answers.set()
    maya.wait_for_modal("Sent.")


def test_a_lost_connection_comes_back_by_itself(office: Office) -> None:
    maya = office.visitor(MAYA)
    office.slack.drop_connections()
    maya.wait_for(lambda: office.slack.connections == 1, timeout=20, what="the bot to connect again")
    maya.command("/prodaccess help")
    maya.wait_for_message("Ask for access")


def test_no_code_token_or_seed_is_ever_logged(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as logs:
        office.enrol("maya", "ines")
        maya = office.visitor(MAYA)
        maya.command(LINE)
        maya.wait_for_modal("exactly this")
        code = office.code("maya")
        maya.fill(code=code)
        maya.submit()
        maya.wait_for_modal("Sent.")
    bots = [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith(("prodaccess", "slack_", "bot.slack"))
    ]
    everything = "\n".join([*bots, *map(str, logs)])
    assert code not in everything
    assert office.config.bot_token not in everything
    assert office.config.app_token not in everything


def test_redaction_leaves_no_secret_and_keeps_the_rest() -> None:
    trace = "code 123456 of otpauth://totp/x?secret=ABCDEFGHIJKLMNOP seed ABCD EFGH IJKL MNOP token xoxb-1-a line 12"
    assert redact(trace) == "code [redacted] of [redacted] seed [redacted] token [redacted] line 12"


# --- signed requests over HTTP ---------------------------------------------------------------------------


def test_a_forged_or_stale_signature_gets_nowhere(open_office: OpenOffice) -> None:
    office = open_office(over_http=True)
    body = _command(office)
    now = int(time.time())
    assert _post(office, body, "wrong-secret", now) == 401
    assert _post(office, body, office.config.signing_secret, now - 301) == 401
    assert _post(office, body, office.config.signing_secret, now) == 200


def test_a_replayed_request_is_refused_once_it_was_seen(open_office: OpenOffice) -> None:
    office = open_office(over_http=True)
    body, now = _command(office), int(time.time())
    assert _post(office, body, office.config.signing_secret, now) == 200
    assert _post(office, body, office.config.signing_secret, now) == 401


def test_an_event_that_comes_twice_is_handled_once(office: Office) -> None:
    maya = office.visitor(MAYA)
    maya.open_home()
    maya.wait_for_home("Production access")
    before = office.slack.calls("views.publish")
    payload = next(payload for kind, payload in office.slack.sent() if kind == "events_api")
    office.slack.deliver("events_api", payload)
    office.handled()
    assert office.slack.calls("views.publish") == before
    office.slack.deliver("events_api", {**payload, "event_id": "Ev0NEW"})
    maya.wait_for(lambda: office.slack.calls("views.publish") == before + 1, what="the new event's page")


def test_an_old_button_of_no_meaning_is_answered(office: Office) -> None:
    office.enrol("maya")
    ask(office)
    payload = {
        "type": "block_actions",
        "team": {"id": "T0LOCALDEMO"},
        "user": {"id": MAYA, "team_id": "T0LOCALDEMO"},
        "actions": [{"type": "button", "action_id": "gone.long-ago", "block_id": "b", "value": "x"}],
    }
    office.slack.deliver("interactive", payload)
    office.visitor(MAYA).wait_for_message("This button is from an older message")


@pytest.mark.parametrize("fault", [Fault("error", "expired_trigger_id"), Fault("drop"), Fault("status", status=500)])
def test_a_window_that_cannot_be_opened_is_told_by_message(office: Office, fault: Fault) -> None:
    office.enrol("maya")
    maya = office.visitor(MAYA)
    office.slack.order_fault("views.open", fault)
    maya.command("/prodaccess")
    maya.wait_for_message("Slack did not let me open the window in time")


def test_the_card_that_was_clicked_late_is_brought_up_to_date(office: Office) -> None:
    office.enrol("maya")
    request = ask(office)
    ravi = office.visitor(RAVI)
    card = ravi.wait_for_message("nightly export", "approvals")
    office.slack.order_fault("chat.update", Fault("error", "internal_error"), times=50)
    office.desk.access.withdraw(request, SYSTEM, "gone")
    ravi.wait_for(lambda: not office.desk.queries.pending(), what="the request to be cancelled")
    office.slack.clear_faults()
    ravi.click(card, ids.DENY)
    ravi.wait_for_message("already cancelled", "approvals")
    ravi.wait_for(lambda: "Cancelled" in words(again(ravi, card, "approvals")), what="the card")


def test_a_command_is_acknowledged_even_when_it_fails_at_once(office: Office) -> None:
    maya = office.visitor(MAYA)
    try:
        maya.command(f"/prodaccess {'x' * 9000}")
    except Refused as error:
        pytest.fail(str(error))
    maya.wait_for_message("the longest is 8,000")


def _fill_in(maya) -> None:
    maya.command("/prodaccess")
    maya.wait_for_modal("Request access")
    maya.fill(role="s3-read")
    maya.wait_for_modal("Bucket")
    maya.fill(account="pay", Bucket="pay-logs", work="bug-fix", duration="1h", reason="The export is broken")
    maya.wait_for_modal("for Bug fix")


def _command(office: Office) -> bytes:
    payload = {
        "command": "/prodaccess",
        "text": "help",
        "team_id": "T0LOCALDEMO",
        "user_id": MAYA,
        "channel_id": "C0GENERAL",
    }
    return urlencode({**payload, "response_url": f"{office.slack.url}/commands/none", "trigger_id": "1.2.3"}).encode()


def _post(office: Office, body: bytes, secret: str, timestamp: int) -> int:
    base = b":".join((b"v0", str(timestamp).encode(), body))
    signature = "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": str(timestamp),
        "X-Slack-Signature": signature,
    }
    request = urllib.request.Request(office.request_url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
