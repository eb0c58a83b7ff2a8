"""The shape of access.yaml, as models. What one entry says of another is checked elsewhere."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.json_schema import JsonSchemaValue, WithJsonSchema

from bot.catalogue.fields import (
    AccountNumber,
    Action,
    Channel,
    Duration,
    Email,
    Id,
    Line,
    OneOrMany,
    ParameterId,
    Pattern,
    PersonId,
    Principal,
    Region,
    RoleArn,
    SlackGroup,
    SlackUsers,
    StepUp,
    Text,
    TimeOfDay,
    Title,
    Zone,
    refusal,
)
from bot.core.model import StepUpPolicy, StepUpRule


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class Channels(_Model):
    """Slack channels."""

    approvals: Channel
    """Where approvers are asked, unless the role names its own channel."""
    security: Channel
    """Where the security admins are told."""


class Summary(_Model):
    """The daily summary."""

    channel: Channel
    """Where it is posted."""
    at: TimeOfDay = (9, 0)
    """The local time of day."""
    zone: Zone | None = None
    """IANA time zone of ``at``; the catalogue's own where it is left out."""


class Work(_Model):
    """A kind of work."""

    title: Title
    max: Duration
    """The longest access that it justifies."""


class Account(_Model):
    """An AWS account."""

    title: Title
    number: AccountNumber
    """12 digits."""
    region: Region = "us-east-1"
    """Fills ``{region}`` in statements."""
    tags: list[Id] = []
    """Free words by which roles can name accounts, such as ``prod``."""
    broker_role: RoleArn | None = None
    """The role there that the bot assumes; without it the bot's own credentials are used."""
    external_id: Annotated[str, Field(min_length=2, max_length=1224, pattern=r"^[\w+=,.@:/-]+$")] | None = None
    """The external id that the broker role's trust policy wants."""
    profile: Id | None = None
    """What people call this account in ``~/.aws/config``; the account's id where it is left out."""


class Person(_Model):
    """A human, with every identity that is theirs."""

    name: Title
    email: Email | None = None
    slack: SlackUsers = []
    """Slack member ids."""
    manager: PersonId | None = None
    """The person who may approve for them where a role says ``manager: true``."""
    aws: dict[Id, Principal] = {}
    """Account id → the principal that is theirs alone there: ``user/NAME`` or ``role/NAME``."""


class Selected(_Model):
    """Accounts by id, or all that carry every one of ``tags``."""

    ids: list[Id] = []
    tags: list[Id] = []

    @model_validator(mode="after")
    def _select_something(self) -> Self:
        if bool(self.ids) == bool(self.tags):
            raise refusal("has to name accounts either by id or by tag", "write [payments-prod] or {tags: [prod]}")
        return self


def _listed(value: object) -> object:
    return {"ids": value} if isinstance(value, list) else value


_SELECTED: JsonSchemaValue = {
    "anyOf": [
        {"type": "array", "items": {"type": "string"}, "minItems": 1},
        {
            "type": "object",
            "properties": {"tags": {"type": "array", "items": {"type": "string"}, "minItems": 1}},
            "required": ["tags"],
            "additionalProperties": False,
        },
    ]
}


class Ask(_Model):
    """Who may ask."""

    people: list[PersonId] = []
    groups: list[Id] = []


class Approve(_Model):
    """Who may say yes; never the requester."""

    manager: bool = False
    """The requester's manager: the one named here, else the one in the Slack profile."""
    people: list[PersonId] = []
    groups: list[Id] = []
    slack_groups: list[SlackGroup] = []
    """Slack user groups by their ids."""
    quorum: Annotated[int, Field(ge=1, le=10)] = 1
    """How many distinct persons have to say yes."""

    @model_validator(mode="after")
    def _ask_somebody(self) -> Self:
        if not (self.manager or self.people or self.groups or self.slack_groups):
            raise refusal("names nobody", "write manager: true, or name groups, slack_groups or people")
        return self


