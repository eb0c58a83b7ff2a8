"""One workspace, one AWS, one database, and the bot's processes, which come and go."""

import asyncio
import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

from bot.sandbox.slack.delivery import Envelope, Retry
from bot.sandbox.slack.errors import DispatchError
from bot.sandbox.slack.faults import Fault
from bot.sandbox.slack.http_delivery import sign
from bot.sandbox.slack.server import LocalSlack
from bot.sandbox.slack.visitor import Refused, Visitor
from bot.service import homes
from bot.service.records import Authenticator
from bot.service.secretbox import AesGcmBox
from bot.store.engine import make_engine
from bot.store.sql import SqlStore, SqlTx
from tests.crashes import seen
from tests.crashes.bots import Bot, Stopped, Zygote
from tests.crashes.clock import SharedClock
from tests.crashes.databases import Database
from tests.crashes.points import Stop
from tests.crashes.seen import NUMBERS, Place, Seen
from tests.scenarios.company import CATALOGUE, SLACK_ID, TEAM
from tests.scenarios.harness import BEHIND, ENROLLED, KEY, Cloud, Phone, Secrets

Json = dict[str, Any]
T = TypeVar("T")

LEASE_OVER = timedelta(seconds=91)
SOON = timedelta(minutes=3)
"""What is due within this time is a lease that ends or a retry, and is waited for; a timer is further off."""
DOWN = Fault("status", status=503)
SEEDS = {person: base64.b32encode(bytes([number + 65]) * 20).decode() for number, person in enumerate(SLACK_ID)}


@dataclass(frozen=True)
class Saved:
    """A world to come back to."""

    database: object
    slack: str
    policies: Mapping[Place, Json]
    now: Any
    codes_used: Mapping[str, int]
    notes: Mapping[str, Any]
    slack_is_down: bool


@dataclass
class World:
    """Where a story happens. ``bot`` is the process that takes clicks now."""

    folder: Path
    zygote: Zygote
    slack: LocalSlack
    cloud: Cloud
    database: Database
    secrets: Secrets = field(default_factory=Secrets)
    notes: dict[str, Any] = field(default_factory=dict)
    """What people remember: cards as they first saw them, ids."""
    slack_is_down: bool = False

    def __post_init__(self) -> None:
        self.clock = SharedClock(self.folder / "clock")
        self.clock.set(self.clock.now() - BEHIND)
        self.log = self.folder / "bot.log"
        self._engine = make_engine(self.database.url, 1)
        self._store = SqlStore(self._engine, self.clock)
        self.phones = {person: Phone(seed, self.clock) for person, seed in SEEDS.items()}  # type: ignore[arg-type]
        self.secrets.texts |= {*SEEDS.values(), self.slack.bot_token, self.slack.signing_secret}
        self.bot: Bot
        self.bots: list[Bot] = []
        self._heirs: list[tuple[Zygote, int]] = []
        self._visitors: dict[str, Visitor] = {}
        self._clients: dict[str, Any] = {}
        self.slack.deliver_through(_ToBot(self))

    # --- the bot's processes -----------------------------------------------------------------------------

    def start(self, stop: Stop | None = None, *, heir: bool = False) -> Bot:
        """Start a process. Raises Stopped when it ends while it starts."""
        order = {"database": self.database.url, "clock": str(self.folder / "clock"), "log": str(self.log)}
        bot = Bot(self.zygote, order, stop, heir=heir)
        self.bots.append(bot)
        bot.settle()
        return bot

    def end(self) -> None:
        """Let every process end."""
        while self.bots:
            self.bots.pop().stop()

    def inherit(self, bot: Bot) -> None:
        """From now on fork the bots from this one."""
        self._heirs.append((self.zygote, bot.pid))
        self.zygote = bot.become_zygote()

    def close(self) -> None:
        """Let the fork servers of this world end."""
        while self._heirs:
            self.zygote.close()
            self.zygote, pid = self._heirs.pop()
            assert self.zygote.reap(pid) == 0
        self._engine.dispose()

    def later(self, by: timedelta) -> None:
        """Put the bot's clock forward."""
        self.clock.advance(by)

    def work(self, bot: Bot | None = None) -> None:
        """Run what is due, and what is tried again or leased until soon, until there is no more of it."""
        for _ in range(40):
            due = (bot or self.bot).do("drain")["next_due"]
            if due is None or due > SOON.total_seconds():
                return
            self.later(timedelta(seconds=max(due, 0) + 0.001))
        raise AssertionError(f"it never comes to rest: {self.look().effects}")

    def take_slack_down(self) -> None:
        """Nothing that the bot asks of Slack is answered."""
        self.slack_is_down = True
        self.slack.order_fault("*", DOWN, times=10_000)

    def bring_slack_up(self) -> None:
        """It is there again."""
        self.slack_is_down = False
        self.slack.clear_faults()

    # --- people ------------------------------------------------------------------------------------------

    def visitor(self, person: str) -> Visitor:
        """Somebody at their Slack."""
        return self._visitors.setdefault(person, self.slack.visitor(SLACK_ID[person]))

    def act(self, do: Callable[[], T]) -> T:
        """Do something that the bot hears of, and let it finish. Raises Stopped when it could not."""
        try:
            done = do()
        except Refused:
            if self.bot.ended is None and not self.bot.paused_at:
                raise
            raise Stopped from None
        self.bot.settle()
        return done

    def is_told(self, person: str, card: Json, action: str) -> bool:
        """Whether a click on a card as it once was is answered, by a sentence or a modal."""
        visitor, channel = self.visitor(person), card["channel"]
        while visitor.modals():
            visitor.close()
        before = len(visitor.messages(channel))
        self.act(lambda: visitor.click(card, action))
        return bool(visitor.modals()) or len(visitor.messages(channel)) > before

    def code(self, person: str) -> str:
        """The next code of their phone; it may turn up nowhere."""
        code = self.phones[person].code()
        self.secrets.codes.add(code)
        return code

    def enrol(self, *people: str) -> None:
        """Give them their authenticators without ceremony. Everybody has looked at their page: it is published."""
        box = AesGcmBox({KEY.id: KEY.key}, KEY.id)
        for person in people:
            sealed = box.seal(base64.b32decode(SEEDS[person]), person)
            with self.transaction() as tx:
                tx.save_authenticator(Authenticator(person, sealed, KEY.id, tx.now(), "before"))
        with self.transaction() as tx:
            for person in ENROLLED:
                homes.note(tx, person)

    def is_enrolled(self, person: str) -> bool:
        """Whether they have an authenticator."""
        with self.transaction() as tx:
            return tx.authenticator(person) is not None

    @contextmanager
    def transaction(self) -> Iterator[SqlTx]:
        """On the database, beside the bot; no connection to a file stays open: the file may be replaced."""
        try:
            with self._store.transaction() as tx:
                yield tx
        finally:
            if self._engine.dialect.name == "sqlite":
                self._engine.dispose()

    # --- looking, and coming back ------------------------------------------------------------------------

    def look(self) -> Seen:
        """All that there is now."""
        log = self.log.read_text(encoding="utf-8") if self.log.exists() else ""
        with self.transaction() as tx:
            return seen.read(tx, self.clock.now(), self.policies(), self.messages(), log)

    def messages(self) -> tuple[tuple[str, Json], ...]:
        """What the bot has said, but for what only one person sees."""
        rooms = self.slack._slack.rooms
        return tuple(
            (room.id, message) for room in rooms.all() if room.messages for message in self.slack.history(room.id)
        )

    def save(self) -> Saved:
        """Everything, to come back to it; every process has ended."""
        policies = self.policies()
        used = {person: phone._used for person, phone in self.phones.items()}
        return Saved(
            database=self.database.saved(),
            slack=self.slack.saved(),
            policies=policies,
            now=self.clock.now(),
            codes_used=used,
            notes=dict(self.notes),
            slack_is_down=self.slack_is_down,
        )

    def restore(self, saved: Saved) -> None:
        """Come back to it, the bot's clock included; every process has ended."""
        self.database.restore(saved.database)
        self.slack.restore(saved.slack)
        self.take_slack_down() if saved.slack_is_down else self.bring_slack_up()
        self._visitors.clear()
        for number, name in self._names():
            self._iam(number).delete_user_policy(UserName="maya", PolicyName=name)
        for (number, name), document in saved.policies.items():
            self._iam(number).put_user_policy(UserName="maya", PolicyName=name, PolicyDocument=json.dumps(document))
        self.clock.set(saved.now)
        for person, used in saved.codes_used.items():
            self.phones[person]._used = used
        self.notes = dict(saved.notes)
        self.log.unlink(missing_ok=True)

    def policies(self) -> dict[Place, Json]:
        """What the bot has put on Maya's users, by account number and name."""
        return {
            (number, name): self._iam(number).get_user_policy(UserName="maya", PolicyName=name)["PolicyDocument"]
            for number, name in self._names()
        }

    def _names(self) -> list[Place]:
        found = {number: self._iam(number).list_user_policies(UserName="maya") for number in NUMBERS.values()}
        names = ((number, name) for number, answer in found.items() for name in answer["PolicyNames"])
        return [(number, name) for number, name in names if name.startswith("prodaccess-")]

    def _iam(self, number: str) -> Any:
        if number not in self._clients:
            self._clients[number] = self.cloud.aws.root("iam", number)
        return self._clients[number]


