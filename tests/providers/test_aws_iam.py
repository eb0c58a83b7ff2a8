"""The provider when AWS is slow, full, wrong or gone."""

import json
import traceback
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from bot import providers
from bot.core.model import Account
from bot.providers.aws_clients import AwsClients
from bot.providers.aws_iam import AwsIamProvider
from bot.sandbox.aws import isolated_session
from bot.service.records import CloudError, Permission
from tests.providers.scripted_aws import HANG_UP, Answer, ScriptedAws, error, scripted_aws

PROD = Account(
    id="payments-prod",
    title="Payments",
    number="111111111111",
    broker_role="arn:aws:iam::111111111111:role/prodaccess-broker",
    external_id="external-1",
    profile="pay",
)
NOW = datetime(2026, 3, 1, 3, tzinfo=UTC)
READ = '[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::payments-logs/app/*"]}]'


def asking(resources: int, principal: str = "user/maya") -> Permission:
    """A permission for that many objects, about 50 characters each."""
    names = [f"arn:aws:s3:::payments-logs/app/object-{number:04}-of-many" for number in range(resources)]
    return permission(principal, json.dumps([{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": names}]))


def permission(principal: str = "user/maya", policy: str = READ) -> Permission:
    return Permission("g1", PROD, principal, policy, NOW, NOW + timedelta(hours=2), "maya")


@pytest.fixture
def aws() -> Iterator[ScriptedAws]:
    with scripted_aws() as aws:
        yield aws


@pytest.fixture
def provider(aws: ScriptedAws) -> AwsIamProvider:
    return AwsIamProvider(AwsClients(isolated_session("AKIABOT", "bot-secret"), endpoint_url=aws.url))


def holding(aws: ScriptedAws, **policies: object) -> None:
    """The principal has these inline policies."""
    members = "".join(f"<member>{name}</member>" for name in policies)
    body = f"<R><ListUserPoliciesResult><PolicyNames>{members}</PolicyNames><IsTruncated>false</IsTruncated>"
    aws.answer("ListUserPolicies", Answer(200, f"{body}</ListUserPoliciesResult></R>"))
    for name, document in policies.items():
        text = quote(json.dumps(document))
        body = f"<PolicyName>{name}</PolicyName><PolicyDocument>{text}</PolicyDocument>"
        aws.answer("GetUserPolicy", Answer(200, f"<R><GetUserPolicyResult>{body}</GetUserPolicyResult></R>"))


@pytest.mark.parametrize(
    ("answer", "retry_after"),
    [
        (error("Throttling", 400), timedelta(seconds=2)),
        (error("RequestLimitExceeded", 503), timedelta(seconds=2)),
        (error("ServiceUnavailable", 503, Retry_After="17"), timedelta(seconds=17)),
        (error("ServiceFailure", 500), None),
        (error("ConcurrentModification", 409), None),
        (error("SomethingNew", 502), None),
        (HANG_UP, None),
    ],
)
def test_what_may_pass_is_passing(
    aws: ScriptedAws, provider: AwsIamProvider, answer: Answer, retry_after: timedelta | None
) -> None:
    aws.answer("PutUserPolicy", answer, answer)
    with pytest.raises(CloudError) as failure:
        provider.grant(permission())
    assert failure.value.passing
    assert failure.value.retry_after == retry_after
    assert 1 <= len(aws.asked("PutUserPolicy")) <= 2, "further tries are the effects queue's"


@pytest.mark.parametrize(
    ("code", "status", "says"),
    [
        ("LimitExceeded", 409, "full"),
        ("MalformedPolicyDocument", 400, "what IAM said"),
        ("AccessDenied", 403, "broker role"),
        ("UnmodifiableEntity", 400, "what IAM said"),
        ("NoSuchEntity", 404, "There is no IAM user maya in AWS account Payments (111111111111)"),
    ],
)
def test_what_will_not_pass_says_why_and_what_to_do(
    aws: ScriptedAws, provider: AwsIamProvider, code: str, status: int, says: str
) -> None:
    aws.answer("PutUserPolicy", error(code, status, "what IAM said"))
    with pytest.raises(CloudError) as failure:
        provider.grant(permission())
    assert not failure.value.passing
    assert says in str(failure.value)
    assert "Payments (111111111111)" in str(failure.value)


def test_neither_message_nor_traceback_quotes_what_was_signed(aws: ScriptedAws, provider: AwsIamProvider) -> None:
    signed = "x-amz-security-token:token-not-to-be-seen Signature=feedbeef"
    aws.answer("PutUserPolicy", error("SignatureDoesNotMatch", 403, signed))
    try:
        provider.grant(permission())
    except CloudError as failure:
        told = str(failure) + "".join(traceback.format_exception(failure))
    assert "SignatureDoesNotMatch" in told
    assert "AWS request r-1" in told
    for secret in ("token-not-to-be-seen", "feedbeef", "bot-secret", "external-1"):
        assert secret not in told


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId"])
def test_a_session_that_is_no_longer_good_is_replaced_at_the_next_try(
    aws: ScriptedAws, provider: AwsIamProvider, code: str
) -> None:
    aws.answer("DeleteUserPolicy", error(code, 403))
    with pytest.raises(CloudError) as failure:
        provider.revoke(permission())
    assert failure.value.passing
    provider.revoke(permission())
    assert len(aws.asked("AssumeRole")) == 2


def test_a_thousand_revocations_assume_the_broker_once(aws: ScriptedAws, provider: AwsIamProvider) -> None:
    for number in range(1_000 // 20):
        provider.revoke(replace(permission(), grant_id=f"g{number}", person=f"person-{number}"))
    assert len(aws.asked("AssumeRole")) == 1
    assert len(aws.asked("DeleteUserPolicy")) == 50


def test_the_policy_is_named_after_the_grant_and_carries_the_window(aws: ScriptedAws, provider: AwsIamProvider) -> None:
    provider.grant(permission("user/people/eu/maya"))
    (call,) = aws.asked("PutUserPolicy")
    assert (call["UserName"], call["PolicyName"]) == ("maya", "prodaccess-g1")
    (statement,) = json.loads(call["PolicyDocument"])["Statement"]
    assert statement["Condition"]["DateLessThan"] == {"aws:CurrentTime": "2026-03-01T05:00:00Z"}


@pytest.mark.parametrize("principal", ["maya", "group/admins", "user/", "", "user/a/"])
def test_what_is_no_user_or_role_is_refused_before_any_call(
    aws: ScriptedAws, provider: AwsIamProvider, principal: str
) -> None:
    (problem,) = provider.preflight(permission(principal))
    assert "user/NAME" in problem
    for call in (provider.grant, provider.revoke, provider.observe):
        with pytest.raises(CloudError) as failure:
            call(permission(principal))
        assert not failure.value.passing
    assert not aws.calls


@pytest.mark.parametrize("principal", ["role/prodaccess-broker", "role/PRODACCESS-Broker"])
def test_the_broker_itself_is_never_given_anything(aws: ScriptedAws, provider: AwsIamProvider, principal: str) -> None:
    (problem,) = provider.preflight(permission(principal))
    assert "prodaccess itself" in problem
    with pytest.raises(CloudError, match="prodaccess itself"):
        provider.grant(permission(principal))
    assert not aws.asked("PutRolePolicy")


@pytest.mark.parametrize(
    ("arn", "principal"),
    [
        ("arn:aws:iam::111111111111:user/apps/bot", "user/bot"),
        ("arn:aws:sts::111111111111:assumed-role/bot/i-0123", "role/bot"),
    ],
)
def test_the_bots_own_identity_is_never_given_anything(
    aws: ScriptedAws, provider: AwsIamProvider, arn: str, principal: str
) -> None:
    aws.bot_arn = arn
    with pytest.raises(CloudError, match="prodaccess itself"):
        provider.grant(permission(principal))
    provider.grant(permission("user/maya"))


def test_permissions_too_large_for_any_user_are_refused_without_asking_aws_about_the_user(
    aws: ScriptedAws, provider: AwsIamProvider
) -> None:
    (problem,) = provider.preflight(asking(60))
    assert "2,048" in problem
    assert not aws.asked("GetUser")
    assert not provider.preflight(asking(60, "role/ravi")), "a role has room for 10,240"
    (problem,) = provider.preflight(asking(300, "role/ravi"))
    assert "10,240" in problem


def test_what_is_asked_for_together_has_to_find_room_together(aws: ScriptedAws, provider: AwsIamProvider) -> None:
    holding(aws)
    assert not provider.preflight(asking(20))
    (problem,) = provider.preflight(asking(20), asking(20))
    assert "2,048" in problem
    assert len(aws.asked("GetUser")) == 1


def test_what_the_user_holds_already_counts(aws: ScriptedAws, provider: AwsIamProvider) -> None:
    held = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["s3:" + "x" * 1_200], "Resource": "*"}],
    }
    holding(aws, own=held)
    assert not provider.preflight(permission())
    holding(aws, own=held)
    (problem,) = provider.preflight(asking(15))
    assert "release access" in problem
    assert "have ended" not in problem


def test_the_same_grant_does_not_count_against_itself(aws: ScriptedAws, provider: AwsIamProvider) -> None:
    aws.answer("ListUserPolicies")
    holding(aws, **{"prodaccess-g1": {"Statement": [{"Action": "x" * 2_000}]}})
    assert not provider.preflight(permission())


def test_ended_grants_that_are_still_there_are_told_apart(aws: ScriptedAws, provider: AwsIamProvider) -> None:
    ended = {
        "Statement": [
            {
                "Action": ["s3:" + "x" * 1_800],
                "Condition": {"DateLessThan": {"aws:CurrentTime": "2026-03-01T02:00:00Z"}},
            }
        ]
    }
    holding(aws, **{"prodaccess-g0": ended})
    (problem,) = provider.preflight(permission())
    assert "ended" in problem
    assert "try again" in problem


def test_a_preflight_that_cannot_be_made_now_is_a_passing_error(aws: ScriptedAws, provider: AwsIamProvider) -> None:
    aws.answer("GetUser", *[error("Throttling")] * 2)
    with pytest.raises(CloudError) as failure:
        provider.preflight(permission())
    assert failure.value.passing


def test_existing_follows_every_page_and_knows_its_own_by_name(aws: ScriptedAws, provider: AwsIamProvider) -> None:
    def page(names: list[str], marker: str) -> Answer:
        members = "".join(f"<member>{name}</member>" for name in names)
        more = (
            f"<IsTruncated>true</IsTruncated><Marker>{marker}</Marker>"
            if marker
            else "<IsTruncated>false</IsTruncated>"
        )
        result = f"<PolicyNames>{members}</PolicyNames>{more}"
        return Answer(200, f"<R><ListUserPoliciesResult>{result}</ListUserPoliciesResult></R>")

    aws.answer("ListUserPolicies", page(["prodaccess-g1", "assume-own-role"], "m1"), page(["prodaccess-g2"], ""))
    assert list(provider.existing(PROD, ["user/maya"])) == [("user/maya", "g1"), ("user/maya", "g2")]
    assert [call.get("Marker") for call in aws.asked("ListUserPolicies")] == [None, "m1"]


def test_providers_are_found_by_name(aws: ScriptedAws) -> None:
    clients = AwsClients(isolated_session("AKIABOT", "bot-secret"), endpoint_url=aws.url)
    assert isinstance(providers.load("aws_iam", clients=clients), AwsIamProvider)
    with pytest.raises(ValueError, match=r"unknown provider 'azure'.*aws_iam"):
        providers.load("azure")


def statement(action: str, resource: str) -> str:
    return json.dumps([{"Effect": "Allow", "Action": [action], "Resource": [resource]}])


@pytest.mark.parametrize(
    ("policy", "command"),
    [
        (READ, "aws s3 ls s3://payments-logs/app/ --profile pay"),
        (statement("s3:ListBucket", "arn:aws:s3:::payments-logs"), "aws s3 ls s3://payments-logs --profile pay"),
        (
            statement("s3:GetObject", "arn:aws:s3:::b/a b'$(rm)"),
            "aws s3 ls 's3://b/a b'\"'\"'$(rm)' --profile pay",
        ),
        (
            statement("ec2:StopInstances", "arn:aws:ec2:us-east-1:1:instance/i-1"),
            "aws ec2 stop-instances --instance-ids i-1 --region us-east-1 --profile pay",
        ),
        (statement("ec2:DescribeInstances", "*"), "aws ec2 describe-instances --region us-east-1 --profile pay"),
        (
            statement("logs:FilterLogEvents", "arn:aws:logs:us-east-1:1:log-group:/app/checkout:*"),
            "aws logs tail /app/checkout --region us-east-1 --profile pay",
        ),
        (statement("sqs:PurgeQueue", "arn:aws:sqs:us-east-1:1:orders"), "aws sts get-caller-identity --profile pay"),
    ],
)
def test_the_command_line_suits_the_permissions(provider: AwsIamProvider, policy: str, command: str) -> None:
    assert dict(provider.how_to_use(permission(policy=policy)))["Command line"] == command


def test_the_console_link_signs_users_in_and_switches_to_roles(provider: AwsIamProvider) -> None:
    user = dict(provider.how_to_use(permission()))
    assert user["Profile"] == "export AWS_PROFILE=pay"
    assert user["Console"] == "https://111111111111.signin.aws.amazon.com/console"
    role = dict(provider.how_to_use(permission("role/team/ravi")))
    assert (
        role["Console"]
        == "https://signin.aws.amazon.com/switchrole?account=111111111111&roleName=ravi&displayName=Payments"
    )
