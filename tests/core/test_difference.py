"""What two catalogues differ in: nothing is missed, nothing made up, and the dangerous comes first."""

from dataclasses import fields, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings

from bot.core import policy
from bot.core.difference import Change, Difference, Direction, Kind, describe, difference
from bot.core.model import (
    Account,
    Catalogue,
    ChangeRule,
    Parameter,
    Person,
    Role,
    Statement,
    StepUpPolicy,
    StepUpRule,
    Summary,
    Work,
)
from bot.core.rules import AskRule, Auto, BreakGlass, Caps, Extension, Schedule, Separation, Stage, TicketRule
from tests.core.companies import pairs
from tests.core.examples import ADMIN, CATALOGUE, DEPLOY, HOUR, NOW, READ, VAULT

Triples = set[tuple[str, str, str]]
Pair = tuple[Catalogue, Catalogue]


def with_roles(*roles: Role) -> Catalogue:
    return replace(CATALOGUE, roles={**CATALOGUE.roles, **{role.id: role for role in roles}})


def with_person(person: Person) -> Catalogue:
    return replace(CATALOGUE, people={**CATALOGUE.people, person.id: person})


def said(after: Catalogue, before: Catalogue = CATALOGUE) -> list[str]:
    return [str(line) for line in describe(difference(before, after), before, after)]


def askers(catalogue: Catalogue) -> Triples:
    return {
        (person.id, role.id, account)
        for person in catalogue.people.values()
        for role in policy.roles_offered(catalogue, person)
        for account in policy.accounts_offered(catalogue, role, person)
    }


def approvals(catalogue: Catalogue) -> Triples:
    """Approver, role and asker."""
    return {
        (approver.id, role.id, person.id)
        for person in catalogue.people.values()
        for role in policy.roles_offered(catalogue, person)
        for approver in policy.approver_set(catalogue, role, person, policy.Facts(), waited=policy.EVER)
    }


# --- properties ------------------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(pairs())
def test_what_is_gained_one_way_is_lost_the_other(both: Pair) -> None:
    a, b = both
    assert {change.backwards for change in difference(a, b).changes} == set(difference(b, a).changes)


@settings(max_examples=60, deadline=None)
@given(pairs())
def test_a_difference_is_empty_exactly_where_both_say_the_same(both: Pair) -> None:
    a, b = both
    assert difference(a, a) == Difference()
    assert difference(a, replace(a, digest="other")) == Difference()
    assert bool(difference(a, b)) is (a != b)


@settings(max_examples=80, deadline=None)
@given(pairs())
def test_who_gains_and_who_loses_a_role_is_what_the_policy_says_of_both(both: Pair) -> None:
    a, b = both
    found: dict[Direction, Triples] = {Direction.GAINED: set(), Direction.LOST: set()}
    for each in difference(a, b).changes:
        if each.kind is Kind.ASK:
            found[each.direction].add((each.person, each.role, each.account))
    assert found[Direction.GAINED] == askers(b) - askers(a)
    assert found[Direction.LOST] == askers(a) - askers(b)


@settings(max_examples=80, deadline=None)
@given(pairs())
def test_whoever_comes_to_approve_for_somebody_who_could_ask_before_is_told(both: Pair) -> None:
    a, b = both
    gained = {
        (each.person, each.role, each.what)
        for each in difference(a, b).changes
        if each.kind is Kind.APPROVE and each.direction is Direction.GAINED
    }
    new = approvals(b) - approvals(a)
    asked = {(role, person) for person, role, _ in askers(a)}
    approved = {(approver, role) for approver, role, _ in approvals(a)}
    wanted = {pair for pair in new if (pair[1], pair[2]) in asked or pair[:2] not in approved}
    assert {pair for pair in gained if ":" not in pair[0]} == wanted


@settings(max_examples=60, deadline=None)
@given(pairs())
def test_the_lines_count_every_change_and_losses_come_last(both: Pair) -> None:
    a, b = both
    found = difference(a, b)
    lines = describe(found, a, b)
    assert sum(line.count for line in lines) == len(found.changes) == sum(found.counts.values())
    lost = [line.direction is Direction.LOST for line in lines]
    assert lost == sorted(lost)
    assert all(line.text and "\n" not in line.text for line in lines)


# --- nothing goes unseen ---------------------------------------------------------------------------------


