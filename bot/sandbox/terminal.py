"""A few AWS commands with a demo person's own keys, so that a visitor sees access appear and vanish.

They run through boto3 and print what the AWS CLI would.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot.sandbox.aws import LocalAws, LocalAwsError
from bot.sandbox.aws_seed import Seeded
from bot.sandbox.roster import (
    ACCOUNTS,
    DATA_PROD,
    PAYMENTS_PROD,
    SandboxAccount,
    SandboxPerson,
    person_of_slack_id,
)

_REFUSALS: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_FIRST_LINES: Final = 12

ClientOf = Callable[[str], Any]
"""A boto3 client by service, with the person's credentials in the account."""


@dataclass(frozen=True, slots=True)
class TerminalCall:
    """A command, and how it is run: ``run`` gives its output or raises botocore's errors."""

    id: str
    title: str
    command: str
    account: SandboxAccount
    run: Callable[[ClientOf], str]
    on_error: str = ""
    """What the CLI prints before an error of AWS."""


class Terminal:
    """The commands of each person who has something in AWS."""

    def __init__(self, aws: LocalAws, seeded: Seeded) -> None:
        self._aws = aws
        self._seeded = seeded
        self._calls = {call.id: call for call in _calls(seeded.instances)}

    def calls(self, person: SandboxPerson) -> list[TerminalCall]:
        """What this person may try; nothing for people without an AWS identity."""
        return [call for call in self._calls.values() if call.account.id in person.principals]

    def run(self, person: SandboxPerson, call: TerminalCall) -> tuple[str, str]:
        """(outcome, output): allowed, denied or error. Blocks."""
        try:
            return "allowed", call.run(self._client_of(person, call.account))
        except ClientError as error:
            denied = error.response["Error"]["Code"] in _REFUSALS
            return "denied" if denied else "error", f"{call.on_error}{error}"
        except (BotoCoreError, LocalAwsError) as error:
            return "error", str(error)

    def _client_of(self, person: SandboxPerson, account: SandboxAccount) -> ClientOf:
        keys = self._seeded.people[person.id, account.id]
        key_id, secret, token = keys.access_key_id, keys.secret, ""
        kind, _, name = person.principals[account.id].partition("/")
        if kind == "role":
            sts = self._aws.client("sts", key_id, secret, region=account.region)
            arn = f"arn:aws:iam::{account.number}:role/{name}"
            answer = sts.assume_role(RoleArn=arn, RoleSessionName=person.id)["Credentials"]
            key_id, secret, token = answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"]
        return lambda service: self._aws.client(service, key_id, secret, token, account.region)


def terminal_routes(terminal: Terminal) -> list[Route]:
    """``GET /terminal/{user}`` and ``POST /terminal/{user}/{call_id}``; ``user`` is a Slack id."""

    async def listing(request: Request) -> JSONResponse:
        person = person_of_slack_id(request.path_params["user"])
        if person is None:
            return _unknown("user: nobody in this workspace has this id")
        calls = [{"id": call.id, "title": call.title, "command": call.command} for call in terminal.calls(person)]
        return JSONResponse({"ok": True, "calls": calls})

    async def running(request: Request) -> JSONResponse:
        person = person_of_slack_id(request.path_params["user"])
        calls = {call.id: call for call in terminal.calls(person)} if person else {}
        call = calls.get(request.path_params["call_id"])
        if person is None or call is None:
            return _unknown("call: this person has no such command")
        outcome, output = await run_in_threadpool(terminal.run, person, call)
        at = datetime.now(UTC).isoformat(timespec="seconds")
        return JSONResponse({"ok": True, "outcome": outcome, "command": call.command, "output": output, "at": at})

    return [
        Route("/terminal/{user}", listing, methods=["GET"]),
        Route("/terminal/{user}/{call_id}", running, methods=["POST"]),
    ]


