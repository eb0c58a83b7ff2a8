"""The kinds of value that access.yaml is made of; each refuses with a sentence and the way to write it."""

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    PlainValidator,
)
from pydantic.json_schema import JsonSchemaValue, WithJsonSchema
from pydantic_core import PydanticCustomError, core_schema

from bot.catalogue.problems import suggest
from bot.core.duration import format_duration, parse_duration
from bot.core.model import StepUpPolicy, StepUpRule
from bot.core.text import clean

AWS_NAME = r"[\w+=,.@-]{1,64}"
"""Names of IAM users and roles (IAM and STS quotas, "Name requirements")."""


def refusal(message: str, hint: str = "") -> PydanticCustomError:
    """An error that tells ``message`` and ``hint`` as they are."""
    return PydanticCustomError("catalogue", "{message}", {"message": message, "hint": hint})


@dataclass(frozen=True, slots=True)
class Shape:
    """Text that matches ``pattern`` in full, where only ASCII counts as letters and digits."""

    pattern: str
    what: str
    hint: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, of: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(of), "pattern": f"^{self.pattern}$"}

    def _check(self, value: str) -> str:
        if not re.fullmatch(self.pattern, value, re.ASCII):
            raise refusal(f"“{value[:60]}” is not {self.what}", self.hint)
        return value


def read_duration(value: object) -> timedelta:
    """A length of time from YAML. Raises the error that says how to write it."""
    if isinstance(value, int) and not isinstance(value, bool):
        raise refusal(f"{value} has no unit", f"write {value}m or {value}h")
    if not isinstance(value, str):
        raise refusal("is not a duration", "write it like 90m, 2h, 1h30m or 1d")
    try:
        return parse_duration(value)
    except ValueError as error:
        message, _, hint = str(error).partition("; ")
        raise refusal(message, hint) from None


def _read_step_up(value: object) -> StepUpPolicy:
    if isinstance(value, str) and value in {StepUpRule.ALWAYS, StepUpRule.NEVER}:
        return StepUpPolicy(StepUpRule(value))
    try:
        return StepUpPolicy(StepUpRule.WITHIN, read_duration(value))
    except PydanticCustomError as error:
        message = str((error.context or {})["message"])
        raise refusal(message, "write always, never or how old the proof may be, as in 15m") from None


def write_duration(value: timedelta) -> str:
    """As it would be written in YAML."""
    return format_duration(value).replace(" ", "")


def _write_step_up(value: StepUpPolicy) -> str:
    return write_duration(value.within) if value.rule is StepUpRule.WITHIN else value.rule.value


def _read_time(value: object) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})", str(value))
    if not match or int(match[1]) > 23 or int(match[2]) > 59:
        raise refusal(f"“{value}” is not a time of day", "write it like 09:00")
    return int(match[1]), int(match[2])


@cache
def _zones() -> frozenset[str]:
    """Finding them reads some hundred files."""
    return frozenset(available_timezones())


def _check_zone(value: str) -> str:
    if value not in (zones := _zones()):
        raise refusal(f"“{value}” is not a time zone", suggest(value, zones) if "/" in value else "as in Europe/Vienna")
    return value


def _check_pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise refusal(f"is not a regular expression: {error}") from None
    return value


def _check_text(value: str) -> str:
    if clean(value, limit=len(value)) != value:
        raise refusal("has line breaks, invisible characters or spaces around it", "write it on one line")
    return value


def _number_as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


_DURATION_SCHEMA: JsonSchemaValue = {"type": "string", "pattern": "^[0-9].*[a-z]$", "examples": ["90m", "2h", "1h30m"]}