OTHERS = {
    StepUpPolicy: StepUpPolicy(StepUpRule.WITHIN, timedelta(days=9)),
    Separation: Separation(pair_most=2),
    Caps: Caps(per_person=2),
    TicketRule: TicketRule("X-[0-9]+"),
    Summary: Summary("C-ELSEWHERE"),
}
OTHERS_NAMED: dict[str, object] = {
    "only_accounts": {"payments": (AskRule(people=frozenset({"mona"})),)},
    "only_tags": {"prod": (AskRule(people=frozenset({"mona"})),)},
    "schedules": {"week": Schedule("week", "static", ("sam",))},
    "changes": ChangeRule(admins=True),
}


def another(value: object, name: str = "") -> object:
    """A value of the same kind that is not this one."""
    if name in OTHERS_NAMED:
        return OTHERS_NAMED[name]
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str():
            return value + "x"
        case timedelta():
            return value + HOUR
        case frozenset():
            return value | {"sam"}
        case tuple():
            more = (replace(each, id="more") if isinstance(each, Parameter) else each for each in value[-1:])
            return (*value, *more) or (AskRule(people=frozenset({"mona"})),)
        case dict():
            return {**value, "search": "role/other"}
        case None:
            return "mona"
    return OTHERS[type(value)]


@pytest.mark.parametrize("name", [each.name for each in fields(Role) if each.name != "id"])
def test_a_change_of_any_field_of_a_role_is_told(name: str) -> None:
    role = replace(ADMIN, parameters=READ.parameters)
    found = difference(with_roles(role), with_roles(replace(role, **{name: another(getattr(role, name), name)})))
    assert [change for change in found.changes if change.role == ADMIN.id]


@pytest.mark.parametrize("name", [each.name for each in fields(Person) if each.name not in {"id", "groups"}])
def test_a_change_of_any_field_of_a_person_is_told(name: str) -> None:
    alice = CATALOGUE.people["alice"]
    found = difference(CATALOGUE, with_person(replace(alice, **{name: another(getattr(alice, name))})))
    assert [change for change in found.changes if "alice" in {change.person, change.what}]


@pytest.mark.parametrize("name", [each.name for each in fields(Account) if each.name != "id"])
def test_a_change_of_any_field_of_an_account_is_told(name: str) -> None:
    account = CATALOGUE.accounts["payments"]
    changed = replace(account, **{name: another(getattr(account, name))})
    found = difference(CATALOGUE, replace(CATALOGUE, accounts={**CATALOGUE.accounts, "payments": changed}))
    assert [change for change in found.changes if change.account == "payments"]


ELSEWHERE = {"accounts", "people", "groups", "roles", "work", "digest"}


@pytest.mark.parametrize("name", [each.name for each in fields(Catalogue) if each.name not in ELSEWHERE])
def test_a_change_of_any_other_key_of_the_file_is_told(name: str) -> None:
    changed = replace(CATALOGUE, **{name: another(getattr(CATALOGUE, name), name) if name != "admins" else frozenset()})
    assert difference(CATALOGUE, changed)


def test_an_external_id_is_never_shown() -> None:
    account = replace(CATALOGUE.accounts["payments"], external_id="keep-this-secret")
    lines = said(replace(CATALOGUE, accounts={**CATALOGUE.accounts, "payments": account}))
    assert lines == ["± account payments: external_id: changed"]


# --- in words --------------------------------------------------------------------------------------------

ADDED = replace(READ, statements=(*READ.statements, Statement(("s3:PutObject",), ("arn:aws:s3:::{bucket}/*",))))
WIDER = replace(READ, statements=(Statement(("s3:*",), ("arn:aws:s3:::{bucket}/*",)),))
BOUND = replace(
    READ, statements=(replace(READ.statements[0], conditions={"Bool": {"aws:SecureTransport": ("true",)}}),)
)

