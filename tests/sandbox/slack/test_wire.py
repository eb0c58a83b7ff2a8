"""The real Bolt app against the local Slack, over Socket Mode and over signed HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.web.client import WebClient

from bot.sandbox.slack import screen
from bot.sandbox.slack.server import LocalSlack
from bot.sandbox.slack.visitor import Refused, Submission, Visitor
from tests.sandbox.slack.echo import Echo, modal, plain
from tests.sandbox.slack.harness import RunApp


@pytest.fixture
def ann(slack: LocalSlack) -> Visitor:
    return slack.visitor("U0ANN")


@pytest.fixture
def echo(run_app: RunApp) -> Echo:
    made = Echo()
    run_app(made.build)
    return made


def test_a_form_goes_from_the_command_through_errors_and_a_pushed_modal_to_the_end(ann: Visitor, echo: Echo) -> None:
    ann.command("/prodaccess")
    ann.wait_for_modal("Fruit")

    ann.fill(fruit="apricot", reason="bad")
    assert ann.submit() == Submission("errors", {"reason": "Give a better reason"})
    ann.fill(reason="good enough")
    assert ann.submit() == Submission("push")
    ann.fill(code="000000")
    assert ann.submit() == Submission("errors", {"code": "Wrong code"})
    ann.fill(code="123456")
    assert ann.submit() == Submission("clear")

    assert ann.modals() == []
    ann.wait_for_message("Done")
    form, code = echo.payloads("form")[-1]["view"], echo.payloads("code")[-1]["view"]
    assert form["state"]["values"]["fruit"]["pick"]["selected_option"]["value"] == "apricot"
    assert form["state"]["values"]["note"]["value"] == {"type": "plain_text_input", "value": None}
    assert (code["previous_view_id"], code["root_view_id"]) == (form["id"], form["id"])


def test_the_client_refuses_what_is_missing_or_too_short_without_asking_the_app(ann: Visitor, echo: Echo) -> None:
    ann.command("/prodaccess")
    ann.wait_for_modal()
    ann.fill(reason="ab")

    result = ann.submit()

    assert result.errors == {
        "fruit": "Please complete this required field.",
        "reason": "Please enter at least 3 characters.",
    }
    assert echo.payloads("form") == []


def test_an_updated_view_keeps_what_was_typed_into_inputs_that_stay(ann: Visitor, echo: Echo) -> None:
    ann.command("/prodaccess")
    ann.wait_for_modal()
    ann.fill(fruit="banana", reason="again", note="keep me")
    before = ann.modal()

    assert ann.submit().action == "update"

    after = ann.modal()
    assert after["id"] == before["id"]
    assert after["hash"] != before["hash"]
    assert after["title"]["text"] == "Form again"
    assert ann.typed(after)["note"]["value"]["value"] == "keep me"


def test_typing_into_an_external_select_asks_the_app(ann: Visitor, echo: Echo) -> None:
    ann.command("/prodaccess")
    modal = ann.wait_for_modal()

    offered = ann.options(modal, "pick", "ap")

    assert [option["value"] for option in offered] == ["apple", "apricot"]
    asked = echo.payloads("options")[-1]
    assert (asked["block_id"], asked["action_id"], asked["value"]) == ("fruit", "pick", "ap")
    assert asked["view"]["id"] == modal["id"]


@pytest.mark.parametrize("reason", ["stranger", "huge"])
def test_an_answer_that_slack_would_not_take_leaves_the_modal_and_says_so(
    ann: Visitor, echo: Echo, reason: str
) -> None:
    ann.command("/prodaccess")
    ann.wait_for_modal()
    ann.fill(fruit="apple", reason=reason)

    with pytest.raises(Refused, match="invalid_response"):
        ann.submit()

    assert len(ann.modals()) == 1
    assert ann.notices() == ["We had some trouble connecting. Try again?"]


def test_a_button_sends_its_value_and_the_card_changes_for_everyone(ann: Visitor, echo: Echo) -> None:
    ann.command("/prodaccess card")
    card = ann.wait_for_message("A card")

    ann.click(card, "go")

    ann.wait_for_message("Gone")
    payload = echo.payloads("go")[0]
    assert payload["actions"][0]["value"] == "42"
    assert payload["actions"][0]["block_id"] == "row"
    assert payload["container"]["message_ts"] == card["ts"]
    assert payload["user"]["id"] == "U0ANN"
    assert payload["response_url"].startswith("http://127.0.0.1")


def test_a_click_on_a_card_that_has_changed_since_still_reaches_the_app(ann: Visitor, echo: Echo) -> None:
    ann.command("/prodaccess card")
    card = ann.wait_for_message("A card")
    ann.click(card, "go")
    ann.wait_for_message("Gone")

    ann.click(card, "go")

    ann.wait_for(lambda: len(echo.payloads("go")) == 2)


def test_a_button_that_never_was_cannot_be_clicked(ann: Visitor, echo: Echo) -> None:
    ann.command("/prodaccess card")
    card = ann.wait_for_message("A card")
    card["blocks"][0]["elements"][0]["action_id"] = "forged"

    with pytest.raises(Refused, match="element_not_found"):
        ann.click(card, "forged")


def test_a_command_is_answered_in_private_by_its_acknowledgement(slack: LocalSlack, ann: Visitor, echo: Echo) -> None:
    ann.command("/prodaccess echo hello", "general")

    assert ann.messages("general")[-1]["text"] == "echo hello"
    assert ann.messages("general")[-1]["ephemeral"]
    assert slack.visitor("U0BEA").messages("general") == []
    command = echo.payloads("command")[0]
    assert {name: command[name] for name in ("command", "text", "user_id", "user_name", "channel_id")} == {
        "command": "/prodaccess",
        "text": "echo hello",
        "user_id": "U0ANN",
        "user_name": "ann",
        "channel_id": "C0GENERAL",
    }
    assert command["is_enterprise_install"] == "false"


def test_response_urls_answer_in_private_or_to_all(slack: LocalSlack, ann: Visitor, echo: Echo) -> None:
    ann.command("/prodaccess respond", "general")

    ann.wait_for_message("for all", "general")
    assert [m["text"] for m in ann.messages("general")] == ["in private", "for all"]
    assert [m["text"] for m in slack.visitor("U0BEA").messages("general")] == ["for all"]


def test_opening_the_home_tab_lets_the_app_fill_it_and_its_buttons_work(ann: Visitor, echo: Echo) -> None:
    assert ann.home() is None
    ann.open_home()
    home = ann.wait_for_home("Welcome")

    ann.click(home, "Go")

    assert echo.payloads("go")[0]["container"] == {"type": "view", "view_id": home["id"]}
    assert echo.payloads("home")[0]["tab"] == "home"


def test_closing_tells_an_app_that_asked_for_it_only(ann: Visitor, echo: Echo) -> None:
    ann.command("/prodaccess")
    ann.wait_for_modal()
    ann.close()
    ann.command("/prodaccess listen")
    ann.wait_for_modal()
    ann.close(cleared=True)

    ann.wait_for(lambda: echo.payloads("closed"))
    assert [payload["is_cleared"] for payload in echo.payloads("closed")] == [True]


def test_what_people_say_to_the_app_arrives_as_an_event_with_its_text_escaped(ann: Visitor, echo: Echo) -> None:
    ann.say("1 < 2 & @max <!channel>")

    ann.wait_for(lambda: echo.payloads("event"))
    event = echo.payloads("event")[0]["event"]
    assert event["text"] == "1 &lt; 2 &amp; <@U0MAX> &lt;!channel&gt;"
    assert (event["type"], event["channel_type"], event["user"]) == ("message", "im", "U0ANN")


def test_a_deactivated_person_is_announced_to_the_app(slack: LocalSlack, ann: Visitor, echo: Echo) -> None:
    slack.change_person("U0BEA", deleted=True)

    ann.wait_for(lambda: echo.payloads("event"))
    user = echo.payloads("event")[0]["event"]["user"]
    assert (user["id"], user["deleted"]) == ("U0BEA", True)


@pytest.mark.parametrize(
    "text", ["nul \0 here", "lone \ud800 surrogate", "bidi \u202e zero \u200b width", "é\U0001f600"]
)
def test_any_text_at_all_gets_through_the_wire(ann: Visitor, echo: Echo, text: str) -> None:
    ann.command("/prodaccess " + text)
    ann.wait_for_modal()
    ann.fill(fruit="apple", reason="done", note=text)

    assert ann.submit().action == "close"

    got = echo.payloads("form")[0]["view"]["state"]["values"]["note"]["value"]["value"]
    assert got == text
    assert screen.words(ann.home()) == ""


def test_a_late_app_costs_the_visitor_a_timeout_and_no_retry(ann: Visitor, echo: Echo) -> None:
    echo.before_ack = 2.5

    with pytest.raises(Refused, match="operation_timeout"):
        ann.command("/prodaccess")

    assert ann.notices() == ['/prodaccess failed with the error "operation_timeout"']
    assert len(echo.payloads("command")) == 1


def test_the_app_is_told_of_changed_and_deleted_messages_but_bolt_passes_over_its_own(
    slack: LocalSlack, ann: Visitor, echo: Echo, client: WebClient
) -> None:
    posted = client.chat_postMessage(channel="U0ANN", text="one")
    client.chat_update(channel=posted["channel"], ts=posted["ts"], text="two")
    client.chat_delete(channel=posted["channel"], ts=posted["ts"])

    _, changed, deleted = (payload["event"] for kind, payload in slack.sent() if kind == "events_api")
    assert (changed["subtype"], changed["message"]["text"], changed["previous_message"]["text"]) == (
        "message_changed",
        "two",
        "one",
    )
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", posted["ts"])
    ann.say("last")
    ann.wait_for(lambda: echo.payloads("event"))
    assert [seen["event"]["text"] for seen in echo.payloads("event")] == ["last"]


def test_a_choice_that_is_no_longer_offered_is_gone_after_an_update(
    slack: LocalSlack, ann: Visitor, echo: Echo, client: WebClient
) -> None:
    def view(*names: str) -> dict[str, Any]:
        options = [{"text": plain(name), "value": name} for name in names]
        element = {"type": "static_select", "action_id": "pick", "options": options}
        return modal(
            "choice", "Choose", {"type": "input", "block_id": "one", "label": plain("One"), "element": element}
        )

    ann.command("/prodaccess")
    opened = ann.wait_for_modal()
    client.views_update(view_id=opened["id"], view=view("a", "b"))
    ann.fill(one="b")
    assert ann.typed(ann.modal())["one"]["pick"]["selected_option"]["value"] == "b"
    assert ann.submit().errors == {"one": "Choose again"}

    client.views_update(view_id=opened["id"], view=view("a", "c"))

    assert ann.modal()["state"]["values"]["one"]["pick"]["selected_option"] is None
