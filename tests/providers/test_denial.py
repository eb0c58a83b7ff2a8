"""A denial says exactly what the stray policy allows; what is adopted says what it allowed, without its window."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.providers import iam_policy

END = datetime(2026, 3, 1, 5, tzinfo=UTC)
ALLOW: dict[str, Any] = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::payments-logs/*"}


def text(*statements: object, **document: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements), **document})


def denied(policy: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(iam_policy.denial(policy))["Statement"]
    return found


def ends(end: object, operator: str = "DateLessThan", key: str = "aws:CurrentTime") -> dict[str, Any]:
    return {**ALLOW, "Condition": {operator: {key: end}}}


ITS_PARTS = [
    ALLOW,
    {"Effect": "Allow", "NotAction": ["iam:*"], "NotResource": "arn:aws:s3:::secret/*"},
    {**ALLOW, "Condition": {"StringLike": {"s3:prefix": ["app/*"]}, "DateLessThan": {"aws:CurrentTime": "2026-03-01"}}},
]


@pytest.mark.parametrize("statement", ITS_PARTS)
def test_the_same_actions_resources_and_conditions_are_denied_and_nothing_else(statement: dict[str, Any]) -> None:
    assert denied(text(statement)) == [{**statement, "Effect": "Deny"}]


def test_only_what_is_allowed_is_denied_each_statement_by_itself() -> None:
    deny = {**ALLOW, "Effect": "Deny", "Action": "s3:DeleteObject"}
    assert denied(text({**ALLOW, "Sid": "Mine"}, deny, ITS_PARTS[1])) == [
        {**ALLOW, "Effect": "Deny"},
        {**ITS_PARTS[1], "Effect": "Deny"},
    ]


def test_one_statement_may_stand_without_a_list() -> None:
    assert denied(json.dumps({"Statement": ALLOW})) == [{**ALLOW, "Effect": "Deny"}]


@pytest.mark.parametrize("version", ["2012-10-17", "2008-10-17", None])
def test_variables_mean_the_same_in_a_denial_so_the_version_is_the_same(version: str | None) -> None:
    document = json.loads(text(ALLOW))
    document = {**document, "Version": version} if version else {"Statement": document["Statement"]}
    assert json.loads(iam_policy.denial(json.dumps(document))).get("Version") == version


@pytest.mark.parametrize(
    "policy", ["[]", "{}", "3", text(), text("Allow"), text({**ALLOW, "Effect": "Deny"}), "no json"]
)
def test_what_is_no_policy_or_allows_nothing_has_no_denial_and_cannot_be_adopted(policy: str) -> None:
    for use in (iam_policy.denial, iam_policy.windowless):
        with pytest.raises(ValueError, match=r"[a-z]"):
            use(policy)


# --- adopting --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "found"),
    [
        ("2026-03-01T05:00:00Z", END),
        ("2026-03-01T07:00:00+02:00", END),
        ("2026-03-01T05:00:00", END),
        (["2026-03-01T04:00:00Z", "2026-03-01T05:00:00Z"], END),
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
    ],
)
def test_its_own_end_is_read_however_it_is_written(end: object, found: datetime) -> None:
    policy, read = iam_policy.windowless(text(ends(end)))
    assert read == found
    assert "CurrentTime" not in policy
    assert iam_policy.windowless(text(ends(end, "datelessthan", "AWS:currenttime")))[1] == found


def test_the_soonest_end_of_several_statements_counts() -> None:
    _, end = iam_policy.windowless(text(ALLOW, ends("2026-03-01T06:00:00Z"), ends("2026-03-01T05:00:00Z")))
    assert end == END


@pytest.mark.parametrize("end", [1772341200, "soon", None, [], {}])
def test_an_end_that_cannot_be_read_is_not_guessed(end: object) -> None:
    with pytest.raises(ValueError, match="its end cannot be read"):
        iam_policy.windowless(text(ends(end)))


@pytest.mark.parametrize("part", ["NotAction", "NotResource"])
def test_everything_but_something_is_never_adopted(part: str) -> None:
    statement = {**ALLOW, part: ["s3:*"]}
    with pytest.raises(ValueError, match="everything but"):
        iam_policy.windowless(text(statement))


def test_other_conditions_stay() -> None:
    kept = {"DateLessThan": {"aws:TokenIssueTime": "2026-03-01T00:00:00Z"}, "StringLike": {"s3:prefix": ["a"]}}
    windowed = {**kept, "DateLessThan": {**kept["DateLessThan"], "aws:CurrentTime": "2026-03-01T05:00:00Z"}}
    (statement,) = json.loads(iam_policy.windowless(text({**ALLOW, "Condition": windowed}))[0])
    assert statement["Condition"] == kept


values = st.text(min_size=1, max_size=8)
lists = st.lists(values, min_size=1, max_size=3)
conditions = st.dictionaries(
    st.sampled_from(["StringLike", "DateLessThan"]), st.dictionaries(values, lists, min_size=1)
)
statements = st.lists(
    st.fixed_dictionaries(
        {"Effect": st.just("Allow"), "Action": lists, "Resource": lists}, optional={"Condition": conditions}
    ),
    min_size=1,
    max_size=4,
)


@given(statements)
def test_what_was_granted_is_adopted_as_it_was_granted(found: list[dict[str, Any]]) -> None:
    policy = json.dumps(found)
    document = iam_policy.document(policy, END - timedelta(hours=1), END)
    again, end = iam_policy.windowless(document)
    assert iam_policy.same(json.loads(again), [{k: v for k, v in each.items() if v} for each in found])
    assert end == END
    assert iam_policy.document(again, END - timedelta(hours=1), END)


@given(statements)
def test_the_text_of_a_document_is_the_same_whatever_the_order_of_its_keys(found: list[dict[str, Any]]) -> None:
    turned = [dict(reversed(each.items())) for each in found]
    assert iam_policy.canonical(found) == iam_policy.canonical(turned)
    assert iam_policy.canonical(found).isascii()
