"""The rules of a role in access.yaml: who may ask and approve, when, how often, and what goes without a word."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from bot.catalogue.base import Model, OneOrList
from bot.catalogue.fields import (
    Domain,
    Duration,
    Id,
    Line,
    ParameterId,
    Pattern,
    PersonId,
    Severity,
    SlackGroup,
    StepUp,
    Title,
    refusal,
)
from bot.catalogue.moments import Moment, Outside
from bot.core.model import StepUpPolicy, StepUpRule

_Count = Annotated[int, Field(ge=1, le=10)]


class Ask(Model):
    """Who may ask: whoever is any of these."""

    people: list[PersonId] = []
    groups: list[Id] = []
    slack_groups: list[SlackGroup] = []
    """Slack user groups by their ids."""
    email_domains: list[Domain] = []
    """What is behind the @ of their address; a subdomain is another domain."""
    until: Moment | None = None
    """From then on (UTC) this names nobody any more, until it is renewed here."""


class Only(Model):
    """Who may ask there, beside what ``ask`` says."""

    accounts: dict[Id, Annotated[list[Ask], Field(min_length=1), OneOrList()]] = {}
    """Account id → who may ask in it."""
    tags: dict[Id, Annotated[list[Ask], Field(min_length=1), OneOrList()]] = {}
    """Tag → who may ask in accounts that carry it."""


class Owner(Model):
    """Who owns the resource that is asked for."""

    parameter: ParameterId
    """The parameter that names the resource."""
    tag: Annotated[str, Field(min_length=1, max_length=128)]
    """The tag of the resource that holds the owner's e-mail address or person id."""


class Escalation(Model):
    """Who may approve too when nobody has."""

    after: Duration
    """How long the request has waited then."""
    people: list[PersonId] = []
    groups: list[Id] = []
    slack_groups: list[SlackGroup] = []

    @model_validator(mode="after")
    def _name_somebody(self) -> Self:
        if not (self.people or self.groups or self.slack_groups):
            raise refusal("names nobody", "name groups, slack_groups or people")
        return self


class Stage(Model):
    """Who may say yes; never the requester."""

    title: Title | None = None
    """What this stage is called where there are several."""
    manager: bool = False
    """The requester's manager: the one named here, else the one in the Slack profile."""
    people: list[PersonId] = []
    groups: list[Id] = []
    slack_groups: list[SlackGroup] = []
    """Slack user groups by their ids."""
    owner: Owner | None = None
    """Whoever owns the resource, by a tag of it."""
    on_call: Id | None = None
    """Whoever is on call, by a schedule of this file."""
    quorum: _Count = 1
    """How many distinct persons have to say yes."""
    refusals: _Count = 1
    """How many distinct persons have to say no for it to be denied."""
    fallback: list[Id] = []
    """Groups that may approve where fewer than the quorum are there."""
    escalate: list[Escalation] = []
    """Who may approve too after a while."""

    @model_validator(mode="after")
    def _ask_somebody(self) -> Self:
        if not (self.manager or self.people or self.groups or self.slack_groups or self.owner or self.on_call):
            raise refusal("names nobody", "write manager: true, or name groups, slack_groups, people, owner or on_call")
        return self


class HoursOf(Model):
    """When a role may begin."""

    during: Id
    """One of the hours of this file."""
    outside: Outside
    """``refuse``, or the longest access that begins outside of them."""


class StepUps(Model):
    """How fresh the proof by TOTP code has to be: ``always`` (for this very thing), ``never`` or a duration."""

    ask: StepUp = StepUpPolicy()
    approve: StepUp = StepUpPolicy(StepUpRule.WITHIN, timedelta(minutes=15))


class Ticket(Model):
    """A ticket that has to be named."""

    pattern: Pattern
    hint: Line = ""
    tracker: Id | None = None
    """The tracker of this file that has to know it; nobody looks where it is left out."""
    must_be_open: bool = False
    """Whether the ticket has to be open there."""
    ends_access: bool = False
    """Whether closing the ticket ends the access."""


class Reason(Model):
    """What is wanted of a reason."""

    min: Annotated[int, Field(ge=1, le=500)] = 10
    """How many characters it has at least."""


class Automatic(Model):
    """Nobody is asked where all of this holds; it is announced and logged as such."""

    on_call: Id | None = None
    """The schedule by which the requester has to be on call."""
    severities: list[Severity] = []
    """The ticket has to be open and have one of these."""
    during: Id | None = None
    """The hours in which it has to begin."""
    times: Annotated[int, Field(ge=1, le=100)]
    """How often at most, for each person."""
    per: Duration
    """The period in which they are counted, as in 7d."""


class BreakGlass(Model):
    """At once and without an approver; the security admins are told, and somebody else reviews it."""

    max: Duration = timedelta(hours=1)
    """The longest; never more than an hour."""
    review_within: Duration = timedelta(hours=24)
    """How soon it has to be reviewed; never later than a day. Until then nobody breaks glass twice."""


class Pair(Model):
    """How often two people may approve for each other."""

    most: Annotated[int, Field(ge=1, le=100)]
    per: Duration = timedelta(days=7)


class Separate(Model):
    """Who may not approve for whom, beside the requester themselves."""

    teams: list[Id] = []
    """Groups: nobody approves for a member of one of them that they are a member of too."""
    pair: Pair | None = None

    @model_validator(mode="after")
    def _separate_somebody(self) -> Self:
        if not (self.teams or self.pair):
            raise refusal("separates nobody", "name teams, or say how often a pair may approve for each other")
        return self


class Extend(Model):
    """Making a grant longer, once, before its end, with a fresh code."""

    max: Duration
    """By how much at most."""
    approval: bool = True
    """Whether it has to be approved again; without it the code is enough."""
