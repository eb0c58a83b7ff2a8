"""IAM policy documents: from a role's statements to the text that IAM stores. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from bot.core.model import Account, Role

VERSION: Final = "2012-10-17"

SIZE_LIMITS: Final[Mapping[str, int]] = {"user": 2_048, "role": 10_240}
"""Characters, white space not counted, that *all* inline policies of one principal may have together.

Source: IAM User Guide, "IAM and AWS STS quotas", table of IAM and STS character limits.
"""

_PLACEHOLDER = re.compile(r"(?<!\$)\{([^{}]*)\}")
_STARTS: Final = "DateGreaterThanEquals"
_ENDS: Final = "DateLessThan"
_TIME: Final = "aws:CurrentTime"
_WHAT: Final = ("Action", "NotAction", "Resource", "NotResource", "Condition")
"""The parts of a statement that say what it is about."""


def render(role: Role, account: Account, params: Mapping[str, str]) -> str:
    """The role's statements for these parameters, as a compact JSON array without a time window.

    ``{account}`` is the account's number, ``{region}`` its region, anything else a parameter; ``${…}`` is IAM's own
    policy variable and stays. Raises ValueError that names the parameter or the placeholder at fault.
    """

    def fill(text: str) -> str:
        return filled(text, account, params)

    statements = []
    for statement in role.statements:
        rendered: dict[str, object] = {
            "Effect": "Allow",
            "Action": list(statement.actions),
            "Resource": [fill(resource) for resource in statement.resources],
        }
        if statement.conditions:
            rendered["Condition"] = {
                operator: {key: [fill(wanted) for wanted in wanteds] for key, wanteds in keys.items()}
                for operator, keys in statement.conditions.items()
            }
        statements.append(rendered)
    return _compact(statements)


def filled(text: str, account: Account, params: Mapping[str, str]) -> str:
    """A resource or condition value with its placeholders filled in; see ``render``. Raises ValueError."""
    values = {**params, "account": account.number, "region": account.region}
    return _PLACEHOLDER.sub(lambda match: _value(match[1], values, text), text)


def document(policy: str, starts_at: datetime, expires_at: datetime) -> str:
    """The whole policy: every statement of ``policy`` (a JSON array) allowed only in ``[starts_at, expires_at)``.

    Both ends are cut to whole seconds: IAM's own clock is no finer, and an end must never be rounded up. Raises
    ValueError when a time has no zone, the window is empty, or a statement has a window already.
    """
    starts, ends = _instant(starts_at), _instant(expires_at)
    if starts >= ends:
        raise ValueError(f"the window from {starts} to {ends} is empty")
    statements = json.loads(policy)
    if not isinstance(statements, list) or not statements:
        raise ValueError("the policy is not a JSON array of statements")
    windowed = [_with_window(statement, starts, ends) for statement in statements]
    return _compact({"Version": VERSION, "Statement": windowed})


def size(text: str) -> int:
    """Characters as IAM counts them for its limits: white space is free (source: see ``SIZE_LIMITS``)."""
    return sum(not character.isspace() for character in text)


def same(left: object, right: object) -> bool:
    """Whether two parsed documents say the same: order and lists of one make no difference."""
    return bool(_normal(left) == _normal(right))


def ends_at(parsed: object) -> str:
    """The latest ``DateLessThan aws:CurrentTime`` of a parsed document, ISO 8601 UTC; empty where a statement has none.

    The texts that ``document`` writes sort as their times do.
    """
    if not isinstance(parsed, dict):
        return ""
    statements = parsed.get("Statement", [])
    ends = [_end_of(statement) for statement in (statements if isinstance(statements, list) else [statements])]
    return max(ends) if ends and all(ends) else ""


def denial(text: str) -> str:
    """A policy that denies exactly what the policy ``text`` allows, under the same conditions, and nothing else.

    Raises ValueError when ``text`` allows nothing, or is no policy.
    """
    parsed = _parsed(text)
    allowed = [statement for statement in _statements(parsed) if statement.get("Effect") == "Allow"]
    if not allowed:
        raise ValueError("the policy allows nothing by itself")
    denied = [
        {"Effect": "Deny", **{part: statement[part] for part in _WHAT if part in statement}} for statement in allowed
    ]
    # The same version: in an older one, policy variables are plain text.
    return _compact({**{key: parsed[key] for key in ("Version",) if key in parsed}, "Statement": denied})


def windowless(text: str) -> tuple[str, datetime | None]:
    """The statements of a whole policy, as ``render`` gives them, and the soonest end that one carried (UTC), if any.

    Raises ValueError that says why they cannot be granted.
    """
    parsed = _parsed(text)
    if any("NotAction" in statement or "NotResource" in statement for statement in _statements(parsed)):
        raise ValueError("it allows everything but what it names")
    statements = [_without_window(statement) for statement in _statements(parsed)]
    if not any(statement["Effect"] == "Allow" for statement in statements):
        raise ValueError("it allows nothing")
    ends = [end for statement in _statements(parsed) for end in _ends_of(statement)]
    return _compact(statements), min(ends, default=None)


def canonical(parsed: object) -> str:
    """A parsed document as text that is the same for the same document: ASCII, keys in order, no white space."""
    return json.dumps(parsed, sort_keys=True, separators=(",", ":"))


def _parsed(text: str) -> dict[str, Any]:
    parsed = json.loads(text)
    if not isinstance(parsed, dict):
        raise ValueError("the policy is not a JSON object")  # noqa: TRY004 - bad data, not a bad call
    return parsed


def _statements(parsed: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = parsed.get("Statement", [])
    statements = found if isinstance(found, list) else [found]
    if not all(isinstance(statement, dict) for statement in statements):
        raise ValueError("a statement of the policy is not a JSON object")
    return statements


def _without_window(statement: Mapping[str, Any]) -> dict[str, object]:
    """Lists where IAM takes one value too, and no condition on the current time that ``document`` would add."""
    if not statement.get("Action") or not statement.get("Resource"):
        raise ValueError("a statement has no actions or no resources")
    found: dict[str, object] = {
        "Effect": statement.get("Effect"),
        "Action": _listed(statement["Action"]),
        "Resource": _listed(statement["Resource"]),
    }
    condition = {}
    for operator, keys in statement.get("Condition", {}).items():
        windowed = operator.casefold() in {_STARTS.casefold(), _ENDS.casefold()}
        kept = {key: value for key, value in keys.items() if not windowed or not _is_time(key)}
        if kept:
            condition[operator] = kept
    return {**found, "Condition": condition} if condition else found


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _ends_of(statement: Mapping[str, Any]) -> Iterator[datetime]:
    for operator, keys in statement.get("Condition", {}).items():
        if operator.casefold() == _ENDS.casefold():
            # Several values are alternatives: the latest counts.
            yield from (max(map(_moment, _listed(value) or [None])) for key, value in keys.items() if _is_time(key))


def _is_time(key: str) -> bool:
    return key.casefold() == _TIME.casefold()


def _moment(text: object) -> datetime:
    """Raises ValueError for what is no ISO 8601 time; one without a zone is in UTC, as IAM reads it."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise ValueError("its end cannot be read") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _end_of(statement: object) -> str:
    condition = statement.get("Condition") if isinstance(statement, dict) else None
    keys = condition.get(_ENDS) if isinstance(condition, dict) else None
    end = keys.get(_TIME) if isinstance(keys, dict) else None
    return end if isinstance(end, str) else ""


