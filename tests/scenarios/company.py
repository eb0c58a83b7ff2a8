"""The scenarios' Slack workspace; its catalogue is ``company.yaml``."""

from pathlib import Path
from typing import Any

from bot.demo import manifest_app
from bot.sandbox.slack.config import Behaviour, SlackChannel, SlackPerson, SlackUsergroup, Workspace
from tests.patience import PATIENT

CATALOGUE = Path(__file__).with_name("company.yaml")

TEAM = "T0LOCALDEMO"
APPROVALS, SECURITY, AUDIT = "approvals", "security", "audit"
"""Channels by name; their ids are ``C0`` and the name in capitals."""
ON_CALL = "S0ONCALL"

SLACK_ID = {
    "maya": "U0MAYA",
    "maya's second account": "U0MAYATOO",
    "maya's unlisted account": "U0MAYAXTRA",
    "tomas": "U0TOMAS",
    "nils": "U0NILS",
    "ines": "U0INES",
    "ravi": "U0RAVI",
    "olga": "U0OLGA",
    "sam": "U0SAM",
    "nora": "U0NORA",
    "gwen": "U0GWEN",
    "zed": "U0ZED",
}
"""Slack member ids by how the scenarios call their people; ``nora`` is not in the catalogue."""

PEOPLE = (
    # The catalogue says that Maya's manager is Ines; it goes before what the profile says.
    SlackPerson("U0MAYA", "maya", "Maya Lindqvist", "maya@shopworks.example", manager="U0OLGA"),
    SlackPerson("U0MAYATOO", "maya.admin", "Maya L", "maya.admin@shopworks.example"),
    SlackPerson("U0MAYAXTRA", "maya.other", "M Lindqvist", "maya@shopworks.example"),
    SlackPerson("U0TOMAS", "tomas", "Tomás Ferreira", "tomas@shopworks.example", manager="U0OLGA"),
    SlackPerson("U0NILS", "nils", "Nils Holm", "nils@shopworks.example"),
    SlackPerson("U0INES", "ines", "Inès Moreau", "ines@shopworks.example"),
    SlackPerson("U0RAVI", "ravi", "Ravi Subramanian", "ravi@shopworks.example"),
    SlackPerson("U0OLGA", "olga", "Olga Petrova", "olga@shopworks.example"),
    SlackPerson("U0SAM", "sam", "Sam Okafor", "sam@shopworks.example"),
    SlackPerson("U0NORA", "nora", "Nora Newcomer", "nora@shopworks.example"),
    SlackPerson("U0GWEN", "gwen", "Gwen Guest", "gwen@partner.example", is_restricted=True),
    SlackPerson("U0ZED", "zed", "Zed Stranger", "zed@elsewhere.example", is_stranger=True, team_id="T0ELSEWHERE"),
)


def workspace(**behaviour: Any) -> Workspace:
    """Everyone's Slack. Events that are not acknowledged come again at once."""
    everyone = tuple(person.id for person in PEOPLE)
    return Workspace(
        people=PEOPLE,
        channels=(
            SlackChannel("C0GENERAL", "general", members=everyone),
            SlackChannel("C0APPROVALS", APPROVALS, members=everyone),
            SlackChannel("C0SECURITY", SECURITY, members=("U0SAM",)),
            SlackChannel("C0AUDIT", AUDIT, members=everyone),
        ),
        usergroups=(SlackUsergroup(ON_CALL, "oncall", "On call", ("U0RAVI", "U0OLGA", "U0MAYAXTRA")),),
        team_id=TEAM,
        behaviour=Behaviour(**{**PATIENT, "kept_envelopes": 100, **behaviour}),
        app=manifest_app(),
    )