class Parameter(_Model):
    """Something that the requester fills in; at least one of ``choices`` and ``pattern`` is needed."""

    title: Title | None = None
    pattern: Pattern | None = None
    """A regular expression that has to match the whole value."""
    choices: Annotated[list[Title], Field(min_length=1, max_length=1000)] | None = None
    default: Title | None = None
    """What is used when nothing is given; without it a value is required."""
    hint: Line = ""

    @model_validator(mode="after")
    def _limit_it(self) -> Self:
        if self.pattern is None and self.choices is None:
            raise refusal("takes any text", "give choices or a pattern, as in [a-z0-9-]{3,40}")
        return self


class Statement(_Model):
    """What is allowed. Resources and condition values may hold ``{parameter}``, ``{account}`` and ``{region}``."""

    actions: Annotated[list[Action], Field(min_length=1)]
    resources: OneOrMany
    conditions: dict[str, dict[str, OneOrMany]] = {}
    """Operator → condition key → values, as in an IAM policy."""


class StepUps(_Model):
    """How fresh the proof by TOTP code has to be: ``always`` (for this very thing), ``never`` or a duration."""

    ask: StepUp = StepUpPolicy()
    approve: StepUp = StepUpPolicy(StepUpRule.WITHIN, timedelta(minutes=15))


class Ticket(_Model):
    """A ticket that has to be named."""

    pattern: Pattern
    hint: Line = ""


class Reason(_Model):
    """What is wanted of a reason."""

    min: Annotated[int, Field(ge=1, le=500)] = 10
    """How many characters it has at least."""


class Role(_Model):
    """Something that can be asked for."""

    title: Title
    description: Text = ""
    provider: str = "aws_iam"
    """The way to grant it."""
    accounts: Annotated[Selected, BeforeValidator(_listed), WithJsonSchema(_SELECTED)]
    """Where it can be asked for: a list of account ids, or ``{tags: [prod]}``."""
    ask: Ask
    approve: Approve
    work: Annotated[list[Id], Field(min_length=1)] | None = None
    """The kinds of work that it may be asked for; all of them where it is left out."""
    max_duration: Duration
    min_duration: Duration = timedelta(minutes=1)
    parameters: dict[ParameterId, Parameter] = {}
    statements: Annotated[list[Statement], Field(min_length=1)]
    step_up: StepUps = StepUps()
    ticket: Ticket | None = None
    reason: Reason = Reason()
    lapses_after: Duration = timedelta(hours=4)
    """How long a request waits for an answer."""
    remind_before: Duration = timedelta(minutes=10)
    """How long before the end the holder is reminded."""
    channel: Channel | None = None
    """Where approvers are asked; the catalogue's own channel where it is left out."""
    broad: Annotated[Text, Field(min_length=10)] | None = None
    """Why this role may be broader than least privilege; without it such a role is refused."""


class ChangeApprovers(_Model):
    """Whose word it takes: one of these."""

    admins: bool = False
    """Each of the security admins."""
    people: list[PersonId] = []
    groups: list[Id] = []

    @model_validator(mode="after")
    def _name_somebody(self) -> Self:
        if not (self.admins or self.people or self.groups):
            raise refusal("names nobody", "write admins: true, or name people or groups")
        return self


class Changes(_Model):
    """Changes of this file."""

    approve: ChangeApprovers
    """Who has to approve a change before it counts; the rule that counts is that of the file before."""


class Document(_Model):
    """Who can get what, where, for how long, on whose word. See the README for the catalogue by example."""

    version: Literal[1]
    """The version of this format."""
    zone: Zone = "UTC"
    """IANA time zone in which start times are read."""
    channels: Channels
    summary: Summary | None = None
    """Posted to the security channel at 09:00 where it is left out."""
    admins: Annotated[list[PersonId], Field(min_length=1)]
    """The security admins."""
    work: Annotated[dict[Id, Work], Field(min_length=1)]
    """The kinds of work, in the order in which they are offered."""
    accounts: Annotated[dict[Id, Account], Field(min_length=1)]
    people: Annotated[dict[PersonId, Person], Field(min_length=1)]
    groups: dict[Id, list[PersonId]] = {}
    changes: Changes | None = None
    """Who approves changes of this file; where it is left out they count at once."""
    roles: Annotated[dict[Id, Role], Field(min_length=1)]


def schema() -> dict[str, object]:
    """The JSON Schema of access.yaml, for editors."""
    made = Document.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **made,
        "title": "prodaccess catalogue (access.yaml)",
    }
