"""What every source keeps to: of on-call facts and of tickets. Inherit and give it an ``asking``."""

import logging
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from bot.core.policy.facts import TicketFact
from bot.core.rules import Schedule, Tracker
from bot.service.sources import OnCall, SourceError, Tickets
from bot.settings import Secret
from bot.sources import Http, Tokens
from bot.sources.answers import LONGEST_WAIT
from bot.sources.asking import LARGEST
from tests.sources.stub import Reply, Stub, shape

AT = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
TOKEN = "bot@acme.example:u+Hush_N0body-sees.me"
HIDDEN = ("Hush_N0body", "Ym90QGFjbWUuZXhhbXBsZTp1K0h1c2hfTjBib2R5")
"""As it is, and as base64 writes the beginning."""
AWAY = timedelta(seconds=17)


def host_of(url: str) -> str:
    """As the settings name it."""
    return urlsplit(url).netloc


def tokens_for(url: str) -> Tokens:
    """One for whatever is called ``asked``, if it is asked there."""
    return Tokens({"ASKED": Secret(TOKEN)}, {"ASKED": host_of(url)})


@dataclass(frozen=True)
class Asking:
    """One question to a source; ``happy`` is a reply to it, ``authorization`` what the header has to say."""

    ask: Callable[[Http, Tokens, str], object]
    happy: Reply
    authorization: str
    follows: bool = True
    """Whether it is a GET, which may be redirected."""


def refusal(asking: Asking, http: Http, tokens: Tokens, url: str) -> SourceError:
    """The error, after a look whether it gives the token away, to whoever logs it in any way."""
    with pytest.raises(SourceError) as caught:
        asking.ask(http, tokens, url)
    shown = [*traceback.format_exception(caught.value)]
    error: BaseException | None = caught.value
    while error is not None:
        shown += [str(error), repr(error), repr(error.args), repr(getattr(error, "request_info", ""))]
        error = error.__cause__ or error.__context__
    for hidden in HIDDEN:
        assert hidden not in "\n".join(shown)
    assert str(caught.value).startswith("asked "), "it names the source, as access.yaml calls it"
    assert not str(caught.value).endswith(".")
    return caught.value