def fixed_order(slack: LocalSlack, cloud: Cloud) -> Json:
    """What every bot of a test run is told."""
    return {
        "bot_token": slack.bot_token,
        "signing_secret": slack.signing_secret,
        "slack": slack.api_url,
        "team": TEAM,
        "catalogue": str(CATALOGUE),
        "key": KEY.key.hex(),
        "aws": cloud.aws.endpoint,
        "aws_key": cloud.seeded.bot.access_key_id,
        "aws_secret": cloud.seeded.bot.secret,
    }


class _ToBot:
    """Slack's way to the bot: signed HTTP requests, handed to the process that takes clicks now."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def send(self, envelope: Envelope, retry: Retry | None) -> Json:
        """See Transport.send."""
        return await asyncio.to_thread(self._send, envelope.payload)

    def _send(self, payload: Json) -> Json:
        bot, fields = self._world.bot, payload if "command" in payload else {"payload": json.dumps(payload)}
        body, stamp = urlencode(fields), str(int(time.time()))
        headers = {
            "content-type": ["application/x-www-form-urlencoded"],
            "x-slack-request-timestamp": [stamp],
            "x-slack-signature": [sign(self._world.slack.signing_secret, stamp, body.encode())],
        }
        try:
            bot.tell({"do": "deliver", "label": _label(payload), "headers": headers, "body": body})
            answer = bot.hear()
        except Stopped:
            raise DispatchError("connection_failed") from None
        if answer["status"] != 200:
            raise DispatchError("http_error", answer["status"])
        with suppress(ValueError):
            parsed = json.loads(answer["body"])
            return parsed if isinstance(parsed, dict) else {}
        return {"text": answer["body"]} if answer["body"] else {}


def _label(payload: Json) -> str:
    if "command" in payload:
        return "command"
    if payload["type"] == "view_submission":
        return f"submit {payload['view']['callback_id']}"
    return f"click {payload['actions'][0]['action_id']}"


__all__ = ["ENROLLED", "LEASE_OVER", "World", "fixed_order"]
