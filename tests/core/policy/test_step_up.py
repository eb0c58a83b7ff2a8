"""How fresh a proof has to be, by what is asked for."""

from dataclasses import replace

import pytest

from bot.core import policy
from bot.core.model import Ask, Item, StepUpPolicy, StepUpRule
from tests.core.examples import ASK, DEPLOY, MINUTE, READ

NEVER, ALWAYS = StepUpPolicy(StepUpRule.NEVER), StepUpPolicy(StepUpRule.ALWAYS)
LAX = replace(READ, ask_step_up=NEVER, approve_step_up=StepUpPolicy(StepUpRule.WITHIN, 15 * MINUTE))


@pytest.mark.parametrize("ask", [replace(ASK, break_glass=True), replace(ASK, extends="g-1")])
def test_where_nobody_stands_between_a_code_for_this_is_wanted(ask: Ask) -> None:
    assert policy.ask_step_up(LAX, ASK) == NEVER
    assert policy.ask_step_up(LAX, ask) == ALWAYS


def test_a_critical_role_takes_a_code_on_both_sides_whatever_it_says() -> None:
    critical = replace(LAX, critical=True)
    assert policy.ask_step_up(critical, ASK) == policy.approve_step_up(critical) == ALWAYS
    assert policy.approve_step_up(DEPLOY) == NEVER


def test_a_digest_tells_every_kind_of_ask_apart_and_is_what_it_was_for_the_plain_one() -> None:
    asks = (
        ASK,
        replace(ASK, break_glass=True),
        replace(ASK, extends="g-1"),
        replace(ASK, more=(Item("s3-read", "search", {"bucket": "logs"}),)),
        replace(ASK, more=(Item("s3-read", "search", {"bucket": "exports"}),)),
    )
    assert len({ask.digest() for ask in asks}) == len(asks)
    assert ASK.digest() == DIGEST_BEFORE


DIGEST_BEFORE = "4d975144630529d9e7395059dd1d16bd91c7bd78595f7eebc68396de39a534d9"
"""Of what was asked before there were several targets: requests that wait keep their digest."""