def _calls(instances: Mapping[tuple[str, str], str]) -> list[TerminalCall]:
    prod = PAYMENTS_PROD
    calls = [
        _whoami(prod),
        _ls("logs-list", "List the checkout logs", prod, "payments-logs", "app/2026/11/23/"),
        _cp("logs-read", "Read a checkout log", prod, "payments-logs", "app/2026/11/23/checkout-01.log"),
        _cp("audit-read", "Read the audit log, another prefix", prod, "payments-logs", "audit/2026/11/23/access.log"),
        _ls("lake-list", "List the data lake's orders", DATA_PROD, "data-lake", "orders/"),
    ]
    calls += [_describe(f"instances-{account.id}", account) for account in ACCOUNTS]
    for verb in ("stop", "start"):
        calls += [
            _switch(verb, name, prod, instances[prod.id, name])
            for name in ("checkout-1", "ledger-1")
            if (prod.id, name) in instances
        ]
    return calls


def _whoami(account: SandboxAccount) -> TerminalCall:
    def run(client_of: ClientOf) -> str:
        identity = client_of("sts").get_caller_identity()
        return _json({key: identity[key] for key in ("UserId", "Account", "Arn")})

    return TerminalCall("whoami", "Who am I", f"aws sts get-caller-identity --profile {account.id}", account, run)


def _ls(call_id: str, title: str, account: SandboxAccount, bucket: str, prefix: str) -> TerminalCall:
    def run(client_of: ClientOf) -> str:
        page = client_of("s3").list_objects_v2(Bucket=bucket, Prefix=prefix, Delimiter="/")
        lines = [f"{'PRE':>30} {found['Prefix'].removeprefix(prefix)}" for found in page.get("CommonPrefixes", [])]
        for found in page.get("Contents", []):
            modified = found["LastModified"].strftime("%Y-%m-%d %H:%M:%S")
            lines.append(f"{modified} {found['Size']:>10} {found['Key'].removeprefix(prefix)}")
        return "\n".join(lines)

    command = f"aws s3 ls s3://{bucket}/{prefix} --profile {account.id}"
    return TerminalCall(call_id, title, command, account, run, on_error="\n")


def _cp(call_id: str, title: str, account: SandboxAccount, bucket: str, key: str) -> TerminalCall:
    def run(client_of: ClientOf) -> str:
        body = client_of("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return "\n".join(body.decode(errors="replace").splitlines()[:_FIRST_LINES])

    command = f"aws s3 cp s3://{bucket}/{key} - --profile {account.id}"
    return TerminalCall(call_id, title, command, account, run, on_error=f"download failed: s3://{bucket}/{key} to - ")


def _describe(call_id: str, account: SandboxAccount) -> TerminalCall:
    def run(client_of: ClientOf) -> str:
        lines = []
        for reservation in client_of("ec2").describe_instances()["Reservations"]:
            for instance in reservation["Instances"]:
                name = next((tag["Value"] for tag in instance.get("Tags", []) if tag["Key"] == "Name"), "None")
                lines.append(f"{instance['InstanceId']}\t{instance['State']['Name']}\t{name}")
        return "\n".join(lines)

    query = "Reservations[].Instances[].[InstanceId,State.Name,Tags[?Key==`Name`]|[0].Value]"
    command = f"aws ec2 describe-instances --query '{query}' --output text --profile {account.id}"
    return TerminalCall(call_id, f"List the instances of {account.title}", command, account, run, on_error="\n")


def _switch(verb: str, name: str, account: SandboxAccount, instance: str) -> TerminalCall:
    def run(client_of: ClientOf) -> str:
        answer = getattr(client_of("ec2"), f"{verb}_instances")(InstanceIds=[instance])
        answer.pop("ResponseMetadata")
        return _json(answer)

    command = f"aws ec2 {verb}-instances --instance-ids {instance} --profile {account.id}"
    return TerminalCall(f"{verb}-{name}", f"{verb.capitalize()} {name}", command, account, run, on_error="\n")


def _json(value: object) -> str:
    return json.dumps(value, indent=4)


def _unknown(text: str) -> JSONResponse:
    return JSONResponse({"ok": False, "error": text}, status_code=404)
