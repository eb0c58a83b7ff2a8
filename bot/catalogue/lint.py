"""Least privilege: statements that are broader than temporary access should be.

What breaks a promise of the bot (access that outlives its end, a way to the bot's own role) is refused. What is only
broad is refused too, unless the role says with ``broad:`` why it has to be.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase

from bot.catalogue.build import full_pattern
from bot.catalogue.parameters import PLACEHOLDER
from bot.catalogue.problems import Finding, Path, Severity
from bot.catalogue.schema import Document, Role, Statement

_READS = ("get", "list", "describe", "generate", "simulate", "lookup", "head", "batchget", "search", "view")
_LASTING = (
    *("putuserpolicy", "putrolepolicy", "putgrouppolicy", "attachuserpolicy", "attachrolepolicy", "attachgrouppolicy"),
    *("createpolicyversion", "setdefaultpolicyversion", "addusertogroup", "createaccesskey", "updateaccesskey"),
    *("createloginprofile", "updateloginprofile", "updateassumerolepolicy", "createuser", "createrole"),
    *("createservicespecificcredential", "resetservicespecificcredential", "uploadsigningcertificate"),
    *("uploadsshpublickey", "deactivatemfadevice", "deletevirtualmfadevice", "addroletoinstanceprofile"),
    *("putuserpermissionsboundary", "putrolepermissionsboundary"),
    *("deleteuserpermissionsboundary", "deleterolepermissionsboundary"),
)
"""IAM actions with which somebody gives themselves access that no end of a grant takes away."""
_WHOLE_ORGANISATION = frozenset({"organizations", "sso", "sso-directory", "identitystore", "account"})
_NO_RESOURCE = frozenset(
    {
        *("ec2:describe*", "elasticloadbalancing:describe*", "autoscaling:describe*", "cloudwatch:describe*"),
        *("cloudwatch:get*", "cloudwatch:list*", "logs:describeloggroups", "rds:describe*", "ecs:list*", "eks:list*"),
        *("ecs:describe*", "s3:listallmybuckets", "sts:getcalleridentity", "sts:getsessiontoken", "lambda:list*"),
        *("dynamodb:listtables", "sqs:listqueues", "sns:listtopics", "sns:listsubscriptions", "kms:listkeys"),
        *("kms:listaliases", "secretsmanager:listsecrets", "ssm:describe*", "ssm:list*", "cloudtrail:lookupevents"),
        *("cloudtrail:describetrails", "cloudformation:list*", "cloudformation:describestacks", "tag:get*"),
        *("route53:list*", "health:describe*", "ce:get*", "servicequotas:list*", "servicequotas:get*", "iam:list*"),
        *("iam:getaccountsummary", "acm:listcertificates", "ecr:getauthorizationtoken", "ecr:describerepositories"),
        *("redshift:describe*", "elasticache:describe*", "athena:list*", "glue:list*", "xray:get*", "pi:list*"),
    }
)
"""Reads that AWS lets nobody narrow to a resource, or that only list what is there (AWS service authorization
reference). Those that hand out data are not among them."""
_NAMED_FIRST = frozenset({"s3", "execute-api"})
"""Services whose ARNs begin with a name where others have a type: ``arn:aws:s3:::bucket/*``."""
_POSITIVE = re.compile(r"(For(Any|All)Values:)?(StringEquals|StringLike|ArnEquals|ArnLike|StringEqualsIgnoreCase)")
_OPERATOR = re.compile(
    r"(For(Any|All)Values:)?"
    r"(String(Not)?(Equals|EqualsIgnoreCase|Like)|Numeric(Not)?Equals|(Numeric|Date)(Less|Greater)Than(Equals)?"
    r"|Date(Not)?Equals|Bool|BinaryEquals|(Not)?IpAddress|Arn(Not)?(Equals|Like))(IfExists)?|Null"
)


def check_breadth(document: Document) -> Iterator[Finding]:
    """What is too broad; a warning where the role says why, an error where it does not or may not."""
    brokers = {account.broker_role for account in document.accounts.values() if account.broker_role}
    for key, role in document.roles.items():
        findings = []
        for index, statement in enumerate(role.statements):
            path: Path = ("roles", key, "statements", index)
            yield from _conditions(path, statement)
            yield from _never(path, role, statement, brokers)
            findings += list(_broad(path, statement))
        if role.broad is None:
            yield from findings
        for finding in findings if role.broad is not None else ():
            yield Finding(finding.path, f"{finding.message}; accepted: {role.broad}", severity=Severity.WARNING)
        if role.broad is not None and not findings:
            path = ("roles", key, "broad")
            hint = "remove it, unless check --aws-lint tells of something broad"
            yield Finding(path, "is of no use: nothing here is broad", hint, Severity.WARNING)


def _conditions(path: Path, statement: Statement) -> Iterator[Finding]:
    for operator, keys in statement.conditions.items():
        here = (*path, "conditions", operator)
        if not _OPERATOR.fullmatch(operator):
            yield Finding(here, "is no condition operator of IAM", "as in StringEquals, StringLike or ArnLike")
        for key in keys:
            if key.casefold() == "aws:currenttime":
                yield Finding((*here, key), "is what ends the grant", "remove it: every statement gets its own window")


def _never(path: Path, role: Role, statement: Statement, brokers: Collection[str]) -> Iterator[Finding]:
    for at, action in enumerate(statement.actions):
        if refused := _refused(action, statement):
            yield Finding((*path, "actions", at), f"{action} {refused[0]}", refused[1])
    if not any(_touches_roles(action) for action in statement.actions):
        return
    for at, resource in enumerate(statement.resources):
        pattern = _resource_pattern(resource, role)
        for broker in sorted(brokers):
            if pattern.fullmatch(broker):
                message, hint = f"takes in {broker}, the bot's own role", "name the roles that are meant"
                yield Finding((*path, "resources", at), message, hint)


def _refused(action: str, statement: Statement) -> tuple[str, str] | None:
    """What an action does that no reason makes good, and what to write instead."""
    service, name = _split(action)
    wild_write = _is_wild(name) and not name.startswith(_READS)
    if "*" in service:
        return "is everything", "name the service and the actions that the work needs"
    if service == "iam" and wild_write:
        return "can write every policy, its own end too", "name actions, as in iam:GetRole"
    if service == "iam" and name in _LASTING:
        return "gives access that outlives the grant", "leave it to your infrastructure code"
    if service in _WHOLE_ORGANISATION and wild_write:
        return "governs the whole organisation", "name the actions that the work needs"
    if _takes_on_roles(service, name) and any(map(is_everything, statement.resources)):
        return "on any role is a way to every permission", "name the role's ARN in resources"
    return None


def _broad(path: Path, statement: Statement) -> Iterator[Finding]:
    for at, action in enumerate(statement.actions):
        if doubted := _doubted(action):
            yield Finding((*path, "actions", at), f"{action} {doubted[0]}", doubted[1])
    unlimited = [action for action in statement.actions if not _needs_no_resource(action)]
    if unlimited and not is_narrowed(statement.conditions):
        for at, resource in enumerate(statement.resources):
            if is_everything(resource):
                message = f"{resource} leaves {unlimited[0]} open to every resource"
                hint = "name the resource, take a parameter for it, or add a condition on aws:ResourceTag/…"
                yield Finding((*path, "resources", at), message, hint)


def _doubted(action: str) -> tuple[str, str] | None:
    """What an action does that wants a reason, and what to write instead."""
    service, name = _split(action)
    if "*" in service:
        return None
    if name == "*":
        return f"is every action of {service}", f"name those that the work needs, as in {_example(service)}"
    if name.startswith(_READS):
        return None
    if _is_wild(name):
        return "takes in actions that write", "name each of them"
    if service == "iam":
        return "changes identities", "leave it to your infrastructure code"
    if _takes_on_roles(service, name):
        return "makes sessions that last up to an hour past the end of the grant", "grant the permissions themselves"
    if service in _WHOLE_ORGANISATION:
        return "changes the whole organisation", "leave it to your infrastructure code"
    return None


def _split(action: str) -> tuple[str, str]:
    """Service and name in lower case, as IAM compares them; ``*`` alone is the service ``*``."""
    service, _, name = action.casefold().partition(":")
    return service, name


def _is_wild(name: str) -> bool:
    return "*" in name or "?" in name


def _takes_on_roles(service: str, name: str) -> bool:
    return (service == "iam" and name == "passrole") or (service == "sts" and fnmatchcase("assumerole", name))


def is_everything(resource: str) -> bool:
    """``*``, and ARNs that name no more than a type: ``arn:aws:s3:::*``, ``arn:aws:ec2:…:instance/*``."""
    parts = resource.split(":", 5)
    is_arn = parts[0] == "arn" and len(parts) == 6
    named_first = is_arn and parts[2] in _NAMED_FIRST
    kind = "" if named_first else r"(/?[A-Za-z0-9-]+[/:])?"
    return re.fullmatch(kind + r"[*?]+([/:][*?]+)*", parts[5] if is_arn else resource) is not None


def is_narrowed(conditions: Mapping[str, Mapping[str, Collection[str]]]) -> bool:
    """Whether a condition ties the statement to tagged resources."""
    return any(
        "resourcetag/" in key.casefold() and _POSITIVE.fullmatch(operator) and not any(v in {"*", "?*"} for v in values)
        for operator, keys in conditions.items()
        for key, values in keys.items()
    )


def _needs_no_resource(action: str) -> bool:
    low = action.casefold()
    return any(fnmatchcase(low, known) for known in _NO_RESOURCE)


def _touches_roles(action: str) -> bool:
    service, name = _split(action)
    if service == "sts":
        return fnmatchcase("assumerole", name)
    return service == "iam" and not name.startswith(_READS)


def _resource_pattern(resource: str, role: Role) -> re.Pattern[str]:
    """What a resource matches, whatever is filled in for its parameters."""
    parts: list[str] = []
    end = 0
    for match in PLACEHOLDER.finditer(resource):
        parts += [_glob(resource[end : match.start()]), _filled(match[1], role)]
        end = match.end()
    return re.compile("".join([*parts, _glob(resource[end:])]), re.DOTALL)


def _filled(name: str | None, role: Role) -> str:
    parameter = role.parameters.get(name or "")
    return f"(?:{full_pattern(parameter)})" if parameter and parameter.choices else ".*"


def _glob(text: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in text)


def _example(service: str) -> str:
    known = {
        "s3": "s3:GetObject",
        "ec2": "ec2:RebootInstances",
        "dynamodb": "dynamodb:GetItem",
        "logs": "logs:GetLogEvents",
    }
    return known.get(service, f"{service}:Describe…")
