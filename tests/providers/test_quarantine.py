"""On a real IAM that enforces: a block denies exactly what the stray policy allows, and the rest goes on."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.model import Account
from bot.providers.aws_iam import AwsIamProvider
from bot.sandbox.roster import PAYMENTS_PROD, PEOPLE
from bot.sandbox.terminal import Terminal
from bot.service.records import CloudError, Permission
from tests.sandbox.aws_fixture import AwsWorld, catalogued

MAYA = next(person for person in PEOPLE if person.id == "maya")
STRAY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::payments-logs/app/*"},
            {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::payments-logs"},
        ],
    }
)
AUDIT = '[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::payments-logs/audit/*"]}]'


class Desk:
    """Maya at her terminal, and the bot's way to her user."""

    def __init__(self, world: AwsWorld) -> None:
        self.provider: AwsIamProvider = world.provider()
        self.account: Account = catalogued(PAYMENTS_PROD)
        self.iam = world.aws.root("iam", self.account.number)
        self.terminal = Terminal(world.aws, world.seeded)

    def runs(self, call_id: str) -> str:
        call = next(each for each in self.terminal.calls(MAYA) if each.id == call_id)
        return self.terminal.run(MAYA, call)[0]

    def plant(self, name: str, document: str) -> None:
        """Somebody with rights in the account puts a policy on her user."""
        self.iam.put_user_policy(UserName="maya", PolicyName=name, PolicyDocument=document)

    def clear(self) -> None:
        for name in self.iam.list_user_policies(UserName="maya")["PolicyNames"]:
            self.iam.delete_user_policy(UserName="maya", PolicyName=name)


@pytest.fixture
def desk(aws_world: AwsWorld) -> Iterator[Desk]:
    desk = Desk(aws_world)
    yield desk
    desk.clear()


def test_a_block_ends_what_the_stray_allows_and_the_stray_stays_as_evidence(desk: Desk) -> None:
    desk.plant("prodaccess-prod-fix", STRAY)
    assert desk.runs("logs-read") == "allowed"
    text = desk.provider.read(desk.account, "user/maya", "prod-fix")
    assert text is not None
    desk.provider.deny(desk.account, "user/maya", "quarantine-q-1", text)
    assert [desk.runs(call) for call in ("logs-read", "logs-list")] == ["denied", "denied"]
    assert desk.provider.read(desk.account, "user/maya", "prod-fix") == text


def test_another_grant_of_the_same_person_for_other_things_goes_on(desk: Desk) -> None:
    now = datetime.now(UTC)
    grant = Permission("g-9", desk.account, "user/maya", AUDIT, now, now + timedelta(hours=1), "maya")
    desk.plant("prodaccess-prod-fix", STRAY)
    desk.provider.grant(grant)
    desk.provider.deny(desk.account, "user/maya", "quarantine-q-1", STRAY)
    assert desk.runs("audit-read") == "allowed"
    assert desk.runs("logs-read") == "denied"
    assert desk.runs("whoami") == "allowed"


def test_once_the_block_is_lifted_what_it_denied_works_again(desk: Desk) -> None:
    desk.plant("prodaccess-prod-fix", STRAY)
    desk.provider.deny(desk.account, "user/maya", "quarantine-q-1", STRAY)
    assert desk.runs("logs-read") == "denied"
    desk.provider.remove(desk.account, "user/maya", "quarantine-q-1")
    assert desk.runs("logs-read") == "allowed"


@pytest.mark.parametrize("left", ["Action", "Resource"])
def test_what_is_allowed_by_exception_is_denied_by_the_same_exception(desk: Desk, left: str) -> None:
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    statement[f"Not{left}"] = {"Action": "sqs:*", "Resource": "arn:aws:s3:::payments-exports/*"}[left]
    del statement[left]
    text = json.dumps({"Version": "2012-10-17", "Statement": statement})
    desk.plant("prodaccess-prod-fix", text)
    assert desk.runs("logs-read") == "allowed"
    desk.provider.deny(desk.account, "user/maya", "quarantine-q-1", text)
    assert desk.runs("logs-read") == "denied"


def test_a_block_for_which_there_is_no_room_is_not_put_and_says_so_in_numbers(desk: Desk) -> None:
    names = [f"arn:aws:s3:::payments-logs/app/{'x' * 60}{number}" for number in range(12)]
    wide = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": names}
    text = json.dumps({"Version": "2012-10-17", "Statement": [wide]})
    desk.plant("prodaccess-prod-fix", text)
    with pytest.raises(CloudError, match=r"Blocking it takes 1,\d{3} characters.*allows 2,048") as failure:
        desk.provider.deny(desk.account, "user/maya", "quarantine-q-1", text)
    assert not failure.value.passing
    assert desk.provider.read(desk.account, "user/maya", "quarantine-q-1") is None


def test_putting_the_same_block_again_needs_no_more_room(desk: Desk) -> None:
    names = [f"arn:aws:s3:::payments-logs/app/{'x' * 60}{number}" for number in range(9)]
    wide = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": names}
    text = json.dumps({"Version": "2012-10-17", "Statement": [wide]})
    desk.plant("prodaccess-prod-fix", text)
    for _ in range(2):
        desk.provider.deny(desk.account, "user/maya", "quarantine-q-1", text)
    assert desk.provider.read(desk.account, "user/maya", "quarantine-q-1") == desk.provider.denial(text)
