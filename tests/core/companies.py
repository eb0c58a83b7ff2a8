"""Small catalogues of every kind, for properties."""

from dataclasses import fields, replace
from datetime import timedelta

from hypothesis import strategies as st

from bot.core.model import (
    Account,
    Catalogue,
    Parameter,
    Person,
    Role,
    Statement,
    StepUpPolicy,
    StepUpRule,
    Summary,
    Work,
)
from bot.core.rules import AskRule, Auto, BreakGlass, Stage, TicketRule

PEOPLE = [f"p{number}" for number in range(6)]
GROUPS, ACCOUNTS, ROLES, WORK = ["g1", "g2"], ["a1", "a2"], ["r1", "r2", "r3"], ["bug", "fire"]
HOURS = st.integers(1, 9).map(lambda hours: timedelta(hours=hours))


def some(values: list[str]) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(values))


statements = st.builds(
    Statement,
    st.lists(st.sampled_from(["s3:Get*", "s3:GetObject", "s3:*", "rds:Stop"]), min_size=1, unique=True).map(tuple),
    st.lists(st.sampled_from(["*", "arn:a/*", "arn:a/x", "arn:{p}"]), min_size=1, unique=True).map(tuple),
    st.sampled_from([{}, {"Bool": {"mfa": ("true",)}}]),
)
parameters = st.builds(
    Parameter,
    st.just("p"),
    st.just("P"),
    st.sampled_from(["[a-z]+", "x|y"]),
    choices=st.sampled_from([(), ("x",), ("x", "y")]),
)
proofs = st.one_of(
    st.sampled_from([StepUpPolicy(StepUpRule.ALWAYS), StepUpPolicy(StepUpRule.NEVER)]),
    HOURS.map(lambda age: StepUpPolicy(StepUpRule.WITHIN, age)),
)
stages = st.builds(
    Stage,
    manager=st.booleans(),
    people=some(PEOPLE),
    groups=some(GROUPS),
    slack_groups=some(["S1"]),
    quorum=st.integers(1, 2),
)
roles = st.builds(
    Role,
    id=st.just(""),
    title=st.sampled_from(["One", "Two"]),
    provider=st.just("aws_iam"),
    accounts=some(ACCOUNTS),
    statements=st.lists(statements, min_size=1, max_size=2).map(tuple),
    longest=HOURS,
    work=st.lists(st.sampled_from(WORK), min_size=1, unique=True).map(tuple),
    ask=st.lists(
        st.builds(AskRule, people=some(PEOPLE), groups=some(GROUPS), slack_groups=some(["S1"])), max_size=2
    ).map(tuple),
    stages=st.lists(stages, min_size=1, max_size=2).map(tuple),
    parameters=st.lists(parameters, max_size=1).map(tuple),
    ask_step_up=proofs,
    approve_step_up=proofs,
    ticket=st.sampled_from([None, TicketRule("T-1"), TicketRule("T-2")]),
    auto=st.sampled_from([None, Auto(1, timedelta(hours=1))]),
    break_glass=st.sampled_from([None, BreakGlass()]),
    critical=st.booleans(),
    channel=st.sampled_from(["", "C1"]),
)
people = st.builds(
    Person,
    id=st.just(""),
    name=st.just("Somebody"),
    email=st.sampled_from([None, "same@example.com"]),
    slack_ids=some(["U1", "U2"]),
    manager=st.none() | st.sampled_from(PEOPLE),
    identities=st.dictionaries(st.sampled_from(ACCOUNTS), st.sampled_from(["user/x", "user/y"])),
)


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    """Names may name what is not there: nothing here is checked as a file is."""
    groups = {group: draw(some(PEOPLE)) for group in draw(some(GROUPS))}
    known = {key: replace(draw(people), id=key) for key in sorted(draw(some(PEOPLE)))}
    made = Catalogue(
        accounts={key: Account(key, key, draw(st.sampled_from(["1", "2"]))) for key in sorted(draw(some(ACCOUNTS)))},
        people=known,
        groups=groups,
        roles={key: replace(draw(roles), id=key) for key in sorted(draw(some(ROLES)))},
        work={key: Work(key, key, draw(HOURS)) for key in sorted(draw(some(WORK)))},
        admins=draw(some(PEOPLE)),
        channel="C1",
        security_channel=draw(st.sampled_from(["C2", "C3"])),
        summary=Summary("C1"),
        digest="d",
    )
    return with_groups(made)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Catalogue, Catalogue]:
    """Two that have much, or nothing, in common."""
    before, other = draw(catalogues()), draw(catalogues())
    others = {each.name for each in fields(Catalogue)} - {"people", "roles"}
    names = others if draw(st.booleans()) else {name for name in sorted(others) if draw(st.booleans())}
    kept = {name: getattr(before, name) for name in names}
    mixed = replace(other, **kept)
    same = draw(st.sampled_from([(), ROLES[:2], ROLES[1:]]))
    roles = {**mixed.roles, **{key: before.roles[key] for key in same if key in before.roles}}
    people = {**mixed.people, **{key: before.people[key] for key in draw(some(PEOPLE)) if key in before.people}}
    return before, with_groups(replace(mixed, roles=roles, people=people))


def with_groups(catalogue: Catalogue) -> Catalogue:
    """Each person in the groups that say so."""

    def of(key: str) -> frozenset[str]:
        return frozenset(group for group, members in catalogue.groups.items() if key in members)

    return replace(catalogue, people={key: replace(each, groups=of(key)) for key, each in catalogue.people.items()})
