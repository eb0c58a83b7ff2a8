"""A bundle is written out into the targets of one ask."""

from dataclasses import replace

import pytest

from bot.core.model import Item
from bot.core.policy import written_out
from bot.core.rules import Bundle
from tests.core.examples import ASK, NOW

NIGHT = Bundle("night", "A night's work", (("s3-read", {"bucket": "logs"}), ("deploy", {})))


def test_each_role_of_a_bundle_is_a_target_and_the_rest_is_as_asked() -> None:
    asked = replace(ASK, ticket="PAY-1", start_at=NOW, params={"bucket": "other"})
    ask = written_out(NIGHT, "search", asked)
    assert ask.items == (Item("s3-read", "search", {"bucket": "logs"}), Item("deploy", "search", {}))
    assert replace(ask, role=ASK.role, account=ASK.account, params=asked.params, more=()) == asked


def test_a_bundle_with_nothing_in_it_is_none() -> None:
    with pytest.raises(IndexError):
        written_out(Bundle("empty", "Empty"), "search", ASK)
