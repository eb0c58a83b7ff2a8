"""Text that means more to Slack, or shows less to people, than it seems to: nowhere does it do anything."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bot.sandbox.slack import screen
from bot.sandbox.slack.jsontypes import Json
from bot.slack import ids
from tests.scenarios.company import APPROVALS, SLACK_ID
from tests.scenarios.harness import LINE, World

SHOUT = "<!channel> <!here> <@U0SAM> <https://evil.example|click> *bold* `code` & <script>alert(1)</script>"
LIVE = ("<!channel>", "<!here>", "<https://evil.example|click>", "<script>")
ODD = "re\u202eversed \u200bzero\u200dwidth nul\x00l bell\x07 \ufeffbom \u2066iso\u2069 sur\ud800rogate tag\U000e0041"


def mrkdwn(thing: Any) -> Iterator[str]:
    """Every text that Slack would interpret."""
    if isinstance(thing, list):
        for entry in thing:
            yield from mrkdwn(entry)
    elif isinstance(thing, dict):
        if thing.get("type") == "mrkdwn":
            yield str(thing.get("text"))
        for part in thing.values():
            if isinstance(part, (list, dict)):
                yield from mrkdwn(part)


def live_texts(world: World) -> str:
    """What Slack would interpret of everything that anybody sees."""
    texts: list[str] = []
    for name in SLACK_ID:
        visitor = world.visitor(name)
        state = visitor.state()
        messages = [message for c in state["channels"] for message in visitor.messages(c["id"])]
        texts += [str(message.get("text") or "") for message in messages]
        texts += mrkdwn([messages, state["modals"], state["home"] or {}])
    return "\n".join(texts)


def open_form(world: World, reason: str) -> None:
    maya = world.visitor("maya")
    maya.command("/prodaccess")
    maya.wait_for_modal("Request access")
    maya.fill(role="s3-read")
    maya.wait_for_modal("Kind of work")
    maya.fill(("Bucket", "payments-logs"), ("work", "bug-fix"))
    maya.wait_for_modal("for Bug fix")
    maya.fill(("duration", "1h"), ("reason", reason))


def send_form(world: World, reason: str) -> str:
    """Ask by the form; the request's id."""
    maya = world.visitor("maya")
    open_form(world, reason)
    assert maya.submit().action == "push"
    assert world.type_code("maya").action == "update"
    maya.wait_for_modal("Sent.")
    maya.open_home()
    maya.close()
    return world.pending()[-1].id


def test_mentions_links_and_markup_in_a_reason_are_shown_and_do_nothing(world: World) -> None:
    request_id = send_form(world, f"The export is broken {SHOUT}")
    words = screen.words(world.card("ines", request_id))
    assert SHOUT in words or SHOUT in words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    world.approve(request_id)
    world.visitor("maya").wait_for_message("You have access")
    texts = live_texts(world)
    for live in LIVE:
        assert live not in texts


def test_mentions_and_markup_in_what_deciders_write_do_nothing(world: World) -> None:
    denied = world.ask()
    ines, maya = world.visitor("ines"), world.visitor("maya")
    ines.click(world.card("ines", denied), ids.DENY)
    ines.wait_for_modal("asks for")
    ines.fill(note=SHOUT)
    assert ines.submit().action == "clear"
    maya.wait_for_message("was denied")
    grant = world.granted()
    ines.command(f"/prodaccess revoke {grant.id} {SHOUT}")
    maya.wait_for_message("Your access has ended")
    world.card("ines", grant.request_id, APPROVALS, "Ended")
    texts = live_texts(world)
    for live in LIVE:
        assert live not in texts


def test_markup_in_a_wrong_line_is_quoted_and_does_nothing(world: World) -> None:
    maya = world.visitor("maya")
    for line in (
        f"s3-read payments-prod bucket={SHOUT}",
        f"{SHOUT} payments-prod 1h",
        f"s3-read {SHOUT} 1h because of reasons",
        f"release {SHOUT}",
        f"revoke {SHOUT}",
        f"reset {SHOUT}",
        f"s3-read payments-prod --<!channel>=x {SHOUT}",
    ):
        maya.command(f"/prodaccess {line}")
    maya.wait_for(lambda: len(maya.messages()) >= 6, what="the answers")
    texts = live_texts(world)
    for live in LIVE:
        assert live not in texts


def test_a_hostile_display_name_does_nothing(world: World) -> None:
    world.slack.change_person("U0TOMAS", real_name="<!channel> *Tomás* \u202e", name="tomas")
    request_id = world.ask(who="tomas")
    world.card("olga", request_id)
    assert "<!channel>" not in live_texts(world)


