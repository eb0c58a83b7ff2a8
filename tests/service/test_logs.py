"""Whatever way a secret takes into a log line, it does not come out."""

import io
import json
import logging
import random
import re
import string
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.service.logs import configure, reference_id
from bot.service.redaction import GONE, LONGEST, redact, redact_text

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?")
BASE32 = string.ascii_uppercase + "234567"
WORD = string.ascii_letters + string.digits


def of(letters: str, length: int, random_: random.Random) -> str:
    return "".join(random_.choice(letters) for _ in range(length))


def aws_secret(r: random.Random) -> str:
    text = list("aZ9" + of(WORD + "/+", 37, r))
    r.shuffle(text)
    return "".join(text)


def seed(r: random.Random) -> str:
    return of(BASE32, 32, r)


SECRETS: dict[str, Callable[[random.Random], str]] = {
    "Slack bot token": lambda r: f"xoxb-{of(string.digits, 12, r)}-{of(WORD, 24, r)}",
    "Slack refresh token": lambda r: f"xoxe.xoxp-1-{of(WORD, 40, r)}",
    "Slack app token": lambda r: (
        f"xapp-1-A{of(WORD, 10, r)}-{of(string.digits, 13, r)}-{of('0123456789abcdef', 64, r)}"
    ),
    "AWS key id": lambda r: f"AKIA{of(BASE32, 16, r)}",
    "AWS session's key id": lambda r: f"ASIA{of(BASE32, 16, r)}",
    "AWS secret": aws_secret,
    "AWS session token": lambda r: f"IQoJb3JpZ2lu{of(WORD + '/+', 200, r)}==",
    "seed": seed,
    "seed in groups": lambda r: " ".join(of(BASE32, 4, r) for _ in range(8)),
    "otpauth": lambda r: f"otpauth://totp/prodaccess:a%40b.example?secret={seed(r)}&issuer=prodaccess",
    "quoted otpauth": lambda r: f"otpauth%3A%2F%2Ftotp%2Fa%3Fsecret%3D{seed(r)}",
    "database URL": lambda r: f"postgresql+psycopg://bot:{of(WORD + '/@:!$', 12, r)}q@db.example/prod",
    "bearer": lambda r: f"Bearer {of(WORD + '-._', 30, r)}",
    "PagerDuty's token": lambda r: f"Token token={of(WORD + '+_-', 20, r)}",
    "Opsgenie's key": lambda r: f"GenieKey {of('0123456789abcdef', 8, r)}-{of('0123456789abcdef', 12, r)}",
    "Linear's key": lambda r: f"lin_api_{of(WORD, 40, r)}",
    "GitHub's token": lambda r: f"github_pat_{of(WORD, 22, r)}_{of(WORD, 59, r)}",
    "Atlassian's token": lambda r: f"ATATT3x{of(WORD + '-_', 180, r)}={of('0123456789ABCDEF', 8, r)}",
    "password": lambda r: f"password={of(WORD + '!$%', 12, r)}",
    "JSON secret": lambda r: f'"client_secret": "{of(WORD, 32, r)}"',
    "private key": lambda r: f"-----BEGIN PRIVATE KEY-----\n{of(WORD, 64, r)}\n-----END PRIVATE KEY-----",
    "cookie": lambda r: f"Cookie: d={of(WORD, 30, r)}; b={of(WORD, 9, r)}",
    "code": lambda r: f"code={of(string.digits, 6, r)}",
    "code in words": lambda r: f"the code is {of(string.digits, 6, r)}",
    "full-width code": lambda r: f"otp: {of('０１２３４５６７８９', 6, r)}",
    "response URL": lambda r: f"https://hooks.slack.com/actions/T1/{of(string.digits, 12, r)}/{of(WORD, 24, r)}",
    "socket URL": lambda r: f"wss://wss-primary.slack.com/link/?ticket={of(WORD, 36, r)}&app_id=x",
    "enrolment link": lambda r: f"https://access.example.com/enrol/{of(WORD + '-_', 43, r)}",
}
PUBLIC = frozenset(
    {"the", "is", "code", "cookie", "d", "b", "password", "postgresql", "psycopg", "bot", "db", "example", "prod"}
    | {"bearer", "client", "secret", "begin", "private", "key", "end", "https", "wss", "primary", "slack", "com"}
    | {"link", "ticket", "app", "id", "x", "access", "enrol", "hooks", "actions", "t1", "totp", "prodaccess", "otp"}
    | {"token", "geniekey", "github"}
    | {"issuer", "otpauth", "a", "40b", "q", "40bexample"}
)
"""Words around the secrets above that may be seen."""


def hidden_parts(planted: str) -> set[str]:
    """The parts of a planted text that nobody may see."""
    words = "".join(char if char.isalnum() else " " for char in planted).split()
    return {word for word in words if len(word) >= 4 and word.lower() not in PUBLIC}


