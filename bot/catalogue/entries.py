"""Entries of access.yaml beside the roles: accounts, people, kinds of work, hours, schedules, trackers, changes."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bot.catalogue.base import Model
from bot.catalogue.fields import (
    AccountNumber,
    Channel,
    Duration,
    Email,
    Id,
    ParameterId,
    PersonId,
    Principal,
    Region,
    Repository,
    RoleArn,
    SlackUsers,
    SourceId,
    TimeOfDay,
    Title,
    Url,
    Zone,
    refusal,
)
from bot.catalogue.moments import Day, Days, Moment
from bot.core.lookups import TAGGED

TagText = Annotated[str, Field(min_length=1, max_length=256)]


class Channels(Model):
    """Slack channels."""

    approvals: Channel
    """Where approvers are asked, unless the role names its own channel."""
    security: Channel
    """Where the security admins are told."""


class Summary(Model):
    """The daily summary."""

    channel: Channel
    """Where it is posted."""
    at: TimeOfDay = (9, 0)
    """The local time of day."""
    zone: Zone | None = None
    """IANA time zone of ``at``; the catalogue's own where it is left out."""


class Work(Model):
    """A kind of work."""

    title: Title
    max: Duration
    """The longest access that it justifies."""


class Account(Model):
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


class Person(Model):
    """A human, with every identity that is theirs."""

    name: Title
    email: Email | None = None
    slack: SlackUsers = []
    """Slack member ids."""
    manager: PersonId | None = None
    """The person who may approve for them where a role says ``manager: true``."""
    aws: dict[Id, Principal] = {}
    """Account id → the principal that is theirs alone there: ``user/NAME`` or ``role/NAME``."""


class Selected(Model):
    """Accounts by id, or all that carry every one of ``tags``."""

    ids: list[Id] = []
    tags: list[Id] = []

    @model_validator(mode="after")
    def _select_something(self) -> Self:
        if bool(self.ids) == bool(self.tags):
            raise refusal("has to name accounts either by id or by tag", "write [payments-prod] or {tags: [prod]}")
        return self


class Hours(Model):
    """A window of the week."""

    days: Days
    """Days on which it opens, as in ``mon-fri`` or ``[sat, sun]``."""
    opens: TimeOfDay = Field(alias="from")
    """Local time at which it opens."""
    closes: TimeOfDay = Field(alias="to")
    """Local time at which it closes; before ``from`` it is on the next day, the same is a whole day."""
    zone: Zone | None = None
    """IANA time zone; the catalogue's own where it is left out."""


class Handover(Model):
    """When the next one takes over."""

    day: Day = 0
    """Day of the week of the first handover; later ones follow it by ``length``."""
    at: TimeOfDay = (9, 0)
    """Local time."""


class Override(Model):
    """Somebody is on call instead."""

    person: PersonId
    begins: Moment = Field(alias="from")
    """From this moment on."""
    ends: Moment = Field(alias="to")
    """Until just before this moment."""


class Schedule(Model):
    """Who is on call."""

    kind: Literal["static", "pagerduty", "opsgenie"]
    """``static`` is written down here; the others are asked over HTTP."""
    people: list[PersonId] = []
    """Those who are on call in turn (``static``)."""
    handover: Handover = Handover()
    """When the next one takes over (``static``)."""
    length: Duration = timedelta(days=7)
    """How long a turn is (``static``)."""
    zone: Zone | None = None
    """IANA time zone of the handover; the catalogue's own where it is left out."""
    overrides: list[Override] = []
    """Turns that somebody else takes (``static``)."""
    id: SourceId | None = None
    """The schedule's id at PagerDuty or Opsgenie."""
    url: Url | None = None
    """Where that is, if not at its usual address, as in https://api.eu.opsgenie.com."""

    @model_validator(mode="after")
    def _have_a_source(self) -> Self:
        if self.kind == "static" and not self.people:
            raise refusal("names nobody who could be on call", "add people, in the order of their turns")
        if self.kind == "static" and (self.id or self.url):
            raise refusal("is written down here and asked elsewhere too", "remove id and url, or change kind")
        if self.kind != "static" and not self.id:
            raise refusal(f"does not say which schedule of {self.kind} it is", "add id")
        if self.kind != "static" and (self.people or self.overrides):
            raise refusal(f"is kept at {self.kind} and written down here too", "remove people and overrides")
        return self


class Tracker(Model):
    """Where tickets are kept. Its token is in the environment."""

    kind: Literal["jira", "github", "linear"]
    url: Url | None = None
    """Its address; wanted for ``jira``, elsewhere the usual one where it is left out."""
    repository: Repository | None = None
    """``OWNER/REPOSITORY``, for ``github``."""

    @model_validator(mode="after")
    def _have_an_address(self) -> Self:
        if self.kind == "jira" and not self.url:
            raise refusal("does not say where Jira is", "add url, as in https://example.atlassian.net")
        if (self.kind == "github") != (self.repository is not None):
            raise refusal("is kept in a repository if it is at GitHub, and only then", "add or remove repository")
        return self


class LookedUp(Model):
    """Resources of an account that are offered."""

    kind: Literal[
        "buckets",
        "databases",
        "ecs-clusters",
        "eks-clusters",
        "functions",
        "instances",
        "keys",
        "log-groups",
        "queues",
        "secrets",
        "tables",
    ]
    tags: dict[TagText, TagText] = {}
    """Only those that carry all of these; for databases, instances and secrets."""

    @model_validator(mode="after")
    def _know_tags(self) -> Self:
        if self.tags and self.kind not in TAGGED:
            raise refusal(f"cannot tell {self.kind} by their tags", f"remove tags; {', '.join(sorted(TAGGED))} can")
        return self


class Limits(Model):
    """How much may be live at once."""

    per_person: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Live grants of one person."""
    per_role: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Live grants of one role."""
    per_account: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Live grants in one account."""
    cool_down: Duration | None = None
    """How long after a denial the same person may not ask for the same role."""


class BundleItem(Model):
    """A role in a bundle."""

    role: Id
    params: dict[ParameterId, Title] = {}
    """Values of the role's parameters; what is left out is asked for, once for all roles that have it."""


class Bundle(Model):
    """Several roles that are asked for together; all are granted or none."""

    title: Title
    roles: Annotated[list[BundleItem], Field(min_length=1, max_length=10)]


class ChangeApprovers(Model):
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


class Changes(Model):
    """Changes of this file."""

    approve: ChangeApprovers
    """Who has to approve a change before it counts; the rule that counts is that of the file before."""
