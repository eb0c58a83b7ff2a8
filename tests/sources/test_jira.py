import base64

from bot.core.rules import Tracker
from bot.settings import Secret
from bot.sources import Http, Tokens
from bot.sources.jira import Jira
from tests.contracts.sources import TOKEN, TicketsContract, host_of
from tests.sources.stub import Stub, json_reply, shape


class TestJira(TicketsContract):
    vendor, key = "jira", "PAY-231"
    authorization = f"Basic {base64.b64encode(TOKEN.encode()).decode()}"
    may_read, may_not = (
        json_reply({"permissions": {"BROWSE_PROJECTS": {"key": "BROWSE_PROJECTS", "havePermission": may}}})
        for may in (True, False)
    )

    def make(self, http: Http, tokens: Tokens) -> Jira:
        return Jira(http, tokens)

    def test_it_is_asked_for_no_more_than_is_needed(self, source: Jira, tracker: Tracker, stub: Stub) -> None:
        stub.replies = [shape("jira_open")]
        source.look(tracker, "PAY-231")
        (seen,) = stub.seen
        assert (seen.method, seen.path) == ("GET", "/rest/api/3/issue/PAY-231")
        assert seen.query == {"fields": ["status,priority,summary"]}

    def test_a_token_without_an_address_is_a_bearer_token(self, http: Http, tracker: Tracker, stub: Stub) -> None:
        stub.replies = [shape("jira_open")]
        Jira(http, Tokens({"JIRA": Secret("of-an-app")}, {"JIRA": host_of(stub.url)})).look(tracker, "PAY-231")
        assert stub.seen[0].headers["Authorization"] == "Bearer of-an-app"

    def test_a_ticket_that_moved_is_told_under_the_key_that_was_asked_for(
        self, source: Jira, tracker: Tracker, stub: Stub
    ) -> None:
        stub.replies = [shape("jira_open")]
        assert source.look(tracker, "OLD-7").key == "OLD-7"
