"""``prodaccess serve`` as a process of its own is told to stop while it is in the middle of something."""

import base64
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyotp
import pytest
import sqlalchemy as sa

from bot.core.model import Grant
from bot.sandbox.slack import screen
from bot.sandbox.slack.faults import Fault
from bot.sandbox.slack.server import LocalSlack
from bot.sandbox.slack.visitor import Visitor
from bot.service.records import Authenticator
from bot.service.secretbox import AesGcmBox
from bot.slack import ids
from bot.store import SqlStore, open_store
from bot.store.tables import effects
from tests.databases import migrated_sqlite
from tests.providers.scripted_aws import ScriptedAws, scripted_aws
from tests.scenarios.company import APPROVALS, CATALOGUE, SLACK_ID, TEAM, workspace
from tests.scenarios.harness import LINE, wait_for

ROOT = Path(__file__).parents[1]
KEY = bytes(range(32))
PROMISED = 10.0
"""Seconds from SIGTERM to the end of the process."""
SLACKNESS = 10.0
"""Seconds more that a machine with a lot to do may need for it."""


class Installation:
    """A bot's database and surroundings; the process comes and goes."""

    def __init__(self, folder: Path, aws: ScriptedAws, slack: LocalSlack) -> None:
        self.aws, self.slack = aws, slack
        database = folder / "prodaccess.db"
        database.write_bytes(migrated_sqlite())
        self.url = f"sqlite:///{database}"
        self.store: SqlStore = open_store(self.url)
        self.log = folder / "bot.log"
        self.secrets = {person: pyotp.random_base32() for person in ("maya", "ines")}
        box = AesGcmBox({"k1": KEY}, "k1")
        with self.store.transaction() as tx:
            for person, secret in self.secrets.items():
                sealed = box.seal(base64.b32decode(secret), person)
                tx.save_authenticator(Authenticator(person, sealed, "k1", tx.now(), "before"))
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        """Start the process; it is connected to Slack."""
        environment = {
            "PATH": os.environ["PATH"],
            "PRODACCESS_SLACK_BOT_TOKEN": self.slack.bot_token,
            "PRODACCESS_SLACK_APP_TOKEN": self.slack.app_token,
            "PRODACCESS_SLACK_BASE_URL": self.slack.api_url,
            "PRODACCESS_SLACK_TEAM": TEAM,
            "PRODACCESS_DATABASE_URL": self.url,
            "PRODACCESS_CATALOGUE": str(CATALOGUE),
            "PRODACCESS_KEYS": f"k1:{base64.b64encode(KEY).decode()}",
            "PRODACCESS_HTTP_PORT": "0",
            "PRODACCESS_AWS_ENDPOINT_URL": self.aws.url,
            "PRODACCESS_WORKERS": "1",
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "example",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "bot", "serve"]
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        self._processes.append(process)
        wait_for(lambda: self.slack.connections == 1 or process.poll() is not None, "the bot", timeout=60)
        assert process.poll() is None, self.logged()
        return process

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
        self.store.close()

    def logged(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def visitor(self, name: str) -> Visitor:
        return self.slack.visitor(SLACK_ID[name])

    def code(self, person: str) -> str:
        return pyotp.TOTP(self.secrets[person]).now()

    def ask(self) -> str:
        """Maya types a line and a code; the request's id."""
        maya = self.visitor("maya")
        maya.command(LINE)
        maya.wait_for_modal("exactly this")
        maya.fill(code=self.code("maya"))
        maya.submit()
        with self.store.transaction() as tx:
            (request,) = tx.pending_requests("maya")
        return request.id

    def approve(self, request_id: str) -> None:
        """Ines clicks, and types a code."""
        ines = self.visitor("ines")
        ines.click(self.card(), ids.APPROVE, value=request_id)
        ines.wait_for_modal("code")
        ines.fill(code=self.code("ines"))
        ines.submit()

    def card(self) -> dict[str, Any]:
        """The one card in the approvers' channel."""
        (card,) = wait_for(self.cards, "the approvers' card", timeout=30)
        found: dict[str, Any] = card
        return found

    def cards(self) -> list[dict[str, Any]]:
        return [each for each in self.visitor("ines").messages(APPROVALS) if "asks for" in str(each)]

    def told(self, words: str) -> list[str]:
        """What Maya was told in direct messages that holds these words."""
        shown = [screen.words(message) for message in self.visitor("maya").messages(None)]
        return [text for text in shown if words in text]

    def grant(self, request_id: str) -> Grant:
        with self.store.transaction() as tx:
            (grant,) = tx.grants(request_id)
        return grant

    def leased(self) -> list[str]:
        """Keys of effects that somebody claimed and neither did nor gave back."""
        with sa.create_engine(self.url).connect() as connection:
            query = sa.select(effects.c.key).where(effects.c.lease_until.is_not(None))
            return list(connection.execute(query).scalars())

    def let_leases_run_out(self) -> None:
        """As a minute and a half later."""
        with sa.create_engine(self.url).begin() as connection:
            connection.execute(sa.text("UPDATE effects SET lease_until = due_at WHERE lease_until IS NOT NULL"))


class Stop:
    """SIGTERM to a process, and how it ended."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process, self._at = process, time.monotonic()
        process.send_signal(signal.SIGTERM)

    def ended(self) -> None:
        """With status 0, in the time promised."""
        assert self._process.wait(60) == 0
        assert time.monotonic() - self._at < PROMISED + SLACKNESS


class Gate:
    """Holds AWS's answer to an action until it is opened."""

    def __init__(self, aws: ScriptedAws, action: str) -> None:
        self._action, self._open, self.reached = action, threading.Event(), threading.Event()
        aws.before = self._pass

    def _pass(self, call: dict[str, str]) -> None:
        if call["Action"] == self._action:
            self.reached.set()
            self._open.wait(60)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Installation]:
    with ExitStack() as stack:
        aws, slack = stack.enter_context(scripted_aws()), stack.enter_context(LocalSlack(workspace()))
        place = Installation(tmp_path, aws, slack)
        stack.callback(place.close)
        yield place


