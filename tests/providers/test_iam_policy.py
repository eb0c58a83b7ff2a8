"""Policy documents: exactly what was approved, only for the window, nothing smuggled in by a value."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.model import Account, Role, Statement
from bot.core.rules import Stage
from bot.providers import iam_policy

PROD = Account(id="payments-prod", title="Payments", number="111111111111", region="eu-west-1")
START = datetime(2026, 3, 1, 3, 0, 0, 900_000, tzinfo=UTC)
END = START + timedelta(hours=2)


def role(*statements: Statement) -> Role:
    return Role(
        id="s3-read",
        title="Read",
        provider="aws_iam",
        accounts=frozenset({"payments-prod"}),
        statements=statements,
        longest=timedelta(hours=2),
        work=("bug",),
        ask=(),
        stages=(Stage(manager=True),),
    )


LOGS = role(
    Statement(("s3:GetObject",), ("arn:aws:s3:::{bucket}/{prefix}*",)),
    Statement(("s3:ListBucket",), ("arn:aws:s3:::{bucket}",), {"StringLike": {"s3:prefix": ("{prefix}*",)}}),
)


def test_parameters_account_and_region_are_filled_in_where_they_may_stand() -> None:
    statement = Statement(
        ("ec2:StopInstances",),
        ("arn:aws:ec2:{region}:{account}:instance/{instance}",),
        {"StringEquals": {"aws:ResourceTag/service": ("{service}",)}},
    )
    (rendered,) = json.loads(iam_policy.render(role(statement), PROD, {"instance": "i-1", "service": "checkout"}))
    assert rendered == {
        "Effect": "Allow",
        "Action": ["ec2:StopInstances"],
        "Resource": ["arn:aws:ec2:eu-west-1:111111111111:instance/i-1"],
        "Condition": {"StringEquals": {"aws:ResourceTag/service": ["checkout"]}},
    }


def test_the_text_is_compact() -> None:
    assert ", " not in iam_policy.render(LOGS, PROD, {"bucket": "payments-logs", "prefix": "app/"})


def test_a_placeholder_without_a_parameter_is_named() -> None:
    with pytest.raises(ValueError, match=r"\{prefix\}"):
        iam_policy.render(LOGS, PROD, {"bucket": "payments-logs"})


def test_iams_own_policy_variables_stay() -> None:
    statement = Statement(("s3:GetObject",), ("arn:aws:s3:::home/${aws:username}/{dir}",))
    (rendered,) = json.loads(iam_policy.render(role(statement), PROD, {"dir": "in"}))
    assert rendered["Resource"] == ["arn:aws:s3:::home/${aws:username}/in"]


def test_a_value_cannot_stand_in_for_the_account_number() -> None:
    statement = Statement(("iam:GetRole",), ("arn:aws:iam::{account}:role/x",))
    (rendered,) = json.loads(iam_policy.render(role(statement), PROD, {"account": "999999999999"}))
    assert rendered["Resource"] == ["arn:aws:iam::111111111111:role/x"]


@pytest.mark.parametrize(
    "value",
    ["*", "logs*", "?", "a?b", "${aws:username}", "$}{", "{account}", "a\nb", "\x00", "a\u202eb", "\ud800", "日"],
)
def test_a_value_that_means_something_to_iam_is_refused_by_its_parameters_name(value: str) -> None:
    with pytest.raises(ValueError, match=r"^bucket: ") as problem:
        iam_policy.render(LOGS, PROD, {"bucket": value, "prefix": "app/"})
    assert len(value) < 3 or value not in str(problem.value)


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_is_typed_adds_no_wildcard_no_variable_and_no_statement(bucket: str, prefix: str) -> None:
    plain = iam_policy.render(LOGS, PROD, {"bucket": "b", "prefix": "p"})
    try:
        typed = iam_policy.render(LOGS, PROD, {"bucket": bucket, "prefix": prefix})
    except ValueError:
        return
    for special in ("*", "?", "${"):
        assert typed.count(special) == plain.count(special)
    assert [sorted(statement) for statement in json.loads(typed)] == [
        sorted(statement) for statement in json.loads(plain)
    ]
    assert json.loads(typed)[1]["Resource"] == [f"arn:aws:s3:::{bucket}"]


def test_every_statement_gets_the_window() -> None:
    policy = iam_policy.render(LOGS, PROD, {"bucket": "payments-logs", "prefix": "app/"})
    parsed = json.loads(iam_policy.document(policy, START, END))
    assert parsed["Version"] == "2012-10-17"
    window = {
        "DateGreaterThanEquals": {"aws:CurrentTime": "2026-03-01T03:00:00Z"},
        "DateLessThan": {"aws:CurrentTime": "2026-03-01T05:00:00Z"},
    }
    get, listing = parsed["Statement"]
    assert get["Condition"] == window
    assert listing["Condition"] == {"StringLike": {"s3:prefix": ["app/*"]}, **window}


def test_times_are_written_in_utc_whatever_zone_they_came_in() -> None:
    lisbon = timezone(timedelta(hours=1))
    policy = iam_policy.render(LOGS, PROD, {"bucket": "b", "prefix": ""})
    assert iam_policy.document(policy, START.astimezone(lisbon), END) == iam_policy.document(policy, START, END)


@given(st.datetimes(timezones=st.just(UTC)), st.timedeltas(timedelta(seconds=1), timedelta(days=30)))
def test_the_written_end_is_never_after_the_end_asked_for(start: datetime, length: timedelta) -> None:
    try:
        end = start + length
    except OverflowError:
        return
    policy = iam_policy.render(LOGS, PROD, {"bucket": "b", "prefix": ""})
    written = iam_policy.ends_at(json.loads(iam_policy.document(policy, start, end)))
    assert end - timedelta(seconds=1) < datetime.fromisoformat(written) <= end


@pytest.mark.parametrize("key", ["aws:CurrentTime", "AWS:currenttime"])
@pytest.mark.parametrize("operator", ["DateLessThan", "datelessthan", "DateGreaterThanEquals"])
def test_a_statement_with_a_window_of_its_own_is_refused(operator: str, key: str) -> None:
    policy = json.dumps([{"Effect": "Allow", "Action": "*", "Condition": {operator: {key: "2030-01-01T00:00:00Z"}}}])
    with pytest.raises(ValueError, match="already has"):
        iam_policy.document(policy, START, END)


def test_other_date_conditions_of_a_statement_are_kept() -> None:
    condition = {"DateLessThan": {"aws:TokenIssueTime": "2030-01-01T00:00:00Z"}}
    policy = json.dumps([{"Effect": "Allow", "Action": ["s3:GetObject"], "Condition": condition}])
    (statement,) = json.loads(iam_policy.document(policy, START, END))["Statement"]
    assert statement["Condition"]["DateLessThan"] == {
        "aws:TokenIssueTime": "2030-01-01T00:00:00Z",
        "aws:CurrentTime": "2026-03-01T05:00:00Z",
    }


@pytest.mark.parametrize("policy", ["[]", "{}", '"*"', "[1]"])
def test_what_is_no_array_of_statements_is_refused(policy: str) -> None:
    with pytest.raises(ValueError, match="policy"):
        iam_policy.document(policy, START, END)


def test_an_empty_window_and_one_without_a_zone_are_refused() -> None:
    policy = '[{"Effect":"Allow"}]'
    with pytest.raises(ValueError, match="empty"):
        iam_policy.document(policy, START, START + timedelta(milliseconds=50))
    with pytest.raises(ValueError, match="time zone"):
        iam_policy.document(policy, START.replace(tzinfo=None), END)


def test_white_space_does_not_count_towards_the_size() -> None:
    policy = iam_policy.render(LOGS, PROD, {"bucket": "b", "prefix": ""})
    assert iam_policy.size(json.dumps(json.loads(policy), indent=4)) == len(policy)


def test_documents_are_compared_by_what_they_say() -> None:
    said = {"Statement": [{"Action": ["a", "b"], "Resource": "r"}, {"Action": "c"}]}
    assert iam_policy.same(said, {"Statement": [{"Action": ["c"]}, {"Resource": ["r"], "Action": ["b", "a"]}]})
    assert not iam_policy.same(said, {"Statement": [{"Action": ["a"], "Resource": "r"}, {"Action": "c"}]})
    assert not iam_policy.same(said, {"Statement": [{"Action": ["a", "b"], "NotResource": "r"}, {"Action": "c"}]})
    assert not iam_policy.same(said, None)
    assert iam_policy.same({"Statement": {"Action": "c"}}, {"Statement": [{"Action": ["c"]}]})


def test_a_document_with_an_endless_statement_has_no_end() -> None:
    end = {"Condition": {"DateLessThan": {"aws:CurrentTime": "2026-03-01T05:00:00Z"}}}
    assert iam_policy.ends_at({"Statement": [end]}) == "2026-03-01T05:00:00Z"
    assert iam_policy.ends_at({"Statement": end}) == "2026-03-01T05:00:00Z"
    assert not iam_policy.ends_at({"Statement": [end, {"Action": "*"}]})
    assert not iam_policy.ends_at(None)
