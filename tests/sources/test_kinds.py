"""All sources of on-call facts, and all trackers, behind one door each."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.core.rules import Schedule, Tracker
from bot.service.sources import SourceError
from bot.settings import Secret, Settings
from bot.sources import Http, Schedules, Tokens, Trackers
from bot.sources.tokens import variable_of
from tests.contracts.sources import AT, TOKEN
from tests.sources.stub import Reply, Stub, shape

PAGERDUTY = "https://api.pagerduty.com"
STATIC = Schedule("rota", "static", people=("maya", "jonas"), begins=date(2026, 11, 23))


def test_a_static_rota_needs_nobody_and_is_never_old(http: Http) -> None:
    schedules = Schedules(http, Tokens({}))
    handover = datetime(2026, 11, 30, 9, tzinfo=UTC)
    assert schedules.on_call(STATIC, handover - timedelta(microseconds=1)) == ("maya",)
    assert schedules.on_call(STATIC, handover) == ("jonas",)


def test_a_rota_that_makes_no_sense_says_nothing(http: Http) -> None:
    with pytest.raises(SourceError, match="rota says nothing: a time zone that is not known") as caught:
        Schedules(http, Tokens({})).on_call(replace(STATIC, zone="Europe/Atlantis"), AT)
    assert not caught.value.passing


@pytest.mark.parametrize("vendor", ["pagerduty", "opsgenie"])
def test_clicks_of_the_same_half_minute_ask_once(stub: Stub, http: Http, tokens: Tokens, vendor: str) -> None:
    stub.replies = [shape(f"{vendor}_one")]
    schedules, schedule = Schedules(http, tokens), Schedule("asked", vendor, source="PI7DH85", url=stub.url)
    for seconds in (0, 1.5, 29.9):
        assert schedules.on_call(schedule, AT + timedelta(seconds=seconds)) == ("maya@acme.example",)
    assert len(stub.seen) == 1
    schedules.on_call(schedule, AT + timedelta(seconds=30))
    schedules.on_call(replace(schedule, source="PQ1OTHER"), AT)
    assert len(stub.seen) == 3


@pytest.mark.parametrize("kind", ["jira", "github", "linear"])
def test_a_ticket_is_looked_at_once_by_many(stub: Stub, http: Http, tokens: Tokens, kind: str) -> None:
    stub.replies = [shape(f"{kind}_open")]
    now = 1000.0
    trackers, tracker = Trackers(http, tokens, lambda: now), Tracker("asked", kind, stub.url, "acme/payments")
    key = "231" if kind == "github" else "PAY-231"
    assert {trackers.look(tracker, key).open for _ in range(3)} == {True}
    assert len(stub.seen) == 1
    stub.replies, now = [shape(f"{kind}_closed")], now + 30
    assert not trackers.look(tracker, key).open, "half a minute later it is known to be closed"


def test_a_kind_that_nobody_knows_is_told(http: Http, tokens: Tokens) -> None:
    with pytest.raises(SourceError, match="asked is of a kind that nobody knows: victorops"):
        Schedules(http, tokens).on_call(Schedule("asked", "victorops"), AT)
    with pytest.raises(SourceError, match="asked is of a kind that nobody knows: bugzilla"):
        Trackers(http, tokens).look(Tracker("asked", "bugzilla", "https://bugs.example"), "1")
    with pytest.raises(SourceError, match="asked is of a kind that nobody knows: bugzilla"):
        Trackers(http, tokens).check(Tracker("asked", "bugzilla", "https://bugs.example"))


def test_a_place_that_is_down_is_asked_no_more_for_any_of_its_schedules(stub: Stub, http: Http, tokens: Tokens) -> None:
    stub.replies = [Reply(503)]
    schedules = Schedules(http, tokens, lambda: 1000.0)
    for number in range(10):
        with pytest.raises(SourceError):
            schedules.on_call(Schedule("asked", "pagerduty", source=f"P{number}", url=stub.url), AT)
    assert len(stub.seen) == 3


def test_the_token_of_a_source_goes_before_that_of_its_kind() -> None:
    tokens = Tokens({"PAYMENTS_ONCALL": Secret("its own"), "PAGERDUTY": Secret("for all"), "EMPTY": Secret("")})
    assert tokens.of("payments-oncall", "pagerduty", PAGERDUTY) == "its own"
    assert tokens.of("other-oncall", "pagerduty", PAGERDUTY) == "for all"
    assert tokens.of("empty", "pagerduty", PAGERDUTY) == "for all"


@pytest.mark.parametrize(
    ("source", "kind", "url"),
    [
        ("rota", "pagerduty", "https://api.pagerduty.com.evil.example"),
        ("rota", "pagerduty", "https://api.pagerduty.com:8443"),
        ("rota", "pagerduty", "http://127.0.0.1:8080"),
        ("github", "pagerduty", "https://api.pagerduty.com"),
        ("jira", "jira", "https://other.atlassian.net"),
        ("board", "jira", "https://acme.atlassian.net:8443"),
        ("board", "jira", "http://acme.atlassian.net"),
    ],
)
def test_a_token_goes_to_no_host_but_that_of_the_settings_or_else_the_vendors(source: str, kind: str, url: str) -> None:
    known = {"PAGERDUTY": Secret("of pagerduty"), "GITHUB": Secret("of github"), "JIRA": Secret("of jira")}
    tokens = Tokens(known, {"JIRA": "Acme.atlassian.net:443"})
    assert tokens.of("board", "jira", "https://acme.atlassian.net/behind/a/path") == "of jira"
    assert tokens.of("rota", "pagerduty", "https://api.eu.pagerduty.com") == "of pagerduty"
    with pytest.raises(SourceError, match=f"{source} has a token that may not go to ") as caught:
        tokens.of(source, kind, url)
    assert not caught.value.passing


def test_a_token_comes_from_the_variable_that_is_named_when_it_is_missing(http: Http) -> None:
    settings = Settings.from_env({variable_of("payments-oncall"): TOKEN}, slack=False, keys=False)
    assert Tokens(settings.source_tokens).of("payments-oncall", "pagerduty", PAGERDUTY) == TOKEN
    with pytest.raises(SourceError, match=variable_of("payments-oncall")):
        Tokens({}).of("payments-oncall", "pagerduty", PAGERDUTY)
