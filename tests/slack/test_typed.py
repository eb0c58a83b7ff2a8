"""What one line can say."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.text import clean
from bot.slack.form import Form, to_ask
from bot.slack.typed import Typed, parse
from tests.slack.office import PEOPLE, catalogue

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
CATALOGUE = catalogue()
MAYA, TOMAS, INES = PEOPLE[0], PEOPLE[1], PEOPLE[2]


def read(text: str) -> Typed:
    return parse(text, CATALOGUE, MAYA, NOW)


def test_a_complete_line_is_understood_whole() -> None:
    typed = read("s3-write pay bucket=pay-logs 2h PAY-123 put back the file")
    assert typed.problems == ()
    assert typed.form == Form(
        role="s3-write",
        account="pay",
        params={"bucket": "pay-logs"},
        work="bug-fix",
        duration="2h",
        reason="put back the file",
        ticket="PAY-123",
    )


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("s3-read pay 2h why it is", timedelta(hours=2)),
        ("s3-read pay 2 hours why it is", timedelta(hours=2)),
        ("s3-read pay 1h30m why it is", timedelta(minutes=90)),
        ("s3-read pay 90m why it is", timedelta(minutes=90)),
        ("s3-read pay 1 day 2 hours why it is", timedelta(hours=26)),
        ("s3-read pay bucket=pay-logs 1.5h why it is", timedelta(minutes=90)),
    ],
)
def test_durations_of_one_word_or_several(text: str, length: timedelta) -> None:
    typed = read(text)
    ask, problems = to_ask(typed.form, MAYA, CATALOGUE)
    assert not typed.problems
    assert not problems
    assert ask.duration == length
    assert ask.reason == "why it is"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("s3-raed pay 2h why", ("There is no role “s3-raed”", "Did you mean s3-read?")),
        ("secret-role pay 2h why", ("There is no role “secret-role” that you may ask for",)),
        ("s3-read prod 2h why", ("Not offered in “prod”", "pay, pay-test")),
        ("s3-read 2h why", ("The account is missing", "pay, pay-test")),
        ("s3-read pay bukcet=pay-logs 2h why", ("no parameter “bukcet”", "Did you mean bucket?")),
        ("look pay x=1 2h why", ("no parameter “x”", "It has none")),
        ("s3-read pay bucket=a bucket=b 2h why", ("bucket is given twice",)),
        ("s3-read pay 0h why", ("How long:", "no time at all")),
        ("s3-read pay -2h why", ("How long:", "negative")),
        ("s3-read pay 2x why", ("How long:", "is not a unit")),
        ("s3-read pay 90 why", ("How long:", "say 90m or 90h")),
        ("s3-read pay 9999d why", ("How long:", "the longest is 366 days")),
        ("s3-read pay 2h --work holiday why", ("no kind of work “holiday”", "bug-fix, incident")),
        ("s3-read pay 2h --for 3h why", ("There is no option “--for”", "--start, --work and --break-glass")),
        ('s3-read pay 2h --start "yesterday" why', ("Start:", "is not a start time")),
        ('s3-read pay 2h --start "2026-11-20 09:00" why', ("Start:", "in the past")),
        (f"s3-read pay 2h {'x' * 3001}", ("3,001 characters", "3,000")),
        (f"s3-read pay prefix={'x' * 301} 2h why", ("prefix is 301 characters long",)),
    ],
)
def test_what_is_wrong_is_named_with_its_fix(text: str, says: tuple[str, ...]) -> None:
    problems = " ".join(read(text).problems)
    for words in says:
        assert words in problems


def test_what_is_understood_is_kept_beside_what_is_not() -> None:
    typed = read("s3-read pay bucket=pay-logs 2x because of the export")
    assert (typed.form.role, typed.form.account) == ("s3-read", "pay")
    assert typed.form.params == {"bucket": "pay-logs"}
    assert typed.form.reason == "because of the export"


def test_a_kind_of_work_can_be_a_word_or_an_option() -> None:
    assert read("s3-read pay incident 2h why").form.work == "incident"
    assert read("s3-read pay 2h --work incident why").form.work == "incident"
    assert read("s3-read pay 2h --work=incident why").form.work == "incident"


def test_a_start_is_read_in_the_companys_zone() -> None:
    assert read('s3-read pay 2h --start "2026-11-24 09:00" why').form.start == datetime(2026, 11, 24, 8, tzinfo=UTC)


def test_a_phones_quotes_and_dashes_are_as_good() -> None:
    typed = read("s3-read pay 2h —start “2026-11-24 09:00” prefix=“app/a” why")
    assert typed.problems == ()
    assert typed.form.start == datetime(2026, 11, 24, 8, tzinfo=UTC)
    assert typed.form.params == {"prefix": "app/a"}


def test_the_only_account_need_not_be_named() -> None:
    assert parse("s3-read bucket=pay-logs 2h why", CATALOGUE, TOMAS, NOW).form.account == "pay"


def test_the_reason_starts_at_the_first_word_that_is_nothing_else_and_stays_as_typed() -> None:
    typed = read("s3-read pay 2h the job  said bucket=pay-logs is gone,\n 3h ago")
    assert typed.form.reason == "the job  said bucket=pay-logs is gone,\n 3h ago"
    assert "bucket" not in typed.form.params


def test_who_may_ask_for_nothing_learns_of_no_role() -> None:
    typed = parse("s3-read pay 2h why", CATALOGUE, INES, NOW)
    assert typed.problems == ("There is no role “s3-read” that you may ask for.",)


def test_a_ticket_is_only_read_where_the_role_wants_one() -> None:
    assert read("s3-read pay 2h PAY-1 why").form.reason == "PAY-1 why"
    assert read("s3-write pay 2h PAY-1 why").form.ticket == "PAY-1"


@given(st.text(max_size=200))
def test_no_line_is_too_strange_to_be_read(text: str) -> None:
    for line in (text, f"s3-read {text}", f"s3-read pay {text}", f"s3-read pay 2h --start {text}"):
        typed = read(clean(line, limit=1000, multiline=True))
        assert typed.problems or typed.form.role
        assert all(len(problem) < 600 for problem in typed.problems)
