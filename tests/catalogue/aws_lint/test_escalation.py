"""Ways to more permissions than were granted."""

from collections.abc import Callable

import pytest

from bot.catalogue import Problem, Severity
from bot.catalogue.aws_lint import Database
from bot.catalogue.aws_lint.paths import PASSING, WAYS

Look = Callable[..., list[Problem]]

ROLE = "'arn:aws:iam::{account}:role/app'"
FUNCTION = "'arn:aws:lambda:{region}:{account}:function:app'"
PASS = ("iam:PassRole", ROLE)


def test_every_action_that_a_way_needs_is_one_of_aws(database: Database) -> None:
    needed = {action for way in WAYS for each in way.needs for action in each} | {PASSING}
    assert {action for action in needed if len(database.expand(action)) != 1} == set()


@pytest.mark.parametrize(
    "action",
    [
        *("iam:PutUserPolicy", "iam:PutRolePolicy", "iam:AttachUserPolicy", "iam:AttachRolePolicy"),
        *("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:AddUserToGroup", "iam:UpdateAssumeRolePolicy"),
        *("iam:CreateAccessKey", "iam:UpdateLoginProfile", "iam:DeleteRolePermissionsBoundary", "iam:DeleteUserPolicy"),
        *("eks:CreateAccessEntry", "kms:CreateGrant", "kms:PutKeyPolicy", "s3:PutBucketPolicy"),
    ],
)
def test_an_action_that_is_a_way_by_itself_is_an_error(action: str, look: Look, database: Database) -> None:
    (way,) = [each for each in WAYS if each.needs == (frozenset({action.casefold()}),)]
    (real,) = database.expand(action)
    found = look((action, f"'{real.types[0].form.replace('<', '').replace('>', '')}'"))
    assert [(each.message, each.severity) for each in found] == [(f"{action} {way.reaches}", Severity.ERROR)]


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("lambda:UpdateFunctionCode", FUNCTION),
        ("ssm:StartSession", "'arn:aws:ec2:{region}:{account}:instance/i-1'"),
        ("ecs:ExecuteCommand", "'arn:aws:ecs:{region}:{account}:task/app/1'"),
        ("cloudformation:UpdateStack", "'arn:aws:cloudformation:{region}:{account}:stack/app/1'"),
    ],
)
def test_what_a_named_resources_own_role_may_is_a_warning(action: str, resource: str, look: Look) -> None:
    (found,) = look((action, resource))
    assert found.severity is Severity.WARNING
    assert "role" in found.message


@pytest.mark.parametrize(
    ("service", "actions"),
    [
        ("lambda", "lambda:CreateFunction, lambda:InvokeFunction"),
        ("lambda", "lambda:CreateFunction, lambda:CreateEventSourceMapping"),
        ("ec2", "ec2:RunInstances"),
        ("ec2", "ec2:AssociateIamInstanceProfile"),
        ("cloudformation", "cloudformation:CreateStack"),
        ("glue", "glue:CreateDevEndpoint"),
        ("glue", "glue:CreateJob, glue:StartJobRun"),
        ("codebuild", "codebuild:CreateProject, codebuild:StartBuild"),
        ("ecs-tasks", "ecs:RunTask"),
        ("states", "states:CreateStateMachine"),
        ("sagemaker", "sagemaker:CreateNotebookInstance"),
        ("datapipeline", "datapipeline:CreatePipeline, datapipeline:PutPipelineDefinition"),
        ("scheduler", "scheduler:CreateSchedule"),
    ],
)
def test_a_role_that_is_handed_over_to_something_that_the_holder_starts_is_an_error(
    service: str, actions: str, look: Look
) -> None:
    def ways(*passing: tuple[str, ...]) -> list[Problem]:
        return [each for each in look((actions, "'*'"), *passing) if "handed over" in each.message]

    (found,) = ways(PASS)
    assert found.message.startswith(actions.partition(",")[0])
    assert "iam:PassRole (in statements[1])" in found.message
    assert found.severity is Severity.ERROR
    to = "{StringEquals: {'iam:PassedToService': %s.amazonaws.com}}"
    assert ways((*PASS, to % service)) == [found]
    assert ways((*PASS, to % "backup")) == []
    assert ways() == []


def test_half_of_a_way_is_none(look: Look) -> None:
    assert look(("lambda:CreateFunction", FUNCTION), (*PASS, "{StringLike: {'iam:PassedToService': 'l*'}}")) == []


def test_a_way_through_wildcards_is_found(look: Look) -> None:
    found = look(("'lambda:Create*', 'lambda:Invoke*'", FUNCTION), ("'iam:Pass*'", ROLE))
    assert any("runs code as a role that is handed over" in each.message for each in found)


def test_a_wildcard_that_opens_many_ways_is_told_once(look: Look) -> None:
    found = [each for each in look(("'iam:*'", "'*'")) if "ways to more permissions" in each.message]
    assert len(found) == 1
    assert found[0].severity is Severity.ERROR
    assert not any("attaches AdministratorAccess" in each.message for each in look(("'iam:*'", "'*'")))


@pytest.mark.parametrize("action", ["sts:AssumeRole", "iam:PassRole"])
def test_roles_that_only_a_pattern_names_are_an_error_with_the_narrower_form(action: str, look: Look) -> None:
    (found,) = look((action, "'arn:aws:iam::{account}:role/app-*'"))
    assert found.path == "roles.looked-at.statements[0].resources[0]"
    assert f"{action} on arn:aws:iam::{{account}}:role/app-* reaches every role that it matches" in found.message
    assert "arn:aws:iam::{account}:role/<RoleName>" in found.hint
    assert ("iam:PassedToService" in found.hint) == (action == "iam:PassRole")
    assert found.severity is Severity.ERROR
    assert look((action, ROLE)) == []


def test_a_pattern_beside_a_role_that_is_named_is_none_of_roles(look: Look) -> None:
    assert look(("sts:AssumeRole, s3:GetObject", f"{ROLE}, 'arn:aws:s3:::logs/*'")) == []


def test_roles_under_a_tag_are_not_a_pattern_alone(look: Look) -> None:
    tagged = "{StringEquals: {'iam:ResourceTag/team': payments}}"
    assert look(("sts:AssumeRole", "'arn:aws:iam::{account}:role/app-*'", tagged)) == []


def test_an_action_on_resources_that_it_is_not_about_is_no_way(look: Look) -> None:
    found = look(("iam:PutUserPolicy", "'arn:aws:s3:::logs'"))
    assert not any("writes any permission" in each.message for each in found)
