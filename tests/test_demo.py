"""The demo as a program: how it starts, what it keeps, how it ends."""

from __future__ import annotations

import os
import select
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot import catalogue as catalogue_files
from bot.cli import main
from bot.core.model import GrantStatus, RequestStatus
from bot.demo import CATALOGUE, Demo, welcome
from bot.sandbox.slack.screen import words
from bot.sandbox.slack.visitor import Visitor
from bot.slack import ids
from tests.scenarios.harness import STEP, TravelClock

INES, MAYA, RAVI = "U0INES", "U0MAYA", "U0RAVI"
LINE = "/prodaccess s3-read payments-prod bucket=payments-logs {} bug-fix {}"
CHANNEL = "prod-access"
ROOT = Path(__file__).parents[1]


def until(claim: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, f"never came true: {what}"
        time.sleep(0.05)


def code(demo: Demo, user: str) -> str:
    return str(demo.phone.codes(user)[0]["code"])


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with Demo(tmp_path_factory.mktemp("demo") / "data", port=0) as running:
        yield running


# --- starting --------------------------------------------------------------------------------------------


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the command says when it does not start: one line."""
    assert main(["demo", *arguments]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


def test_a_taken_port_is_one_line_and_nothing_is_emptied(demo: Demo, tmp_path: Path, capsys) -> None:
    (tmp_path / ".prodaccess-demo").touch()
    kept = tmp_path / "secrets.json"
    kept.write_text("{}")
    port = demo.url.rpartition(":")[2]
    said = refusal(capsys, "--port", port, "--data", str(tmp_path), "--fresh")
    assert f"port {port} cannot be used" in said
    assert "--port" in said
    assert kept.exists()


def test_a_port_that_is_none_is_one_line(tmp_path: Path, capsys) -> None:
    assert "70000 is no port" in refusal(capsys, "--port", "70000", "--data", str(tmp_path / "new"))


def test_another_demo_in_the_same_folder_is_one_line(demo: Demo, capsys) -> None:
    said = refusal(capsys, "--port", "0", "--data", str(demo.folder), "--fresh")
    assert "another demo runs in" in said
    assert (demo.folder / "secrets.json").exists()


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path, capsys) -> None:
    thesis = tmp_path / "thesis.tex"
    thesis.write_text("years of work")
    said = refusal(capsys, "--port", "0", "--data", str(tmp_path), "--fresh")
    assert "holds something else" in said
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]


def test_the_welcome_names_roles_and_choices_that_exist() -> None:
    said = welcome("http://127.0.0.1:1", Path(".demo"))
    role = catalogue_files.load(CATALOGUE).roles["s3-read"]
    assert f"“{role.title}”" in said
    assert role.parameters[0].choices[0] in said
    assert "http://127.0.0.1:1" in said
    assert max(map(len, said.splitlines())) <= 120


# --- a shell beside it -----------------------------------------------------------------------------------


def at_a_shell(demo: Demo, command: str) -> subprocess.CompletedProcess[str]:
    script = f'set -a; . "$1"; "$2" -m bot {command}'
    clean = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        ["/bin/sh", "-c", script, "sh", str(demo.folder / "env"), sys.executable],
        env=clean,
        cwd=demo.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", ["audit verify", "doctor", "grants list", "check"])
def test_with_its_env_file_the_other_commands_work_on_it(demo: Demo, command: str) -> None:
    done = at_a_shell(demo, command)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_it_keeps_is_its_owners_alone(demo: Demo) -> None:
    assert stat.S_IMODE(demo.folder.stat().st_mode) == 0o700
    for name in ("env", "secrets.json", "phones.json"):
        assert stat.S_IMODE((demo.folder / name).stat().st_mode) == 0o600


# --- what is kept ----------------------------------------------------------------------------------------


def ask(demo: Demo, length: str, reason: str) -> None:
    ravi = demo.slack.visitor(RAVI)
    ravi.command(LINE.format(length, reason))
    ravi.wait_for_modal("exactly this")
    ravi.fill(code=code(demo, RAVI))
    assert ravi.submit().action == "update"
    ravi.wait_for_modal("Sent.")
    ravi.close()


def approve(demo: Demo, reason: str) -> Visitor:
    ines = demo.slack.visitor(INES)
    ines.click(ines.wait_for_message(reason, CHANNEL), ids.APPROVE)
    return ines


def test_a_restart_keeps_everything_and_time_goes_on(tmp_path: Path) -> None:
    clock = TravelClock()
    with Demo(tmp_path, port=0, clock=clock) as demo:
        ask(demo, "1m", "before the restart")
        ines = approve(demo, "before the restart")
        ines.wait_for_modal("You approve")
        ines.fill(code=code(demo, INES))
        assert ines.submit().action == "clear"
        demo.slack.visitor(RAVI).wait_for_message("You have access")
        clock.advance(STEP)
        ask(demo, "2m", "decided after it")
        (grant,) = demo.service.parts.desk.queries.unfinished()
        assert grant.status is GrantStatus.ACTIVE
    clock.advance(timedelta(minutes=1))
    with Demo(tmp_path, port=0, clock=clock) as demo:
        # Her proof of a minute ago is still fresh, and the card from before the restart still works.
        ines = approve(demo, "decided after it")
        ines.wait_for(
            lambda: "Active" in words(ines.wait_for_message("decided after it", CHANNEL)), what="the late grant"
        )
        ines.wait_for(
            lambda: "time was up" in words(ines.wait_for_message("before the restart", CHANNEL)),
            what="the first grant to expire after the restart",
        )
        requests = demo.service.parts.desk.queries.history("ravi", 5)
        assert [request.status for request, _ in requests] == [RequestStatus.APPROVED] * 2
        assert demo.phone.codes(MAYA) == []
    with Demo(tmp_path, port=0, fresh=True) as demo:
        assert demo.service.parts.desk.queries.history("ravi", 5) == ()
        assert demo.slack.visitor(RAVI).messages() == []
        assert demo.service.parts.desk.enrolments.is_enrolled("ravi")
        assert not demo.service.parts.desk.enrolments.is_enrolled("maya")


# --- ending ----------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def descendants(pid: int) -> set[int]:
    """By /proc, of every thread of the process."""
    found: set[int] = set()
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, listing.read_text().split()):
            found |= {child} | descendants(child)
    return found


def is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def read_until(process: subprocess.Popen[bytes], text: str, seconds: float) -> str:
    assert process.stdout is not None
    said, deadline = "", time.monotonic() + seconds
    while text not in said:
        left = deadline - time.monotonic()
        assert left > 0, f"{text!r} was never printed; this was: {said!r}"
        if select.select([process.stdout], [], [], left)[0]:
            more = os.read(process.stdout.fileno(), 65_536).decode()
            assert more, f"it ended; it said: {said!r}"
            said += more
    return said


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc to see the children")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_that_it_started(tmp_path: Path, number: signal.Signals) -> None:
    port = free_port()
    command = [sys.executable, "-m", "bot", "demo", "--port", str(port), "--data", str(tmp_path / "demo")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as process:
        try:
            said = read_until(process, "Ctrl-C stops it", 60)
            assert said.count(f"http://127.0.0.1:{port}") == 1
            children = descendants(process.pid)
            assert children
            process.send_signal(number)
            _, complaints = process.communicate(timeout=15)
            assert (process.returncode, complaints) == (0, b"")
        finally:
            process.kill()
    until(lambda: not any(map(is_running, children)), 1, "the children are gone")
    socket.create_server(("127.0.0.1", port)).close()
    with Demo(tmp_path / "demo", port=port) as again:
        assert again.url.endswith(f":{port}")
