import json

import pytest

from bot.core.policy.facts import TicketFact
from bot.core.rules import Tracker
from bot.service.sources import SourceError
from bot.settings import Secret
from bot.sources import Http, Tokens
from bot.sources.linear import Linear
from tests.contracts.sources import TOKEN, Asking, TicketsContract, host_of
from tests.sources.stub import Stub, json_reply, shape


class TestLinear(TicketsContract):
    vendor, key, authorization = "linear", "PAY-231", f"Bearer {TOKEN}"
    not_found = (200, 400)
    may_read, may_not = json_reply({"data": {"issues": {"nodes": []}}}), shape("linear_refused", 400)

    def make(self, http: Http, tokens: Tokens) -> Linear:
        return Linear(http, tokens)

    @pytest.fixture
    def asking(self) -> Asking:
        def ask(http: Http, tokens: Tokens, url: str) -> object:
            return self.make(http, tokens).look(Tracker("asked", "linear", url), self.key)

        return Asking(ask, shape("linear_open"), self.authorization, follows=False)

    def test_the_key_is_a_variable_and_never_part_of_the_query(
        self, source: Linear, tracker: Tracker, stub: Stub
    ) -> None:
        stub.replies = [shape("linear_open")]
        source.look(tracker, "PAY-231")
        (seen,) = stub.seen
        assert (seen.method, seen.headers["Content-Type"]) == ("POST", "application/json")
        body = json.loads(seen.body)
        assert body["variables"] == {"id": "PAY-231"}
        assert "PAY-231" not in body["query"]

    def test_a_key_of_a_person_is_sent_as_it_is(self, http: Http, tracker: Tracker, stub: Stub) -> None:
        stub.replies = [shape("linear_open")]
        Linear(http, Tokens({"LINEAR": Secret("lin_api_of-a-person")}, {"LINEAR": host_of(stub.url)})).look(
            tracker, "PAY-231"
        )
        assert stub.seen[0].headers["Authorization"] == "lin_api_of-a-person"

    def test_a_ticket_that_was_cancelled_is_not_open(self, source: Linear, tracker: Tracker, stub: Stub) -> None:
        stub.replies = [shape("linear_canceled")]
        assert not source.look(tracker, "PAY-231").open

    def test_a_ticket_in_the_bin_is_not_found(self, source: Linear, tracker: Tracker, stub: Stub) -> None:
        stub.replies = [shape("linear_trashed")]
        assert source.look(tracker, "PAY-231") == TicketFact("PAY-231", found=False)

    @pytest.mark.parametrize(
        ("name", "status", "says", "passing"),
        [
            ("linear_limited", 400, "too often", True),
            ("linear_limited", 200, "too often", True),
            ("linear_refused", 400, "does not take our token", False),
            ("linear_refused", 200, "does not take our token", False),
            ("linear_partial", 200, "answered with errors", True),
            ("linear_internal", 200, "answered with errors", True),
            ("linear_internal", 400, "did not take the question", False),
        ],
    )
    def test_errors_come_with_any_status(
        self, source: Linear, tracker: Tracker, stub: Stub, name: str, status: int, says: str, passing: bool
    ) -> None:
        stub.replies = [shape(name, status)]
        with pytest.raises(SourceError, match=says) as caught:
            source.look(tracker, "PAY-231")
        assert caught.value.passing == passing
