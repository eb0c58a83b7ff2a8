from collections.abc import Callable

import pytest

from bot.catalogue import Loaded, Problem, Severity
from bot.catalogue.parameters import placeholders

Check = Callable[..., list[Problem]]
Load = Callable[..., Loaded]

ACTIONS = "actions: [s3:GetObject]"
RESOURCE = 'resources: "arn:aws:s3:::{bucket}/{prefix}*"'
KEEP_USED = '"arn:aws:s3:::{bucket}/{prefix}"'
BROAD = ("    reason: {min: 12}\n", "    reason: {min: 12}\n    broad: Nothing narrower is known yet.\n")


def statement(actions: str, resources: str, conditions: str = "{}") -> tuple[tuple[str, str], ...]:
    """Edits that make the sound catalogue's only statement this one, its parameters used all the same."""
    more = f"\n      - actions: [{actions}]\n        resources: [{resources}]\n        conditions: {conditions}"
    return (('conditions: {StringEquals: {"aws:ResourceAccount": "{account}"}}', f"conditions: {{}}{more}"),)


@pytest.mark.parametrize(
    ("actions", "resources", "says"),
    [
        ("'*'", "'*'", "statements[1].actions[0]: * is everything"),
        ("'*:*'", "'*'", "statements[1].actions[0]: *:* is everything"),
        ("'s*:GetObject'", "'arn:aws:s3:::a/b'", "s*:GetObject is everything"),
        ("'iam:*'", "'*'", "iam:* can write every policy"),
        ("'IAM:*'", "'*'", "is not an IAM action"),
        ("'iam:Put*'", "'*'", "iam:Put* can write every policy"),
        ("'iam:??tUserPolicy'", "'arn:aws:iam::1:user/x'", "can write every policy"),
        ("iam:PutUserPolicy", "'arn:aws:iam::111111111111:user/maya'", "iam:PutUserPolicy gives access that outlives"),
        ("iam:createaccesskey", "'arn:aws:iam::111111111111:user/maya'", "gives access that outlives the grant"),
        ("iam:PassRole", "'*'", "iam:PassRole on any role is a way to every permission"),
        ("iam:PassRole", "'arn:aws:iam::111111111111:role/*'", "iam:PassRole on any role"),
        ("sts:AssumeRole", "'*'", "sts:AssumeRole on any role"),
        ("'sts:*'", "'arn:aws:iam::*:role/*'", "sts:* on any role"),
        ("sts:AssumeRole", "'arn:aws:iam::111111111111:role/broker'", "takes in arn:aws:iam::111111111111:role/broker"),
        ("sts:AssumeRole", "'arn:aws:iam::111111111111:role/b*'", "the bot's own role"),
        ("sts:AssumeRole", "'arn:aws:iam::{account}:role/{prefix}'", "the bot's own role"),
        ("iam:PassRole", "'arn:aws:iam::*:role/bro?er'", "the bot's own role"),
        ("iam:TagRole", "'*'", "the bot's own role"),
        ("'organizations:*'", "'*'", "organizations:* governs the whole organisation"),
        ("'sso:Create*'", "'*'", "governs the whole organisation"),
    ],
)
def test_what_breaks_a_promise_is_refused_whatever_the_reason(
    actions: str, resources: str, says: str, errors: Check
) -> None:
    found = [str(each) for each in errors(*statement(actions, resources), BROAD)]
    assert any(says in each for each in found), found
    assert any(f"access.yaml:{line}:" in each for each in found for line in (44, 45)), found


@pytest.mark.parametrize(
    ("actions", "resources", "conditions", "says"),
    [
        (
            "'s3:*'",
            "'arn:aws:s3:::logs/*'",
            "{}",
            "44: roles.read.statements[1].actions[0]: s3:* is every action of s3",
        ),
        ("'s3:Put*'", "'arn:aws:s3:::logs/*'", "{}", "s3:Put* takes in actions that write"),
        ("s3:GetObject", "'*'", "{}", "45: roles.read.statements[1].resources[0]: * leaves s3:GetObject open"),
        ("s3:GetObject", "'arn:aws:s3:::*'", "{}", "arn:aws:s3:::* leaves s3:GetObject open to every resource"),
        ("s3:GetObject", "'arn:aws:s3:::*/*'", "{}", "open to every resource"),
        ("ec2:StopInstances", "'arn:aws:ec2:eu-central-1:111111111111:instance/*'", "{}", "open to every resource"),
        ("ec2:StopInstances", "'*'", "{StringLike: {'aws:ResourceTag/a': '*'}}", "open to every resource"),
        ("ec2:StopInstances", "'*'", "{StringNotEquals: {'aws:ResourceTag/a': b}}", "open to every resource"),
        ("ec2:StopInstances", "'*'", "{StringEqualsIfExists: {'aws:ResourceTag/a': b}}", "open to every resource"),
        ("secretsmanager:GetSecretValue", "'*'", "{}", "open to every resource"),
        ("'ec2:Describe*', ec2:StopInstances", "'*'", "{}", "* leaves ec2:StopInstances open to every resource"),
        ("iam:TagUser", "'arn:aws:iam::111111111111:user/maya'", "{}", "iam:TagUser changes identities"),
        ("iam:PassRole", "'arn:aws:iam::111111111111:role/app'", "{}", "iam:PassRole changes identities"),
        (
            "sts:AssumeRole",
            "'arn:aws:iam::111111111111:role/app'",
            "{}",
            "sessions that last up to an hour past the end",
        ),
        ("identitystore:CreateUser", "'arn:aws:identitystore::1:identitystore/d-1'", "{}", "the whole organisation"),
    ],
)
def test_what_is_broad_is_refused_unless_the_role_says_why(
    actions: str, resources: str, conditions: str, says: str, errors: Check, loaded: Load
) -> None:
    edits = statement(actions, resources, conditions)
    found = [str(each) for each in errors(*edits)]
    assert any(says in each and "→" in each for each in found), found
    warnings = loaded(*edits, BROAD).warnings
    assert any(f"{says.partition(': ')[2] or says}" in str(each) for each in warnings)
    assert all("accepted: Nothing narrower is known yet." in each.message for each in warnings)


@pytest.mark.parametrize(
    ("actions", "resources", "conditions"),
    [
        ("s3:GetObject", "'arn:aws:s3:::logs/*'", "{}"),
        ("'s3:Get*', 's3:List*'", "'arn:aws:s3:::logs/*'", "{}"),
        ("'ec2:Describe*'", "'*'", "{}"),
        ("ec2:DescribeInstances, s3:ListAllMyBuckets, sts:GetCallerIdentity", "'*'", "{}"),
        ("ec2:StopInstances", "'*'", "{StringEquals: {'aws:ResourceTag/service': [checkout]}}"),
        ("ec2:StopInstances", "'arn:aws:ec2:*:*:instance/*'", "{StringLike: {'ec2:ResourceTag/team': 'pay-*'}}"),
        ("'iam:Get*', iam:ListRoles", "'arn:aws:iam::111111111111:role/app'", "{}"),
        ("dynamodb:GetItem", "'arn:aws:dynamodb:{region}:{account}:table/{bucket}'", "{}"),
    ],
)
def test_what_is_narrow_needs_no_reason(actions: str, resources: str, conditions: str, errors: Check) -> None:
    assert errors(*statement(actions, resources, conditions)) == []


def test_a_role_named_by_its_choices_is_not_taken_for_the_bots(errors: Check) -> None:
    named = statement("sts:AssumeRole", "'arn:aws:iam::{account}:role/{bucket}'")
    assert errors(*named, BROAD) == []
    taken = errors(*named, BROAD, ("choices: [logs, exports]", "choices: [logs, broker]"))
    assert [each.message for each in taken] == ["takes in arn:aws:iam::111111111111:role/broker, the bot's own role"]


def test_a_reason_for_nothing_is_pointed_out(loaded: Load) -> None:
    warnings = loaded(BROAD).warnings
    assert [(each.path, each.severity) for each in warnings] == [("roles.read.broad", Severity.WARNING)]


@pytest.mark.parametrize(
    ("conditions", "says"),
    [
        ("{StringEqual: {'s3:prefix': a}}", "conditions.StringEqual: is no condition operator of IAM"),
        ("{DateLessThan: {'AWS:currentTime': '2030-01-01T00:00:00Z'}}", "AWS:currentTime: is what ends the grant"),
        ("{StringLike: {'s3:prefix': '{prefx}*'}}", "{prefx} is no parameter of this role → did you mean prefix?"),
        ("{StringLike: {'s3:prefix': '{prefix'}}", "has a brace that belongs to no placeholder"),
        ("{StringLike: {'s3:prefix': []}}", "is empty: at least one is needed"),
    ],
)
def test_a_condition_that_cannot_work_is_refused(conditions: str, says: str, errors: Check) -> None:
    found = errors(*statement("s3:ListBucket", "'arn:aws:s3:::logs'", conditions))
    assert any(says in str(each).replace("\n    → ", " → ") for each in found), found


def test_iams_own_variables_are_no_placeholders() -> None:
    assert placeholders("arn:aws:s3:::home/${aws:username}/{bucket}") == {"bucket"}


@pytest.mark.parametrize(
    ("parameter", "says"),
    [
        ("{pattern: '.*'}", "pattern: lets the requester type * ? $ { }, which can widen what is granted"),
        ("{pattern: '[^/]+'}", "lets the requester type * ? $ { }"),
        (r"{pattern: '\S+'}", "lets the requester type"),
        (r"{pattern: 'a\*?'}", "lets the requester type *,"),
        ("{pattern: '[!-~]+'}", "lets the requester type"),
        ("{pattern: '(a|b|.)'}", "lets the requester type"),
        (r"{pattern: '\w+'}", r"only look like ASCII → write [0-9] for \d and [A-Za-z0-9_] for \w"),
        (r"{pattern: '\d{4}'}", "only look like ASCII"),
        ("{pattern: 'a$|^b'}", "has ^ or $ inside"),
        ("{pattern: 'a', default: b}", "default: “b” does not match the pattern"),
        ("{choices: [a, b], default: c}", "default: “c” is none of the choices"),
        ("{choices: [a, B], pattern: '[a-z]'}", "choices[1]: “B” does not match the pattern"),
        ("{choices: [a, 'b*']}", "choices[1]: “b*” has a character that IAM gives a meaning"),
        ("{choices: [а]}", None),
        ("{choices: []}", "choices: is empty: at least one is needed"),
        ("{hint: x}", "takes any text → give choices or a pattern"),
        ("{pattern: '[a-z'}", "is not a regular expression"),
        (f"{{pattern: '{'a' * 201}'}}", "is too long: the limit is 200"),
    ],
)
def test_a_parameter_that_could_widen_a_grant_is_refused(parameter: str, says: str | None, errors: Check) -> None:
    found = errors(('{pattern: "^[a-z/]{1,20}$", hint: app/}', parameter))
    shown = [str(each).replace("\n    → ", " → ") for each in found]
    assert any((says or "does not take") in each for each in shown), shown
    assert all("roles.read.parameters.prefix" in each for each in shown)


@pytest.mark.parametrize(
    "pattern", ["[A-Za-z0-9/_.-]{1,64}", "(a|b)+c?", r"i-[0-9a-f]{8}", r"\.log", "[]a-z[]{2}", "^x$"]
)
def test_a_pattern_of_listed_characters_is_taken(pattern: str, errors: Check) -> None:
    assert errors(("^[a-z/]{1,20}$", pattern.replace("\\", "\\\\"))) == []


def test_parameters_and_placeholders_have_to_match(errors: Check) -> None:
    extra = ("    statements:\n", "      unused: {choices: [a]}\n      work: {choices: [a]}\n    statements:\n")
    assert [(each.path, each.message) for each in errors(extra)] == [
        ("roles.read.parameters.unused", "is used in no statement"),
        ("roles.read.parameters.work", "is a word that requests use themselves"),
    ]
