"""Whose a resource is, by a tag. Which resource it is follows from the role's statements alone."""

import re
from collections.abc import Mapping
from typing import Final

from bot.core.model import Account, Role
from bot.providers.aws_clients import AwsClients
from bot.providers.iam_policy import filled

_ENDS_NAME: Final = re.compile(r"[/:]")
_BUCKET: Final = re.compile(r"(arn:[^:]*:s3:::[^/]*)/.*", re.DOTALL)
_OPEN: Final = re.compile(r"[*?]")
MOST: Final = 100
"""Resources that AWS tells the tags of in one call."""


def owner(clients: AwsClients, account: Account, role: Role, params: Mapping[str, str], named: tuple[str, str]) -> str:
    """See ports.KnowsOwners; ``named`` is the parameter and the tag. Raises CloudError and botocore's."""
    parameter, tag = named
    try:
        arns = sorted(resources(role, account, params, parameter))
    except ValueError:
        return ""
    if not arns or len(arns) > MOST:
        return ""
    answer = clients.reading("resourcegroupstaggingapi", account).get_resources(ResourceARNList=arns)
    tags = {
        each["ResourceARN"]: {pair["Key"]: pair["Value"] for pair in each["Tags"]}
        for each in answer["ResourceTagMappingList"]
    }
    said = {tags.get(arn, {}).get(tag, "").strip() for arn in arns}
    return said.pop() if len(said) == 1 else ""


def resources(role: Role, account: Account, params: Mapping[str, str], parameter: str) -> frozenset[str]:
    """ARNs of what a parameter names: each of the role's resources that it stands in, up to the end of that name.

    What is in a bucket is the bucket's. None at all where one of the names is left open (``{name}*``): it names others
    too. Raises ValueError for a value that cannot be used.
    """
    placeholder = f"{{{parameter}}}"
    templates = {resource for statement in role.statements for resource in statement.resources}
    named = [_named(template, placeholder) for template in sorted(templates) if placeholder in template]
    if not all(named):
        return frozenset()
    return frozenset(_BUCKET.sub(r"\1", filled(template, account, params)) for template in named)


def _named(template: str, placeholder: str) -> str:
    """The template up to the end of the name that the placeholder stands in; empty where that is left open."""
    before, _, after = template.partition(placeholder)
    if bucket := _BUCKET.fullmatch(before):
        name = bucket[1]
    else:
        end = _ENDS_NAME.search(after)
        name = before + placeholder + (after[: end.start()] if end else after)
    return "" if _OPEN.search(name) else name
