"""A company of a set size, as access.yaml and as settings: every engineer has a manager, who approves alone."""

import json
from pathlib import Path

from bot.settings import SealingKey, Secret, Settings, Transport
from tests.benchmarks.stubs import TEAM

KEY = SealingKey("k1", bytes(range(11, 43)))
BOT_TOKEN = "xoxb-bench"
SIGNING_SECRET = "0123456789abcdef" * 2
ACCOUNTS = tuple(f"account-{number}" for number in range(8))
CHANNELS = tuple(f"C0APPROVALS{number}" for number in range(8))
"""The approvers' channels, one for each account's role: Slack takes about one message a second in each."""
TOOLS_NUMBER = "999999999999"
"""The bot's own AWS account."""
BROKER = "prodaccess-broker"
MOST_PEOPLE = 128


def engineer(number: int) -> str:
    """A person id; their manager is ``manager(number)``."""
    return f"engineer-{number}"


def manager(number: int) -> str:
    """A person id."""
    return f"manager-{number}"


def account(number: int) -> str:
    """Where engineer ``number`` asks for access."""
    return ACCOUNTS[number % len(ACCOUNTS)]


def role(account: str) -> str:
    """The account's one role."""
    return f"read-{account}"


def user(number: int) -> str:
    """The engineer's IAM user, in every account."""
    return f"e{number}"


def slack_id(person: str) -> str:
    """The Slack member id of a person id."""
    return f"U{person.replace('-', '').upper()}"


def write_catalogue(path: Path) -> Path:
    """Write access.yaml (JSON is YAML too); returns ``path``."""
    numbers = range(MOST_PEOPLE)
    people: dict[str, dict[str, object]] = {
        "admin": {"name": "Admin", "email": "admin@bench.example", "slack": slack_id("admin")}
    }
    for number in numbers:
        for person, more in (
            (manager(number), {}),
            (engineer(number), {"manager": manager(number), "aws": dict.fromkeys(ACCOUNTS, f"user/{user(number)}")}),
        ):
            known = {"name": person.title(), "email": f"{person}@bench.example", "slack": slack_id(person)}
            people[person] = {**known, **more}
    common = {
        "title": "Read a bucket",
        "ask": {"groups": ["engineers"]},
        "approve": {"manager": True},
        "max_duration": "24h",
        "step_up": {"ask": "never"},
        "parameters": {"bucket": {"title": "Bucket", "choices": ["logs", "exports"]}},
        "statements": [{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::{bucket}/app/*"]}],
    }
    document = {
        "version": 1,
        "zone": "UTC",
        "channels": {"approvals": CHANNELS[0], "security": "C0SECURITY"},
        "summary": {"channel": "C0AUDIT", "at": "09:00"},
        "admins": ["admin"],
        "work": {"incident": {"title": "Incident", "max": "24h"}},
        "accounts": {name: _account(place) for place, name in enumerate(ACCOUNTS)},
        "people": people,
        "groups": {"engineers": [engineer(number) for number in numbers]},
        "roles": {
            role(account): {**common, "accounts": [account], "channel": channel}
            for account, channel in zip(ACCOUNTS, CHANNELS, strict=True)
        },
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def _account(place: int) -> dict[str, str]:
    number = f"{111111111111 + place}"
    return {
        "title": f"Account {place}",
        "number": number,
        "broker_role": f"arn:aws:iam::{number}:role/{BROKER}",
    }


def settings(database_url: str, catalogue: Path, slack_url: str, aws_url: str = "") -> Settings:
    """As the environment of ``prodaccess serve`` would say it, with Slack over HTTP."""
    return Settings(
        slack_transport=Transport.HTTP,
        slack_bot_token=Secret(BOT_TOKEN),
        slack_app_token=Secret(""),
        slack_signing_secret=Secret(SIGNING_SECRET),
        slack_base_url=f"{slack_url}/api/",
        slack_team=TEAM,
        database_url=Secret(database_url),
        catalogue=catalogue,
        keys=(KEY,),
        http_host="127.0.0.1",
        http_port=0,
        public_url="",
        aws_endpoint_url=aws_url,
        log_format="json",
        log_level="info",
        workers=4,
    )
