"""``prodaccess demo``: a local Slack in the browser, a local AWS, and the real bot between them."""

import base64
import fcntl
import json
import secrets
import shlex
import shutil
import socket
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import boto3
import pyotp
import yaml

from bot.core.audit import Actor, ActorKind, Event, Tag
from bot.sandbox import page
from bot.sandbox.aws import LocalAws, LocalAwsError
from bot.sandbox.aws_seed import Seeded, seed, write_private
from bot.sandbox.phone import Phone, phone_routes
from bot.sandbox.roster import INES, PEOPLE, RAVI, SAM, SandboxPerson
from bot.sandbox.slack.config import Secrets, SlackApp, SlackChannel, SlackPerson, Workspace
from bot.sandbox.slack.server import LocalSlack
from bot.sandbox.terminal import Terminal, terminal_routes
from bot.service.ids import SystemClock
from bot.service.logs import configure
from bot.service.ports import Clock
from bot.service.records import Authenticator
from bot.serving import Service
from bot.settings import SealingKey, Secret, Settings, Transport

CATALOGUE: Final = Path(__file__).parent / "sandbox" / "demo" / "access.yaml"
MANIFEST: Final = Path(__file__).parents[1] / "manifests" / "slack" / "manifest.socket.yaml"
_MARK: Final = ".prodaccess-demo"
ENROLLED: Final = (SAM, INES, RAVI)
"""Who comes with an authenticator on their phone; the engineers enrol as everyone does."""


class DemoError(Exception):
    """The demo cannot start; says what to do."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """Secrets that survive a restart."""

    slack: Secrets
    key: bytes


class Demo:
    """Started and stopped as a context manager; everything it keeps is in ``folder``."""

    def __init__(
        self,
        folder: Path,
        *,
        port: int,
        fresh: bool = False,
        transport: Transport = Transport.SOCKET,
        clock: Clock | None = None,
    ) -> None:
        """``clock`` is the bot's and the phones'; AWS goes by the machine's."""
        self.folder, self._clock = folder.resolve(), clock or SystemClock()
        self._port, self._fresh, self._transport = port, fresh, transport
        self._page_port, self._stack = _free_port(), ExitStack()
        self.slack: LocalSlack
        self.aws: LocalAws
        self.phone: Phone
        self.service: Service

    @property
    def url(self) -> str:
        """Where the browser finds it."""
        return self.slack.url

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _start(self, stack: ExitStack) -> None:
        stack.enter_context(_held(self.folder))
        _must_be_free(self._port)
        if self._fresh:
            _empty(self.folder)
        configure("text", "info", file=self.folder / "prodaccess.log")
        kept = _kept(self.folder / "secrets.json")
        self.aws = LocalAws(self.folder / "aws")
        try:
            self.aws.start()
        except LocalAwsError as error:
            raise DemoError(str(error)) from error
        stack.callback(self.aws.stop)
        seeded = seed(self.aws)
        self.phone = Phone(self.folder / "phones.json", now=lambda: self._clock.now().timestamp())
        routes = [*phone_routes(self.phone), *terminal_routes(Terminal(self.aws, seeded)), *page.routes()]
        self.slack = LocalSlack(workspace(kept.slack), extra_routes=routes, snapshot=self.folder / "slack.json")
        try:
            self.slack.start(self._port)
        except OSError as error:
            raise _taken(self._port, error) from error
        except ValueError as error:
            kept_in = self.folder / "slack.json"
            raise DemoError(f"{kept_in} cannot be read ({error}); start over with --fresh") from error
        stack.callback(self.slack.stop)
        settings = self._settings(kept)
        self.service = stack.enter_context(Service(settings, session=_bot_session(seeded), clock=self._clock))
        self._hand_out_phones()
        write_private(self.folder / "env", _environment(settings, seeded))

    def _settings(self, kept: _Kept) -> Settings:
        return Settings(
            slack_transport=self._transport,
            slack_bot_token=Secret(kept.slack.bot_token),
            slack_app_token=Secret(kept.slack.app_token),
            slack_signing_secret=Secret(kept.slack.signing_secret),
            slack_base_url=self.slack.api_url,
            slack_team=self.slack.workspace.team_id,
            database_url=Secret(f"sqlite:///{self.folder / 'prodaccess.db'}"),
            catalogue=CATALOGUE,
            keys=(SealingKey("demo", kept.key),),
            http_host="127.0.0.1",
            http_port=self._page_port,
            public_url=f"http://127.0.0.1:{self._page_port}",
            aws_endpoint_url=self.aws.endpoint,
            log_format="text",
            log_level="info",
            workers=2,
        )

    def _hand_out_phones(self) -> None:
        """Like the accounts and the buckets, some colleagues' authenticators were there before the demo began."""
        parts = self.service.parts
        for person in ENROLLED:
            secret = secrets.token_bytes(20)
            with parts.store.transaction() as tx:
                if tx.authenticator(person.id) is not None:
                    continue
                box = parts.desk.enrolments.box
                sealed = box.seal(secret, person.id)
                tx.save_authenticator(Authenticator(person.id, sealed, box.key_id, tx.now(), "demo"))
                actor = Actor(ActorKind.OPERATOR, "demo", "seed")
                tx.append([Event(Tag.MFA_ENROLLED, actor, person=person.id, data={"vouched_by": "demo"})])
            link = pyotp.TOTP(base64.b32encode(secret).decode()).provisioning_uri(
                name=person.email, issuer_name="prodaccess"
            )
            self.phone.add(person.slack_id, link)


