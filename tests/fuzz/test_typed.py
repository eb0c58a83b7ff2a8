"""Anything typed after the command: what was understood, and sentences about the rest."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from bot.core.model import Person
from bot.core.text import TextTooLong
from bot.slack import payloads
from bot.slack.form import to_ask
from bot.slack.typed import Typed, parse
from tests.fuzz.mutations import ODD_TEXTS, fuzzed
from tests.slack.office import PEOPLE, catalogue

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
CATALOGUE = catalogue()
WORDS = st.one_of(
    st.sampled_from(
        ["s3-read", "s3-write", "pay", "bucket=pay-logs", "bucket=", "=x", "1h", "1 day 2 hours", "PAY-123", "bug-fix"]
    ),
    st.sampled_from(
        [
            "--start",
            '--start "09:00"',
            "--start=2026-11-24T09:00+25:00",
            "--work",
            "--work=bug-fix",
            "--",
            "—start",
            "—",
        ]
    ),
    st.sampled_from(
        ["1e400h", "9" * 4_000 + "h", "0h", "-1h", "٣h", "1.5.5h", "1h" * 400, '"', "“", '"' * 500, "=" * 500]
    ),
    st.sampled_from([*ODD_TEXTS]),
    st.text(max_size=20),
)
LINES = st.lists(WORDS, max_size=12).flatmap(
    lambda words: st.sampled_from([" ", "  ", "\n", "\t", ""]).map(lambda space: space.join(words))
)


@fuzzed(500)
@given(text=LINES, person=st.sampled_from(PEOPLE))
def test_a_line_is_understood_or_answered_with_sentences(text: str, person: Person) -> None:
    try:
        line = payloads.line({"text": text})
    except TextTooLong:
        assert len(text) > payloads.COMMAND_MOST
        return
    typed = parse(line.text, CATALOGUE, person, NOW)
    assert isinstance(typed, Typed)
    assert all(problem and problem[-1] in ".?”" and len(problem) < 1_000 for problem in typed.problems), typed.problems
    _, problems = to_ask(typed.form, person, CATALOGUE)
    assert all(isinstance(problem, str) and problem for problem in problems.values()), problems
    typed.form.role.encode()
    assert "\x00" not in typed.form.reason
