"""Names that AWS does not have, wildcards, and actions that manage permissions."""

from collections.abc import Callable

import pytest

from bot.catalogue import Problem, Severity

Look = Callable[..., list[Problem]]

LINE = 20
"""Of the first statement's actions."""
BUCKET = "'arn:aws:s3:::logs'"
OBJECT = "'arn:aws:s3:::logs/*'"


def test_a_misspelt_action_is_an_error_on_its_line_with_the_name_that_was_meant(look: Look) -> None:
    (found,) = look(("s3:GetObject, s3:GetObjct", OBJECT))
    assert (found.line, found.path) == (LINE, "roles.looked-at.statements[0].actions[1]")
    assert found.severity is Severity.ERROR
    assert "s3:GetObjct is no action of AWS, so that it allows nothing" in found.message
    assert found.hint == "did you mean s3:GetObject?"


def test_the_name_of_an_api_call_is_answered_with_the_action_that_allows_it(look: Look) -> None:
    (found,) = look(("s3:ListBucket, s3:ListObjectsV2", BUCKET))
    assert found.hint == "the call ListObjectsV2 is allowed by s3:ListBucket"


def test_case_makes_no_difference_to_an_action(look: Look) -> None:
    assert look(("s3:getOBJECT", OBJECT)) == []


def test_a_misspelt_service_is_an_error_with_the_service_that_was_meant(look: Look) -> None:
    (found,) = look(("s3:GetObject, dynamdb:GetItem", OBJECT))
    assert (found.message, found.hint) == ("“dynamdb” is no service of AWS", "did you mean dynamodb?")


def test_a_wildcard_that_covers_nothing_is_an_error(look: Look) -> None:
    (found,) = look(("s3:GetObject, 's3:Fetch*'", OBJECT))
    assert found.message == "s3:Fetch* covers no action of AWS"
    assert found.severity is Severity.ERROR


def test_a_wildcard_says_what_it_covers_and_how_much_of_it_writes(look: Look) -> None:
    found = look(("'sqs:*'", "'arn:aws:sqs:{region}:{account}:jobs'"))
    (wild,) = [each for each in found if "covers" in each.message]
    assert "sqs:* covers" in wild.message
    for words in ("manage permissions", "write", "read or list"):
        assert words in wild.message
    assert "beside reads it takes in sqs:AddPermission, " in wild.hint
    assert wild.severity is Severity.ERROR


def test_a_wildcard_that_only_reads_is_a_warning(look: Look) -> None:
    (found,) = look(("'ec2:DescribeInstance*'", "'*'"))
    assert found.severity is Severity.WARNING
    assert "name those that the work needs, as in ec2:DescribeInstanceAttribute, " in found.hint


def test_a_wildcard_that_is_named_like_a_read_and_writes_is_an_error(look: Look) -> None:
    (found,) = look(("'kms:GenerateDataKey*'", "'arn:aws:kms:{region}:{account}:key/1'"))
    assert (found.severity, found.message) == (Severity.ERROR, "kms:GenerateDataKey* covers 4 actions: 4 write")
    assert "kms:GenerateDataKeyPair" in found.hint


def test_a_wildcard_names_only_what_can_be_about_the_resources(look: Look) -> None:
    (found,) = look(("'s3:GetBucket*'", OBJECT))
    assert "s3:GetBucket* is about none of these resources" in found.message
    (found,) = look(("'s3:List*'", BUCKET))
    assert "can be about these resources" in found.message
    assert "s3:ListAllMyBuckets" not in found.hint
    assert "s3:ListBucket" in found.hint


def test_an_action_that_manages_permissions_is_an_error(look: Look) -> None:
    (found,) = look(("sqs:AddPermission", "'arn:aws:sqs:{region}:{account}:jobs'"))
    assert found.message == "sqs:AddPermission manages permissions: what it gives stays when the grant ends"
    assert found.severity is Severity.ERROR


@pytest.mark.parametrize(
    ("actions", "resources"),
    [
        ("'sqs:*'", "'arn:aws:sqs:{region}:{account}:jobs'"),
        ("sqs:AddPermission", "'arn:aws:sqs:{region}:{account}:jobs'"),
        ("ec2:StopInstances", "'*'"),
        ("kms:CreateGrant", "'arn:aws:kms:{region}:{account}:key/1'"),
    ],
)
def test_what_is_only_broad_is_a_warning_where_the_role_says_why(actions: str, resources: str, look: Look) -> None:
    assert any(each.severity is Severity.ERROR for each in look((actions, resources)))
    found = look((actions, resources), more="broad: The queue is the team's own.")
    assert found
    assert {each.severity for each in found} == {Severity.WARNING}
    assert all("accepted: The queue is the team's own." in each.message for each in found)


def test_what_allows_nothing_is_an_error_whatever_the_role_says(look: Look) -> None:
    (found,) = look(("s3:GetObject, s3:GetObjct", OBJECT), more="broad: The bucket is the team's own.")
    assert found.severity is Severity.ERROR
