"""Who and what is in the demo: its people, its AWS accounts. Everything else of the sandbox takes it from here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class SandboxAccount:
    """A demo AWS account; ``id`` is the catalogue's name for it."""

    id: str
    title: str
    number: str
    region: str = "us-east-1"

    @property
    def broker_role(self) -> str:
        """ARN of the role that the bot assumes there."""
        return f"arn:aws:iam::{self.number}:role/prodaccess-broker"

    @property
    def external_id(self) -> str:
        """What the broker role's trust policy asks for."""
        return f"prodaccess-demo-{self.number}"


@dataclass(frozen=True, slots=True)
class SandboxPerson:
    """A fictional colleague. ``principals`` maps an account id to what is theirs there, as in the catalogue."""

    id: str
    name: str
    title: str
    slack_id: str
    email: str
    color: str
    manager: str | None = None
    is_guest: bool = False
    principals: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def initials(self) -> str:
        """For an avatar."""
        return "".join(part[0] for part in self.name.split())[:2].upper()

    @property
    def users(self) -> Mapping[str, str]:
        """Account id to the name of the IAM user whose keys the person has there, to use or to assume a role with."""
        return {account: principal.partition("/")[2] for account, principal in self.principals.items()}


PAYMENTS_PROD: Final = SandboxAccount("payments-prod", "Payments (production)", "111111111111")
PAYMENTS_STAGING: Final = SandboxAccount("payments-staging", "Payments (staging)", "222222222222")
DATA_PROD: Final = SandboxAccount("data-prod", "Data platform (production)", "333333333333")
ACCOUNTS: Final = (PAYMENTS_PROD, PAYMENTS_STAGING, DATA_PROD)

TOOLS_NUMBER: Final = "999999999999"
"""The account where the bot's own IAM user lives."""
BOT_USER: Final = "prodaccess-bot"


def _everywhere(principal: str) -> Mapping[str, str]:
    return MappingProxyType({account.id: principal for account in ACCOUNTS})


MAYA: Final = SandboxPerson(
    "maya",
    "Maya Lindqvist",
    "Engineer, Payments",
    "U0MAYA",
    "maya@shopworks.example",
    "#1d7a5f",
    "ines",
    principals=_everywhere("user/maya"),
)
TOMAS: Final = SandboxPerson(
    "tomas",
    "Tomás Ferreira",
    "Engineer, Payments",
    "U0TOMAS",
    "tomas@shopworks.example",
    "#a3520b",
    "ines",
    principals=_everywhere("user/tomas"),
)
INES: Final = SandboxPerson(
    "ines", "Inès Moreau", "Engineering Manager, Payments", "U0INES", "ines@shopworks.example", "#7a3ea3"
)
RAVI: Final = SandboxPerson(
    "ravi",
    "Ravi Subramanian",
    "Payments Lead",
    "U0RAVI",
    "ravi@shopworks.example",
    "#1264a3",
    "ines",
    principals=MappingProxyType({"payments-prod": "role/ravi"}),
)
SAM: Final = SandboxPerson("sam", "Sam Okafor", "Security Engineer", "U0SAM", "sam@shopworks.example", "#b3261e")
GWEN: Final = SandboxPerson(
    "gwen", "Gwen Tanaka", "Contractor (guest)", "U0GWEN", "gwen@partner.example", "#5c6670", is_guest=True
)
PEOPLE: Final = (MAYA, TOMAS, INES, RAVI, SAM, GWEN)
SLACK_IDS: Final = frozenset(person.slack_id for person in PEOPLE)


def person_of_slack_id(slack_id: str) -> SandboxPerson | None:
    """Whose Slack account this is."""
    return next((person for person in PEOPLE if person.slack_id == slack_id), None)
