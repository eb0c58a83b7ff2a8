"""The shape of access.yaml, as models. What one entry says of another is checked elsewhere."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic.json_schema import JsonSchemaValue, WithJsonSchema

from bot.catalogue.base import Model, OneOrList
from bot.catalogue.entries import (
    Account,
    Bundle,
    Changes,
    Channels,
    Hours,
    Limits,
    LookedUp,
    Person,
    Schedule,
    Selected,
    Summary,
    Tracker,
    Work,
)
from bot.catalogue.fields import (
    Action,
    Channel,
    Duration,
    Id,
    Line,
    OneOrMany,
    ParameterId,
    Pattern,
    PersonId,
    Text,
    Title,
    Zone,
    refusal,
)
from bot.catalogue.rules import (
    Ask,
    Automatic,
    BreakGlass,
    Extend,
    HoursOf,
    Only,
    Reason,
    Separate,
    Stage,
    StepUps,
    Ticket,
)
from bot.core.lookups import LookUpKind


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


def _kind(value: object) -> object:
    return {"kind": value} if isinstance(value, str) else value


_KINDS: JsonSchemaValue = {"type": "string", "enum": [str(kind) for kind in LookUpKind]}
_LOOKED_UP: JsonSchemaValue = {
    "anyOf": [
        _KINDS,
        {
            "type": "object",
            "properties": {"kind": _KINDS, "tags": {"type": "object", "additionalProperties": {"type": "string"}}},
            "required": ["kind"],
            "additionalProperties": False,
        },
    ]
}


class Parameter(Model):
    """Something that the requester fills in; at least one of ``choices`` and ``pattern`` is needed."""

    title: Title | None = None
    pattern: Pattern | None = None
    """A regular expression that has to match the whole value."""
    choices: Annotated[list[Title], Field(min_length=1, max_length=1000)] | None = None
    default: Title | None = None
    """What is used when nothing is given; without it a value is required."""
    hint: Line = ""
    lookup: Annotated[LookedUp, BeforeValidator(_kind), WithJsonSchema(_LOOKED_UP)] | None = None
    """What is offered, listed live from the account: a kind, or ``{kind: instances, tags: {team: payments}}``."""

    @model_validator(mode="after")
    def _limit_it(self) -> Self:
        if self.pattern is None and self.choices is None:
            raise refusal("takes any text", "give choices or a pattern, as in [a-z0-9-]{3,40}")
        if self.lookup is not None and self.choices is not None:
            raise refusal("has choices and a lookup", "keep one of them")
        return self


class Statement(Model):
    """What is allowed. Resources and condition values may hold ``{parameter}``, ``{account}`` and ``{region}``."""

    actions: Annotated[list[Action], Field(min_length=1)]
    resources: OneOrMany
    conditions: dict[str, dict[str, OneOrMany]] = {}
    """Operator → condition key → values, as in an IAM policy."""


class Role(Model):
    """Something that can be asked for."""

    title: Title
    description: Text = ""
    provider: str = "aws_iam"
    """The way to grant it."""
    accounts: Annotated[Selected, BeforeValidator(_listed), WithJsonSchema(_SELECTED)]
    """Where it can be asked for: a list of account ids, or ``{tags: [prod]}``."""
    ask: Annotated[list[Ask], Field(min_length=1), OneOrList()]
    """Who may ask: those whom any of these names."""
    only: Only = Only()
    """Who may ask in some of the accounts: these too have to name them."""
    approve: Annotated[list[Stage], Field(min_length=1, max_length=5), OneOrList()]
    """Who has to say yes: one stage, or several in their order."""
    work: Annotated[list[Id], Field(min_length=1)] | None = None
    """The kinds of work that it may be asked for; all of them where it is left out."""
    max_duration: Duration
    max_by_work: dict[Id, Duration] = {}
    """Kind of work → the longest for it, where that is less."""
    min_duration: Duration = timedelta(minutes=1)
    hours: HoursOf | None = None
    """When it may begin; at any time where it is left out."""
    parameters: dict[ParameterId, Parameter] = {}
    statements: Annotated[list[Statement], Field(min_length=1)]
    step_up: StepUps = StepUps()
    """How fresh the codes have to be; for a critical role ``always``."""
    critical: bool = False
    """Two approvers and a fresh code on both sides, with no way around them."""
    sensitive: bool = False
    """Never approved without a word."""
    automatic: Automatic | None = None
    """When nobody has to be asked; it is announced all the same."""
    break_glass: BreakGlass | None = None
    """At once and without an approver, for emergencies; reviewed afterwards."""
    separation: Separate | None = None
    """Who may not approve for whom."""
    limits: Limits = Limits()
    """How much of it may be live at once."""
    extend: Extend | None = None
    """How it may be made longer, once; not at all where it is left out."""
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


class Document(Model):
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
    hours: dict[Id, Hours] = {}
    """Windows of the week that roles name."""
    schedules: dict[Id, Schedule] = {}
    """Who is on call, for roles that name it."""
    trackers: dict[Id, Tracker] = {}
    """Where tickets are kept, for roles that look them up."""
    limits: Limits = Limits()
    """For all roles, beside each role's own."""
    roles: Annotated[dict[Id, Role], Field(min_length=1)]
    bundles: dict[Id, Bundle] = {}
    """Roles that are asked for together."""


def schema() -> dict[str, object]:
    """The JSON Schema of access.yaml, for editors."""
    made = Document.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **made,
        "title": "prodaccess catalogue (access.yaml)",
    }
