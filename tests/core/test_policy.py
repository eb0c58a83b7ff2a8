from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import policy
from bot.core.model import (
    AccessRequest,
    Approval,
    Ask,
    Catalogue,
    Parameter,
    Person,
    Role,
    StepUp,
    StepUpPolicy,
    StepUpRule,
)
from bot.core.policy import Approving, Asking, Facts, Reason, Verdict
from bot.core.rules import Stage
from tests.core.examples import ADMIN, ASK, CATALOGUE, DAY, DEPLOY, HOUR, MINUTE, NOW, PENDING, READ, VAULT

ALICE, BOB, MONA, OTTO, SAM = (CATALOGUE.people[name] for name in ("alice", "bob", "mona", "otto", "sam"))
NOBODY = Facts()


def with_role(role: Role) -> Catalogue:
    return replace(CATALOGUE, roles={**CATALOGUE.roles, role.id: role})


def asking(
    ask: Ask = ASK, requester: Person = ALICE, catalogue: Catalogue = CATALOGUE, facts: Facts = NOBODY
) -> Asking:
    return Asking(catalogue, requester, ask, NOW, facts)


def refusals(verdict: Verdict) -> dict[str, str]:
    return {reason.rule: reason.text for reason in verdict.refusals}


# --- asking ----------------------------------------------------------------------------------------------


def test_what_is_offered_may_be_asked_for() -> None:
    verdict = policy.may_ask(asking())
    assert verdict.allowed, refusals(verdict)
    assert {reason.rule for reason in verdict.reasons} == {
        "standing",
        "requester",
        "role",
        "account",
        "work",
        "duration",
        "start",
        "parameter",
        "reason",
        "ticket",
        "approvers",
    }


ADMIN_ASK = replace(ASK, role="db-admin", params={}, ticket="PAY-1")

REFUSED: list[tuple[Ask, str, str, str]] = [
    (replace(ASK, requester="bob"), "requester", "", "You can ask for yourself only."),
    (replace(ASK, role="vault"), "role", "role", "There is no role 'vault' that you may ask for."),
    (replace(ASK, role="no-such"), "role", "role", "There is no role 'no-such' that you may ask for."),
    (
        replace(ASK, account="vault"),
        "account",
        "account",
        "Not offered in 'vault'. You can ask for it in: payments, search.",
    ),
    (
        replace(ADMIN_ASK, account="search"),
        "account",
        "account",
        "Not offered in 'search'. You can ask for it in: payments.",
    ),
    (replace(ASK, work="holiday"), "work", "work", "Choose the kind of work: bug-fix, incident."),
    (
        replace(ASK, duration=2 * HOUR + timedelta(seconds=1)),
        "duration",
        "duration",
        "2 h 1 s is not within what is allowed here, from 1 min to 2 h.",
    ),
    (
        replace(ASK, work="incident", duration=9 * HOUR),
        "duration",
        "duration",
        "9 h is not within what is allowed here, from 1 min to 8 h.",
    ),
    (
        replace(ASK, duration=timedelta(seconds=59)),
        "duration",
        "duration",
        "59 s is not within what is allowed here, from 1 min to 2 h.",
    ),
    (
        replace(ASK, duration=timedelta(0)),
        "duration",
        "duration",
        "That is not within what is allowed here, from 1 min to 2 h.",
    ),
    (
        replace(ASK, duration=-HOUR),
        "duration",
        "duration",
        "That is not within what is allowed here, from 1 min to 2 h.",
    ),
    (
        replace(ASK, start_at=NOW + 14 * DAY + MINUTE),
        "start",
        "start",
        "Choose a start within the next 14 days.",
    ),
    (replace(ASK, start_at=NOW - 6 * MINUTE), "start", "start", "Choose a start within the next 14 days."),
    (replace(ASK, params={}), "parameter", "bucket", "Bucket is missing."),
    (replace(ASK, params={"bucket": "A*"}), "parameter", "bucket", "Bucket must be a bucket's name."),
    (replace(ASK, params={"bucket": "logs\n"}), "parameter", "bucket", "Bucket must be a bucket's name."),
    (
        replace(ASK, params={"bucket": "logs", "prefix": "x"}),
        "parameter",
        "prefix",
        "s3-read has no parameter 'prefix'; it has: bucket.",
    ),
    (replace(ASK, reason="Because."), "reason", "reason", "The reason needs 10 to 3000 characters; this has 8."),
    (
        replace(ASK, reason="   Because.   "),
        "reason",
        "reason",
        "The reason needs 10 to 3000 characters; this has 8.",
    ),
    (replace(ASK, reason="x" * 3001), "reason", "reason", "The reason needs 10 to 3000 characters; this has 3001."),
    (replace(ADMIN_ASK, ticket=""), "ticket", "ticket", "db-admin wants a ticket such as PAY-123."),
    (replace(ADMIN_ASK, ticket="PAY-1 "), "ticket", "ticket", "db-admin wants a ticket such as PAY-123."),
    (replace(ASK, ticket="x" * 101), "ticket", "ticket", "A ticket has 100 characters at most."),
]