def _value(name: str, values: Mapping[str, str], where: str) -> str:
    if name not in values:
        raise ValueError(f"unknown placeholder {{{name}}} in {where!r}: no parameter has this name")
    value = values[name]
    if any(character in value for character in "*?{}"):
        raise ValueError(f"{name}: the characters * ? {{ }} mean something to IAM and are not taken in a value")
    # The only characters that a policy document may have; source: IAM quotas page, "IAM name requirements".
    if not all(" " <= character <= "~" or "\xa0" <= character <= "\xff" for character in value):
        raise ValueError(f"{name}: control characters and characters beyond Latin-1 are not taken in a value")
    return value


def _instant(at: datetime) -> str:
    if at.tzinfo is None:
        raise ValueError("the window's times need a time zone")
    return at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _with_window(statement: object, starts: str, ends: str) -> dict[str, object]:
    if not isinstance(statement, dict):
        raise ValueError("a statement of the policy is not a JSON object")  # noqa: TRY004 - bad data, not a bad call
    condition = {operator: dict(keys) for operator, keys in statement.get("Condition", {}).items()}
    for operator, instant in ((_STARTS, starts), (_ENDS, ends)):
        # IAM compares neither operators nor condition keys by case.
        spelt = next((known for known in condition if known.casefold() == operator.casefold()), operator)
        keys = condition.setdefault(spelt, {})
        if any(key.casefold() == _TIME.casefold() for key in keys):
            raise ValueError(
                f"a statement already has a {operator} condition on {_TIME}; the window is prodaccess's own"
            )
        keys[_TIME] = instant
    return {**statement, "Condition": condition}


def _normal(value: object) -> Any:
    if isinstance(value, dict):
        return {key: _normal(inner if isinstance(inner, list) else [inner]) for key, inner in value.items()}
    if isinstance(value, list):
        return sorted((_normal(inner) for inner in value), key=lambda inner: json.dumps(inner, sort_keys=True))
    return value


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
