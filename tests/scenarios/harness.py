"""The whole of prodaccess, driven as people drive it: Slack, phones, AWS and a clock that can be put forward."""

import base64
import json
import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, Self

import boto3
import pyotp
import structlog

from bot.core.audit import Actor, ActorKind
from bot.core.model import AccessRequest, Effect, Grant
from bot.sandbox.aws import LocalAws, isolated_session
from bot.sandbox.aws_seed import Seeded
from bot.sandbox.roster import PEOPLE as ROSTER
from bot.sandbox.slack import screen
from bot.sandbox.slack.jsontypes import Json
from bot.sandbox.slack.server import LocalSlack
from bot.sandbox.slack.visitor import Submission, Visitor
from bot.sandbox.terminal import Terminal
from bot.service import ledger
from bot.service.logs import configure
from bot.service.ports import Store
from bot.service.records import Authenticator, StoreUnavailable
from bot.service.secretbox import AesGcmBox
from bot.serving import Service
from bot.settings import SealingKey, Secret, Settings, Transport
from tests.databases import fresh_sqlite
from tests.patience import in_time
from tests.scenarios.company import APPROVALS, CATALOGUE, SLACK_ID, TEAM, workspace

STEP = timedelta(seconds=30)
BEHIND = timedelta(minutes=20)
"""The bot's clock starts this far behind AWS's: a step forward then never begins a grant in AWS's future."""
KEY = SealingKey("k1", bytes(range(7, 39)))
ENROLLED = ("maya", "tomas", "nils", "ines", "ravi", "olga", "sam")
LINE = "/prodaccess s3-read payments-prod bucket=payments-logs 1h the nightly export is broken"


class TravelClock:
    """The machine's clock, put back or forward."""

    def __init__(self, behind: timedelta = timedelta(0)) -> None:
        self._shift = -behind
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return datetime.now(UTC) + self._shift

    def advance(self, by: timedelta) -> None:
        with self._lock:
            self._shift += by


