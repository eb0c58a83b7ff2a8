"""A boto3 session whose clients answer at once, in this process: everything above it is the product's own."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import ClientError

PREFIX = "prodaccess-"


Put = list[tuple[str, float]]
"""(grant id, monotonic seconds) of each policy that was put. Appending is atomic."""


def noting(session: boto3.Session, put: Put) -> boto3.Session:
    """A real session that notes, too, when a grant's policy is about to be put."""

    def note(params: dict[str, Any], **_: object) -> None:
        put.append((params["body"]["PolicyName"].removeprefix(PREFIX), time.monotonic()))

    session.events.register("before-call.iam.PutUserPolicy", note)
    return session


class InstantSession:
    """Stands in for ``boto3.Session``. Notes when each grant's policy was put."""

    def __init__(self, put: Put | None = None) -> None:
        self._put: Put = [] if put is None else put

    def get_credentials(self) -> None:
        """There are none."""

    def client(self, service: str, **_: object) -> "_Iam | _Sts":
        return _Sts() if service == "sts" else _Iam(self._put)


class _Sts:
    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": "999999999999", "Arn": "arn:aws:iam::999999999999:user/bench"}

    def assume_role(self, **_: str) -> dict[str, Any]:
        keys = {"AccessKeyId": "ASIABENCH", "SecretAccessKey": "bench", "SessionToken": "bench"}
        return {"Credentials": {**keys, "Expiration": datetime.now(UTC) + timedelta(days=1)}}


class _Iam:
    """Every policy that is looked for is gone."""

    def __init__(self, put: Put) -> None:
        self._put = put

    def put_user_policy(self, **asked: str) -> None:
        self._put.append((asked["PolicyName"].removeprefix(PREFIX), time.monotonic()))

    def delete_user_policy(self, **_: str) -> None:
        pass

    def get_user_policy(self, **_: str) -> None:
        raise ClientError({"Error": {"Code": "NoSuchEntity", "Message": "not there"}}, "GetUserPolicy")

    def get_user(self, **_: str) -> dict[str, Any]:
        return {}

    def list_user_policies(self, **_: str) -> None:
        # It cannot know what the ledger was filled with; what may not be listed is not compared.
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no lists"}}, "ListUserPolicies")
