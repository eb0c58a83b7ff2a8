import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.text import TextTooLong, clean

ANY_TEXT = st.text(st.characters(categories=None), max_size=60) | st.text(
    st.sampled_from(
        "ab \n\t\r\x00\u200b\u200c\u200d\u202e\u2066\ufe0f\ufeff\ud800❤👩💻🏽नमक्ष\u0301\u034f\U000e0041<!&"
    ),
    max_size=40,
)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("fix the\x00 logs", "fix the logs"),
        ("\x1b[31mred\x07", "[31mred"),
        ("lone \ud83d end", "lone \ufffd end"),
        ("\u202eevil\u202c \u2066x\u2069 \u200e\u200f\u061c", "evil x"),
        ("pay\u200bments\u2060-\ufeffprod", "payments-prod"),
        ("pay\u200dments\u200c", "payments"),
        ("two\r\nlines\tand", "two lines and"),
        ("e\u0301", "é"),
        ("e\u200b\u0301", "é"),
        ("e\u200c\u0301", "é"),
        ("trailing   ", "trailing"),
        ("tag\U000e0041\U000e0042s", "tags"),
        ("soft\u00adhyphen\u3164", "softhyphen"),
        ("\uffff\ufdd0ok", "ok"),
        ("a\ufe0fb", "ab"),
    ],
)
def test_what_is_unseen_or_reorders_text_is_gone(typed: str, kept: str) -> None:
    assert clean(typed, limit=100) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "👩\u200d💻 on call",
        "👩🏽\u200d🚒",
        "❤\ufe0f\u200d🔥",
        "1\ufe0f\u20e3 first",
        "می\u200cخواهم",
        "क्\u200dष",
        "Grüße, 世界, привет",
        "<!channel> & *bold* `code`",
    ],
)
def test_what_people_mean_stays_as_they_wrote_it(typed: str) -> None:
    assert clean(typed, limit=100) == unicodedata.normalize("NFC", typed)


@given(st.text(st.characters(codec="ascii")))
def test_a_text_in_ascii_is_cleaned_as_it_is_beside_other_letters(text: str) -> None:
    among = clean(f"é{text}é", limit=1000, multiline=True)
    assert clean(f"x{text}x", limit=1000, multiline=True) == f"x{among[1:-1]}x"


def test_several_lines_stay_where_they_are_allowed() -> None:
    assert clean("\n one \t \r\n\ttwo\u2028three \n\n", limit=100, multiline=True) == "one\n\ttwo\nthree"


def test_the_limit_counts_what_is_left_and_is_named() -> None:
    assert clean("abc\u200b\u200b   ", limit=3) == "abc"
    with pytest.raises(TextTooLong, match="is 10,000 characters long; the longest is 3,000"):
        clean("x" * 10_000, limit=3000)


@settings(deadline=None, max_examples=400)
@given(ANY_TEXT, st.booleans())
def test_cleaning_twice_changes_nothing_more(text: str, multiline: bool) -> None:
    once = clean(text, limit=1000, multiline=multiline)
    assert clean(once, limit=1000, multiline=multiline) == once


@settings(deadline=None, max_examples=400)
@given(ANY_TEXT)
def test_what_is_left_can_be_stored_sent_and_shown(text: str) -> None:
    cleaned = clean(text, limit=1000)
    cleaned.encode()
    assert unicodedata.is_normalized("NFC", cleaned)
    assert cleaned == cleaned.strip()
    assert not any(unicodedata.category(char) in {"Cc", "Cs"} for char in cleaned)
    assert not set(cleaned) & set(
        "\u200b\u2060\ufeff\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )
