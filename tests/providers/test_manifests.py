"""The broker role's templates: both say the same, and exactly what the provider needs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.providers import aws_inline
from bot.providers.aws_lookups import LISTINGS

FOLDER = Path(__file__).parents[2] / "manifests" / "aws"


class CloudFormationLoader(yaml.SafeLoader):
    """Reads ``!Ref x`` as ``{"Ref": "x"}`` and so on, as CloudFormation does."""


def _tagged(loader: CloudFormationLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix == "Ref" else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    assert isinstance(node, yaml.SequenceNode)
    return {name: loader.construct_sequence(node, deep=True)}


CloudFormationLoader.add_multi_constructor("!", _tagged)


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    text = (FOLDER / "broker-role.yaml").read_text()
    loaded = yaml.load(text, CloudFormationLoader)
    assert not re.search(r"[:-] [&*][a-z]", text), "CloudFormation takes no YAML aliases"
    assert isinstance(loaded, dict)
    return loaded


@pytest.fixture(scope="module")
def terraform() -> dict[str, Any]:
    """Terraform resource name and argument → policy document."""
    text = (FOLDER / "broker-role.tf").read_text()
    found = {}
    for resource in re.finditer(r'^resource "(\w+)" "(\w+)" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL):
        for document in re.finditer(r"(\w+)\s+= jsonencode\((\{.*?\n  \})\)", resource[3], re.DOTALL):
            found[f"{resource[1]}.{resource[2]}.{document[1]}"] = json.loads(document[2].replace("$${", "${"))
    return found


def cfn_plain(value: Any) -> Any:
    """A CloudFormation value with its references written as in the Terraform file."""
    names = {
        "arn:${AWS::Partition}:iam::${AWS::AccountId}": "${local.iam}",
        "${RoleName}": "${var.role_name}",
        "${TargetPath}": "${var.target_path}",
    }
    references = {"BotPrincipalArn": "${var.bot_principal_arn}", "ExternalId": "${var.external_id}"}
    if isinstance(value, list):
        return [cfn_plain(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Sub" in value:
        text = value["Fn::Sub"]
        for theirs, ours in names.items():
            text = text.replace(theirs, ours)
        return text
    if "Ref" in value:
        return references[value["Ref"]]
    if "Fn::If" in value:
        condition, wanted, otherwise = value["Fn::If"]
        assert condition == "BoundaryIsRequired"
        assert wanted == {"StringEquals": {"iam:PermissionsBoundary": {"Ref": "TargetBoundary"}}}
        assert otherwise == {"Ref": "AWS::NoValue"}
        return "${local.give_condition}"
    return {key: cfn_plain(inner) for key, inner in value.items()}


def test_both_templates_say_the_same_statement_for_statement(
    template: dict[str, Any], terraform: dict[str, Any]
) -> None:
    resources = template["Resources"]
    role = resources["BrokerRole"]["Properties"]
    assert terraform == {
        "aws_iam_policy.target_boundary.policy": cfn_plain(resources["TargetBoundary"]["Properties"]["PolicyDocument"]),
        "aws_iam_policy.broker_boundary.policy": cfn_plain(resources["BrokerBoundary"]["Properties"]["PolicyDocument"]),
        "aws_iam_role.broker.assume_role_policy": cfn_plain(role["AssumeRolePolicyDocument"]),
        "aws_iam_role_policy.broker.policy": cfn_plain(role["Policies"][0]["PolicyDocument"]),
        "aws_iam_role_policy.broker_lookups.policy": cfn_plain(
            resources["BrokerLookups"]["Properties"]["PolicyDocument"]
        ),
    }


def test_the_same_names_and_defaults_are_in_both(template: dict[str, Any]) -> None:
    text = (FOLDER / "broker-role.tf").read_text()
    for name in ("prodaccess-broker", "prodaccess-target-boundary", "prodaccess-broker-boundary"):
        assert f'"{name}"' in text
        assert name in json.dumps(template)
    assert 'operator in ["StringEquals"]' in text
    assert '"iam:PermissionsBoundary" = aws_iam_policy.target_boundary.arn' in text
    assert template["Parameters"]["RequireBoundary"]["Default"] == "true"
    assert "permissions_boundary = aws_iam_policy.broker_boundary.arn" in text
    assert template["Resources"]["BrokerRole"]["Properties"]["PermissionsBoundary"] == {"Ref": "BrokerBoundary"}


def test_every_reference_of_the_template_leads_somewhere(template: dict[str, Any]) -> None:
    known = {*template["Parameters"], *template["Resources"]}

    def references(value: Any) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(references, value))
        if not isinstance(value, dict):
            return set()
        found = set().union(*map(references, value.values()))
        found |= {value["Ref"]} if "Ref" in value else set()
        found |= set(re.findall(r"\$\{([^}]+)\}", value["Fn::Sub"])) if "Fn::Sub" in value else set()
        return found | ({value["Fn::GetAtt"].partition(".")[0]} if "Fn::GetAtt" in value else set())

    used = {name for name in references(template) if not name.startswith("AWS::")}
    assert used <= known
    assert set(template["Parameters"]) - used <= {"RequireBoundary", "AllowLookups"}


def needed_actions() -> set[str]:
    """The IAM actions behind every call in aws_inline.py, for users and for roles."""
    source = Path(aws_inline.__file__).read_text()
    methods = set(re.findall(r'_call\("([a-z_{}]+)"', source))
    assert len(methods) == 5
    return {
        "iam:" + "".join(part.capitalize() for part in method.format(kind).split("_"))
        for method in methods
        for kind in ("user", "role")
    }


def lookups() -> set[str]:
    """What listing choices and reading an owner's tag take."""
    return {listing.action for listing in LISTINGS.values()} | {"tag:GetResources"}


