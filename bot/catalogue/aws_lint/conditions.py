"""Condition keys that the actions beside them do not know, and operators that do not go with a key."""

import re
from collections.abc import Iterator, Mapping, Sequence

from bot.catalogue.aws_lint.database import Action, Database, knows
from bot.catalogue.aws_lint.given import Given, few
from bot.catalogue.problems import Finding, Path, Severity

_GLOBAL: Mapping[str, str] = {
    **dict.fromkeys(("CurrentTime", "TokenIssueTime", "EpochTime"), "Date"),
    **dict.fromkeys(("MultiFactorAuthPresent", "PrincipalIsAWSService", "SecureTransport", "ViaAWSService"), "Bool"),
    **dict.fromkeys(("AssumedRoot", "IsMcpServiceAction", "ViaAWSMCPService"), "Bool"),
    **dict.fromkeys(("SourceIp", "VpcSourceIp"), "IPAddress"),
    **dict.fromkeys(("PrincipalArn", "SourceArn", "SourceVpcArn", "Ec2InstanceSourceVpc"), "ARN"),
    **dict.fromkeys(("CalledVia", "PrincipalOrgPaths", "PrincipalServiceNamesList", "SourceOrgPaths"), "ArrayOfString"),
    **dict.fromkeys(("ResourceOrgPaths", "VpceOrgPaths"), "ArrayOfString"),
    "MultiFactorAuthAge": "Numeric",
    **dict.fromkeys(
        (
            *("CalledViaFirst", "CalledViaLast", "ChatbotSourceArn", "Ec2InstanceSourcePrivateIPv4"),
            *("FederatedProvider", "PrincipalAccount", "PrincipalOrgID", "PrincipalServiceName", "PrincipalType"),
            *("Referer", "RequestedRegion", "ResourceAccount", "ResourceOrgID", "SourceAccount", "SourceIdentity"),
            *("SourceOrgID", "SourceVpc", "SourceVpce", "UserAgent", "userid", "username", "VpceAccount", "VpceOrgID"),
        ),
        "String",
    ),
}
"""Keys without ``aws:`` that AWS itself fills in, whatever the service (IAM User Guide, "global condition keys")."""
_SPELT = frozenset(f"aws:{key}" for key in _GLOBAL)
_GLOBALS = {f"aws:{key}".casefold(): kind for key, kind in _GLOBAL.items()}
_TAGS: Mapping[str, str] = {"aws:resourcetag/": "String", "aws:requesttag/": "String", "aws:tagkeys": "ArrayOfString"}
"""AWS's own keys that only some actions know; not every service lists them fully."""
_PRINCIPAL_TAG = "aws:principaltag/"
_FAMILIES = {
    "String": {"String", "ARN"},
    "Arn": {"ARN"},
    "Numeric": {"Numeric", "Date"},
    "Date": {"Date"},
    "Bool": {"Bool"},
    "IpAddress": {"IPAddress"},
    "Binary": {"Binary"},
}
_OPERATOR = re.compile(r"(?:(ForAnyValue|ForAllValues):)?(Not)?(String|Arn|Numeric|Date|Bool|IpAddress|Binary)")


def check_conditions(given: Given) -> Iterator[Finding]:
    """Keys that are never in a request for these actions, or whose kind of value the operator does not compare."""
    actions = [action for _, _, found in given.patterns for action in found]
    for operator, keys in given.statement.conditions.items():
        for key in keys:
            path = (*given.path, "conditions", operator, key)
            kinds = _kinds(key, given.database)
            if not kinds:
                yield Finding(path, f"{key} is no condition key of AWS", given.database.meant_key(key, _SPELT))
                continue
            yield from _unknown_to(path, operator, key, actions)
            if key not in given.statement.conditions.get("Null", {}):
                yield from _absent(path, operator, key)
            yield from _compared(path, operator, key, kinds)


def _unknown_to(path: Path, operator: str, key: str, actions: Sequence[Action]) -> Iterator[Finding]:
    low = key.casefold()
    if low in _GLOBALS or low.startswith(_PRINCIPAL_TAG) or operator == "Null":
        return
    without = [action for action in actions if not knows(action.keys, key)]
    if not without:
        return
    some = len(without) < len(actions)
    effect = "the condition holds all the same" if _holds_without(operator) else "this allows nothing of it"
    hint = "give those that know the key a statement of their own" if some else _instead(actions)
    severity = Severity.WARNING if some or low.startswith(tuple(_TAGS)) else Severity.ERROR
    yield Finding(path, f"{key} is never in a request for {few(without)}: {effect}", hint, severity)


def _compared(path: Path, operator: str, key: str, kinds: frozenset[str]) -> Iterator[Finding]:
    match = _OPERATOR.match(operator)
    if match is None:
        return  # Null goes with every key; what is no operator at all is found elsewhere
    quantifier, family = match[1], match[3]
    single = {kind.removeprefix("ArrayOf") for kind in kinds}
    if not single & _FAMILIES[family]:
        fitting = sorted(name for name, taken in _FAMILIES.items() if single & taken)
        hint = f"use an operator for it, one of {', '.join(f'{name}…' for name in fitting)}" if fitting else ""
        yield Finding(path, f"{operator} does not compare {key}, which is {' or '.join(sorted(single))}", hint)
    many = all(kind.startswith("ArrayOf") for kind in kinds)
    if many and quantifier is None:
        message = f"{key} has several values, and {operator} compares one"
        yield Finding(path, message, f"write ForAnyValue:{operator}", Severity.WARNING)


def _absent(path: Path, operator: str, key: str) -> Iterator[Finding]:
    if operator.startswith("ForAllValues:"):
        message, hint = f"{operator} holds where the request has no {key} at all", f'add {{Null: {{"{key}": "false"}}}}'
        yield Finding(path, message, hint, Severity.WARNING)


def _kinds(key: str, database: Database) -> frozenset[str]:
    low = key.casefold()
    if kind := _GLOBALS.get(low):
        return frozenset({kind})
    if low.startswith(_PRINCIPAL_TAG):
        return frozenset({"String"})
    return database.types_of(key)


def _holds_without(operator: str) -> bool:
    """Whether a condition holds where the request does not have its key."""
    if operator.startswith("ForAnyValue:") and not operator.endswith("IfExists"):
        return False
    return "Not" in operator or operator.endswith("IfExists") or operator.startswith("ForAllValues:")


def _instead(actions: Sequence[Action]) -> str:
    shared = frozenset.intersection(*(action.keys for action in actions))
    return (
        f"these actions know {', '.join(sorted(shared)[:5])}" if shared else "remove it, or name the resource instead"
    )
