"""One real local AWS for a test session, seeded as the demo's. Import ``local_aws`` and ``seeded`` in a conftest."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from bot.core.model import Account
from bot.providers.aws_clients import AwsClients
from bot.providers.aws_iam import AwsIamProvider
from bot.sandbox.aws import LocalAws, isolated_session
from bot.sandbox.aws_seed import Seeded, seed
from bot.sandbox.roster import SandboxAccount


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws(tmp_path_factory.mktemp("aws")) as aws:
        yield aws


@pytest.fixture(scope="session")
def seeded(local_aws: LocalAws) -> Seeded:
    return seed(local_aws)


@dataclass(frozen=True)
class AwsWorld:
    """The bot's way into the local AWS."""

    aws: LocalAws
    seeded: Seeded

    def clients(self) -> AwsClients:
        session = isolated_session(self.seeded.bot.access_key_id, self.seeded.bot.secret)
        return AwsClients(session, endpoint_url=self.aws.endpoint)

    def provider(self) -> AwsIamProvider:
        return AwsIamProvider(self.clients())


@pytest.fixture(scope="session")
def aws_world(local_aws: LocalAws, seeded: Seeded) -> AwsWorld:
    return AwsWorld(local_aws, seeded)


def catalogued(account: SandboxAccount) -> Account:
    """The account as a catalogue would have it."""
    return Account(
        id=account.id,
        title=account.title,
        number=account.number,
        region=account.region,
        broker_role=account.broker_role,
        external_id=account.external_id,
        profile=account.id,
    )