def test_what_cannot_be_seen_is_not_kept(world: World) -> None:
    request_id = send_form(world, f"The export is broken {ODD}")
    reason = world.request(request_id).ask.reason
    assert reason == "The export is broken reversed zerowidth null bell bom iso sur\ufffdrogate tag"
    assert reason in screen.words(world.card("ines", request_id))
    world.approve(request_id)
    world.wait_for_grant(request_id, "active")


def test_odd_characters_in_a_typed_line_are_taken_out_too(world: World) -> None:
    request_id = world.ask(f"{LINE} {ODD}")
    assert "\u202e" not in world.request(request_id).ask.reason
    assert "\x00" not in world.request(request_id).ask.reason


def test_odd_characters_in_a_code_a_note_and_an_invite_are_refused_kindly(world: World) -> None:
    request_id = world.ask()
    ines = world.visitor("ines")
    ines.click(world.card("ines", request_id), ids.APPROVE)
    ines.wait_for_modal("You approve")
    for code in ("12\u200b345", "12345\x00", "\ud800\ud800", "١٢٣٤٥٦"):
        assert world.type_code("ines", code).action == "errors"
    ines.close()
    ines.click(world.card("ines", request_id), ids.DENY)
    ines.wait_for_modal("asks for")
    ines.fill(note="\u200b\u202e\x00")
    assert ines.submit().action == "errors"
    ines.fill(note=ODD)
    assert ines.submit().action == "clear"
    assert "\x00" not in json.dumps(world.wait_for_audit("request.denied"), ensure_ascii=False)


# --- past what Slack's client would send -----------------------------------------------------------------


def resend(world: World, **changes: str) -> Json:
    """The form that was sent first, its fields changed on the wire; the bot's answer."""
    payload = next(payload for _, payload in world.slack.sent() if payload.get("type") == "view_submission")
    values = json.loads(json.dumps(payload["view"]["state"]["values"]))
    for block, value in changes.items():
        ((action, state),) = values[block].items()
        key = "selected_option" if "selected_option" in state else "value"
        values[block] = {action: {**state, key: {"value": value} if key == "selected_option" else value}}
    view = {**payload["view"], "state": {"values": values}}
    return world.slack.deliver("interactive", {**payload, "view": view})


def test_ten_thousand_characters_past_slacks_own_limit_are_refused_below_the_field(world: World) -> None:
    open_form(world, "The export is broken")
    maya = world.visitor("maya")
    assert maya.submit().action == "push"
    answer = resend(world, reason="x" * 10_000)
    assert answer["response_action"] == "errors"
    assert "10,000" in answer["errors"]["reason"]
    assert "3,000" in answer["errors"]["reason"]
    answer = resend(world, duration="9" * 10_000)
    assert list(answer["errors"]) == ["duration"]
    assert not world.pending()


def test_a_line_of_ten_thousand_characters_is_refused_with_its_length(world: World) -> None:
    maya = world.visitor("maya")
    maya.command(f"{LINE} {'x' * 10_000}")
    maya.wait_for(lambda: any("characters long" in screen.words(m) for m in maya.messages()), what="an answer")
    assert not world.pending()


def test_the_longest_reason_fits_on_every_card(world: World) -> None:
    request_id = send_form(world, "&<>" * 1000)
    assert len(world.request(request_id).ask.reason) == 3000
    world.card("ines", request_id)
    world.card("ines", request_id, None)
    world.visitor("ines").click(world.card("ines", request_id), ids.PERMISSIONS)
    world.visitor("ines").wait_for_modal("Exact permissions")
    world.visitor("ines").close()
    world.approve(request_id)
    world.wait_for_grant(request_id, "active")


@pytest.mark.parametrize(
    ("block", "value"),
    [
        ("role", "leads-only"),
        ("role", "no-such-role"),
        ("account:s3-read", "payments-staging"),
        ("account:s3-read", "data-prod"),
        ("param:s3-read:bucket", "somebody-elses-bucket"),
        ("param:s3-read:prefix", "*"),
        ("param:s3-read:prefix", "app/\n*"),
        ("work:s3-read", "gardening"),
    ],
)
def test_what_was_not_offered_is_refused_when_asked_for_by_hand(socket_world: World, block: str, value: str) -> None:
    world = socket_world
    open_form(world, "The export is broken")
    assert world.visitor("maya").submit().action == "push"
    answer = resend(world, **{block: value})
    assert answer["response_action"] == "errors"
    assert not world.pending()
