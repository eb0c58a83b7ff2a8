from collections.abc import Callable

import pytest

from bot.catalogue import Loaded, Problem, describe

Check = Callable[..., list[Problem]]
Load = Callable[..., Loaded]
APPROVE = "approve: {manager: true, groups: [leads]}"


@pytest.mark.parametrize(
    ("edits", "says"),
    [
        ([("ask: {groups: [engineers]}", "ask: {}")], "roles.read.ask: nobody can ask for this role"),
        ([("engineers: [maya]", "engineers: []")], "roles.read.ask: nobody can ask for this role"),
        (
            [(APPROVE, "approve: {manager: true}"), (", manager: ines", "")],
            "roles.read.approve: leans on the Slack profile for the manager of maya → name their manager here",
        ),
        (
            [
                (APPROVE, "approve: {people: [sam]}"),
                ("engineers: [maya]", "engineers: [maya, sam]"),
                ("slack: U0SAM", "slack: U0SAM, aws: {prod: user/sam}"),
            ],
            "roles.read.approve: leaves sam without enough approvers",
        ),
        (
            [(", aws: {prod: user/maya, dev: user/maya}", "")],
            "roles.read.ask: maya may ask, but has no identity in its accounts → add aws:",
        ),
        (
            [("prod: user/maya, dev: user/maya", "prod: user/maya"), ("accounts: [prod]", "accounts: [prod, dev]")],
            "roles.read.accounts: nobody who may ask has an identity in dev",
        ),
        (
            [("ravi: {name: Ravi, slack: U0RAVI}", "ravi: {name: Ravi}")],
            "people.ravi: has neither a Slack id nor an e-mail",
        ),
        (
            [("max_duration: 8h", "max_duration: 2d")],
            "roles.read.max_duration: is never reached: its kinds of work end at 1 d",
        ),
        ([("min_duration: 5m", "min_duration: 3h")], "roles.read.min_duration: rules out bug-fix, which ends sooner"),
        (
            [("ask: always, approve: 20m", "ask: never, approve: never")],
            "step_up: neither side ever proves who they are",
        ),
    ],
)
def test_what_will_surprise_somebody_is_a_warning(edits: list[tuple[str, str]], says: str, loaded: Load) -> None:
    shown = [str(each).replace("\n    → ", " → ") for each in loaded(*edits).warnings]
    assert any(says in each and ": warning: " in each for each in shown), shown


def test_a_quorum_that_nobody_can_reach_is_an_error(errors: Check) -> None:
    (problem,) = errors((APPROVE, "approve: {people: [maya, ines], quorum: 2}"))
    assert (problem.path, problem.message) == ("roles.read.approve", "wants 2 approvers, which no requester can have")
    assert errors((APPROVE, "approve: {people: [maya, ines], slack_groups: [S0LEADS], quorum: 2}")) == []


def test_a_policy_that_no_user_can_hold_is_a_warning(loaded: Load) -> None:
    many = ", ".join(f'"arn:aws:s3:::{{bucket}}/{{prefix}}/{at:03}/*"' for at in range(70))
    (warning,) = loaded(('resources: "arn:aws:s3:::{bucket}/{prefix}*"', f"resources: [{many}]")).warnings
    assert "an IAM user holds 2,048 in all" in warning.message


def test_the_table_says_who_can_get_what_with_whose_approval(loaded: Load) -> None:
    found = loaded(
        ("accounts: [prod]", "accounts: {tags: [payments]}"), ("groups: [leads]}", "groups: [leads], quorum: 2}")
    )
    table = describe(found.catalogue, found.warnings)
    for said in ("Read files", "in dev", "in prod", "Maya", "8 h", "bug-fix 2 h"):
        assert said in table
    for line in (
        "Security admins: Sam",
        "Approvals in C0APPROVALS, security in C0SECURITY, daily summary in C0AUDIT at 09:30 UTC",
    ):
        assert line in table
    assert "2 of: their manager" in table
    assert "incident 8 h" in table
    assert "ticket PAY-1" in table


def test_accounts_where_others_may_ask_stand_apart(loaded: Load) -> None:
    found = loaded(
        ("accounts: [prod]", "accounts: {tags: [payments]}"),
        ("slack: U0SAM", "slack: U0SAM, aws: {prod: user/sam}"),
        ("engineers: [maya]", "engineers: [maya, sam]"),
    )
    rows = describe(found.catalogue).split("\n\n")
    assert any("in dev" in row and "Sam" not in row for row in rows)
    assert any("in prod" in row and "Maya, Sam" in row for row in rows)


def test_the_table_is_never_wider_than_100_columns(loaded: Load) -> None:
    long = "x" * 70
    found = loaded(
        ("title: Read files", f"title: {long}"),
        ("name: Maya", f"name: {long}"),
        ("ask: {groups: [engineers]}", "ask: {}"),
        ("engineers: [maya]", "engineers: []"),
    )
    table = describe(found.catalogue, found.warnings)
    assert max(map(len, table.splitlines())) <= 100
    assert "1 warning:" in table
