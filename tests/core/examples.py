"""A small company for the tests: who works there, what can be asked for, and how to say it in few words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.core.audit import Actor, ActorKind
from bot.core.model import (
    AccessRequest,
    Account,
    Ask,
    Catalogue,
    Grant,
    GrantStatus,
    Parameter,
    Person,
    RequestStatus,
    Role,
    Statement,
    StepUpPolicy,
    StepUpRule,
    Summary,
    Work,
)
from bot.core.policy import Reason, Verdict
from bot.core.rules import AskRule, Stage, TicketRule

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

YES = Verdict((Reason("all", True, "Fine."),))
NO = Verdict((Reason("some", False, "Not like this."),))

PEOPLE = (
    Person(
        "alice",
        "Alice",
        "alice@example.com",
        frozenset({"U1"}),
        manager="mona",
        groups=frozenset({"engineers"}),
        identities={"payments": "user/alice", "search": "role/alice"},
    ),
    Person(
        "bob", "Bob", "bob@example.com", frozenset({"U2"}), None, frozenset({"engineers"}), {"payments": "user/bob"}
    ),
    Person("mona", "Mona", "mona@example.com", frozenset({"U3"})),
    Person("otto", "Otto", "otto@example.com", frozenset({"U4"}), groups=frozenset({"leads"})),
    Person("sam", "Sam", "sam@example.com", frozenset({"U5"}), identities={"payments": "user/sam"}),
)

READ = Role(
    id="s3-read",
    title="Read a bucket",
    provider="cloud",
    accounts=frozenset({"payments", "search"}),
    statements=(Statement(("s3:GetObject",), ("arn:aws:s3:::{bucket}/*",)),),
    longest=8 * HOUR,
    work=("bug-fix", "incident"),
    ask=(AskRule(groups=frozenset({"engineers"})),),
    stages=(Stage(manager=True, groups=frozenset({"leads"})),),
    parameters=(Parameter("bucket", "Bucket", "[a-z-]{3,63}", hint="a bucket's name"),),
)
"""The manager or a lead says yes; a code when asking, one within 15 minutes when approving."""

ADMIN = replace(
    READ,
    id="db-admin",
    title="Administer the database",
    accounts=frozenset({"payments"}),
    parameters=(),
    statements=(Statement(("rds:*",), ("*",)),),
    stages=(Stage(people=frozenset({"mona", "otto", "sam"}), quorum=2),),
    approve_step_up=StepUpPolicy(StepUpRule.ALWAYS),
    ticket=TicketRule("PAY-[0-9]+", "PAY-123"),
)
"""Two persons say yes, each with a code for exactly this."""

DEPLOY = replace(
    READ,
    id="deploy",
    title="Deploy",
    parameters=(),
    statements=(Statement(("codedeploy:*",), ("*",)),),
    stages=(Stage(manager=True, slack_groups=frozenset({"S1"})),),
    ask_step_up=StepUpPolicy(StepUpRule.NEVER),
    approve_step_up=StepUpPolicy(StepUpRule.NEVER),
)
"""No codes; a Slack group, or the manager of the chat's profile where the catalogue has none."""

VAULT = replace(READ, id="vault", title="Open the vault", ask=(AskRule(people=frozenset({"sam"})),), parameters=())
"""Not offered to engineers."""

CATALOGUE = Catalogue(
    accounts={
        "payments": Account("payments", "Payments", "111111111111"),
        "search": Account("search", "Search", "222222222222"),
    },
    people={person.id: person for person in PEOPLE},
    groups={"engineers": frozenset({"alice", "bob"}), "leads": frozenset({"otto"})},
    roles={role.id: role for role in (READ, ADMIN, DEPLOY, VAULT)},
    work={"bug-fix": Work("bug-fix", "Bug fix", 2 * HOUR), "incident": Work("incident", "Incident", 24 * HOUR)},
    admins=frozenset({"sam"}),
    channel="C-APPROVERS",
    security_channel="C-SECURITY",
    summary=Summary("C-SUMMARY", "Europe/Vienna", 9),
    digest="catalogue-1",
)

ASK = Ask(
    requester="alice",
    role="s3-read",
    account="payments",
    params={"bucket": "payments-logs"},
    work="bug-fix",
    duration=HOUR,
    reason="The nightly export is broken.",
)

PENDING = AccessRequest(
    id="r-1",
    ask=ASK,
    status=RequestStatus.PENDING,
    asked_at=NOW,
    lapses_at=NOW + 4 * HOUR,
    principal="user/alice",
    policy='[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::payments-logs/*"]}]',
    catalogue_digest="catalogue-1",
    approvers_asked=("mona", "otto"),
    channel="C-APPROVERS",
)

APPROVED = replace(PENDING, status=RequestStatus.APPROVED, decided_at=NOW, decided_by="mona")

SCHEDULED = Grant(
    id="g-1",
    request_id="r-1",
    person="alice",
    role="s3-read",
    account="payments",
    provider="cloud",
    principal="user/alice",
    policy=APPROVED.policy,
    digest=APPROVED.digest(),
    status=GrantStatus.SCHEDULED,
    starts_at=NOW,
    expires_at=NOW + HOUR,
)


def actor(person: str) -> Actor:
    """A person who clicks in Slack."""
    return Actor(ActorKind.PERSON, person, "slack", f"U-{person}")