@dataclass(slots=True)
class Phone:
    """An authenticator; it shows each code once, and waits (by moving the clock) for the next."""

    secret: str
    """Base32."""
    clock: TravelClock
    _used: int = 0

    def code(self) -> str:
        """The next code that was not shown yet."""
        while self._step() <= self._used:
            self.clock.advance(STEP)
        self._used = self._step()
        return self.peek()

    def peek(self) -> str:
        """What is shown right now, used or not."""
        return pyotp.TOTP(self.secret).at(self.clock.now())

    def wrong(self) -> str:
        """Six digits that are no code of any step near now."""
        now = self.clock.now()
        near = {pyotp.TOTP(self.secret).at(now, counter_offset=offset) for offset in range(-5, 120)}
        return next(code for code in (f"{number:06d}" for number in range(135_791, 999_999, 7)) if code not in near)

    def _step(self) -> int:
        return int(self.clock.now().timestamp() // STEP.total_seconds())


@dataclass(frozen=True)
class Cloud:
    """The local AWS and the keys of the people in it."""

    aws: LocalAws
    seeded: Seeded

    @cached_property
    def session(self) -> boto3.Session:
        """The bot's own. One for all worlds: a new one reads megabytes of botocore's data."""
        return isolated_session(self.seeded.bot.access_key_id, self.seeded.bot.secret)

    def policies(self, person: str, account: str = "111111111111") -> dict[str, Json]:
        """prodaccess's inline policies on a person's own user, by name."""
        iam, found = self.aws.root("iam", account), {}
        for name in iam.list_user_policies(UserName=person)["PolicyNames"]:
            with suppress(iam.exceptions.NoSuchEntityException):  # it went between the two calls
                found[name] = iam.get_user_policy(UserName=person, PolicyName=name)["PolicyDocument"]
        return {name: document for name, document in found.items() if name.startswith("prodaccess-")}

    def terminal(self, person: str, call_id: str) -> str:
        """``allowed`` or ``denied``: what AWS says to a command that this person types."""
        terminal = Terminal(self.aws, self.seeded)
        who = next(each for each in ROSTER if each.id == person)
        call = next(each for each in terminal.calls(who) if each.id == call_id)
        return terminal.run(who, call)[0]

    def fill_up(self, person: str, account: str = "111111111111") -> None:
        """Use up most of what AWS keeps for one user's inline policies, as somebody else's tool would."""
        statement = {
            "Effect": "Deny",
            "Action": "sqs:*",
            "Resource": [f"arn:aws:sqs:::{'q' * 75}{n}" for n in range(20)],
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.aws.root("iam", account).put_user_policy(UserName=person, PolicyName="other-tool", PolicyDocument=document)

    def clear(self) -> None:
        """Take away what scenarios left on people's users."""
        for person, account in product(("maya", "tomas"), ("111111111111", "222222222222", "333333333333")):
            iam = self.aws.root("iam", account)
            for name in iam.list_user_policies(UserName=person)["PolicyNames"]:
                iam.delete_user_policy(UserName=person, PolicyName=name)


@dataclass(slots=True)
class Secrets:
    """Everything that must be in no log, no message and no audit record."""

    codes: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)

    def found_in(self, text: str) -> list[str]:
        """What of it stands in ``text``; digits inside of a longer number or word do not count."""
        codes = [code for code in self.codes if re.search(rf"(?<![\w.]){code}(?!\w)", text)]
        return codes + [secret for secret in self.texts if secret in text]


class World:
    """One Slack workspace, one prodaccess beside it, on its own database; AWS is shared."""

    def __init__(
        self,
        folder: Path,
        cloud: Cloud,
        *,
        transport: Transport = Transport.SOCKET,
        database_url: str = "",
        behind: timedelta = BEHIND,
        public: bool = False,
    ) -> None:
        self.folder, self.cloud, self.transport = folder, cloud, transport
        self.clock = TravelClock(behind)
        self.slack = LocalSlack(workspace())
        self.catalogue = folder / "access.yaml"
        self.catalogue.write_text(CATALOGUE.read_text(encoding="utf-8"), encoding="utf-8")
        self.log = folder / "bot.log"
        self.database_url = database_url or fresh_sqlite(folder)
        self.phones: dict[str, Phone] = {}
        self.secrets = Secrets()
        self.source_tokens: dict[str, Secret] = {}
        self.source_hosts: dict[str, str] = {}
        self.service: Service
        self._services: list[Service] = []
        self._visitors: dict[str, Visitor] = {}
        self._port = _free_port() if public else 0

    # --- running -----------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._handlers = list(logging.getLogger().handlers)
        self.log_as_production_does()
        self.slack.start()
        try:
            self.start()
            self.enrol(*ENROLLED)
        except BaseException:
            self.close()
            raise
        slack = self.slack
        self.secrets.texts |= {slack.bot_token, slack.app_token, slack.signing_secret}
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def log_as_production_does(self) -> None:
        """Into a file, at the most talkative level."""
        configure("json", "debug", file=self.log)

    def start(self) -> Service:
        """Start a replica of the bot; the newest is ``service``."""
        service = Service(self.settings(), session=self.cloud.session, clock=self.clock)
        service.__enter__()
        self._services.append(service)
        self.service = service
        if self.transport is Transport.HTTP:
            self.slack.deliver_over_http(f"{service.url}/slack/events")
        return service

    def stop(self) -> None:
        """Stop every replica."""
        while self._services:
            self._services.pop().__exit__(None, None, None)

    def restart(self) -> None:
        """Stop and start, as a deployment does."""
        self.stop()
        self.start()

    def close(self) -> None:
        """End everything that was begun."""
        with ExitStack() as stack:
            stack.callback(self._log_no_more)
            stack.callback(self.slack.stop)
            self.stop()

    def _log_no_more(self) -> None:
        root = logging.getLogger()
        for handler in [each for each in root.handlers if each not in self._handlers]:
            root.removeHandler(handler)
            handler.close()
        root.setLevel(logging.WARNING)
        structlog.reset_defaults()

    def settings(self) -> Settings:
        """As the environment would say it."""
        return Settings(
            slack_transport=self.transport,
            slack_bot_token=Secret(self.slack.bot_token),
            slack_app_token=Secret(self.slack.app_token if self.transport is Transport.SOCKET else ""),
            slack_signing_secret=Secret(self.slack.signing_secret if self.transport is Transport.HTTP else ""),
            slack_base_url=self.slack.api_url,
            slack_team=TEAM,
            database_url=Secret(self.database_url),
            catalogue=self.catalogue,
            keys=(KEY,),
            http_host="127.0.0.1",
            http_port=self._port,
            public_url=f"http://127.0.0.1:{self._port}" if self._port else "",
            aws_endpoint_url=self.cloud.aws.endpoint,
            log_format="json",
            log_level="debug",
            workers=2,
            source_tokens=dict(self.source_tokens),
            source_hosts=dict(self.source_hosts),
        )

    def environment(self) -> dict[str, str]:
        """For commands at a shell. It has no Slack: that may be down."""
        bot = self.cloud.seeded.bot
        return {
            "PRODACCESS_DATABASE_URL": self.database_url,
            "PRODACCESS_CATALOGUE": str(self.catalogue),
            "PRODACCESS_KEYS": f"{KEY.id}:{base64.b64encode(KEY.key).decode()}",
            "PRODACCESS_AWS_ENDPOINT_URL": self.cloud.aws.endpoint,
            "AWS_ACCESS_KEY_ID": bot.access_key_id,
            "AWS_SECRET_ACCESS_KEY": bot.secret,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    def edit_catalogue(self, before: str, after: str) -> None:
        """Change access.yaml and deploy it."""
        text = self.catalogue.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{before!r} is there {text.count(before)} times"
        self.catalogue.write_text(text.replace(before, after), encoding="utf-8")
        self.restart()

    # --- people ------------------------------------------------------------------------------------------

    def visitor(self, name: str) -> Visitor:
        """Somebody at their Slack; what they have typed and not sent stays theirs."""
        return self._visitors.setdefault(name, self.slack.visitor(SLACK_ID[name]))

    def enrol(self, *people: str) -> None:
        """Give these people an authenticator without ceremony."""
        box = AesGcmBox({KEY.id: KEY.key}, KEY.id)
        for person in people:
            phone = self.phones[person] = Phone(pyotp.random_base32(), self.clock)
            self.secrets.texts.add(phone.secret)
            sealed = box.seal(base64.b32decode(phone.secret), person)
            with self.service.parts.store.transaction() as tx:
                tx.save_authenticator(Authenticator(person, sealed, KEY.id, tx.now(), "before"))

    def code(self, person: str) -> str:
        """The next code of their phone."""
        return self.remember(self.phones[person].code())

    def wrong_code(self, person: str) -> str:
        """Six digits that are none of their codes."""
        return self.remember(self.phones[person].wrong())

    def remember(self, code: str) -> str:
        """A code that is about to be typed: it must turn up nowhere."""
        self.secrets.codes.add(code)
        return code

    def has_phone_with(self, person: str, secret: str) -> Phone:
        """What was shown at the enrolment, typed into their phone."""
        self.phones[person] = Phone(secret.replace(" ", ""), self.clock)
        self.secrets.texts |= {secret, self.phones[person].secret}
        return self.phones[person]

    # --- the usual things that people do -----------------------------------------------------------------

    def ask(self, line: str = LINE, who: str = "maya") -> str:
        """Type a complete line, confirm it with a code; the request's id."""
        visitor, before = self.visitor(who), {request.id for request in self.pending()}
        visitor.command(line)
        modal = visitor.wait_for_modal("exactly this")
        answer = self.type_code(who) if has_field(modal, "code") else visitor.submit()
        assert answer.action == "update", answer
        visitor.wait_for_modal("Sent.")
        visitor.close()
        (fresh,) = [request.id for request in self.pending() if request.id not in before]
        return fresh

    def type_code(self, who: str, code: str | None = None) -> Submission:
        """Type a code into the open modal, their phone's next unless told, and send it."""
        visitor = self.visitor(who)

        def send() -> Submission:
            visitor.fill(code=self.remember(code) if code is not None else self.code(who))
            return visitor.submit()

        return in_time(send)

    def card(self, who: str, request_id: str, channel: str | None = APPROVALS, showing: str = "") -> Json:
        """A request's card where they see it, as soon as it shows ``showing``."""

        def look() -> Json | None:
            cards = [m for m in visitor.messages(channel) if mentions(m, request_id) and showing in screen.words(m)]
            return cards[-1] if cards else None

        visitor = self.visitor(who)
        found = visitor.wait_for(look, what=f"the card of {request_id} with {showing!r} in {channel or 'their DM'}")
        assert found is not None
        return found

    def approve(self, request_id: str, by: str = "ines") -> None:
        """Click Approve on the channel's card, with a code where one is asked for."""
        visitor = self.visitor(by)
        visitor.click(self.card(by, request_id), "request.approve", value=request_id)
        visitor.wait_for(lambda: visitor.modals() or not self.is_pending(request_id), what="what the click led to")
        if visitor.modals():
            answer = self.type_code(by)
            assert answer.action == "clear" or not self.is_pending(request_id), answer

    def granted(self, line: str = LINE, who: str = "maya", by: str = "ines") -> Grant:
        """Asked, approved and active."""
        request_id = self.ask(line, who)
        self.approve(request_id, by)
        return self.wait_for_grant(request_id, "active")

    # --- what is so --------------------------------------------------------------------------------------

    @property
    def store(self) -> Store:
        """Where tests read what is so."""
        return self.service.parts.store

    def request(self, request_id: str) -> AccessRequest:
        with self.store.transaction() as tx:
            found = tx.request(request_id)
        assert found is not None
        return found

    def is_pending(self, request_id: str) -> bool:
        return str(self.request(request_id).status) == "pending"

    def pending(self) -> tuple[AccessRequest, ...]:
        with self.store.transaction() as tx:
            return tx.pending_requests()

    def grants_of(self, request_id: str) -> tuple[Grant, ...]:
        with self.store.transaction() as tx:
            return tx.grants(request_id)

    def wait_for_grant(self, request_id: str, status: str) -> Grant:
        """The request's one grant, as soon as it is ``status``."""

        def look() -> Grant | None:
            found = [grant for grant in self.grants_of(request_id) if str(grant.status) == status]
            return found[0] if found else None

        grant = wait_for(look, f"a grant of {request_id} that is {status}; there are {self.grants_of(request_id)}")
        assert grant is not None
        return grant

    def actor(self, person: str) -> Actor:
        return Actor(ActorKind.PERSON, person, "slack", SLACK_ID[person])

    def advance(self, by: timedelta) -> None:
        """Put the clock forward."""
        self.clock.advance(by)
        self._wake(self.service)

    @staticmethod
    def _wake(service: Service) -> None:
        """Workers that wait would look by themselves a second later; a commit with something to do wakes them."""
        with suppress(StoreUnavailable), service.parts.store.transaction() as tx:
            tx.enqueue([Effect("chat.home", "nobody", "home:nobody", tx.now())])

    def audit(self, *tags: str) -> list[dict[str, Any]]:
        """The log's records, in order; only those with these tags, where any are given."""
        with self.store.transaction() as tx:
            records = [json.loads(record.body) for record in tx.audit(0, 10_000)]
        return [record for record in records if not tags or record["tag"] in tags]

    def wait_for_audit(self, tag: str, count: int = 1) -> list[dict[str, Any]]:
        """The records with this tag, as soon as there are as many."""
        return wait_for(lambda: self.audit(tag) if len(self.audit(tag)) >= count else [], f"{count} x {tag}")

    def verify_audit(self) -> None:
        """The log is whole. Works while the service is stopped, too."""
        result = ledger.verify(self.service.parts.store)
        assert result.ok, result

    def logged(self) -> str:
        """Everything that was logged so far."""
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""

    def log_lines(self, event: str) -> list[dict[str, Any]]:
        """Log lines of one event."""
        lines = [json.loads(line) for line in self.logged().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") == event]

    def leaks(self) -> dict[str, list[str]]:
        """By place, which secrets stand where none may: the log, the audit log, everyone's messages."""
        with self.store.transaction() as tx:
            audit = "\n".join(record.body.decode() for record in tx.audit(0, 10_000))
        places = {"log": self.logged(), "audit": audit}
        for name in SLACK_ID:
            messages = [self.visitor(name).messages(c["id"]) for c in self.visitor(name).state()["channels"]]
            places[f"messages that {name} sees"] = json.dumps(messages, ensure_ascii=False)
        return {place: found for place, text in places.items() if (found := self.secrets.found_in(text))}

    def shown_to(self, name: str) -> str:
        """Every word on their screen: messages, notices of failed clicks, modals, Home."""
        visitor = self.visitor(name)
        parts = [screen.words(m) for c in visitor.state()["channels"] for m in visitor.messages(c["id"])]
        parts += [*visitor.notices(), *(screen.words(modal) for modal in visitor.modals())]
        return "\n".join([*parts, screen.words(visitor.home())])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def has_field(view: Json, block_id: str) -> bool:
    """Whether a modal asks for this."""
    return any(block.get("block_id") == block_id for block in view["blocks"])


def mentions(thing: Json, request_id: str) -> bool:
    """Whether a button of a message carries this id."""
    return any(element.get("value") == request_id for element in screen.usable(thing).values())


def wait_for(predicate: Callable[[], Any], what: str, timeout: float = 60.0) -> Any:
    """Poll until it is true and return that; raises AssertionError after ``timeout`` seconds."""
    until = time.monotonic() + timeout
    while not (found := predicate()):
        assert time.monotonic() < until, f"waited in vain for {what}"
        time.sleep(0.02)
    return found


def at_once(calls: Sequence[Callable[[], object]]) -> list[object]:
    """Call all of them from threads that start together; what each returned or raised."""
    gate, results = threading.Barrier(len(calls)), [None] * len(calls)

    def run(number: int, call: Callable[[], object]) -> None:
        gate.wait()
        try:
            results[number] = call()
        except Exception as error:  # the test looks at it
            results[number] = error

    threads = [threading.Thread(target=run, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results
