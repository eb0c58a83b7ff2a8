"""Resources that do not go with the actions beside them, and resources that name nothing."""

from collections.abc import Callable

import pytest

from bot.catalogue import Problem, Severity

Look = Callable[..., list[Problem]]

RESOURCES_LINE = 21
CHOICES = "parameters: {thing: {choices: [logs, exports]}}"
PATTERN = 'parameters: {thing: {pattern: "[a-z/]{1,20}"}}'


def test_an_action_that_none_of_the_resources_is_for_is_an_error_with_the_arns_that_it_takes(look: Look) -> None:
    (found,) = look(("s3:GetObject", "'arn:aws:s3:::logs'"))
    assert found.path == "roles.looked-at.statements[0].actions[0]"
    assert found.message == "s3:GetObject is about none of these resources, so that it allows nothing"
    assert found.hint.startswith("write arn:aws:s3:::<BucketName>/<ObjectName>")
    assert found.severity is Severity.ERROR


def test_a_resource_that_none_of_the_actions_is_about_is_an_error_on_its_own_line(look: Look) -> None:
    (found,) = look(("s3:GetObject", "'arn:aws:s3:::logs/*', 'arn:aws:sqs:{region}:{account}:jobs'"))
    assert (found.line, found.path) == (RESOURCES_LINE, "roles.looked-at.statements[0].resources[1]")
    assert found.message == "arn:aws:sqs:{region}:{account}:jobs is what none of these actions is about"


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:ListBucket", "arn:aws:s3:::logs/app"),
        ("s3:GetObject", "arn:aws:s3:eu-central-1:111111111111:logs/app"),
        ("ec2:StopInstances", "arn:aws:ec2:{region}:{account}:volume/vol-1"),
        ("ec2:StopInstances", "arn:aws:ec2::{account}:instance/i-1"),
        ("dynamodb:PutItem", "arn:aws:dynamodb:{region}:{account}:table/orders/index/by-day"),
        ("lambda:InvokeFunction", "arn:aws:lambda:{region}:{account}:layer:x"),
        ("logs:GetLogEvents", "arn:aws:logs:{region}:{account}:log-group:/app"),
    ],
)
def test_what_is_of_another_type_is_found(action: str, resource: str, look: Look) -> None:
    assert any("is about none of these resources" in each.message for each in look((action, f"'{resource}'")))


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:ListBucket", "arn:aws:s3:::logs*"),
        ("s3:GetObject", "arn:aws:s3:::logs*"),
        ("s3:GetObject", "arn:aws:s3:::${aws:username}-files/*"),
        ("s3:GetObject", "arn:aws:s3:::logs/${aws:PrincipalTag/team}/*"),
        ("s3:GetObject", "arn:aws-cn:s3:::logs/x"),
        ("ec2:StopInstances", "arn:aws:ec2:*:{account}:instance/i-?123"),
        ("dynamodb:PutItem", "arn:aws:dynamodb:{region}:{account}:table/orders"),
        ("logs:GetLogEvents", "arn:aws:logs:{region}:{account}:log-group:/app:*"),
        ("rds:DescribeDBInstances", "arn:aws:rds:{region}:{account}:db:orders"),
        ("sns:Publish", "arn:aws:sns:{region}:{account}:orders"),
    ],
)
def test_what_fits_is_not_found(action: str, resource: str, look: Look) -> None:
    assert look((action, f"'{resource}'")) == []


def test_a_parameter_stands_for_its_choices(look: Look) -> None:
    (found,) = look(("s3:GetObject", "'arn:aws:s3:::{thing}'"), more=CHOICES)
    assert "is about none of these resources" in found.message
    assert look(("s3:ListBucket", "'arn:aws:s3:::{thing}'"), more=CHOICES) == []


def test_a_parameter_that_can_hold_a_slash_can_be_bucket_and_object(look: Look) -> None:
    assert look(("s3:GetObject", "'arn:aws:s3:::{thing}'"), more=PATTERN) == []


def test_an_action_that_takes_no_resource_is_an_error_beside_one_and_told_the_condition_that_narrows_it(
    look: Look,
) -> None:
    (found,) = look(("ec2:DescribeInstances", "'arn:aws:ec2:{region}:{account}:instance/i-1'"))
    assert "ec2:DescribeInstances cannot be narrowed to a resource, so that this allows nothing" in found.message
    assert found.hint == 'give it a statement of its own with resources: ["*"], narrowed by a condition on ec2:region'
    assert look(("ec2:DescribeInstances", "'*'")) == []


def test_a_tag_that_comes_with_the_request_is_not_told_as_what_narrows_an_action(look: Look) -> None:
    (found,) = look(("appflow:CreateFlow", "'arn:aws:appflow:{region}:{account}:flow/a'"))
    assert found.hint == 'give it a statement of its own with resources: ["*"]'


@pytest.mark.parametrize("resource", ["arn:aws:s3", "arn:aws:s3:::", "logs", "arn:aws:s3::logs"])
def test_an_arn_that_is_cut_short_is_an_error(resource: str, look: Look) -> None:
    found = look(("s3:ListBucket", f"'{resource}'"))
    assert found
    assert all(each.severity is Severity.ERROR for each in found)
    assert any("arn:aws:s3:::<BucketName>" in each.hint for each in found)


def test_an_arn_that_is_cut_short_is_answered_with_those_of_its_own_service(look: Look) -> None:
    (found,) = look(("s3:ListBucket, ec2:StopInstances", "'arn:aws:ec2'"))
    assert found.hint == "write arn:aws:ec2:{region}:{account}:instance/<InstanceId>"


def test_every_resource_for_an_action_that_writes_is_an_error_with_the_narrower_arn(look: Look) -> None:
    (found,) = look(("ec2:StopInstances", "'*'"))
    assert (found.line, found.path) == (RESOURCES_LINE, "roles.looked-at.statements[0].resources[0]")
    assert found.message == "* is every resource for ec2:StopInstances"
    assert found.hint == "write arn:aws:ec2:{region}:{account}:instance/<InstanceId>"
    assert found.severity is Severity.ERROR


def test_every_resource_for_an_action_that_reads_is_a_warning(look: Look) -> None:
    (found,) = look(("rds:DescribeDBInstances", "'*'"))
    assert found.severity is Severity.WARNING
    assert found.hint == "write arn:aws:rds:{region}:{account}:db:<DbInstanceName>"


def test_every_resource_under_a_tag_is_narrow(look: Look) -> None:
    assert look(("ec2:StopInstances", "'*'", "{StringEquals: {'aws:ResourceTag/team': payments}}")) == []