@pytest.mark.parametrize(("ask", "rule", "field", "says"), REFUSED)
def test_what_does_not_fit_is_refused_by_its_rule_in_words_for_its_field(
    ask: Ask, rule: str, field: str, says: str
) -> None:
    verdict = policy.may_ask(asking(ask))
    assert not verdict.allowed
    assert Reason(rule, False, says, field) in verdict.refusals


@pytest.mark.parametrize(
    "ask",
    [
        ADMIN_ASK,
        replace(ASK, account="search"),
        replace(ASK, duration=2 * HOUR),
        replace(ASK, duration=MINUTE),
        replace(ASK, work="incident", duration=8 * HOUR),
        replace(ASK, start_at=NOW + 14 * DAY),
        replace(ASK, start_at=NOW - 5 * MINUTE),
        replace(ASK, reason="x" * 3000),
        replace(ASK, ticket="whatever"),
    ],
)
def test_what_just_fits_is_allowed(ask: Ask) -> None:
    verdict = policy.may_ask(asking(ask))
    assert verdict.allowed, refusals(verdict)


def test_a_listed_value_must_be_one_of_the_list() -> None:
    role = replace(READ, parameters=(Parameter("env", "Environment", ".*", choices=("blue", "green")),))
    for value, allowed in (("blue", True), ("red", False), ("blue,green", False)):
        verdict = policy.may_ask(asking(replace(ASK, params={"env": value}), catalogue=with_role(role)))
        assert verdict.allowed is allowed
        assert allowed or refusals(verdict) == {"parameter": "Environment must be one of: blue, green."}


def test_an_unknown_role_and_one_that_is_not_offered_get_the_same_words() -> None:
    hidden = policy.may_ask(asking(replace(ASK, role="vault")))
    unknown = policy.may_ask(asking(replace(ASK, role="vault"), catalogue=replace(CATALOGUE, roles={})))
    assert hidden == unknown
    assert {reason.rule for reason in hidden.reasons} == {"role", "account"}


def test_an_account_without_own_identity_and_an_unknown_one_get_the_same_words() -> None:
    bob = replace(ASK, requester="bob", account="search")
    no_identity = policy.may_ask(asking(bob, BOB))
    unknown = policy.may_ask(
        asking(bob, BOB, replace(CATALOGUE, accounts={"payments": CATALOGUE.accounts["payments"]}))
    )
    assert not no_identity.allowed
    assert no_identity == unknown


def test_a_person_known_from_the_chat_only_may_ask_for_nothing() -> None:
    stranger = Person("slack:U9", "Zoe", "zoe@example.com", frozenset({"U9"}))
    assert policy.roles_offered(CATALOGUE, stranger) == ()
    assert not policy.may_ask(asking(replace(ASK, requester="slack:U9"), stranger)).allowed


def test_roles_are_offered_by_title_to_those_who_may_ask_somewhere() -> None:
    assert [role.id for role in policy.roles_offered(CATALOGUE, ALICE)] == ["db-admin", "deploy", "s3-read"]
    assert [role.id for role in policy.roles_offered(CATALOGUE, SAM)] == ["vault"]
    without_identity = replace(ALICE, identities={})
    assert policy.roles_offered(CATALOGUE, without_identity) == ()


def test_what_nobody_else_could_approve_is_not_asked_for() -> None:
    alone = replace(READ, stages=(Stage(people=frozenset({"alice", "gone"})),))
    assert "approvers" in refusals(policy.may_ask(asking(catalogue=with_role(alone))))
    too_few = replace(READ, stages=(Stage(people=frozenset({"alice", "mona"}), quorum=2),))
    assert "approvers" in refusals(policy.may_ask(asking(catalogue=with_role(too_few))))


def test_a_quorum_of_none_still_needs_somebody() -> None:
    nobody = replace(READ, stages=(Stage(quorum=0), Stage(people=frozenset({"mona"}))))
    assert "approvers" in refusals(policy.may_ask(asking(catalogue=with_role(nobody))))


def test_without_a_stage_nobody_could_approve() -> None:
    assert "approvers" in refusals(policy.may_ask(asking(catalogue=with_role(replace(READ, stages=())))))


# --- rules in general ------------------------------------------------------------------------------------


def broken(_: object) -> Iterable[Reason]:
    raise ZeroDivisionError


def half_broken(_: object) -> Iterable[Reason]:
    yield Reason("fine", True, "Fine.")
    raise KeyError("secret-thing")


def fine(_: object) -> Iterable[Reason]:
    yield Reason("fine", True, "Fine.")


