"""Several targets: whose word counts, whose is still wanted, and that one target more never makes more possible."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import policy
from bot.core.model import AccessRequest, Approval, Ask, Item, Part, Person, StepUp, StepUpPolicy, StepUpRule
from bot.core.policy import NOTHING, Approving, Asking
from bot.core.rules import Bundle, Stage
from tests.core.examples import ASK, CATALOGUE, HOUR, NOW, PENDING, PEOPLE
from tests.core.policy.corpus import Case, cases

ALICE, BOB, MONA, OTTO, SAM = PEOPLE
EVERYONE = {person.id: person for person in PEOPLE}
READ = CATALOGUE.roles["s3-read"]
ROLES = {
    "lead": Stage(title="Lead", people=frozenset({"otto", "mona"})),
    "security": Stage(title="Security", people=frozenset({"sam"})),
    "both": Stage(title="Both", people=frozenset({"otto", "sam"}), quorum=2),
    "anyone": Stage(title="Anyone", people=frozenset({"otto", "sam", "mona", "bob"})),
}
COMPANY = replace(
    CATALOGUE,
    roles={key: replace(READ, id=key, parameters=(), stages=(stage,)) for key, stage in ROLES.items()}
    | {"staged": replace(READ, id="staged", parameters=(), stages=(ROLES["lead"], ROLES["security"]))},
)
DAY = Bundle("day", "A day's work", (("lead", {}), ("security", {})))


def asked(*roles: str) -> AccessRequest:
    first, *more = roles
    ask = replace(ASK, role=first, params={}, more=tuple(Item(each, "payments") for each in more))
    return replace(
        PENDING, ask=ask, approvers_asked=tuple(EVERYONE), more_parts=tuple(Part("user/alice", "[]") for _ in more)
    )


def approving(roles: tuple[str, ...], yeses: tuple[str, ...], by: Person) -> Approving:
    request = asked(*roles)
    request = replace(request, approvals=tuple(Approval(each, NOW, NOW) for each in yeses))
    return Approving(COMPANY, request, ALICE, by, NOTHING, StepUp("s-1", by.id, NOW, request.digest()), NOW)


@pytest.mark.parametrize(
    ("roles", "yeses", "by", "counts", "completes"),
    [
        # Each role has approvers of its own: one word is not enough, whoever comes first.
        (("lead", "security"), (), "otto", True, False),
        (("lead", "security"), (), "sam", True, False),
        (("lead", "security"), ("otto",), "sam", True, True),
        (("lead", "security"), ("sam",), "mona", True, True),
        # A second word for the same role is one that counts, and completes nothing.
        (("lead", "security"), ("otto",), "mona", True, False),
        # Nobody speaks twice, and nobody who decides nothing of it.
        (("lead", "security"), ("otto",), "otto", False, False),
        (("lead", "security"), (), "bob", False, False),
        (("lead", "security"), (), "alice", False, False),
        # Whoever may decide all of it does.
        (("security", "anyone"), (), "sam", True, True),
        # A quorum of one role is filled by the approvers of that role alone.
        (("both", "lead"), ("otto",), "mona", True, False),
        (("both", "lead"), ("otto",), "sam", True, True),
        (("both", "anyone"), ("bob", "sam"), "otto", True, True),
        # Whoever comes in a later stage of one role waits for it with the other too: each speaks once.
        (("staged", "security"), (), "sam", False, False),
        (("staged", "security"), (), "otto", True, False),
        (("staged", "security"), ("otto",), "sam", True, True),
        (("staged", "lead"), ("otto",), "sam", True, True),
        (("staged", "anyone"), (), "bob", True, False),
        # The same role in several places is one decision.
        (("lead", "lead"), (), "otto", True, True),
    ],
)
def test_the_stages_of_each_role_have_to_be_filled_by_its_own_approvers(
    roles: tuple[str, ...], yeses: tuple[str, ...], by: str, counts: bool, completes: bool
) -> None:
    found = approving(roles, yeses, EVERYONE[by])
    assert policy.may_approve(found).allowed is counts
    assert (counts and policy.completes(found)) is completes


def test_the_strictest_proof_of_all_its_roles_is_wanted() -> None:
    always = replace(COMPANY.roles["security"], approve_step_up=StepUpPolicy(StepUpRule.ALWAYS))
    strict = replace(COMPANY, roles={**COMPANY.roles, "security": always})
    found = replace(approving(("lead", "security"), (), SAM), catalogue=strict)
    other = replace(found, step_up=StepUp("s-1", "sam", NOW, "something else"))
    assert policy.may_approve(found).allowed
    assert [reason.rule for reason in policy.may_approve(other).refusals] == ["step-up"]


SOME = st.lists(st.sampled_from(sorted(COMPANY.roles)), min_size=1, max_size=4)


@given(SOME, st.sampled_from(sorted(COMPANY.roles)), st.permutations(["otto", "mona", "sam", "bob"]), st.integers(0, 3))
def test_a_target_more_never_makes_fewer_words_enough(
    roles: list[str], more: str, people: list[str], said: int
) -> None:
    yeses, by = tuple(people[:said]), EVERYONE[people[said]]
    before, after = approving(tuple(roles), yeses, by), approving((*roles, more), yeses, by)
    assert policy.completes(before) or not policy.completes(after)


REFUSED = [case for case in cases("asking") if case.row.get("refuses")]


@pytest.mark.parametrize("at", range(0, len(REFUSED), 3))
def test_a_target_more_never_lets_through_what_was_refused(at: int) -> None:
    """Every refused case of the corpus, with what is allowed in another beside it."""
    case: Case = REFUSED[at]
    asking = case.asking
    more = (*asking.ask.more, Item("write", "staging", {"bucket": "logs", "prefix": "more/"}))
    wider = replace(asking, ask=replace(asking.ask, more=more), more_facts=(*asking.more_facts, asking.facts))
    assert not policy.may_ask(wider).allowed


def test_what_is_so_of_every_target_is_said_once_and_what_is_not_with_its_name() -> None:
    ask = replace(asked("lead", "security").ask, duration=99 * HOUR, more=(Item("security", "search", {"x": "1"}),))
    texts = [reason.text for reason in policy.may_ask(Asking(COMPANY, ALICE, ask, NOW)).refusals]
    assert sum("99" in text or "at most" in text or "from 1 min" in text for text in texts) == 1
    assert [text for text in texts if text.startswith("security in search: ")]
    assert not [text for text in texts if text.startswith("lead in payments: ")]


# --- bundles ---------------------------------------------------------------------------------------------


def bundled(**changes: object) -> tuple[policy.Verdict, Ask]:
    catalogue = replace(COMPANY, bundles={"day": DAY})
    ask = policy.spread_out(catalogue, replace(ASK, role="day", params={}, **changes), ("payments", "search"))  # type: ignore[arg-type]
    return policy.may_ask(Asking(catalogue, ALICE, ask, NOW)), ask


def test_a_bundle_in_two_accounts_is_each_of_its_roles_in_each_of_them() -> None:
    verdict, ask = bundled()
    assert verdict.allowed, verdict.refusals
    pairs = [(item.role, item.account) for item in ask.items]
    assert pairs == [(role, account) for account in ("payments", "search") for role in ("lead", "security")]
    assert policy.bundle_of(replace(COMPANY, bundles={"day": DAY}), ask.items) == DAY
    assert policy.bundle_of(COMPANY, ask.items) is None


def test_a_bundle_is_offered_where_each_of_its_roles_is_with_the_limits_of_all() -> None:
    roles = {
        **COMPANY.roles,
        "lead": replace(COMPANY.roles["lead"], longest=HOUR, work=("incident", "bug-fix"), reason_min=40),
        "security": replace(COMPANY.roles["security"], accounts=frozenset({"search"}), work=("bug-fix",)),
    }
    known = replace(COMPANY, roles=roles, bundles={"day": DAY})
    (one,) = [role for role in policy.choices(known, ALICE) if policy.is_bundle(role)]
    assert (one.title, one.accounts, one.work) == ("A day's work (2 roles)", frozenset({"search"}), ("bug-fix",))
    assert (one.longest, one.longest_by_work, one.reason_min) == (HOUR, {"bug-fix": HOUR}, 40)
    assert policy.size_of(known, one) == 2
    # Bob has no identity in the one account where both are offered.
    assert not [role for role in policy.choices(known, BOB) if policy.is_bundle(role)]


def test_a_bundle_with_a_role_that_has_lapsed_for_somebody_is_not_offered_to_them() -> None:
    rule = replace(READ.ask[0], until=NOW + timedelta(minutes=1))
    known = replace(
        COMPANY,
        bundles={"day": DAY},
        roles={**COMPANY.roles, "security": replace(COMPANY.roles["security"], ask=(rule,))},
    )
    before, after = (policy.choices(known, ALICE, NOTHING, NOW + timedelta(minutes=at)) for at in (0, 2))
    assert [any(map(policy.is_bundle, offered)) for offered in (before, after)] == [True, False]
