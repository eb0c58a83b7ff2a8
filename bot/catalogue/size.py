"""Whether a role's policy fits what AWS keeps on one principal, as far as that can be known beforehand."""

import json
import re
from collections.abc import Iterator, Mapping

from bot.catalogue.parameters import PLACEHOLDER
from bot.catalogue.problems import Finding, Severity
from bot.catalogue.reach import askers
from bot.core.model import Account, Catalogue, Role, Statement

LIMITS = {"user": 2048, "role": 10240}
"""Characters without white space of all inline policies of one principal (IAM and STS quotas)."""
_MOMENT = {"aws:CurrentTime": "2026-01-01T00:00:00Z"}
_WINDOW = {"DateGreaterThanEquals": _MOMENT, "DateLessThan": _MOMENT}


def check_size(catalogue: Catalogue) -> Iterator[Finding]:
    """Roles that cannot be granted to some who may ask, because their policy alone is over the limit."""
    for role in catalogue.roles.values():
        longest = max((catalogue.accounts[key] for key in role.accounts), key=lambda account: len(account.region))
        size = policy_size(role, longest)
        if size <= min(LIMITS.values()):
            continue
        kinds = {
            principal.partition("/")[0]
            for person in askers(role, catalogue)
            for account, principal in person.identities.items()
            if account in role.accounts
        }
        for kind in sorted(kinds):
            if size > LIMITS[kind]:
                message = f"make a policy of about {size:,} characters; an IAM {kind} holds {LIMITS[kind]:,} in all"
                hint = "split the role, or name fewer actions and resources"
                yield Finding(("roles", role.id, "statements"), message, hint, Severity.WARNING)


def policy_size(role: Role, account: Account) -> int:
    """About how many characters a grant takes, with the shortest of the choices, defaults for the rest."""
    values = {
        each.id: min(each.choices, key=len) if each.choices else each.default or each.id for each in role.parameters
    }
    return rendered_size(role, account, values)


def rendered_size(role: Role, account: Account, params: Mapping[str, str]) -> int:
    """How many characters without white space a grant with these parameters takes on its principal."""
    values = {**params, "account": account.number, "region": account.region}
    statements = [_rendered(each, values) for each in role.statements]
    text = json.dumps({"Version": "2012-10-17", "Statement": statements}, ensure_ascii=False)
    return len(re.sub(r"\s", "", text))


def _rendered(statement: Statement, values: dict[str, str]) -> dict[str, object]:
    def fill(text: str) -> str:
        return PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]) if match[1] else match[0], text)

    conditions: dict[str, dict[str, object]] = {
        operator: {key: [fill(value) for value in given] for key, given in keys.items()}
        for operator, keys in statement.conditions.items()
    }
    window = {operator: {**conditions.get(operator, {}), **ends} for operator, ends in _WINDOW.items()}
    return {
        "Effect": "Allow",
        "Action": list(statement.actions),
        "Resource": [fill(each) for each in statement.resources],
        "Condition": {**conditions, **window},
    }
