"""What the local AWS holds: accounts, buckets, instances, people without any permission, and the bot's way in.

Running it again changes nothing; what is missing (a killed process may have lost its last changes) is made anew.
"""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError

from bot.sandbox.aws import LocalAws, LocalAwsError
from bot.sandbox.roster import ACCOUNTS, BOT_USER, PEOPLE, TOOLS_NUMBER, SandboxAccount

MANIFESTS: Final = Path(__file__).resolve().parents[2] / "manifests" / "aws"
KEYS_FILE: Final = "aws-keys.json"
_STACK: Final = "prodaccess-broker"
_STACK_WITHIN: Final = 20.0

OBJECTS: Final[Mapping[str, Mapping[str, Mapping[str, str]]]] = {
    "payments-prod": {
        "payments-logs": {
            "app/2026/11/23/checkout-01.log": (
                "02:58:41Z INFO  checkout: order 81723 authorised in 212 ms\n"
                "02:58:44Z ERROR checkout: card processor answered 503, order 81724 kept in queue\n"
                "02:58:49Z WARN  checkout: queue length 37\n"
                "02:58:55Z ERROR checkout: card processor answered 503, order 81725 kept in queue\n"
            ),
            "app/2026/11/23/checkout-02.log": "02:59:02Z WARN  checkout: queue length 61\n",
            "app/2026/11/22/checkout-01.log": "23:59:58Z INFO  checkout: order 81655 authorised in 198 ms\n",
            "audit/2026/11/23/access.log": "02:57:00Z login ok user=ops-console\n",
        },
        "payments-exports": {"2026-11-22/settlement.csv": "order,amount,currency\n81655,42.10,EUR\n"},
    },
    "payments-staging": {
        "payments-staging-logs": {"app/2026/11/23/checkout-01.log": "02:58:41Z INFO  checkout: test order 12\n"},
    },
    "data-prod": {
        "data-lake": {
            "orders/2026/11/22/part-0000.json": '{"order": 81655, "total": 42.10}\n',
            "customers/2026/11/22/part-0000.json": '{"customer": "c-1209", "country": "PT"}\n',
        },
    },
}
"""Account id → bucket → key → text."""

INSTANCES: Final[Mapping[str, Mapping[str, str]]] = {
    "payments-prod": {"checkout-1": "checkout", "checkout-2": "checkout", "ledger-1": "ledger"},
    "payments-staging": {"checkout-staging-1": "checkout"},
    "data-prod": {"spark-driver-1": "spark", "spark-worker-1": "spark"},
}
"""Account id → instance's Name → its ``service`` tag."""


@dataclass(frozen=True, slots=True)
class Keys:
    """An IAM user's access key."""

    access_key_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Seeded:
    """What the rest of the demo needs to know."""

    bot: Keys
    people: Mapping[tuple[str, str], Keys]
    """(person id, account id) → keys."""
    instances: Mapping[tuple[str, str], str]
    """(account id, Name) → instance id."""


def seed(aws: LocalAws) -> Seeded:
    """Make what is missing. Raises LocalAwsError, and botocore's errors."""
    keyring = _Keyring(aws)
    bot = keyring.keys(TOOLS_NUMBER, BOT_USER)
    aws.root("iam", TOOLS_NUMBER).put_user_policy(
        UserName=BOT_USER, PolicyName="assume-brokers", PolicyDocument=_manifest("bot-policy.json")
    )
    people: dict[tuple[str, str], Keys] = {}
    instances: dict[tuple[str, str], str] = {}
    for account in ACCOUNTS:
        _broker(aws, account)
        for person in PEOPLE:
            if account.id in person.users:
                people[person.id, account.id] = keyring.keys(account.number, person.users[account.id])
        _roles(aws, account)
        _buckets(aws, account)
        instances |= {(account.id, name): found for name, found in _instances(aws, account).items()}
    return Seeded(bot=bot, people=people, instances=instances)


class _Keyring:
    """Access keys by account number and user, kept in a file that only its owner reads."""

    def __init__(self, aws: LocalAws) -> None:
        self._aws = aws
        self._path = aws.folder / KEYS_FILE
        self._kept: dict[str, list[str]] = json.loads(self._path.read_text()) if self._path.exists() else {}

    def keys(self, number: str, user: str) -> Keys:
        """The user's keys; the user and the keys are made if need be."""
        iam = self._aws.root("iam", number)
        if not _made(iam.create_user, UserName=user):
            known = {key["AccessKeyId"] for key in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]}
            kept = self._kept.get(f"{number}/{user}")
            if kept and kept[0] in known:
                return Keys(*kept)
            for stray in known:
                iam.delete_access_key(UserName=user, AccessKeyId=stray)
        made = iam.create_access_key(UserName=user)["AccessKey"]
        self._kept[f"{number}/{user}"] = [made["AccessKeyId"], made["SecretAccessKey"]]
        write_private(self._path, json.dumps(self._kept, indent=1))
        return Keys(made["AccessKeyId"], made["SecretAccessKey"])


