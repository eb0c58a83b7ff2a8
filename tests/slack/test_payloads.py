"""Slack's payloads as values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.text import TextTooLong
from bot.slack import payloads
from tests.fuzz.mutations import fuzzed

TYPED = [
    ("s3-read pay 2h why", "s3-read pay 2h why"),
    ("reset <@U0MAYA|maya>", "reset @U0MAYA"),
    ("reset <@U0MAYA>", "reset @U0MAYA"),
    ("see <https://wiki.example/a?b=1&amp;c=2>", "see https://wiki.example/a?b=1&c=2"),
    ("see <https://wiki.example|the wiki>", "see https://wiki.example"),
    ("in <#C0GENERAL|general>", "in general"),
    ("a &lt; b &amp;&amp; c &gt; d", "a < b && c > d"),
    ("tell <!channel> now", "tell <!channel> now"),
    ("a\u202eb\u200bc\x00d", "abcd"),
    ("a < b > c", "a < b > c"),
]


@pytest.mark.parametrize(("sent", "text"), TYPED)
def test_a_command_line_is_read_however_slack_escaped_it(sent: str, text: str) -> None:
    assert payloads.line({"text": sent, "user_id": "U1", "team_id": "T1"}).text == text


def test_a_line_beyond_all_measure_is_refused() -> None:
    with pytest.raises(TextTooLong):
        payloads.line({"text": "x" * 10_000})


def test_every_team_that_a_payload_names_is_seen() -> None:
    assert payloads.origin_of({"team": {"id": "T1"}, "user": {"id": "U1", "team_id": "T2"}}).teams == {"T1", "T2"}
    event = {"team_id": "T1", "event": {"user": "U1", "source_team": "T3", "user_team": "T4"}}
    assert payloads.origin_of(event).teams == {"T1", "T3", "T4"}
    assert payloads.origin_of({}).teams == frozenset()


def test_a_message_that_only_one_person_sees_is_never_updated() -> None:
    container = {"type": "message", "message_ts": "1.0", "channel_id": "C1", "is_ephemeral": True}
    assert payloads.origin_of({"container": container, "channel": {"id": "C1"}}).message == ""
    assert payloads.origin_of({"container": {**container, "is_ephemeral": False}}).message == "1.0"


def test_no_code_or_secret_address_is_in_any_repr() -> None:
    view = {"type": "modal", "state": {"values": {"code": {"code": {"type": "plain_text_input", "value": "123456"}}}}}
    body = {"view": view, "trigger_id": "trigger-1", "response_url": "https://hooks.example/secret"}
    for value in (payloads.submitted(body), payloads.click(body), payloads.lookup(body)):
        assert "123456" not in repr(value)
        assert "secret" not in repr(value)
        assert "trigger-1" not in repr(value)
    assert payloads.entered(view, "code") == "123456"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["user", "id", "team", "view", "state", "values", "blocks", "type", "actions", "event", "a"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@fuzzed(100)
@given(st.dictionaries(st.sampled_from(["user", "team", "view", "container", "channel", "event"]), _JSON, max_size=4))
def test_parts_of_the_wrong_kind_count_as_missing(body: dict[str, object]) -> None:
    origin = payloads.origin_of(body)
    assert isinstance(origin.user, str)
    assert all(isinstance(team, str) for team in origin.teams)