class SourceContract:
    @pytest.fixture
    def asking(self) -> Asking:
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def _no_token_in_any_log(self, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
        caplog.set_level(logging.DEBUG)
        yield
        for hidden in HIDDEN:
            assert hidden not in caplog.text

    def test_the_token_is_in_the_header_and_nowhere_else(
        self, asking: Asking, stub: Stub, http: Http, tokens: Tokens
    ) -> None:
        stub.replies = [asking.happy]
        asking.ask(http, tokens, stub.url)
        (seen,) = stub.seen
        assert seen.headers["Authorization"] == asking.authorization
        others = [value for name, value in seen.headers.items() if name != "Authorization"]
        for hidden in HIDDEN:
            assert hidden not in f"{seen.target} {others} {seen.body!r} {tokens!r}"

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_token_that_is_refused_does_not_pass(
        self, asking: Asking, stub: Stub, http: Http, tokens: Tokens, status: int
    ) -> None:
        stub.replies = [Reply(status, f'{{"you sent": "{TOKEN}"}}'.encode())]
        error = refusal(asking, http, tokens, stub.url)
        assert not error.passing
        assert f"token ({status})" in str(error)

    def test_without_a_token_nobody_is_asked_and_its_variable_is_named(
        self, asking: Asking, stub: Stub, http: Http
    ) -> None:
        error = refusal(asking, http, Tokens({}), stub.url)
        assert not error.passing
        assert "PRODACCESS_SOURCE_ASKED_TOKEN" in str(error)
        assert stub.seen == []

    def test_a_host_that_the_settings_do_not_name_is_not_asked_whatever_access_yaml_says(
        self, asking: Asking, stub: Stub, elsewhere: Stub, http: Http
    ) -> None:
        elsewhere.replies = [asking.happy]
        for hosts in ({}, {"ASKED": host_of(stub.url)}):
            error = refusal(asking, http, Tokens({"ASKED": Secret(TOKEN)}, hosts), elsewhere.url)
            assert not error.passing
            assert f"PRODACCESS_SOURCE_ASKED_HOST={host_of(elsewhere.url)}" in str(error)
        assert elsewhere.seen == []

    @pytest.mark.parametrize(
        ("said", "wait"),
        [
            ("17", AWAY),
            ("99999999", LONGEST_WAIT),
            ("Thu, 01 Jan 2099 00:00:00 GMT", LONGEST_WAIT),
            ("Thu, 01 Jan 2009 00:00:00 GMT", timedelta(0)),
            ("a while", timedelta(0)),
        ],
    )
    def test_asked_too_often_it_says_for_how_long_to_leave_it_alone(
        self, asking: Asking, stub: Stub, http: Http, tokens: Tokens, said: str, wait: timedelta
    ) -> None:
        stub.replies = [Reply(429, headers={"Retry-After": said})]
        error = refusal(asking, http, tokens, stub.url)
        assert error.passing
        assert error.retry_after == wait

    @pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
    def test_its_own_trouble_passes(self, asking: Asking, stub: Stub, http: Http, tokens: Tokens, status: int) -> None:
        stub.replies = [Reply(status, b"<html>Oops</html>")]
        error = refusal(asking, http, tokens, stub.url)
        assert error.passing
        assert error.retry_after is None
        assert f"in trouble ({status})" in str(error)

    def test_a_question_that_it_does_not_take_will_not_be_taken_later(
        self, asking: Asking, stub: Stub, http: Http, tokens: Tokens
    ) -> None:
        stub.replies = [Reply(422)]
        assert not refusal(asking, http, tokens, stub.url).passing

    @pytest.mark.parametrize("hangs", ["at once", "in the middle"])
    def test_one_that_is_slow_is_not_waited_for(
        self, asking: Asking, stub: Stub, hasty: Http, tokens: Tokens, hangs: str
    ) -> None:
        stub.replies = [replace(asking.happy, hangs=hangs)]
        error = refusal(asking, hasty, tokens, stub.url)
        assert error.passing
        assert "did not answer in time" in str(error)

    def test_one_that_is_not_there_passes(self, asking: Asking, http: Http, unused_url: str) -> None:
        error = refusal(asking, http, tokens_for(unused_url), unused_url)
        assert error.passing
        assert "could not be reached" in str(error)

    @pytest.mark.parametrize(
        "body",
        [b"", b"<html>", b"null", b"[]", b"{}", b'"x"', b"\xff\xfe", b"{" * 100_000, b'{"data": 7}', b"\x1f\x8b\x08"],
        ids=["nothing", "html", "null", "list", "empty", "text", "bytes", "deep", "number", "zipped"],
    )
    def test_an_answer_of_another_shape_is_none(
        self, asking: Asking, stub: Stub, http: Http, tokens: Tokens, body: bytes
    ) -> None:
        stub.replies = [Reply(200, body, {"Content-Type": "application/json"})]
        error = refusal(asking, http, tokens, stub.url)
        assert error.passing

    def test_gibberish_in_place_of_http_gives_nothing_away(
        self, asking: Asking, stub: Stub, http: Http, tokens: Tokens
    ) -> None:
        stub.replies = [Reply(raw=b"SMTP ready\r\n\r\n")]
        error = refusal(asking, http, tokens, stub.url)
        assert error.passing
        assert "could not be reached" in str(error)

    @pytest.mark.parametrize("status", [200, 500])
    def test_an_answer_that_is_huge_is_not_read(
        self, asking: Asking, stub: Stub, http: Http, tokens: Tokens, status: int
    ) -> None:
        padding = b" " * LARGEST
        stub.replies = [replace(asking.happy, status=status, body=asking.happy.body + padding)]
        assert "more than" in str(refusal(asking, http, tokens, stub.url))

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_the_token_is_not_sent_elsewhere(
        self, asking: Asking, stub: Stub, elsewhere: Stub, http: Http, tokens: Tokens, status: int
    ) -> None:
        elsewhere.replies = [asking.happy]
        stub.replies = [Reply(status, headers={"Location": f"{elsewhere.url}/take?it=all"})]
        error = refusal(asking, http, tokens, stub.url)
        assert "elsewhere" in str(error)
        assert elsewhere.seen == []

    def test_a_redirect_on_the_same_host_is_followed_by_what_only_reads(
        self, asking: Asking, stub: Stub, http: Http, tokens: Tokens
    ) -> None:
        stub.replies = [Reply(301, headers={"Location": "/moved?to=here"}), asking.happy]
        if asking.follows:
            asking.ask(http, tokens, stub.url)
            assert [seen.headers["Authorization"] for seen in stub.seen] == [asking.authorization] * 2
            assert stub.seen[1].target == "/moved?to=here"
        else:
            assert "elsewhere" in str(refusal(asking, http, tokens, stub.url))

    def test_redirects_do_not_go_on_for_ever(self, asking: Asking, stub: Stub, http: Http, tokens: Tokens) -> None:
        stub.replies = [Reply(302, headers={"Location": "/round"})]
        refusal(asking, http, tokens, stub.url)
        assert len(stub.seen) <= 4

    @pytest.mark.parametrize(
        "url",
        [
            "http://source.example",
            "ftp://source.example",
            "https://user:pass@source.example",
            "https://source.example/?a=b",
            "//source.example",
            "source.example",
            "https://[::1",
        ],
    )
    def test_only_https_is_called(self, asking: Asking, http: Http, tokens: Tokens, url: str) -> None:
        error = refusal(asking, http, tokens, url)
        assert not error.passing
        assert "its URL " in str(error)


class OnCallContract(SourceContract):
    """``vendor`` is the beginning of the shapes' names."""

    vendor: str
    source_id: str
    authorization: str

    @pytest.fixture
    def source(self, http: Http, tokens: Tokens) -> OnCall:
        return self.make(http, tokens)

    def make(self, http: Http, tokens: Tokens) -> OnCall:
        raise NotImplementedError

    @pytest.fixture
    def schedule(self, stub: Stub) -> Schedule:
        return Schedule("asked", self.vendor, source=self.source_id, url=stub.url)

    @pytest.fixture
    def asking(self) -> Asking:
        def ask(http: Http, tokens: Tokens, url: str) -> object:
            return self.make(http, tokens).on_call(Schedule("asked", self.vendor, source=self.source_id, url=url), AT)

        return Asking(ask, shape(f"{self.vendor}_one"), self.authorization)

    def test_whoever_is_on_call_is_named_by_address(self, source: OnCall, schedule: Schedule, stub: Stub) -> None:
        stub.replies = [shape(f"{self.vendor}_one")]
        assert source.on_call(schedule, AT) == ("maya@acme.example",)

    def test_nobody_may_be_on_call(self, source: OnCall, schedule: Schedule, stub: Stub) -> None:
        stub.replies = [shape(f"{self.vendor}_nobody")]
        assert source.on_call(schedule, AT) == ()

    def test_of_several_layers_everybody_is_named_once_and_whoever_has_no_address_is_not(
        self, source: OnCall, schedule: Schedule, stub: Stub
    ) -> None:
        stub.replies = [shape(f"{self.vendor}_layers")]
        assert source.on_call(schedule, AT) == ("maya@acme.example", "jonas@acme.example")

    def test_a_path_behind_the_host_is_kept(self, source: OnCall, schedule: Schedule, stub: Stub) -> None:
        stub.replies = [shape(f"{self.vendor}_one")]
        source.on_call(replace(schedule, url=f"{stub.url}/behind/a/proxy/"), AT)
        assert stub.seen[0].path.startswith("/behind/a/proxy/")
        assert "//" not in stub.seen[0].path


class TicketsContract(SourceContract):
    """``vendor`` is the beginning of the shapes' names; ``key`` is that of the ticket in them."""

    vendor: str
    key: str
    authorization: str
    project = ""
    odd_keys = (
        "../../../rest/api/3/myself",
        "PAY-1/../PAY-2",
        "PAY-231?x=y",
        "PAY-231#",
        "",
        " ",
        "PAY-1\r\nX: y",
        "%2e",
    )
    not_found: tuple[int, ...] = (404,)
    may_read: Reply
    """To a check with a token that may read tickets."""
    may_not: Reply
    """To one that may not, though it is answered."""

    @pytest.fixture
    def source(self, http: Http, tokens: Tokens) -> Tickets:
        return self.make(http, tokens)

    def make(self, http: Http, tokens: Tokens) -> Tickets:
        raise NotImplementedError

    @pytest.fixture
    def tracker(self, stub: Stub) -> Tracker:
        return Tracker("asked", self.vendor, stub.url, self.project)

    @pytest.fixture
    def asking(self) -> Asking:
        def ask(http: Http, tokens: Tokens, url: str) -> object:
            return self.make(http, tokens).look(Tracker("asked", self.vendor, url, self.project), self.key)

        return Asking(ask, shape(f"{self.vendor}_open"), self.authorization)

    def test_a_ticket_that_is_open_is_told_with_its_severity_and_title(
        self, source: Tickets, tracker: Tracker, stub: Stub
    ) -> None:
        stub.replies = [shape(f"{self.vendor}_open")]
        title = "Settlement of last night failed"
        assert source.look(tracker, self.key) == TicketFact(self.key, True, True, "highest", title)

    def test_a_ticket_that_is_closed_is_there_and_not_open(self, source: Tickets, tracker: Tracker, stub: Stub) -> None:
        stub.replies = [shape(f"{self.vendor}_closed")]
        fact = source.look(tracker, self.key)
        assert (fact.found, fact.open) == (True, False)

    def test_a_state_that_is_not_known_is_not_open(self, source: Tickets, tracker: Tracker, stub: Stub) -> None:
        stub.replies = [shape(f"{self.vendor}_odd")]
        assert not source.look(tracker, self.key).open

    def test_a_ticket_without_a_severity_has_none(self, source: Tickets, tracker: Tracker, stub: Stub) -> None:
        stub.replies = [shape(f"{self.vendor}_plain")]
        fact = source.look(tracker, self.key)
        assert (fact.found, fact.open, fact.severity) == (True, True, "")

    def test_a_ticket_that_is_not_there_is_not_found(self, source: Tickets, tracker: Tracker, stub: Stub) -> None:
        for status in self.not_found:
            stub.replies = [shape(f"{self.vendor}_404", status)]
            assert source.look(tracker, self.key) == TicketFact(self.key, found=False)

    def test_a_key_that_is_none_is_not_found_without_a_call(
        self, source: Tickets, tracker: Tracker, stub: Stub
    ) -> None:
        stub.replies = [shape(f"{self.vendor}_open")]
        for key in self.odd_keys:
            assert source.look(tracker, key) == TicketFact(key, found=False)
        assert stub.seen == []

    def test_a_title_is_cleaned_and_cut(self, source: Tickets, tracker: Tracker, stub: Stub) -> None:
        happy = shape(f"{self.vendor}_open")
        long = "of \\u202elast\\n\\u0000night " + "x" * 1_000
        stub.replies = [replace(happy, body=happy.body.replace(b"of last night failed", long.encode()))]
        title = source.look(tracker, self.key).title
        assert title.startswith("Settlement of last night x")
        assert len(title) <= 200

    def test_a_check_asks_once_and_for_what_only_a_token_that_may_read_is_told(
        self, source: Tickets, tracker: Tracker, stub: Stub
    ) -> None:
        stub.replies = [self.may_read]
        source.check(tracker)
        (seen,) = stub.seen
        assert seen.headers["Authorization"] == self.authorization
        assert b"mutation" not in seen.body
        stub.replies = [self.may_not]
        with pytest.raises(SourceError, match="our token") as caught:
            source.check(tracker)
        assert not caught.value.passing

    @pytest.mark.parametrize("status", [401, 403, 503])
    def test_a_check_that_is_not_answered_says_why_and_nothing_of_the_token(
        self, http: Http, tokens: Tokens, stub: Stub, status: int
    ) -> None:
        def check(http: Http, tokens: Tokens, url: str) -> object:
            return self.make(http, tokens).check(Tracker("asked", self.vendor, url, self.project))

        asking = Asking(check, self.may_read, self.authorization)
        stub.replies = [Reply(status, f'{{"you sent": "{TOKEN}"}}'.encode())]
        assert f"({status})" in str(refusal(asking, http, tokens, stub.url))
        assert "PRODACCESS_SOURCE_ASKED_TOKEN" in str(refusal(asking, http, Tokens({}), stub.url))
        nowhere = Tokens({"ASKED": Secret(TOKEN)}, {"ASKED": "tracker.example"})
        assert "may not go to" in str(refusal(asking, http, nowhere, stub.url))
        assert len(stub.seen) == 1
