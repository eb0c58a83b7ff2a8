"""The local AWS: loopback only, enforces, survives a restart, never outlives its parent."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from bot.sandbox.aws import LocalAws, LocalAwsError
from bot.sandbox.aws_seed import KEYS_FILE, seed
from bot.sandbox.roster import DATA_PROD, PAYMENTS_PROD
from bot.service.records import Permission
from tests.sandbox.aws_fixture import AwsWorld, aws_world, catalogued, local_aws, seeded  # noqa: F401 - fixtures

READ = """[{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::payments-logs/app/*"]}]"""
KEY = "app/2026/11/23/checkout-01.log"


def until(holds: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return holds()


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def listening(pid: int) -> list[str]:
    """Local addresses (hexadecimal, as /proc has them) on which the process listens."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        inodes |= set(re.findall(r"socket:\[(\d+)\]", str(descriptor.readlink())))
    found = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            if columns[9] in inodes and (columns[3] == "0A" or table.startswith("udp")):
                found.append(columns[1])
    return found


def permission_for(seconds: float, grant_id: str = "glocal") -> Permission:
    now = datetime.now(UTC)
    return Permission(
        grant_id, catalogued(PAYMENTS_PROD), "user/maya", READ, now, now + timedelta(seconds=seconds), "maya"
    )


def can_read(world: AwsWorld, person: str = "maya") -> bool:
    keys = world.seeded.people[person, PAYMENTS_PROD.id]
    try:
        world.aws.client("s3", keys.access_key_id, keys.secret).get_object(Bucket="payments-logs", Key=KEY)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return False
    return True


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_it_listens_on_its_loopback_port_and_nowhere_else(local_aws: LocalAws) -> None:  # noqa: F811
    assert local_aws.pid is not None
    port = int(local_aws.endpoint.rpartition(":")[2])
    assert listening(local_aws.pid) == [f"0100007F:{port:04X}"]


def test_a_grant_ends_by_itself_when_nobody_revokes_it(aws_world: AwsWorld) -> None:  # noqa: F811
    assert not can_read(aws_world)
    permission = permission_for(seconds=2, grant_id="gshort")
    aws_world.provider().grant(permission)
    assert can_read(aws_world)
    assert not can_read(aws_world, "tomas")
    assert until(lambda: not can_read(aws_world))
    assert datetime.now(UTC) >= permission.expires_at.replace(microsecond=0)
    assert aws_world.provider().observe(permission).as_asked
    aws_world.provider().revoke(permission)


def test_a_grant_for_later_does_not_work_yet(aws_world: AwsWorld) -> None:  # noqa: F811
    now = permission_for(seconds=7200, grant_id="glater")
    later = replace(now, starts_at=now.starts_at + timedelta(hours=1))
    aws_world.provider().grant(later)
    assert not can_read(aws_world)
    aws_world.provider().revoke(later)


def test_the_bots_own_key_can_assume_brokers_and_nothing_else(aws_world: AwsWorld) -> None:  # noqa: F811
    bot = aws_world.seeded.bot

    def denied(service: str, method: str, **arguments: object) -> bool:
        client = aws_world.aws.client(service, bot.access_key_id, bot.secret)
        with pytest.raises(ClientError) as refusal:
            getattr(client, method)(**arguments)
        return refusal.value.response["Error"]["Code"] == "AccessDenied"

    assert denied("iam", "list_users")
    assert denied("s3", "list_buckets")
    wrong_id = {"RoleArn": PAYMENTS_PROD.broker_role, "RoleSessionName": "prodaccess-x", "ExternalId": "wrong-one"}
    assert denied("sts", "assume_role", **wrong_id)
    someone_else = {**wrong_id, "RoleSessionName": "mallory", "ExternalId": PAYMENTS_PROD.external_id}
    assert denied("sts", "assume_role", **someone_else)


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("put_role_policy", {"RoleName": "prodaccess-broker", "PolicyName": "x", "PolicyDocument": "{}"}),
        ("delete_role_policy", {"RoleName": "prodaccess-broker", "PolicyName": "broker"}),
        ("attach_user_policy", {"UserName": "maya", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
        ("delete_role_permissions_boundary", {"RoleName": "prodaccess-broker"}),
        ("create_access_key", {"UserName": "maya"}),
        ("create_user", {"UserName": "backdoor"}),
    ],
)
def test_the_broker_cannot_widen_itself_or_anyone(
    aws_world: AwsWorld,  # noqa: F811
    method: str,
    arguments: dict[str, str],
) -> None:
    broker = aws_world.clients().iam(catalogued(PAYMENTS_PROD))
    with pytest.raises(ClientError) as refusal:
        getattr(broker, method)(**arguments)
    assert refusal.value.response["Error"]["Code"] == "AccessDenied"


def test_seeding_again_changes_nothing(aws_world: AwsWorld) -> None:  # noqa: F811
    assert seed(aws_world.aws) == aws_world.seeded


def test_keys_are_in_a_file_that_only_its_owner_reads_and_in_no_repr(aws_world: AwsWorld) -> None:  # noqa: F811
    assert stat.S_IMODE((aws_world.aws.folder / KEYS_FILE).stat().st_mode) == 0o600
    assert aws_world.seeded.bot.secret not in repr(aws_world.seeded)


def test_everything_is_still_there_after_a_restart(tmp_path: Path) -> None:
    first = LocalAws(tmp_path / "aws")
    with first:
        before = seed(first)
        world = AwsWorld(first, before)
        permission = permission_for(seconds=3600)
        world.provider().grant(permission)
    assert first.pid is None
    with LocalAws(tmp_path / "aws") as second:
        after = seed(second)
        assert after == before
        world = AwsWorld(second, after)
        assert world.provider().observe(permission).as_asked
        assert can_read(world)
        world.provider().revoke(permission)
        assert not can_read(world)


def test_lost_state_is_seeded_anew_though_the_keys_file_is_there(tmp_path: Path) -> None:
    with LocalAws(tmp_path / "aws") as aws:
        before = seed(aws)
    for file in (tmp_path / "aws" / "state").iterdir():
        file.unlink()
    with LocalAws(tmp_path / "aws") as aws:
        after = seed(aws)
        assert after.bot != before.bot
        keys = after.people["tomas", DATA_PROD.id]
        arn = aws.client("sts", keys.access_key_id, keys.secret).get_caller_identity()["Arn"]
        assert arn == f"arn:aws:iam::{DATA_PROD.number}:user/tomas"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys, time\n"
        "from bot.sandbox.aws import LocalAws\n"
        "aws = LocalAws(pathlib.Path(sys.argv[1])); aws.start(); print(aws.pid, flush=True); time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        child = int(parent.stdout.readline())
        assert not is_gone(child)
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        assert until(lambda: is_gone(child))


def test_a_taken_port_is_one_clear_error(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LocalAwsError, match=rf"127\.0\.0\.1:{port}"):
            LocalAws(tmp_path, port=port).start()


def test_before_the_start_and_after_the_stop_there_is_no_endpoint(tmp_path: Path) -> None:
    aws = LocalAws(tmp_path)
    with pytest.raises(LocalAwsError, match="start"):
        _ = aws.endpoint
    aws.stop()


def test_a_profile_in_the_environment_has_no_part_in_it(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[profile elsewhere]\nregion = eu-west-1\nendpoint_url = http://203.0.113.1\n")
    program = (
        "from bot.sandbox.aws import isolated_session\n"
        "session = isolated_session('AKIA', 'secret')\n"
        "print(session.region_name, session.get_credentials().access_key)\n"
    )
    environment = {"PATH": os.defpath, "AWS_PROFILE": "missing", "AWS_CONFIG_FILE": str(config)}
    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["None", "AKIA"]