SCHEDULED = (
    "± schedules week: id week, kind static, people sam, handover_day 0, handover_at 09:00:00, "
    "zone UTC, shift 7 d, was nothing"
)
SENTENCES: dict[str, tuple[Catalogue, list[str]]] = {
    "admin": (replace(CATALOGUE, admins=frozenset({"sam", "bob"})), ["+ Bob (bob) is now an admin"]),
    "permission added": (with_roles(ADDED), ["+ s3-read now permits s3:PutObject on arn:aws:s3:::{bucket}/*"]),
    "permission widened, what it covers not lost": (
        with_roles(WIDER),
        ["+ s3-read now permits s3:* on arn:aws:s3:::{bucket}/*"],
    ),
    "a condition narrows": (
        with_roles(BOUND),
        ["− s3-read no longer permits s3:GetObject on arn:aws:s3:::{bucket}/*"],
    ),
    "longer": (
        with_roles(replace(READ, longest=24 * HOUR)),
        ["+ s3-read for incident: 1 d at most, was 8 h"],
    ),
    "weaker proof": (
        with_roles(replace(ADMIN, approve_step_up=StepUpPolicy(StepUpRule.WITHIN, HOUR))),
        ["+ db-admin: a code when approving: one of the last 1 h, was always"],
    ),
    "quorum": (
        with_roles(replace(ADMIN, stages=(replace(ADMIN.stages[0], quorum=1),))),
        ["+ db-admin: 1 must approve, was 2"],
    ),
    "ticket": (
        with_roles(replace(ADMIN, ticket=None)),
        ["+ db-admin: ticket not needed, was PAY-[0-9]+, “PAY-123”"],
    ),
    "approver": (
        with_roles(replace(VAULT, stages=(replace(VAULT.stages[0], people=frozenset({"mona"})),))),
        ["+ Mona (mona) may now approve vault for Sam (sam)"],
    ),
    "another manager": (
        with_person(replace(CATALOGUE.people["alice"], manager="bob")),
        [
            "+ Bob (bob) may now approve deploy for Alice (alice)",
            "+ Bob (bob) may now approve s3-read for Alice (alice)",
            "± Alice (alice): manager: bob, was mona",
            "− Mona (mona) may no longer approve deploy for Alice (alice)",
            "− Mona (mona) may no longer approve s3-read for Alice (alice)",
        ],
    ),
    "a Slack group": (
        with_roles(replace(DEPLOY, stages=(replace(DEPLOY.stages[0], slack_groups=frozenset({"S1", "S2"})),))),
        ["+ Everyone in Slack group S2 may now approve deploy for everyone who may ask for it (2)"],
    ),
    "a Slack account": (
        with_person(replace(CATALOGUE.people["sam"], slack_ids=frozenset({"U5", "U666"}))),
        ["+ Slack account U666 is now Sam (sam)"],
    ),
    "an identity": (
        with_person(replace(CATALOGUE.people["bob"], identities={"payments": "user/bob", "search": "role/bob"})),
        [
            "+ role/bob in search is now Bob (bob)",
            "+ Bob (bob) may now ask for deploy in search; s3-read in search",
        ],
    ),
    "another AWS account": (
        replace(CATALOGUE, accounts={**CATALOGUE.accounts, "search": Account("search", "Search", "333333333333")}),
        ["± account search: number: 333333333333, was 222222222222"],
    ),
    "a parameter's pattern": (
        with_roles(replace(READ, parameters=(replace(READ.parameters[0], pattern=".*"),))),
        ["± s3-read: parameter bucket: .*, was [a-z-]{3,63}"],
    ),
    "automatic approval": (
        with_roles(replace(READ, auto=Auto(1, HOUR))),
        ["+ s3-read: automatic approval: times 1, per 1 h, was nothing"],
    ),
    "break-glass": (
        with_roles(replace(READ, break_glass=BreakGlass())),
        ["+ s3-read: break-glass: longest 1 h, review_within 1 d, was nothing"],
    ),
    "longer later": (
        with_roles(replace(READ, extend=Extension(HOUR, approval=False))),
        ["+ s3-read: extension: longest 1 h, was nothing"],
    ),
    "critical": (
        with_roles(replace(READ, critical=True)),
        ["− s3-read: critical: yes, was no"],
    ),
    "hours": (
        with_roles(replace(READ, hours="office")),
        ["− s3-read: hours: office, was nothing"],
    ),
    "asking by a Slack group": (
        with_roles(replace(READ, ask=(*READ.ask, AskRule(slack_groups=frozenset({"S1"}))))),
        ["+ s3-read: rules of asking: anywhere, slack_groups S1, was nothing"],
    ),
    "asking for some time": (
        with_roles(replace(READ, ask=(*READ.ask, AskRule(people=frozenset({"sam"}), until=NOW)))),
        ["+ Sam (sam) may now ask for s3-read in payments (until 2026-11-23 10:00 UTC)"],
    ),
    "refusals": (
        with_roles(replace(READ, stages=(replace(READ.stages[0], refusals=2),))),
        ["± s3-read: rules of approving: quorum 1, refusals 2, was quorum 1, refusals 1"],
    ),
    "a turn on call": (
        replace(CATALOGUE, schedules={"week": Schedule("week", "static", ("sam",))}),
        [SCHEDULED],
    ),
    "words only": (with_roles(replace(READ, title="Look")), ["± s3-read: title: Look, was Read a bucket"]),
    "a kind of work": (
        replace(CATALOGUE, work={**CATALOGUE.work, "bug-fix": Work("bug-fix", "Bug fix", HOUR)}),
        ["− db-admin for bug-fix: 1 h at most, was 2 h"],
    ),
}