def write_private(path: Path, text: str) -> None:
    """Replace a file at once by one that only its owner may read."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


def _broker(aws: LocalAws, account: SandboxAccount) -> None:
    """Deploy the very template that a real account gets, so that what the demo shows is what it allows."""
    cloudformation = aws.root("cloudformation", account.number)
    parameters = {
        "BotPrincipalArn": f"arn:aws:iam::{TOOLS_NUMBER}:user/{BOT_USER}",
        "ExternalId": account.external_id,
        # ministack does not know the condition key iam:PermissionsBoundary, so the broker could give nothing.
        "RequireBoundary": "false",
        "AllowLookups": "true",
    }
    if _made(
        cloudformation.create_stack,
        StackName=_STACK,
        TemplateBody=_manifest("broker-role.yaml"),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    ):
        _await_stack(cloudformation)
    # ministack's CloudFormation leaves this property of a role out.
    aws.root("iam", account.number).put_role_permissions_boundary(
        RoleName="prodaccess-broker",
        PermissionsBoundary=f"arn:aws:iam::{account.number}:policy/prodaccess-broker-boundary",
    )


def _await_stack(cloudformation: Any) -> None:
    until = time.monotonic() + _STACK_WITHIN
    status = "CREATE_IN_PROGRESS"
    while status == "CREATE_IN_PROGRESS" and time.monotonic() < until:
        time.sleep(0.05)
        status = cloudformation.describe_stacks(StackName=_STACK)["Stacks"][0]["StackStatus"]
    if status != "CREATE_COMPLETE":
        raise LocalAwsError(f"the broker role's stack ended as {status}; see the local AWS's log")


def _roles(aws: LocalAws, account: SandboxAccount) -> None:
    """The roles of those whose own principal is a role, each to be assumed by their own user."""
    iam = aws.root("iam", account.number)
    for person in PEOPLE:
        kind, _, name = person.principals.get(account.id, "").partition("/")
        if kind != "role":
            continue
        arn = f"arn:aws:iam::{account.number}"
        user = person.users[account.id]
        trust = {"Effect": "Allow", "Principal": {"AWS": f"{arn}:user/{user}"}, "Action": "sts:AssumeRole"}
        _made(iam.create_role, RoleName=name, AssumeRolePolicyDocument=_document(trust))
        may = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": f"{arn}:role/{name}"}
        iam.put_user_policy(UserName=user, PolicyName="assume-own-role", PolicyDocument=_document(may))


def _buckets(aws: LocalAws, account: SandboxAccount) -> None:
    s3 = aws.root("s3", account.number)
    there = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    for bucket, objects in OBJECTS[account.id].items():
        if bucket not in there:
            s3.create_bucket(Bucket=bucket)
        kept = {found["Key"] for found in s3.list_objects_v2(Bucket=bucket).get("Contents", [])}
        for key in objects.keys() - kept:
            s3.put_object(Bucket=bucket, Key=key, Body=objects[key].encode())


def _instances(aws: LocalAws, account: SandboxAccount) -> dict[str, str]:
    ec2 = aws.root("ec2", account.number, account.region)
    found: dict[str, str] = {}
    for reservation in ec2.describe_instances()["Reservations"]:
        for instance in reservation["Instances"]:
            tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
            if instance["State"]["Name"] not in {"terminated", "shutting-down"} and "Name" in tags:
                found[tags["Name"]] = instance["InstanceId"]
    for name, service in INSTANCES[account.id].items():
        if name not in found:
            tags_of = [{"Key": "Name", "Value": name}, {"Key": "service", "Value": service}]
            made = ec2.run_instances(
                ImageId="ami-0abcdef1234567890",
                InstanceType="t3.medium",
                MinCount=1,
                MaxCount=1,
                TagSpecifications=[{"ResourceType": "instance", "Tags": tags_of}],
            )
            found[name] = made["Instances"][0]["InstanceId"]
    return found


def _made(create: Any, **arguments: Any) -> bool:
    """Whether it was made now rather than there already."""
    try:
        create(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"EntityAlreadyExists", "AlreadyExistsException"}:
            return False
        raise
    return True


def _document(statement: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _manifest(name: str) -> str:
    path = MANIFESTS / name
    if not path.exists():
        raise LocalAwsError(f"{path} is missing: run the demo from a checkout of prodaccess")
    return path.read_text(encoding="utf-8")