def allowed(statements: list[dict[str, Any]]) -> set[str]:
    return {action for statement in statements if statement["Effect"] == "Allow" for action in statement["Action"]}


def test_the_broker_may_do_exactly_what_the_provider_calls(template: dict[str, Any]) -> None:
    resources = template["Resources"]
    role = resources["BrokerRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    boundary = resources["BrokerBoundary"]["Properties"]["PolicyDocument"]["Statement"]
    assert allowed(role) == needed_actions()
    assert allowed(boundary) == needed_actions() | lookups()


def test_listing_and_reading_tags_is_a_policy_of_its_own_that_has_to_be_asked_for(template: dict[str, Any]) -> None:
    policy = template["Resources"]["BrokerLookups"]
    assert policy["Condition"] == "LookupsAreAllowed"
    assert template["Conditions"]["LookupsAreAllowed"] == {"Fn::Equals": [{"Ref": "AllowLookups"}, "true"]}
    assert template["Parameters"]["AllowLookups"]["Default"] == "false"
    text = (FOLDER / "broker-role.tf").read_text()
    assert re.search(r'variable "allow_lookups" \{\n  type        = bool\n  default     = false\n', text)
    assert "  count = var.allow_lookups ? 1 : 0\n" in text
    assert policy["Properties"]["Roles"] == [{"Ref": "BrokerRole"}]
    assert allowed(policy["Properties"]["PolicyDocument"]["Statement"]) == lookups()


def test_only_giving_depends_on_the_targets_boundary(template: dict[str, Any]) -> None:
    statements = template["Resources"]["BrokerRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    conditional = [statement["Sid"] for statement in statements if "Condition" in statement]
    assert conditional == ["Give"]


def test_the_targets_boundary_lets_nobody_make_credentials_of_somebody_else(template: dict[str, Any]) -> None:
    """Else a bot in the wrong hands could give one person the keys of another who is bound by nothing."""
    statements = template["Resources"]["TargetBoundary"]["Properties"]["PolicyDocument"]["Statement"]
    (denial,) = [statement for statement in statements if statement["Sid"] == "NobodyElsesCredentials"]
    assert denial["Effect"] == "Deny"
    assert {"iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:UpdateLoginProfile"} <= set(denial["Action"])
    assert all(resource.endswith("/${aws:username}") for resource in denial["NotResource"])


def test_broker_and_boundary_both_deny_everything_on_the_broker_and_the_bot(template: dict[str, Any]) -> None:
    resources = template["Resources"]
    role = resources["BrokerRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    boundary = resources["BrokerBoundary"]["Properties"]["PolicyDocument"]["Statement"]
    for statements in (role, boundary):
        (denial,) = [statement for statement in statements if statement["Sid"] == "NeverItself"]
        assert (denial["Effect"], denial["Action"]) == ("Deny", ["iam:*"])
        assert "Condition" not in denial
        assert [cfn_plain(resource) for resource in denial["Resource"]] == [
            "${local.iam}:role/${var.role_name}",
            "${local.iam}:policy/prodaccess-*",
            "${var.bot_principal_arn}",
        ]


def test_the_bots_own_policy_allows_assuming_brokers_and_naming_the_person_only() -> None:
    (statement,) = json.loads((FOLDER / "bot-policy.json").read_text())["Statement"]
    assert set(statement["Action"]) == {"sts:AssumeRole", "sts:SetSourceIdentity"}
    assert statement["Resource"].endswith(":role/prodaccess-broker")
