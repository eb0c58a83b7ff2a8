"""What ``access.yaml`` says: accounts, roles, and the rules that go with them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from bot.core.lookups import LookUp
from bot.core.model.people import Person
from bot.core.rules import (
    AskRule,
    Auto,
    BreakGlass,
    Bundle,
    Caps,
    Extension,
    Hours,
    Schedule,
    Separation,
    Stage,
    TicketRule,
    Tracker,
)


@dataclass(frozen=True, slots=True)
class Account:
    """A cloud account. ``broker_role`` is the ARN assumed there; empty means the bot's own credentials."""

    id: str
    title: str
    number: str
    region: str = "us-east-1"
    tags: frozenset[str] = frozenset()
    broker_role: str = ""
    external_id: str = ""
    profile: str = ""
    """The name that people give this account in ``~/.aws/config``; the id where empty."""


@dataclass(frozen=True, slots=True)
class Work:
    """A kind of work and the longest access that it justifies."""

    id: str
    title: str
    longest: timedelta


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that the requester fills in; ``pattern`` must match in full."""

    id: str
    title: str
    pattern: str
    hint: str = ""
    choices: tuple[str, ...] = ()
    default: str | None = None
    """``None``: the value is required."""
    lookup: LookUp | None = None
    """What is offered beside typing it; it permits nothing."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a role's policy; resources and condition values may hold ``{parameter}`` or
    ``{account}`` (number) and ``{region}``."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)


class StepUpRule(StrEnum):
    """How fresh a proof must be; ``WITHIN`` goes with a duration."""

    ALWAYS = "always"
    WITHIN = "within"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class StepUpPolicy:
    """``rule`` and, for ``WITHIN``, the longest age of a proof."""

    rule: StepUpRule = StepUpRule.ALWAYS
    within: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Role:
    """Something that can be asked for."""

    id: str
    title: str
    provider: str
    accounts: frozenset[str]
    statements: tuple[Statement, ...]
    longest: timedelta
    work: tuple[str, ...]
    """The kinds of work it may be asked for, in the order shown."""
    ask: tuple[AskRule, ...]
    """Any of these makes eligible."""
    stages: tuple[Stage, ...]
    """In this order; all of them have to say yes."""
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    shortest: timedelta = timedelta(minutes=1)
    ask_step_up: StepUpPolicy = StepUpPolicy()
    approve_step_up: StepUpPolicy = StepUpPolicy(StepUpRule.WITHIN, timedelta(minutes=15))
    ticket: TicketRule | None = None
    """``None``: no ticket is asked for."""
    reason_min: int = 10
    lapses_after: timedelta = timedelta(hours=4)
    remind_before: timedelta = timedelta(minutes=10)
    channel: str = ""
    """Slack channel id of the approvers; the catalogue's own where empty."""
    only_accounts: Mapping[str, tuple[AskRule, ...]] = field(default_factory=dict)
    """Account id → whoever asks there has to be eligible by one of these too."""
    only_tags: Mapping[str, tuple[AskRule, ...]] = field(default_factory=dict)
    """The same for accounts that carry a tag."""
    longest_by_work: Mapping[str, timedelta] = field(default_factory=dict)
    hours: str = ""
    """The hours in which it begins; empty: at any time."""
    outside: timedelta | None = None
    """The longest outside of ``hours``; ``None``: none at all."""
    critical: bool = False
    """Two approvers and a code for exactly this on both sides, always; nothing goes without them."""
    sensitive: bool = False
    """Never approved without a word."""
    auto: Auto | None = None
    break_glass: BreakGlass | None = None
    separation: Separation = Separation()
    caps: Caps = Caps()
    extend: Extension | None = None

    @property
    def quorum(self) -> int:
        """How many distinct persons have to say yes, all stages together."""
        return sum(max(1, stage.quorum) for stage in self.stages)


@dataclass(frozen=True, slots=True)
class Summary:
    """When and where the daily summary is posted: local ``hour``:``minute`` in the IANA ``zone``."""

    channel: str
    zone: str = "UTC"
    hour: int = 9
    minute: int = 0


@dataclass(frozen=True, slots=True)
class ChangeRule:
    """Whose word a change of the catalogue waits for: one of these."""

    admins: bool = False
    people: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that access.yaml says, with the SHA-256 of what it says."""

    accounts: Mapping[str, Account]
    people: Mapping[str, Person]
    groups: Mapping[str, frozenset[str]]
    roles: Mapping[str, Role]
    work: Mapping[str, Work]
    admins: frozenset[str]
    """Person ids of the security admins."""
    channel: str
    """Slack channel id of the approvers."""
    security_channel: str
    summary: Summary
    digest: str
    zone: str = "UTC"
    """IANA zone in which a start time typed without an offset is read."""
    hours: Mapping[str, Hours] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    trackers: Mapping[str, Tracker] = field(default_factory=dict)
    bundles: Mapping[str, Bundle] = field(default_factory=dict)
    limits: Caps = Caps()
    """For all roles together, beside each role's own."""
    changes: ChangeRule | None = None
    """Who has to approve what comes after this catalogue; ``None``: nobody."""
