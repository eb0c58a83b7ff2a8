import pytest

pytest.register_assert_rewrite("tests.contracts.provider")

from tests.sandbox.aws_fixture import aws_world, local_aws, seeded  # noqa: E402

__all__ = ["aws_world", "local_aws", "seeded"]
