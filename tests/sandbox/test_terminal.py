"""The demo's terminal: real keys, a real enforcing IAM, the CLI's words."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.sandbox.roster import DATA_PROD, PAYMENTS_PROD, PEOPLE
from bot.sandbox.terminal import Terminal, terminal_routes
from bot.service.records import Permission
from tests.sandbox.aws_fixture import (  # noqa: F401 - fixtures
    AwsWorld,
    aws_world,
    catalogued,
    local_aws,
    seeded,
)
from tests.sandbox.browsing import Browser

LOGS = """[
 {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::payments-logs/app/*"]},
 {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": ["arn:aws:s3:::payments-logs"],
  "Condition": {"StringLike": {"s3:prefix": ["app/*"]}}}
]"""


@pytest.fixture
def browser(aws_world: AwsWorld) -> Browser:  # noqa: F811
    return Browser(terminal_routes(Terminal(aws_world.aws, aws_world.seeded)))


def run(browser: Browser, user: str, call: str) -> tuple[str, str]:
    answer = browser.post(f"/terminal/{user}/{call}").json()
    assert answer["ok"]
    assert datetime.fromisoformat(answer["at"]).tzinfo is not None
    return answer["outcome"], answer["output"]


@pytest.fixture
def permission(aws_world: AwsWorld) -> Iterator[Permission]:  # noqa: F811
    now = datetime.now(UTC)
    permission = Permission(
        grant_id="gterminal",
        account=catalogued(PAYMENTS_PROD),
        principal="user/maya",
        policy=LOGS,
        starts_at=now,
        expires_at=now + timedelta(hours=1),
        person="maya",
    )
    yield permission
    aws_world.provider().revoke(permission)


def test_everything_but_who_am_i_is_denied_before_any_grant(browser: Browser) -> None:
    offered = browser.get("/terminal/U0MAYA").json()["calls"]
    assert len(offered) > 5
    outcomes = {call["id"]: run(browser, "U0MAYA", call["id"])[0] for call in offered}
    assert outcomes.pop("whoami") == "allowed"
    assert set(outcomes.values()) == {"denied"}


def test_a_grant_opens_exactly_its_prefix_and_its_end_closes_it(
    browser: Browser,
    aws_world: AwsWorld,  # noqa: F811
    permission: Permission,
) -> None:
    provider = aws_world.provider()
    provider.grant(permission)
    outcome, listing = run(browser, "U0MAYA", "logs-list")
    assert outcome == "allowed"
    assert listing.splitlines()[0].endswith(" checkout-01.log")
    assert "card processor answered 503" in run(browser, "U0MAYA", "logs-read")[1]
    assert run(browser, "U0MAYA", "audit-read")[0] == "denied"
    assert run(browser, "U0TOMAS", "logs-read")[0] == "denied"
    provider.revoke(permission)
    assert run(browser, "U0MAYA", "logs-read")[0] == "denied"


def test_a_denial_reads_as_the_cli_prints_it(browser: Browser) -> None:
    assert run(browser, "U0MAYA", "logs-list")[1].startswith(
        "\nAn error occurred (AccessDenied) when calling the ListObjectsV2 operation: "
    )
    assert run(browser, "U0MAYA", "logs-read")[1].startswith(
        "download failed: s3://payments-logs/app/2026/11/23/checkout-01.log to - An error occurred (AccessDenied)"
    )
    assert "(UnauthorizedOperation) when calling the StopInstances" in run(browser, "U0MAYA", "stop-checkout-1")[1]


def test_one_instance_can_be_stopped_and_no_other(
    browser: Browser,
    aws_world: AwsWorld,  # noqa: F811
    permission: Permission,
) -> None:
    instance = aws_world.seeded.instances[PAYMENTS_PROD.id, "checkout-1"]
    policy = f"""[{{"Effect": "Allow", "Action": ["ec2:StopInstances"],
        "Resource": ["arn:aws:ec2:us-east-1:{PAYMENTS_PROD.number}:instance/{instance}"]}}]"""
    aws_world.provider().grant(replace(permission, policy=policy))
    outcome, output = run(browser, "U0MAYA", "stop-checkout-1")
    assert outcome == "allowed"
    assert instance in output
    assert "ResponseMetadata" not in output
    assert run(browser, "U0MAYA", "stop-ledger-1")[0] == "denied"


def test_ravi_works_in_his_own_role(browser: Browser) -> None:
    outcome, output = run(browser, "U0RAVI", "whoami")
    assert outcome == "allowed"
    assert "assumed-role/ravi/ravi" in output
    offered = browser.get("/terminal/U0RAVI").json()["calls"]
    assert not any(DATA_PROD.id in call["command"] for call in offered)


def test_people_without_an_aws_identity_are_offered_nothing(browser: Browser) -> None:
    for person in PEOPLE:
        if not person.principals:
            assert browser.get(f"/terminal/{person.slack_id}").json() == {"ok": True, "calls": []}
            assert browser.post(f"/terminal/{person.slack_id}/whoami").status_code == 404


def test_unknown_people_and_commands_are_named_as_such(browser: Browser) -> None:
    assert browser.get("/terminal/U0NOBODY").status_code == 404
    assert browser.post("/terminal/U0NOBODY/whoami").status_code == 404
    answer = browser.post("/terminal/U0MAYA/rm-rf")
    assert answer.status_code == 404
    assert "call" in answer.json()["error"]
