"""The provider's contract on a real IAM that enforces, reached as in production: bot's own user, AssumeRole, broker."""

from collections.abc import Iterator

import pytest

from bot.sandbox.roster import PAYMENTS_PROD
from tests.contracts.provider import ProviderContract, World
from tests.sandbox.aws_fixture import AwsWorld, catalogued

TRUST = """{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "sts:AssumeRole"}]}"""


@pytest.fixture(scope="module", params=["user", "role"])
def kind(request: pytest.FixtureRequest, aws_world: AwsWorld) -> Iterator[str]:
    iam = aws_world.aws.root("iam", PAYMENTS_PROD.number)
    for name in ("contract-a", "contract-b"):
        if request.param == "user":
            iam.create_user(UserName=name)
        else:
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    yield str(request.param)
    for name in ("contract-a", "contract-b"):
        if request.param == "user":
            iam.delete_user(UserName=name)
        else:
            iam.delete_role(RoleName=name)


class TestAwsIamProvider(ProviderContract):
    @pytest.fixture
    def world(self, aws_world: AwsWorld, kind: str) -> Iterator[World]:
        account = catalogued(PAYMENTS_PROD)
        principals = [f"{kind}/contract-a", f"{kind}/contract-b"]
        yield World(aws_world.provider(), account, *principals, missing=f"{kind}/nobody-here")
        iam = aws_world.aws.root("iam", account.number)
        for name in ("contract-a", "contract-b"):
            who = {f"{kind.capitalize()}Name": name}
            for policy in getattr(iam, f"list_{kind}_policies")(**who)["PolicyNames"]:
                getattr(iam, f"delete_{kind}_policy")(**who, PolicyName=policy)
