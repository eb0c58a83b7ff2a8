"""The corpus: every case of cases.yaml, and that it leaves no rule out."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

import pytest

from bot.core import policy
from bot.core.policy import APPROVING, ASKING, AUTOMATIC, Reason, Verdict, standing
from bot.core.policy.approvers import are_enough_against
from bot.core.policy.case import Approving, Asking
from tests.core.policy.corpus import Case, cases


def verdict_of(case: Case) -> Verdict:
    match case.kind:
        case "asking":
            return policy.may_ask(case.asking)
        case "approving":
            return policy.may_approve(case.approving)
    return policy.may_go_without_a_word(case.asking)


def judged() -> list[Case]:
    return [case for kind in ("asking", "approving", "automatic") for case in cases(kind)]


@pytest.mark.parametrize("case", judged(), ids=lambda case: case.name)
def test_the_facts_make_the_verdict(case: Case) -> None:
    verdict = verdict_of(case)
    refused = {reason.rule for reason in verdict.refusals}
    assert refused == set(case.row.get("refuses", [])), [reason.text for reason in verdict.refusals]
    assert verdict.allowed is (not refused)
    said = case.row.get("says", "")
    assert any(said in reason.text for reason in (verdict.refusals or verdict.reasons)), verdict.reasons


@pytest.mark.parametrize("case", cases("approvers"), ids=lambda case: case.name)
def test_the_facts_make_the_approvers(case: Case) -> None:
    asking = case.asking
    waited = case.waited if "waits" in case.row else policy.case.AT_ONCE
    sets = [[person.id for person in each] for each in asking.sets(waited)]
    assert sets == case.row["stages"]


@pytest.mark.parametrize("case", cases("offers"), ids=lambda case: case.name)
def test_the_facts_make_the_offer(case: Case) -> None:
    asking = case.asking
    role, person = asking.role, case.requester
    offered = policy.accounts_offered(case.catalogue, role, person, asking.facts, case.now)
    usable = policy.may_use(role, person, asking.facts, case.now)
    assert (list(offered) if usable else []) == case.row["accounts"]
    shown = policy.as_offered_to(case.catalogue, person, asking.facts, case.now)
    assert ("write" in shown.roles) is bool(case.row["accounts"])
    if case.row["accounts"]:
        assert list(policy.accounts_offered(shown, shown.roles["write"], person)) == case.row["accounts"]
        assert "write" in {role.id for role in policy.roles_offered(shown, person)}


@pytest.mark.parametrize("case", cases("standing"), ids=lambda case: case.name)
def test_what_was_said_makes_the_standing(case: Case) -> None:
    asking = case.asking
    found = standing(asking.role.stages, asking.sets(), case.row.get("yeses", []))
    assert [list(each) for each in found.counted] == case.row["counted"]
    assert found.complete is case.row.get("complete", False)
    # What is complete is decided: a no comes too late, as the lifecycle says.
    denied = not found.complete and are_enough_against(asking.role.stages, asking.sets(), case.row.get("noes", []))
    assert denied is case.row.get("denied", False)


def words_of(rule: object, case: Case) -> Iterable[Reason]:
    looked_at: list[Asking | Approving] = []
    if rule in APPROVING and case.kind == "approving":
        looked_at = [case.approving]
    elif rule not in APPROVING and case.kind != "approving":
        looked_at = [replace(case.asking, at=at) for at, _ in enumerate(case.ask.items)]
    for each in looked_at:
        try:
            yield from rule(each)  # type: ignore[operator]
        except KeyError:  # the role or its hours are gone, which is another test's
            continue


def test_every_rule_is_satisfied_in_some_case_and_refuses_in_another() -> None:
    heard: dict[str, set[bool]] = defaultdict(set)
    rules = dict.fromkeys((*ASKING, *APPROVING, *AUTOMATIC))
    for rule in rules:
        for case in judged():
            heard[rule.__name__] |= {reason.satisfied for reason in words_of(rule, case)}
    one_sided = {name for name, words in heard.items() if words != {True, False}}
    # Its other word is said where it is a rule of asking too.
    assert one_sided == set()


def test_the_corpus_is_large_and_has_no_case_twice() -> None:
    names = [case.name for case in cases()]
    assert len(names) >= 300
    assert len(names) == len(set(names))