@pytest.mark.parametrize(("after", "lines"), SENTENCES.values(), ids=SENTENCES)
def test_each_kind_of_change_is_a_sentence(after: Catalogue, lines: list[str]) -> None:
    found = said(after)
    assert [line for line in found if line in lines] == lines, found


def test_the_most_dangerous_comes_first() -> None:
    wide = with_roles(replace(ADDED, title="Look", longest=24 * HOUR))
    lines = said(replace(wide, admins=frozenset({"bob"})))
    starts = [
        "+ Bob (bob) is now an admin",
        "+ s3-read now permits",
        "+ s3-read for incident",
        "± s3-read: title",
        "− Sam",
    ]
    assert [line.startswith(start) for line, start in zip(lines, starts, strict=True)] == [True] * 5, lines


def crowd(size: int, group: str = "engineers") -> Catalogue:
    people = {
        f"e{number}": Person(
            f"e{number}", f"E{number}", groups=frozenset({group}), identities={"payments": f"user/e{number}"}
        )
        for number in range(size)
    }
    return replace(
        CATALOGUE, people={**CATALOGUE.people, **people}, groups={**CATALOGUE.groups, group: frozenset(people)}
    )


def test_thousands_of_changes_are_a_line_for_each_group() -> None:
    company = crowd(2000, "analysts")
    opened = replace(
        VAULT, ask=(*VAULT.ask, AskRule(groups=frozenset({"analysts"}))), stages=(Stage(people=frozenset({"mona"})),)
    )
    after = replace(company, roles={**company.roles, "vault": opened})
    lines = said(after, company)
    assert "+ Everyone in analysts (2000) may now ask for vault in payments" in lines
    assert "+ Mona (mona) may now approve vault for everyone who may ask for it (2001)" in lines
    assert len(lines) < 8


def test_hundreds_of_managers_are_a_few_lines() -> None:
    company = crowd(300, "engineers")
    people = {
        key: replace(each, manager=f"e{number // 3}" if each.id.startswith("e") else each.manager)
        for number, (key, each) in enumerate(company.people.items())
    }
    lines = said(replace(company, people=people), company)
    assert sum("may now approve s3-read" in line for line in lines) == 7
    assert any("more people may now approve s3-read, each for some of" in line for line in lines)


def test_a_group_of_which_only_some_gain_is_not_said_to_gain() -> None:
    company = crowd(10, "analysts")
    after = replace(
        company,
        roles={**company.roles, "vault": replace(VAULT, ask=(AskRule(people=frozenset({"sam", "e1", "e2", "e3"})),))},
    )
    asking = [line for line in said(after, company) if "ask for vault" in line]
    assert asking == ["+ E1 (e1), E2 (e2), E3 (e3) may now ask for vault in payments"]


def test_who_gains_by_a_change_themselves_is_known() -> None:
    found = difference(CATALOGUE, replace(CATALOGUE, admins=frozenset({"bob"})))
    assert found.gains_of("bob") == (Change(Kind.ADMIN, Direction.GAINED, person="bob"),)
    assert found.gains_of("sam") == ()


def test_who_comes_to_be_on_call_comes_to_approve() -> None:
    role = replace(VAULT, stages=(replace(VAULT.stages[0], on_call="week"),))
    before = replace(with_roles(role), schedules={"week": Schedule("week", "static", ("mona",))})
    after = replace(before, schedules={"week": Schedule("week", "static", ("mona", "bob"))})
    assert "+ Bob (bob) may now approve vault for Sam (sam)" in said(after, before)


def test_who_may_ask_for_longer_gains_and_for_less_loses() -> None:
    def until(end: datetime | None) -> Catalogue:
        return with_roles(replace(VAULT, ask=(AskRule(people=frozenset({"sam"}), until=end),)))

    (longer,) = (each for each in difference(until(NOW), until(NOW + HOUR)).changes if each.kind is Kind.ASK)
    (ever,) = (each for each in difference(until(NOW), until(None)).changes if each.kind is Kind.ASK)
    (less,) = (each for each in difference(until(NOW), until(NOW - HOUR)).changes if each.kind is Kind.ASK)
    assert [each.direction for each in (longer, ever, less)] == [Direction.GAINED, Direction.GAINED, Direction.LOST]
    assert (ever.person, ever.before, ever.after) == ("sam", "until 2026-11-23 10:00 UTC", "without an end")


def test_stages_that_change_places_are_told() -> None:
    first, second = Stage(people=frozenset({"mona"})), Stage(people=frozenset({"otto"}))
    (change,) = difference(
        with_roles(replace(VAULT, stages=(first, second))), with_roles(replace(VAULT, stages=(second, first)))
    ).changes
    assert (change.kind, change.what) == (Kind.RULES, "rules of approving")
