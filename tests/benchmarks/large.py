"""A company of a thousand roles, as access.yaml: teams with roles, accounts and people; one of them may do everything.

Everybody is known by a Slack id. Each team has its own accounts; its people have an identity in these and in a few of
others, the platform team's in all. Some roles name their accounts by tag, lapse, or name a Slack group, so that what is
offered depends on the time and on Slack.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.company import CHANNELS, slack_id

ON_CALL_GROUP = "S0ONCALL"
"""The Slack group that may ask for some of the roles."""
_SHARED = 7
"""Accounts of other teams in which somebody has an identity too."""


@dataclass(frozen=True, slots=True)
class Large:
    """How much of everything."""

    roles: int = 1_000
    accounts: int = 300
    people: int = 5_000
    teams: int = 100

    def person(self, number: int) -> str:
        """A person id. Number 0 is of the platform team, 1 of the first of the others."""
        return f"person-{number}"

    def write(self, path: Path) -> Path:
        """Write access.yaml (JSON is YAML too); returns ``path``."""
        path.write_text(json.dumps(self.document()), encoding="utf-8")
        return path

    def document(self) -> dict[str, object]:
        """What the file says."""
        return {
            "version": 1,
            "channels": {"approvals": CHANNELS[0], "security": "C0SECURITY"},
            "admins": [self.person(0)],
            "work": {
                "bug-fix": {"title": "Bug fix", "max": "2h"},
                "incident": {"title": "Incident", "max": "24h"},
            },
            "hours": {"office": {"days": "mon-fri", "from": "09:00", "to": "18:00"}},
            "accounts": {f"account-{number}": self._account(number) for number in range(self.accounts)},
            "people": {self.person(number): self._person(number) for number in range(self.people)},
            "groups": {
                f"team-{team}": [self.person(number) for number in range(team, self.people, self.teams)]
                for team in range(self.teams)
            },
            "roles": {f"role-{number}": self._role(number) for number in range(self.roles)},
        }

    def _account(self, number: int) -> dict[str, object]:
        tags = [f"team-{number % self.teams}", "prod" if number % 3 == 0 else "staging"]
        return {"title": f"Account {number} of the company", "number": f"{111111111111 + number}", "tags": tags}

    def _person(self, number: int) -> dict[str, object]:
        team = number % self.teams
        everywhere = range(self.accounts)
        here = (
            everywhere
            if team == 0
            else self._of_team(team) + [(number * 13 + n) % self.accounts for n in range(_SHARED)]
        )
        lead = team if number != team else 0
        return {
            "name": f"Person {number} of the company",
            "email": f"person-{number}@bench.example",
            "slack": slack_id(self.person(number)),
            **({"manager": self.person(lead)} if number else {}),
            "aws": {f"account-{each}": f"user/p{number}" for each in here},
        }

    def _of_team(self, team: int) -> list[int]:
        return list(range(team % self.accounts, self.accounts, self.teams))

    def _role(self, number: int) -> dict[str, object]:
        team = number % self.teams
        by_tag: object = {"tags": ["prod"]} if number % 5 == 0 else [f"account-{each}" for each in self._of_team(team)]
        asked: list[dict[str, object]] = [{"groups": list(dict.fromkeys([f"team-{team}", "team-0"]))}]
        if number % 50 == 0:
            asked.append({"people": [self.person(self.people - 1)], "until": "2099-01-01"})
        if number % 50 == 1:
            asked.append({"slack_groups": [ON_CALL_GROUP]})
        return {
            "title": f"Look after service {number}",
            "description": f"Restarts service {number} and reads what it logs.",
            "accounts": by_tag,
            "ask": asked,
            "approve": [{"manager": True, "groups": [f"team-{(team + 1) % self.teams}"], "quorum": 1}],
            "max_duration": "8h",
            "step_up": {"ask": "never"},
            **({"hours": {"during": "office", "outside": "1h"}} if number % 2 else {}),
            "parameters": {"bucket": {"title": "Bucket", "choices": ["logs", "exports"]}},
            "statements": [{"actions": ["s3:GetObject"], "resources": [f"arn:aws:s3:::{{bucket}}-{number}/app/*"]}],
        }
