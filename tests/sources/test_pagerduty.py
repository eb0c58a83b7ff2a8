from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.rules import Schedule
from bot.service.sources import SourceError
from bot.sources import Http, Tokens
from bot.sources.pagerduty import PAGES, PagerDuty
from tests.contracts.sources import AT, TOKEN, OnCallContract
from tests.sources.stub import Reply, Stub, shape


class TestPagerDuty(OnCallContract):
    vendor, source_id, authorization = "pagerduty", "PI7DH85", f"Token token={TOKEN}"

    def make(self, http: Http, tokens: Tokens) -> PagerDuty:
        return PagerDuty(http, tokens)

    def test_it_is_asked_about_one_schedule_and_one_second(
        self, source: PagerDuty, schedule: Schedule, stub: Stub
    ) -> None:
        stub.replies = [shape("pagerduty_one")]
        source.on_call(schedule, AT + timedelta(microseconds=999_999))
        (seen,) = stub.seen
        assert (seen.method, seen.path) == ("GET", "/oncalls")
        assert seen.headers["Accept"] == "application/vnd.pagerduty+json;version=2"
        assert seen.query == {
            "schedule_ids[]": ["PI7DH85"],
            "include[]": ["users"],
            "since": ["2026-11-26T03:00:00Z"],
            "until": ["2026-11-26T03:00:01Z"],
            "limit": ["100"],
            "offset": ["0"],
        }

    def test_all_pages_are_read(self, source: PagerDuty, schedule: Schedule, stub: Stub) -> None:
        stub.replies = [shape("pagerduty_first_page"), shape("pagerduty_second_page")]
        assert source.on_call(schedule, AT) == ("maya@acme.example", "jonas@acme.example")
        assert [seen.query["offset"] for seen in stub.seen] == [["0"], ["100"]]

    def test_pages_do_not_go_on_for_ever(self, source: PagerDuty, schedule: Schedule, stub: Stub) -> None:
        stub.replies = [shape("pagerduty_first_page")]
        with pytest.raises(SourceError, match="asked has more than 1,000 entries"):
            source.on_call(schedule, AT)
        assert len(stub.seen) == PAGES

    def test_a_page_that_fails_fails_the_whole(self, source: PagerDuty, schedule: Schedule, stub: Stub) -> None:
        stub.replies = [shape("pagerduty_first_page"), Reply(500)]
        with pytest.raises(SourceError, match="trouble"):
            source.on_call(schedule, AT)

    def test_at_a_handover_whoever_takes_over_is_on_call_and_nobody_else(
        self, source: PagerDuty, schedule: Schedule, stub: Stub
    ) -> None:
        stub.replies = [shape("pagerduty_handover")]
        assert source.on_call(schedule, AT) == ("maya@acme.example",)
        assert source.on_call(schedule, AT - timedelta(seconds=1)) == ("jonas@acme.example",)

    def test_entries_of_another_schedule_do_not_count(self, source: PagerDuty, schedule: Schedule, stub: Stub) -> None:
        stub.replies = [shape("pagerduty_one")]
        assert source.on_call(replace(schedule, source="PQ1OTHER"), AT) == ()

    def test_its_own_words_about_a_token_are_not_needed(
        self, source: PagerDuty, schedule: Schedule, stub: Stub
    ) -> None:
        stub.replies = [shape("pagerduty_401", 401)]
        with pytest.raises(SourceError, match=r"asked does not take our token \(401\)"):
            source.on_call(schedule, AT)
