from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.policy.facts import TicketFact
from bot.core.rules import Tracker
from bot.service.sources import SourceError
from bot.sources import Http, Tokens
from bot.sources.github import GitHub
from tests.contracts.sources import AWAY, TOKEN, TicketsContract
from tests.sources.stub import Stub, json_reply, shape, with_headers


class TestGitHub(TicketsContract):
    vendor, key, project, authorization = "github", "#231", "acme/payments", f"Bearer {TOKEN}"
    odd_keys = (*TicketsContract.odd_keys, "231/../232", "0", "-1", "1.0", "٢", "acme/other#231", "##231", "acme#231")
    not_found = (404, 410)
    may_read, may_not = json_reply({"id": 1, "full_name": "acme/payments"}), shape("github_404", 404)

    def make(self, http: Http, tokens: Tokens) -> GitHub:
        return GitHub(http, tokens)

    @pytest.mark.parametrize("key", ["231", "#231", "acme/payments#231", "Acme/Payments#231"])
    def test_a_number_is_enough_of_a_key(self, source: GitHub, tracker: Tracker, stub: Stub, key: str) -> None:
        stub.replies = [shape("github_open")]
        assert source.look(tracker, key).found
        (seen,) = stub.seen
        assert (seen.method, seen.target) == ("GET", "/repos/acme/payments/issues/231")
        assert seen.headers["Accept"] == "application/vnd.github+json"
        assert seen.headers["X-GitHub-Api-Version"] == "2022-11-28"

    @pytest.mark.parametrize("project", ["", "acme", "../payments", "acme/..", "acme/payments/pulls", "acme/pay ments"])
    def test_without_a_repository_nobody_is_asked(
        self, source: GitHub, tracker: Tracker, stub: Stub, project: str
    ) -> None:
        with pytest.raises(SourceError, match="asked names no repository") as caught:
            source.look(replace(tracker, project=project), "231")
        assert not caught.value.passing
        assert stub.seen == []

    def test_a_pull_request_is_no_ticket(self, source: GitHub, tracker: Tracker, stub: Stub) -> None:
        stub.replies = [shape("github_pull_request")]
        assert source.look(tracker, "#231") == TicketFact("#231", found=False)

    @pytest.mark.parametrize(
        ("labels", "severity"),
        [
            (["severity: High "], "high"),
            (["sev/1"], "1"),
            (["Sev1", "bug"], "sev1"),
            (["P-2"], "p-2"),
            (["priority=urgent", "severity/urgent"], "urgent"),
            (["sev1", "sev3"], ""),
            (["several", "p", "severity", "severity:"], ""),
        ],
    )
    def test_labels_tell_the_severity_unless_they_contradict_each_other(
        self, source: GitHub, tracker: Tracker, stub: Stub, labels: list[str], severity: str
    ) -> None:
        told: list[object] = [{"id": 1, "name": label} for label in labels]
        stub.replies = [json_reply({"state": "open", "labels": [*told, "as text", {"name": None}]})]
        assert source.look(tracker, "231").severity == severity

    @pytest.mark.parametrize(
        ("headers", "wait"),
        [({"Retry_After": "17"}, AWAY), ({"X_RateLimit_Remaining": "0"}, timedelta(0))],
    )
    def test_a_403_may_mean_that_it_was_asked_too_often(
        self, source: GitHub, tracker: Tracker, stub: Stub, headers: dict[str, str], wait: timedelta
    ) -> None:
        stub.replies = [with_headers(shape("github_403", 403), **headers)]
        with pytest.raises(SourceError, match="too often") as caught:
            source.look(tracker, "231")
        assert caught.value.passing
        assert caught.value.retry_after == wait
