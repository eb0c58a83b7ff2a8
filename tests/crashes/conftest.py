"""One local AWS, Slack, PostgreSQL and fork server for each process of the test run."""

from collections.abc import Iterator

import pytest

from bot.sandbox.aws import LocalAws
from bot.sandbox.aws_seed import Seeded
from tests.crashes.opening import Stage, opened
from tests.databases import postgres_server
from tests.sandbox.aws_fixture import local_aws, seeded
from tests.scenarios.harness import Cloud

__all__ = ["local_aws", "postgres_server", "seeded"]


@pytest.fixture(scope="session")
def stage(local_aws: LocalAws, seeded: Seeded) -> Iterator[Stage]:
    with opened(Cloud(local_aws, seeded)) as opened_stage:
        yield opened_stage