def in_the_middle_of_the_grant(place: Installation) -> tuple[subprocess.Popen[bytes], Gate, str]:
    """A process that waits for AWS to put the policy."""
    process, gate = place.start(), Gate(place.aws, "PutUserPolicy")
    request_id = place.ask()
    place.approve(request_id)
    assert gate.reached.wait(30)
    return process, gate, request_id


def test_a_cloud_call_under_way_ends_and_its_holder_is_told_once(place: Installation) -> None:
    process, gate, request_id = in_the_middle_of_the_grant(place)
    stop = Stop(process)
    wait_for(lambda: place.slack.connections == 0, "the connection to be closed", timeout=30)
    gate.open()
    stop.ended()
    assert str(place.grant(request_id).status) == "active", place.logged()
    assert not place.leased()
    place.start()
    wait_for(lambda: place.told("You have access"), "what Maya is told", timeout=30)
    wait_for(lambda: "Active" in screen.words(place.card()), "the card to say so", timeout=30)
    assert len(place.told("You have access")) == len(place.aws.asked("PutUserPolicy")) == 1


def test_a_cloud_call_that_does_not_come_back_holds_nobody_up_and_is_made_again(place: Installation) -> None:
    process, gate, request_id = in_the_middle_of_the_grant(place)
    Stop(process).ended()
    assert str(place.grant(request_id).status) == "granting"
    assert place.leased() == [f"converge:{place.grant(request_id).id}"]
    gate.open()
    place.let_leases_run_out()
    place.start()
    wait_for(lambda: place.told("You have access"), "what Maya is told", timeout=30)
    assert str(place.grant(request_id).status) == "active"
    first, *again = place.aws.asked("PutUserPolicy")
    assert again
    assert {call["PolicyName"] for call in again} == {first["PolicyName"]}
    assert len(place.told("You have access")) == len(place.cards()) == 1


@pytest.mark.parametrize("fault", [Fault("delay", seconds=2), Fault("drop")], ids=lambda fault: fault.kind)
def test_a_message_on_its_way_to_slack_is_posted_once(place: Installation, fault: Fault) -> None:
    process = place.start()
    place.slack.order_fault("chat.postMessage", fault)
    request_id = place.ask()
    wait_for(lambda: place.slack.calls("chat.postMessage"), "the first message", timeout=30)
    Stop(process).ended()
    assert not place.leased(), place.logged()
    place.start()
    place.approve(request_id)
    wait_for(lambda: place.told("You have access"), "what Maya is told", timeout=30)
    assert len(place.cards()) == len(place.told("You asked for")) == len(place.told("You have access")) == 1


def test_what_was_claimed_and_not_begun_is_given_back_at_once(place: Installation) -> None:
    """One thread a lane claims all that is due, and Slack keeps it at the first message."""
    process = place.start()
    place.slack.order_fault("views.publish", Fault("delay", seconds=3))
    place.slack.order_fault("chat.postMessage", Fault("delay", seconds=3))
    place.ask()
    wait_for(lambda: len(place.leased()) > 1, "more than one effect to be claimed", timeout=30)
    Stop(process).ended()
    assert not place.leased(), place.logged()
    place.start()
    place.card()
    wait_for(lambda: place.told("You asked for"), "Maya's own card", timeout=30)
    assert len(place.cards()) == len(place.told("You asked for")) == 1


def test_what_came_in_from_slack_is_answered_before_the_end(place: Installation) -> None:
    process, ines = place.start(), place.visitor("ines")
    place.slack.order_fault("users.info", Fault("delay", seconds=2))
    ines.command("/prodaccess status")
    wait_for(lambda: place.slack.calls("users.info"), "the bot to ask who she is", timeout=30)
    Stop(process).ended()
    ines.wait_for_message("You hold no access")