def workspace(credentials: Secrets) -> Workspace:
    """The demo's Slack workspace; its people are the roster's."""
    managers = {person.id: person.slack_id for person in PEOPLE}
    inside = tuple(person.slack_id for person in PEOPLE if not person.is_guest)
    return Workspace(
        people=tuple(_slack_person(person, managers) for person in PEOPLE),
        channels=(
            SlackChannel("C0GENERAL", "general", topic="Type / to see what can be asked of prodaccess"),
            SlackChannel("C0APPROVALS", "prod-access", members=inside, topic="Requests for production access"),
            SlackChannel("C0SECURITY", "security", members=(SAM.slack_id,), topic="What security must know"),
            SlackChannel("C0AUDIT", "access-audit", members=inside, topic="The daily summary"),
        ),
        team_name="Shopworks",
        app=manifest_app(),
        secrets=credentials,
    )


def manifest_app() -> SlackApp:
    """What the manifest asks for and no more, so that a scope or event that is missing there shows here."""
    manifest = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    return SlackApp(
        scopes=frozenset(manifest["oauth_config"]["scopes"]["bot"]),
        events=frozenset(manifest["settings"]["event_subscriptions"]["bot_events"]),
    )


def welcome(url: str, folder: Path) -> str:
    """What is printed when it runs."""
    program = sys.argv[0] if Path(sys.argv[0]).name == "prodaccess" else "prodaccess"
    return f"""
  prodaccess is running. Open

      {url}

  What to try first (“You are”, at the top left, makes you somebody else)
    1. See it refused. You are Maya, an engineer. In the Terminal, read a checkout log: ACCESS DENIED.
    2. Enrol. Send /prodaccess enrol. As Inès, Maya's manager, open the message from prodaccess and vouch for Maya
       with the code on Inès's phone. As Maya again, scan the secret with the phone and type two codes in a row.
       (Inès, Ravi and Sam have an authenticator from the start; Maya and Tomás have not.)
    3. Ask. Send /prodaccess: “Read objects in a bucket”, payments-logs, for 2m. Confirm with a new code.
    4. Approve. As Inès, in #prod-access. As Maya, run it in the Terminal again: ALLOWED.
    5. Click “I'm done”, or wait: ACCESS DENIED. Every card says when it ended, and why.

  At a shell, while it runs: (set -a; . {shlex.quote(str(folder / "env"))}; {shlex.quote(program)} audit verify)

  Everything is kept in {folder} (--fresh starts over). Ctrl-C stops it.
"""


def _slack_person(person: SandboxPerson, slack_ids: dict[str, str]) -> SlackPerson:
    return SlackPerson(
        id=person.slack_id,
        name=person.id,
        real_name=person.name,
        title=person.title,
        email=person.email,
        manager=slack_ids.get(person.manager) if person.manager else None,
        is_restricted=person.is_guest,
    )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _bot_session(seeded: Seeded) -> boto3.Session:
    return boto3.Session(
        aws_access_key_id=seeded.bot.access_key_id,
        aws_secret_access_key=seeded.bot.secret,
        region_name="us-east-1",
    )


def _kept(path: Path) -> _Kept:
    if not path.exists():
        fresh = Secrets()
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        made = {"bot": fresh.bot_token, "app": fresh.app_token, "signing": fresh.signing_secret, "key": key}
        write_private(path, json.dumps(made))
    found = json.loads(path.read_text())
    return _Kept(Secrets(found["bot"], found["app"], found["signing"]), base64.b64decode(found["key"]))


def _environment(settings: Settings, seeded: Seeded) -> str:
    """For a shell: with it the other commands of ``prodaccess`` work on the demo."""
    values = {
        "PRODACCESS_SLACK_BOT_TOKEN": settings.slack_bot_token.reveal(),
        "PRODACCESS_SLACK_APP_TOKEN": settings.slack_app_token.reveal(),
        "PRODACCESS_SLACK_SIGNING_SECRET": settings.slack_signing_secret.reveal(),
        "PRODACCESS_SLACK_BASE_URL": settings.slack_base_url,
        "PRODACCESS_SLACK_TEAM": settings.slack_team,
        "PRODACCESS_DATABASE_URL": settings.database_url.reveal(),
        "PRODACCESS_CATALOGUE": str(settings.catalogue),
        "PRODACCESS_KEYS": ",".join(f"{key.id}:{base64.b64encode(key.key).decode()}" for key in settings.keys),
        "PRODACCESS_PUBLIC_URL": settings.public_url,
        "PRODACCESS_AWS_ENDPOINT_URL": settings.aws_endpoint_url,
        "AWS_ACCESS_KEY_ID": seeded.bot.access_key_id,
        "AWS_SECRET_ACCESS_KEY": seeded.bot.secret,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())


def _held(folder: Path) -> IO[str]:
    """Make the data folder and hold it for this process. Raises DemoError."""
    if folder.exists() and not folder.is_dir():
        raise DemoError(f"{folder} is no folder; choose another with --data")
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARK).exists():
        raise DemoError(f"{folder} holds something else; choose an empty folder with --data")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    mark = (folder / _MARK).open("a")
    try:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        mark.close()
        raise DemoError(f"another demo runs in {folder}; stop it, or choose another folder with --data") from error
    return mark


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.name != _MARK:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _must_be_free(port: int) -> None:
    """Known before anything is started or emptied. Raises DemoError."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OverflowError as error:
        raise DemoError(f"--port {port} is no port; choose one from 1024 to 65535") from error
    except OSError as error:
        raise _taken(port, error) from error


def _taken(port: int, error: OSError) -> DemoError:
    return DemoError(f"port {port} cannot be used ({error.strerror}); choose another with --port")
