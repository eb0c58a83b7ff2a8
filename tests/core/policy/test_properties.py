"""What holds for any rules and any facts of the corpus, in whatever order and number."""

from collections.abc import Iterable
from dataclasses import fields, replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import policy
from bot.core.policy import APPROVING, ASKING, AUTOMATIC, Facts, Reason, Verdict
from tests.core.policy.corpus import Case, cases

JUDGES = {"asking": policy.may_ask, "approving": policy.may_approve, "automatic": policy.may_go_without_a_word}
RULES = {"asking": ASKING, "approving": APPROVING, "automatic": AUTOMATIC}
JUDGED = [case for kind in JUDGES for case in cases(kind)]
ALLOWED = [case for case in JUDGED if "refuses" not in case.row]


def looked_at(case: Case) -> object:
    return case.approving if case.kind == "approving" else case.asking


def judged(case: Case, rules: Iterable[object]) -> Verdict:
    return JUDGES[case.kind](looked_at(case), tuple(rules))  # type: ignore[operator]


def fine(_: object) -> Iterable[Reason]:
    yield Reason("fine", True, "Fine.")


def no(_: object) -> Iterable[Reason]:
    yield Reason("no", False, "No.")


def silent(_: object) -> Iterable[Reason]:
    return ()


def broken(_: object) -> Iterable[Reason]:
    raise ZeroDivisionError


def half_broken(_: object) -> Iterable[Reason]:
    yield Reason("fine", True, "Fine.")
    raise ZeroDivisionError


CASES = st.sampled_from(JUDGED)
MORE = st.lists(st.sampled_from([fine, no, silent, broken, half_broken]), max_size=3)


@given(CASES, MORE, st.data())
def test_adding_a_rule_never_widens(case: Case, more: list[object], data: st.DataObject) -> None:
    some = data.draw(st.lists(st.sampled_from(RULES[case.kind]), max_size=8))
    before, after = judged(case, some), judged(case, [*some, *more])
    # Without any reason nothing is allowed: the first reason of all is what makes a yes possible.
    assert before.allowed or not after.allowed or not before.reasons


@given(CASES, MORE, st.randoms())
def test_the_order_of_rules_never_matters(case: Case, more: list[object], random: Random) -> None:
    rules = [*RULES[case.kind], *more]
    one, other = judged(case, rules), judged(case, random.sample(rules, len(rules)))
    assert one.allowed is other.allowed
    assert set(one.reasons) == set(other.reasons)


@given(st.sampled_from(ALLOWED), st.sampled_from([broken, half_broken]), st.integers(0, 30))
def test_a_rule_that_raises_refuses_wherever_it_stands(case: Case, rule: object, at: int) -> None:
    rules = list(RULES[case.kind])
    rules.insert(at, rule)
    verdict = judged(case, rules)
    assert not verdict.allowed
    assert {reason.rule for reason in verdict.refusals} == {"error"}


@pytest.mark.parametrize("case", ALLOWED, ids=lambda case: case.name)
def test_taking_a_fact_away_never_widens(case: Case) -> None:
    """Where it goes without a word, or is offered, on a fact's word, then without the fact it does not."""
    verdict = judged(case, RULES[case.kind])
    assert verdict.allowed
    given_ = looked_at(case)
    for each in fields(Facts):
        known: Facts = given_.facts  # type: ignore[attr-defined]
        if each.name not in {"requester_refused", "away", "denied_at", "unknown"} and getattr(known, each.name):
            absent = replace(known, **{each.name: getattr(Facts(), each.name)})
            without = replace(given_, facts=absent)  # type: ignore[type-var]
            less = JUDGES[case.kind](without)  # type: ignore[operator]
            assert {r.rule for r in less.reasons if r.satisfied} <= {r.rule for r in verdict.reasons if r.satisfied}


def test_every_fact_but_the_harmless_refuses_where_it_is_absent_and_used() -> None:
    """For each kind of fact there is a case that is allowed with it and refused without it."""
    needed: set[str] = set()
    for case in ALLOWED:
        given_ = looked_at(case)
        for each in fields(Facts):
            absent = replace(given_.facts, **{each.name: getattr(Facts(), each.name)})  # type: ignore[attr-defined]
            if not JUDGES[case.kind](replace(given_, facts=absent)).allowed:  # type: ignore[operator, type-var]
                needed.add(each.name)
    harmless = {"requester_refused", "denied_at", "unknown"}
    by_approvers_sets = {"manager", "owners", "away_then"}
    assert needed == {each.name for each in fields(Facts)} - harmless - by_approvers_sets
