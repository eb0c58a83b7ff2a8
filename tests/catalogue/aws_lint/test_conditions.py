"""Condition keys, and the operators that compare them."""

from collections.abc import Callable

import pytest

from bot.catalogue import Problem, Severity

Look = Callable[..., list[Problem]]

CONDITIONS_LINE = 22
BUCKET = "'arn:aws:s3:::logs'"
OBJECT = "'arn:aws:s3:::logs/*'"
INSTANCE = "'arn:aws:ec2:{region}:{account}:instance/i-1'"


def test_a_key_that_the_action_does_not_know_is_an_error_on_its_line(look: Look) -> None:
    (found,) = look(("s3:GetObject", OBJECT, "{StringLike: {'s3:prefix': 'app/*'}}"))
    assert (found.line, found.severity) == (CONDITIONS_LINE, Severity.ERROR)
    assert found.path == "roles.looked-at.statements[0].conditions.StringLike.s3:prefix"
    assert found.message == "s3:prefix is never in a request for s3:GetObject: this allows nothing of it"


@pytest.mark.parametrize("operator", ["StringNotLike", "StringLikeIfExists", "ForAllValues:StringLike"])
def test_a_key_that_is_never_there_limits_nothing_under_an_operator_that_holds_without_it(
    operator: str, look: Look
) -> None:
    found = look(("s3:GetObject", OBJECT, f"{{'{operator}': {{'s3:prefix': 'app/*'}}}}"))
    assert any("the condition holds all the same" in each.message for each in found)


def test_any_of_no_values_holds_never_even_for_an_operator_with_not(look: Look) -> None:
    (found,) = look(("s3:GetObject", OBJECT, "{'ForAnyValue:StringNotLike': {'s3:prefix': 'app/*'}}"))
    assert "this allows nothing of it" in found.message


def test_a_key_that_only_some_actions_know_is_a_warning_that_names_the_others(look: Look) -> None:
    (found,) = look(("s3:ListBucket, s3:GetObject", f"{BUCKET}, {OBJECT}", "{StringLike: {'s3:prefix': 'app/*'}}"))
    assert found.severity is Severity.WARNING
    assert "never in a request for s3:GetObject:" in found.message
    assert found.hint == "give those that know the key a statement of their own"


def test_a_tag_that_the_action_is_not_known_to_take_is_a_warning(look: Look) -> None:
    (found,) = look(("s3:GetObject", OBJECT, "{StringEquals: {'aws:RequestTag/team': payments}}"))
    assert "never in a request for s3:GetObject:" in found.message
    assert found.severity is Severity.WARNING


def test_a_key_that_no_service_has_is_an_error_with_the_key_that_was_meant(look: Look) -> None:
    (found,) = look(("ec2:StopInstances", INSTANCE, "{StringEquals: {'ec2:Regon': eu-central-1}}"))
    assert (found.message, found.hint) == ("ec2:Regon is no condition key of AWS", "did you mean ec2:Region?")
    (found,) = look(("ec2:StopInstances", INSTANCE, "{Bool: {'aws:MultiFactorAuthPresnt': 'true'}}"))
    assert found.hint == "did you mean aws:MultiFactorAuthPresent?"


@pytest.mark.parametrize(
    ("actions", "resources", "conditions"),
    [
        ("s3:ListBucket", BUCKET, "{StringLike: {'s3:prefix': 'app/*'}}"),
        ("s3:ListBucket", BUCKET, "{StringLike: {'S3:Prefix': 'app/*'}}"),
        ("s3:GetObject", OBJECT, "{StringEquals: {'s3:ExistingObjectTag/team': payments}}"),
        ("s3:GetObject", OBJECT, "{StringEquals: {'aws:ResourceAccount': '{account}'}}"),
        ("s3:GetObject", OBJECT, "{StringEquals: {'aws:PrincipalTag/team': payments}}"),
        ("ec2:StopInstances", INSTANCE, "{StringEquals: {'aws:ResourceTag/team': payments}}"),
        ("ec2:StopInstances", INSTANCE, "{IpAddress: {'aws:SourceIp': 10.0.0.0/8}}"),
        ("ec2:StopInstances", INSTANCE, "{'Null': {'aws:ResourceTag/team': 'false'}}"),
        ("s3:GetObject", OBJECT, "{'Null': {'aws:TagKeys': 'true'}}"),
        ("ec2:StopInstances", INSTANCE, "{ArnLike: {'aws:PrincipalArn': 'arn:aws:iam::*:user/a'}}"),
        (
            "ec2:StopInstances",
            INSTANCE,
            "{'ForAnyValue:StringEquals': {'aws:CalledVia': cloudformation.amazonaws.com}}",
        ),
        ("ec2:StopInstances", INSTANCE, "{NumericLessThan: {'aws:MultiFactorAuthAge': '300'}}"),
    ],
)
def test_keys_that_the_actions_know_are_not_found(actions: str, resources: str, conditions: str, look: Look) -> None:
    assert look((actions, resources, conditions)) == []


@pytest.mark.parametrize(
    ("conditions", "says", "hint"),
    [
        ("{StringEquals: {'aws:SourceIp': 10.0.0.1}}", "StringEquals does not compare aws:SourceIp", "IpAddress…"),
        ("{StringEquals: {'aws:SecureTransport': 'true'}}", "does not compare aws:SecureTransport", "Bool…"),
        ("{Bool: {'ec2:InstanceType': 'true'}}", "Bool does not compare ec2:InstanceType", "String…"),
        ("{NumericLessThan: {'ec2:Region': '1'}}", "NumericLessThan does not compare ec2:Region", "String…"),
    ],
)
def test_an_operator_that_does_not_compare_the_key_is_an_error(
    conditions: str, says: str, hint: str, look: Look
) -> None:
    (found,) = look(("ec2:StopInstances", INSTANCE, conditions))
    assert says in found.message
    assert hint in found.hint
    assert found.severity is Severity.ERROR


def test_a_key_of_several_values_wants_to_be_told_how_many_have_to_match(look: Look) -> None:
    (found,) = look(("ec2:CreateTags", INSTANCE, "{StringEquals: {'aws:TagKeys': team}}"))
    assert found.severity is Severity.WARNING
    assert found.hint == "write ForAnyValue:StringEquals"


def test_all_values_of_a_key_that_may_be_missing_is_a_warning_until_it_has_to_be_there(look: Look) -> None:
    (found,) = look(("ec2:CreateTags", INSTANCE, "{'ForAllValues:StringEquals': {'aws:TagKeys': team}}"))
    assert found.severity is Severity.WARNING
    assert found.hint == 'add {Null: {"aws:TagKeys": "false"}}'
    sure = "{'ForAllValues:StringEquals': {'aws:TagKeys': team}, 'Null': {'aws:TagKeys': 'false'}}"
    assert look(("ec2:CreateTags", INSTANCE, sure)) == []