class Shown:
    """An object whose repr tells everything."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"Shown({self.text!r})"


def _raise(text: str) -> None:
    held = text  # a traceback that showed variables would show it
    if held:
        raise RuntimeError(f"failed with {text} ")


def _raise_from(text: str) -> None:
    try:
        _raise(text)
    except RuntimeError as error:
        raise ValueError("another") from error


def _logged(raising: Callable[[str], None], text: str) -> None:
    try:
        raising(text)
    except (RuntimeError, ValueError):
        structlog.get_logger("test").exception("it.failed")


def _logged_by_a_library(text: str) -> None:
    try:
        _raise(text)
    except RuntimeError:
        logging.getLogger("library").exception("it failed", stack_info=True)


WAYS: dict[str, Callable[[str], object]] = {
    "value": lambda text: structlog.get_logger("test").info("it.happened", detail=f"see {text} there"),
    "nested": lambda text: structlog.get_logger("test").info("it.happened", detail={"a": [{"b": (text,)}]}),
    "key": lambda text: structlog.get_logger("test").info("it.happened", detail={f"{text}": 1}),
    "event": lambda text: structlog.get_logger("test").warning(f"it happened: {text}"),
    "repr": lambda text: structlog.get_logger("test").info("it.happened", detail=Shown(text)),
    "bytes": lambda text: structlog.get_logger("test").info("it.happened", detail=text.encode()),
    "exception": lambda text: _logged(_raise, text),
    "cause": lambda text: _logged(_raise_from, text),
    "library's argument": lambda text: logging.getLogger("library").error("it happened: %s!", text),
    "library's dict": lambda text: logging.getLogger("library").error("it happened: %r", {"body": {"deep": text}}),
    "library's exception": _logged_by_a_library,
}


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root, names = logging.getLogger(), ("uvicorn", "slack_bolt", "botocore")
    level, levels = root.level, {name: logging.getLogger(name).level for name in names}
    hooks = sys.excepthook
    yield
    configure("json", "warning", stream=io.StringIO())
    for handler in [handler for handler in root.handlers if type(handler).__module__ == "bot.service.logs"]:
        root.removeHandler(handler)
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    sys.excepthook = hooks
    structlog.reset_defaults()


def lines(shape: str, act: Callable[[], object], level: str = "info") -> str:
    out = io.StringIO()
    configure(shape, level, stream=out)
    act()
    return out.getvalue()


@pytest.mark.parametrize("shape", ["json", "text"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", SECRETS)
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(r=st.randoms(use_true_random=False), before=st.sampled_from(["", " ", "(", "'", '"', "key: ", "a\n", ",", "="]))
def test_no_planted_secret_survives(shape: str, way: str, kind: str, r: random.Random, before: str) -> None:
    planted = SECRETS[kind](r)
    out = lines(shape, lambda: WAYS[way](before + planted))
    assert out.strip(), "something was logged"
    told = _MOMENT.sub("", out)  # four digits of a seed may stand in it by chance
    for part in hidden_parts(planted):
        assert part not in told


def test_a_token_in_which_another_seems_to_stand_is_gone_to_its_end() -> None:
    assert redact_text(f"ATATT3x{'a' * 150}Xoxa-{'a' * 30}=0A1B2C3D") == "[redacted]"


@pytest.mark.parametrize(
    "key",
    [
        *("token", "bot_token", "SLACK_SIGNING_SECRET", "secretAccessKey", "password", "Authorization", "cookie"),
        *("Set-Cookie", "sessionToken", "api_key", "private_key", "seed", "credentials", "X-Slack-Signature"),
    ],
)
def test_a_field_that_is_named_like_a_secret_is_one(key: str) -> None:
    assert redact({key: "hunter2"}) == {key: GONE}
    assert redact({key: ["hunter2"]}) == {key: GONE}
    assert redact({key: {"inner": 1}}) == {key: GONE}


@pytest.mark.parametrize("value", ["123456", "１２３４５６", 123456, "12345", "123 456", ["123456"]])
@pytest.mark.parametrize("key", ["code", "otp", "totp_code", "firstCode", "passcode"])
def test_a_typed_code_is_gone_whatever_its_shape(key: str, value: object) -> None:
    assert GONE in str(redact({key: value}))
    assert "123" not in str(redact({key: value}))


def test_what_is_no_secret_stays() -> None:
    plain = {
        "code": "policy",
        "status_code": 404,
        "request": "r-7k2m9xq0t4",
        "digest": "a" * 40,
        "sha256": "0123456789abcdef" * 4,
        "reason": "Look at last night's failed settlement, PAY-123456.",
        "ticket": "PAY-123",
        "arn": "arn:aws:s3:::payments-logs/2026/11/23",
        "path": "/usr/local/lib/python3.11/site-packages/sqlalchemy/engine",
        "url": "https://sqs.us-east-1.amazonaws.com/111111111111/queue",
        "count": 123456,
        "fine": True,
        "none": None,
        "timecode": 58912345,
        "at": "2026-11-23T10:00:00.000000+00:00",
    }
    assert redact(plain) == plain


def test_what_a_slack_form_holds_is_gone_as_a_mapping_and_as_text() -> None:
    view = {"id": "V1", "state": {"values": {"b": {"a": {"type": "plain_text_input", "value": "open sesame"}}}}}
    assert redact({"view": view}) == {"view": {"id": "V1", "state": GONE}}
    out = lines("json", lambda: logging.getLogger("bolt").warning("Unhandled request (%s)", {"view": view}))
    assert "sesame" not in out
    out = lines("json", lambda: logging.getLogger("bolt").warning("Unhandled request %s", json.dumps(view)))
    assert "sesame" not in out


def test_a_url_keeps_its_host_so_that_the_line_still_helps() -> None:
    assert redact_text("cannot reach postgresql://bot:p@ss/w@db.example:5432/prod today") == (
        f"cannot reach postgresql://{GONE}@db.example:5432/prod today"
    )


@given(st.text(max_size=200))
def test_any_text_is_redacted_without_an_error_and_again_without_a_change(text: str) -> None:
    once = redact_text(text)
    assert redact_text(once) == once


def test_a_huge_text_loses_its_middle_not_its_ends() -> None:
    out = redact_text("begin " + "x" * 1_000_000 + " end")
    assert len(out) < LONGEST + 100
    assert out.startswith("begin")
    assert out.endswith("end")


@pytest.mark.parametrize(
    "text", ["a" * 50_000, "A" * 50_000, "a:" * 25_000, "://" * 20_000, "code " * 10_000, "1 " * 9_000]
)
def test_no_text_keeps_the_patterns_busy(text: str) -> None:
    """In a process of its own, whose time is bounded by the system and not by a measurement."""
    program = "import sys; from bot.service.redaction import redact_text; redact_text(sys.stdin.read())"
    subprocess.run([sys.executable, "-c", program], input=text, text=True, check=True, timeout=60)


def test_an_object_that_cannot_be_shown_is_named() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise ValueError("no")

    assert redact({"detail": Broken()}) == {"detail": "<Broken whose repr raised ValueError>"}


def test_a_line_says_when_who_how_grave_and_what() -> None:
    out = json.loads(lines("json", lambda: structlog.get_logger("bot.x").info("it.happened", request="r-1")))
    assert out.pop("at").endswith("Z")
    assert out == {"event": "it.happened", "level": "info", "logger": "bot.x", "request": "r-1"}


def test_a_message_cannot_forge_a_second_line() -> None:
    out = lines("text", lambda: logging.getLogger("library").warning("bad name: %s", "x\n[info] all is well\x1b[2J"))
    assert len(out.splitlines()) == 1
    assert "\x1b" not in out


@pytest.mark.parametrize("name", ["botocore.hooks", "slack_bolt.AsyncApp", "urllib3.connectionpool"])
def test_talkative_libraries_are_heard_when_something_is_wrong(name: str) -> None:
    assert lines("json", lambda: logging.getLogger(name).info("chatter"), "debug") == ""
    assert "trouble" in lines("json", lambda: logging.getLogger(name).warning("trouble"), "debug")


def test_configuring_again_replaces_what_was_before() -> None:
    first, second = io.StringIO(), io.StringIO()
    configure("json", "info", stream=first)
    configure("json", "info", stream=second)
    structlog.get_logger("test").info("it.happened")
    assert (first.getvalue(), second.getvalue().count("it.happened")) == ("", 1)


def test_a_log_file_is_its_owners_only(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "prodaccess.log"
    configure("text", "info", file=path)
    structlog.get_logger("test").info("it.happened", who="a\ud800b")
    assert "it.happened" in path.read_text(encoding="utf-8")
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("shape", "level", "wrong"), [("xml", "info", "format"), ("json", "loud", "level")])
def test_a_wrong_setting_is_named(shape: str, level: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=f"log {wrong}"):
        configure(shape, level)


def test_what_nobody_caught_is_logged_without_its_secrets() -> None:
    program = """
import threading
from bot.service.logs import configure
configure("json", "info")
def die(): raise RuntimeError("password=hunter2")
thread = threading.Thread(target=die, name="worker-1"); thread.start(); thread.join()
die()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "hunter2" not in done.stderr.replace('password=hunter2")', "")
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert [event["event"] for event in events] == ["thread.died", "process.died"]
    assert events[0]["thread"] == "worker-1"


def test_whoever_logs_goes_on_where_nothing_can_be_written() -> None:
    """Standard error is a file on the disk that is full."""
    program = """
import structlog
from bot.service.logs import configure
configure("json", "info")
structlog.get_logger("test").info("it.happened")
print("went on")
"""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=full, check=False)
    assert done.stdout == b"went on\n"


def test_a_reference_is_short_and_new_each_time() -> None:
    made = {reference_id() for _ in range(100)}
    assert len(made) == 100
    assert all(len(reference) == 12 for reference in made)
