from dataclasses import replace

import pytest

from bot.core.rules import Schedule
from bot.service.sources import SourceError
from bot.sources import Http, Tokens
from bot.sources.opsgenie import Opsgenie
from tests.contracts.sources import AT, TOKEN, OnCallContract
from tests.sources.stub import Stub, shape


class TestOpsgenie(OnCallContract):
    vendor, source_id = "opsgenie", "d875e2f4-9b4e-4219-a803-0c26936d18de"
    authorization = f"GenieKey {TOKEN}"

    def make(self, http: Http, tokens: Tokens) -> Opsgenie:
        return Opsgenie(http, tokens)

    def test_it_is_asked_for_names_at_a_moment(self, source: Opsgenie, schedule: Schedule, stub: Stub) -> None:
        stub.replies = [shape("opsgenie_one")]
        source.on_call(schedule, AT)
        (seen,) = stub.seen
        assert (seen.method, seen.path) == ("GET", f"/v2/schedules/{self.source_id}/on-calls")
        assert seen.query == {"flat": ["true"], "date": ["2026-11-26T03:00:00+00:00"]}

    def test_an_id_does_not_lead_to_another_path(self, source: Opsgenie, schedule: Schedule, stub: Stub) -> None:
        stub.replies = [shape("opsgenie_one")]
        source.on_call(replace(schedule, source="../../users?a=b#c"), AT)
        assert stub.seen[0].path == "/v2/schedules/..%2F..%2Fusers%3Fa=b%23c/on-calls"
        assert stub.seen[0].query["flat"] == ["true"]

    def test_a_schedule_that_is_switched_off_has_nobody(self, source: Opsgenie, schedule: Schedule, stub: Stub) -> None:
        stub.replies = [shape("opsgenie_off")]
        assert source.on_call(schedule, AT) == ()

    def test_a_schedule_that_is_not_there_is_told(self, source: Opsgenie, schedule: Schedule, stub: Stub) -> None:
        stub.replies = [shape("opsgenie_404", 404)]
        with pytest.raises(SourceError, match="asked is not there under the id") as caught:
            source.on_call(schedule, AT)
        assert not caught.value.passing