Id = Annotated[
    str,
    Shape(r"[a-z0-9][a-z0-9-]{0,47}", "a usable id", "up to 48 lower-case letters, digits and -, as in payments-prod"),
]
PersonId = Annotated[
    str,
    Shape(r"[a-z0-9][a-z0-9._-]{1,47}", "a usable person id", "2 to 48 lower-case letters, digits, dot, _ and -"),
]
ParameterId = Annotated[
    str, Shape(r"[a-z][a-z0-9_]{0,30}", "a usable parameter id", "up to 31 lower-case letters, digits and _")
]
Title = Annotated[str, Field(min_length=1, max_length=75), AfterValidator(_check_text)]
"""Slack shows at most 75 characters in a select option."""
Line = Annotated[str, Field(max_length=150), AfterValidator(_check_text)]
"""Slack shows at most 150 characters in a placeholder."""
Text = Annotated[str, Field(max_length=500), AfterValidator(_check_text)]
Pattern = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_check_pattern)]
Duration = Annotated[
    timedelta, BeforeValidator(read_duration), PlainSerializer(write_duration), WithJsonSchema(_DURATION_SCHEMA)
]
StepUp = Annotated[
    StepUpPolicy,
    PlainValidator(_read_step_up),
    PlainSerializer(_write_step_up),
    WithJsonSchema({"anyOf": [{"enum": ["always", "never"]}, _DURATION_SCHEMA]}),
]
TimeOfDay = Annotated[
    tuple[int, int],
    PlainValidator(_read_time),
    PlainSerializer(lambda value: f"{value[0]:02}:{value[1]:02}"),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,2}:[0-9]{2}$", "examples": ["09:00"]}),
]
Zone = Annotated[str, AfterValidator(_check_zone)]
Channel = Annotated[
    str, Shape(r"[CG][A-Z0-9]{2,20}", "a Slack channel id", "it starts with C; see the channel's details in Slack")
]
SlackUser = Annotated[
    str, Shape(r"[UW][A-Z0-9]{2,20}", "a Slack member id", "it starts with U or W; see Copy member ID in the profile")
]
SlackGroup = Annotated[
    str, Shape(r"S[A-Z0-9]{2,20}", "a Slack user group id", "it starts with S; see the group's address in Slack")
]
SlackUsers = Annotated[
    list[SlackUser],
    BeforeValidator(_one_or_many),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Domain = Annotated[
    str,
    Shape(r"[a-z0-9-]+(\.[a-z0-9-]+)+", "an e-mail domain", "what is behind the @, in lower case, as in example.com"),
]
Url = Annotated[
    str,
    Shape(
        r"(https://[a-zA-Z0-9.-]+|http://(localhost|127\.0\.0\.1))(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?",
        "an address that tokens may be sent to",
        "it begins with https://, as in https://example.atlassian.net",
    ),
]
Repository = Annotated[str, Shape(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+", "a repository", "write OWNER/REPOSITORY")]
SourceId = Annotated[str, Shape(r"[A-Za-z0-9_-]{1,64}", "an id", "as it stands in the address of the schedule's page")]
Severity = Annotated[
    str, Shape(r"[a-z0-9][a-z0-9 ._-]{0,29}", "a severity", "write it in lower case, as in sev1 or highest")
]
Email = Annotated[str, Shape(r"[^@\s]{1,64}@[^@\s]+\.[^@\s]+", "an e-mail address", "as in maya@example.com")]
AccountNumber = Annotated[
    str,
    BeforeValidator(_number_as_text),
    Shape(r"[0-9]{12}", "an AWS account number", "it has 12 digits"),
    WithJsonSchema({"type": ["string", "integer"], "examples": ["111111111111"]}),
]
Region = Annotated[str, Shape(r"[a-z]{2}(-[a-z]+)+-[0-9]", "an AWS region", "as in eu-central-1")]
RoleArn = Annotated[
    str,
    Shape(
        rf"arn:aws(-[a-z]+)*:iam::[0-9]{{12}}:role/([\w+=,.@-]+/)*{AWS_NAME}",
        "the ARN of an IAM role",
        "as in arn:aws:iam::111111111111:role/prodaccess-broker",
    ),
]
Principal = Annotated[
    str,
    Shape(rf"(user|role)/{AWS_NAME}", "a principal", "write user/NAME or role/NAME, the name without its IAM path"),
]
Action = Annotated[
    str, Shape(r"\*|[a-z0-9*-]+:[A-Za-z0-9*?]+", "an IAM action", "write service:Action, as in s3:GetObject")
]
OneOrMany = Annotated[
    list[str],
    Field(min_length=1),
    BeforeValidator(_one_or_many),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]
