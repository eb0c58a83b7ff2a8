"""How long a policy is when it is rendered."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from bot.catalogue import Loaded, Problem, Severity
from bot.catalogue.aws_lint.sizes import longest_value
from bot.catalogue.size import rendered_size
from bot.core.model import Parameter
from bot.providers import iam_policy

Look = Callable[..., list[Problem]]


def buckets(number: int) -> str:
    return ", ".join(f"'arn:aws:s3:::a-bucket-of-some-length-{at:03}/*'" for at in range(number))


def test_a_policy_that_no_user_can_hold_is_an_error_at_its_largest_statement(look: Look) -> None:
    (found,) = look(("s3:ListBucket", "'arn:aws:s3:::logs'"), ("s3:GetObject", buckets(50)))
    assert (found.severity, found.path) == (Severity.ERROR, "roles.looked-at.statements[1]")
    assert found.message.startswith("the policy has at least 2,")
    assert "an IAM user holds 2,048 in all; split the role" in found.hint


def test_a_policy_that_only_long_values_make_too_long_is_a_warning(look: Look) -> None:
    more = 'parameters: {key: {pattern: "[a-z]{1,200}"}}'
    resources = ", ".join(f"'arn:aws:s3:::logs/{at}/{{key}}'" for at in range(10))
    (found,) = look(("s3:GetObject", resources), more=more)
    assert (found.severity, found.path) == (Severity.WARNING, "roles.looked-at.statements[0]")
    assert "when it is rendered with long values" in found.message
    assert look(("s3:GetObject", resources), more=more.replace("200", "20")) == []


def test_what_is_too_long_for_a_user_fits_on_a_role(look: Look) -> None:
    assert look(("s3:GetObject", buckets(50)))
    assert look(("s3:GetObject", buckets(50)), asker="ravi") == []
    (found,) = look(("s3:GetObject", buckets(250)), asker="ravi")
    assert "an IAM role holds 10,240 in all" in found.hint


@pytest.mark.parametrize(
    ("pattern", "longest"),
    [
        ("[a-z]{1,40}", 40),
        ("i-[0-9a-f]{8,17}", 19),
        ("PAY-[0-9]{6}", 10),
        (r"a\.b?", 3),
        ("[a-z]+", 64),
        ("(a|bc)", 64),
        ("[a-z]{3,}", 64),
    ],
)
def test_the_longest_value_is_told_from_the_pattern(pattern: str, longest: int) -> None:
    assert longest_value(Parameter(id="a", title="A", pattern=pattern)) == longest


def test_the_longest_value_is_the_longest_choice() -> None:
    assert longest_value(Parameter(id="a", title="A", pattern="x|yyy", choices=("x", "yyy"))) == 3


def test_the_size_is_that_of_the_document_that_is_put(loaded: Callable[..., Loaded]) -> None:
    edit = ("StringEquals:", "DateLessThan: {'aws:TokenIssueTime': '2030-01-01T00:00:00Z'}, StringEquals:")
    catalogue = loaded(edit).catalogue
    role, account = catalogue.roles["read"], catalogue.accounts["prod"]
    params = {"bucket": "logs", "prefix": "é/app/"}
    start = datetime(2026, 1, 1, tzinfo=UTC)
    put = iam_policy.document(iam_policy.render(role, account, params), start, start + timedelta(hours=1))
    assert json.loads(put)["Statement"][0]["Condition"]["DateLessThan"].keys() == {
        "aws:TokenIssueTime",
        "aws:CurrentTime",
    }
    assert rendered_size(role, account, params) == iam_policy.size(put)
