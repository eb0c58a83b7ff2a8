"""How a holder uses what was granted: a profile, a command line to start with, a link to the console."""

import json
import shlex
from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

from bot.core.model import Account
from bot.providers.aws_inline import Principal
from bot.service.records import Permission

_INSTANCE_VERBS = {
    "ec2:StopInstances": "stop-instances",
    "ec2:StartInstances": "start-instances",
    "ec2:RebootInstances": "reboot-instances",
    "ec2:TerminateInstances": "terminate-instances",
}


def how_to_use(permission: Permission, principal: Principal) -> Sequence[tuple[str, str]]:
    """(label, text) pairs; the command line is one that these permissions allow, as near as can be told."""
    account = permission.account
    profile = shlex.quote(account.profile or account.id)
    return (
        ("Profile", f"export AWS_PROFILE={profile}"),
        ("Command line", f"{_command(permission)} --profile {profile}"),
        ("Console", _console(account, principal)),
    )


def _command(permission: Permission) -> str:
    region = shlex.quote(permission.account.region)
    for actions, resources in _statements(permission.policy):
        for resource in resources:
            service, _, rest = resource.removeprefix("arn:").partition(":")[2].partition(":")
            if service == "s3" and any(action.startswith("s3:") for action in actions):
                return f"aws s3 ls {shlex.quote('s3://' + _fixed(rest.removeprefix('::')))}"
            if service == "logs":
                group = _fixed(rest.partition("log-group:")[2]).partition(":")[0]
                return f"aws logs tail {shlex.quote(group)} --region {region}" if group else _identity()
            verb = next((_INSTANCE_VERBS[action] for action in actions if action in _INSTANCE_VERBS), "")
            instance = rest.partition(":instance/")[2]
            if verb and instance and "*" not in instance:
                return f"aws ec2 {verb} --instance-ids {shlex.quote(instance)} --region {region}"
        if any(action.startswith("ec2:Describe") for action in actions):
            return f"aws ec2 describe-instances --region {region}"
    return _identity()


def _identity() -> str:
    return "aws sts get-caller-identity"


def _statements(policy: str) -> Iterator[tuple[list[str], list[str]]]:
    for statement in json.loads(policy):
        yield statement["Action"], sorted(statement["Resource"], key=len, reverse=True)


def _fixed(resource: str) -> str:
    """The part of a resource before its first wildcard."""
    return resource.partition("*")[0].partition("?")[0]


def _console(account: Account, principal: Principal) -> str:
    domain = {"cn": "amazonaws.cn", "us-gov": "amazonaws-us-gov.com"}.get(_partition(account.region), "aws.amazon.com")
    if principal.kind == "role":
        query = urlencode(
            {"account": account.number, "roleName": principal.name, "displayName": account.title or account.id}
        )
        return f"https://signin.{domain}/switchrole?{query}"
    return f"https://{account.number}.signin.{domain}/console"


def _partition(region: str) -> str:
    return next((partition for partition in ("cn", "us-gov") if region.startswith(f"{partition}-")), "aws")