def silent(_: object) -> Iterable[Reason]:
    return ()


@pytest.mark.parametrize("rule", [broken, half_broken])
def test_a_rule_that_raises_refuses_and_says_which(rule: policy.Rule) -> None:
    verdict = policy.may_ask(asking(), (*policy.ASKING, rule))
    assert not verdict.allowed
    (reason,) = verdict.refusals
    assert rule.__name__.replace("_", " ") in reason.text
    assert "secret-thing" not in reason.text


def test_without_rules_or_reasons_nothing_is_allowed() -> None:
    assert not policy.may_ask(asking(), ()).allowed
    assert not policy.may_ask(asking(), (silent,)).allowed
    assert not policy.may_approve(approving(), ()).allowed
    assert not Verdict(()).allowed


def constant(rule: str, satisfied: bool) -> policy.Rule:
    return lambda _: [Reason(rule, satisfied, f"{rule}.")]


RULES = st.lists(
    st.sampled_from([fine, silent, broken, *policy.ASKING])
    | st.builds(constant, st.sampled_from(["role", "account", "x", "y"]), st.booleans()),
    max_size=6,
)
ASKS = st.sampled_from([ASK, ADMIN_ASK, *(row[0] for row in REFUSED)])


@given(ASKS, RULES, RULES)
def test_adding_rules_never_widens(ask: Ask, rules: list[policy.Rule], more: list[policy.Rule]) -> None:
    narrow, wide = policy.may_ask(asking(ask), [*rules, *more]), policy.may_ask(asking(ask), rules)
    # Without any reason nothing is allowed: the first reason of all is what makes a yes possible.
    assert wide.allowed or not narrow.allowed or not wide.reasons


@given(ASKS, RULES, st.randoms())
def test_the_order_of_rules_never_matters(ask: Ask, rules: list[policy.Rule], random: Random) -> None:
    shuffled = random.sample(rules, len(rules))
    one, other = policy.may_ask(asking(ask), rules), policy.may_ask(asking(ask), shuffled)
    assert one.allowed == other.allowed
    assert set(one.reasons) == set(other.reasons)


# --- approver set ----------------------------------------------------------------------------------------


def approvers(role: Role = READ, requester: Person = ALICE, facts: Facts = NOBODY) -> list[str]:
    return [person.id for person in policy.approver_set(CATALOGUE, role, requester, facts)]


ZOE = Person("slack:U9", "Zoe", "zoe@example.com", frozenset({"U9"}))


def test_the_manager_and_the_groups_approve() -> None:
    assert approvers() == ["mona", "otto"]


def test_the_catalogue_s_manager_goes_before_the_chat_profile_s() -> None:
    assert approvers(DEPLOY, ALICE, Facts(manager=ZOE)) == ["mona"]
    assert approvers(DEPLOY, BOB, Facts(manager=ZOE)) == ["slack:U9"]
    assert approvers(DEPLOY, BOB) == []


def test_a_manager_counts_only_where_the_role_says_so() -> None:
    assert approvers(ADMIN, ALICE, Facts(manager=ZOE)) == ["mona", "otto", "sam"]


def test_a_chat_group_s_members_approve_once_each() -> None:
    facts = Facts(slack_groups={"S1": (ZOE, OTTO, MONA), "S2": (SAM,)})
    assert approvers(DEPLOY, ALICE, facts) == ["mona", "otto", "slack:U9"]


SELVES = {
    "id": replace(ALICE, slack_ids=frozenset(), email=None),
    "slack id": Person("x", "X", slack_ids=frozenset({"U1"})),
    "e-mail": Person("x", "X", "ALICE@Example.com"),
    "principal": Person("x", "X", identities={"payments": "user/alice"}),
}


@pytest.mark.parametrize("self_", SELVES.values(), ids=SELVES)
def test_nobody_is_their_own_approver_by_any_shared_identity(self_: Person) -> None:
    facts = Facts(manager=self_, slack_groups={"S1": (self_, OTTO)})
    requester = replace(ALICE, manager=None)
    assert approvers(DEPLOY, requester, facts) == ["otto"]


# --- approving -------------------------------------------------------------------------------------------


def proof(person: str = "mona", at: datetime = NOW, confirms: str = "something else") -> StepUp:
    return StepUp("s-1", person, at, confirms)


RECENT = proof()


def approving(
    approver: Person = MONA,
    request: AccessRequest = PENDING,
    step_up: StepUp | None = RECENT,
    catalogue: Catalogue = CATALOGUE,
    now: datetime = NOW,
    facts: Facts = NOBODY,
) -> Approving:
    return Approving(catalogue, request, ALICE, approver, facts, step_up, now)


def test_an_approver_who_proved_it_is_them_may_approve() -> None:
    verdict = policy.may_approve(approving())
    assert verdict.allowed, refusals(verdict)


