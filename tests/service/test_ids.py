"""Ids are short, unguessable and welcome in an IAM policy's name."""

import re
from datetime import UTC, timedelta

from bot.service.ids import RandomIds, SystemClock


def test_an_id_says_what_it_is_and_fits_a_policy_name() -> None:
    """IAM takes ``[\\w+=,.@-]{1,128}`` (API reference, PutUserPolicy)."""
    made = RandomIds().new("g")
    assert re.fullmatch(r"g-[0-9a-hjkmnp-tv-z]{10}", made)
    assert re.fullmatch(r"[\w+=,.@-]{1,128}", f"prodaccess-{made}", re.ASCII)


def test_ten_thousand_ids_differ() -> None:
    ids = RandomIds()
    assert len({ids.new("g") for _ in range(10_000)}) == 10_000


def test_the_clock_is_utc() -> None:
    now = SystemClock().now()
    assert now.utcoffset() == timedelta(0)
    assert now.tzinfo is UTC