@pytest.mark.parametrize("self_", SELVES.values(), ids=SELVES)
def test_nobody_approves_their_own_though_a_set_said_so(self_: Person) -> None:
    request = replace(PENDING, approvers_asked=(self_.id,))
    verdict = policy.may_approve(approving(self_, request, proof(self_.id)))
    assert set(refusals(verdict)) == {"separation", "approver-now"}


def test_an_approver_has_to_be_one_both_when_asked_and_now() -> None:
    assert set(refusals(policy.may_approve(approving(SAM)))) == {"approver-now", "approver-then"}
    left = with_role(replace(READ, stages=(Stage(people=frozenset({"otto"})),)))
    assert set(refusals(policy.may_approve(approving(catalogue=left)))) == {"approver-now"}
    came = with_role(replace(READ, stages=(Stage(people=frozenset({"mona", "sam"})),)))
    newcomer = policy.may_approve(approving(SAM, catalogue=came))
    assert set(refusals(newcomer)) == {"approver-then"}


def test_one_person_approves_once() -> None:
    request = replace(PENDING, quorum=2, approvals=(Approval("mona", NOW, NOW),))
    assert refusals(policy.may_approve(approving(request=request))) == {"distinct": "You approved this already."}
    assert policy.may_approve(approving(OTTO, request)).allowed


def test_one_human_with_two_records_approves_once() -> None:
    second = Person("slack:W3", "Mona's other account", "Mona@example.com", frozenset({"W3"}))
    request = replace(PENDING, quorum=2, approvals=(Approval("mona", NOW, NOW),), approvers_asked=("mona", "slack:W3"))
    chat = with_role(replace(READ, stages=(Stage(manager=True, slack_groups=frozenset({"S1"})),)))
    facts = Facts(slack_groups={"S1": (second,)})
    verdict = policy.may_approve(approving(second, request, catalogue=chat, facts=facts))
    assert set(refusals(verdict)) == {"distinct"}


def test_a_role_that_is_gone_refuses() -> None:
    verdict = policy.may_approve(approving(catalogue=replace(CATALOGUE, roles={})))
    assert not verdict.allowed


ALWAYS, NEVER = StepUpPolicy(StepUpRule.ALWAYS), StepUpPolicy(StepUpRule.NEVER)
WITHIN = StepUpPolicy(StepUpRule.WITHIN, 15 * MINUTE)
THIS = PENDING.digest()
STEP_UPS: Mapping[str, tuple[StepUpPolicy, StepUp | None, bool]] = {
    "always, none": (ALWAYS, None, False),
    "always, for this": (ALWAYS, proof(confirms=THIS), True),
    "always, for this 5 min ago": (ALWAYS, proof(confirms=THIS, at=NOW - 5 * MINUTE), True),
    "always, for this too long ago": (ALWAYS, proof(confirms=THIS, at=NOW - 5 * MINUTE - timedelta(seconds=1)), False),
    "always, for something else": (ALWAYS, proof(), False),
    "always, from the future": (ALWAYS, proof(confirms=THIS, at=NOW + MINUTE), False),
    "within, none": (WITHIN, None, False),
    "within, for anything": (WITHIN, proof(), True),
    "within, 15 min ago": (WITHIN, proof(at=NOW - 15 * MINUTE), True),
    "within, too long ago": (WITHIN, proof(at=NOW - 15 * MINUTE - timedelta(seconds=1)), False),
    "within, from the future": (WITHIN, proof(at=NOW + MINUTE), False),
    "within, clocks a little apart": (WITHIN, proof(at=NOW + timedelta(seconds=5)), True),
    "never, none": (NEVER, None, True),
}


@pytest.mark.parametrize(("rule", "step_up", "enough"), STEP_UPS.values(), ids=STEP_UPS)
def test_how_fresh_a_proof_has_to_be(rule: StepUpPolicy, step_up: StepUp | None, enough: bool) -> None:
    catalogue = with_role(replace(READ, approve_step_up=rule))
    verdict = policy.may_approve(approving(step_up=step_up, catalogue=catalogue))
    assert verdict.allowed is enough
    assert set(refusals(verdict)) == (set() if enough else {"step-up"})


# --- revoking --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("person", "may"), [(SAM, True), (OTTO, True), (BOB, False), (ALICE, False)])
def test_admins_and_approvers_may_revoke(person: Person, may: bool) -> None:
    assert policy.may_revoke(CATALOGUE, (MONA, OTTO), person) is may


def test_the_shorter_of_the_role_s_and_the_work_s_longest_counts() -> None:
    assert policy.longest(CATALOGUE, READ, "bug-fix") == 2 * HOUR
    assert policy.longest(CATALOGUE, READ, "incident") == 8 * HOUR
    assert policy.longest(CATALOGUE, VAULT, "no such work") == 8 * HOUR
