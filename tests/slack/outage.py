"""Grants of many people that fell due while nothing ran, beside a Slack at its real pace.

Time stands still unless it is moved, for the bot and for Slack alike, so hours of waiting take seconds.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from slack_sdk.web.client import WebClient

from bot.core.decisions import show
from bot.core.model import LANES, AccessRequest, Approval, Effect, Grant, GrantStatus, Person, RequestStatus
from bot.demo import manifest_app
from bot.sandbox.slack.config import Behaviour, SlackChannel, SlackPerson, Workspace
from bot.sandbox.slack.jsontypes import Json
from bot.sandbox.slack.server import LocalSlack
from bot.service.effects import BATCH, Runner, Worker
from bot.service.records import PostedMessage
from bot.service.showing import Showing
from bot.slack.config import SlackConfig, sync_client
from bot.slack.messenger import SlackChat
from bot.slack.pace import Pace
from tests.core.examples import APPROVED, ASK, CATALOGUE, HOUR, PENDING, SCHEDULED
from tests.service.fakes import FakeClock
from tests.service.world import BUT_CHAT, World
from tests.slack.office import APPROVALS, SECURITY

FLOOD = 256
"""Effects that a lane's thread takes at once in a flood."""
ROUND = timedelta(milliseconds=50)
"""How long a round of work takes by the clock that is moved."""
ROWS = 500
"""Grants written in one transaction."""


class SlackTime:
    """The bot's clock as the workspace reads it."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.now().timestamp()

    def monotonic(self) -> float:
        return self._clock.now().timestamp()


class Outage:
    """A service with many people in it, and a flood of grants whose end came while it was away."""

    def __init__(self, url: str, people: int) -> None:
        self.names = [f"p{number:03}" for number in range(people)]
        self.world = World(url)
        self.clock = self.world.clock
        holders = {name: _person(name) for name in self.names}
        approvers = {person.id: person for person in CATALOGUE.people.values() if person.id in {"mona", "otto"}}
        self.world.catalogue = replace(
            CATALOGUE, people={**holders, **approvers}, channel=APPROVALS, security_channel=SECURITY
        )
        self.slack = LocalSlack(_workspace(self.names), clock=SlackTime(self.clock))

    def _wire(self) -> None:
        world, now = self.world, SlackTime(self.clock).monotonic
        client = sync_client(SlackConfig(self.slack.bot_token, base_url=self.slack.api_url))
        self.chat = SlackChat(client, Pace(now))
        self.client = WebClient(self.slack.bot_token, base_url=self.slack.api_url)
        showing = Showing(world.store, world.queries, self.chat, world.enrolments, world.strays)
        handlers = {**world.granting.handlers(), **showing.handlers()}
        runner = Runner(world.store, self.clock, handlers, world.granting.batches())
        self.worker = Worker(runner, dict.fromkeys(LANES, 1))

    @contextmanager
    def running(self) -> Iterator["Outage"]:
        with self.slack:
            self._wire()
            yield self
        self.world.close()

    # --- what was there before ---------------------------------------------------------------------------

    def flood(self, count: int) -> list[Grant]:
        """Active grants, all in the cloud, whose time is up now."""
        begun = self.clock.now()
        grants = [self._grant(number, begun) for number in range(count)]
        for start in range(0, count, ROWS):
            with self.world.store.transaction() as tx:
                for grant in grants[start : start + ROWS]:
                    request = self._request(grant, begun)
                    tx.save_request(request)
                    tx.save_grant(replace(grant, digest=request.digest()))
                    tx.enqueue([Effect("grant.expire", grant.id, f"expire:{grant.id}", grant.expires_at)])
        for grant in grants:
            permission = self.world.access.permission(grant)
            assert permission is not None
            self.world.cloud.tamper(permission)
        self.clock.move(HOUR)
        return grants

    def post_cards(self, grants: list[Grant]) -> None:
        """The channel's cards of these, posted when they were asked for."""
        for grant in grants:
            card = self.world.queries.request_card(grant.request_id, "approvers")
            assert card is not None
            self.clock.move(timedelta(seconds=1))
            channel, ref = self.chat.post(APPROVALS, card, grant.request_id, maybe_posted=False)
            with self.world.store.transaction() as tx:
                tx.save_message(PostedMessage(grant.request_id, "approvers", APPROVALS, channel, ref, "before"))

    def ask(self) -> str:
        """A pending request, asked now by somebody; its id."""
        now = self.clock.now()
        ask = replace(ASK, requester=self.names[0])
        request = replace(PENDING, id="r-fresh", ask=ask, asked_at=now, lapses_at=now + 400 * HOUR, channel=APPROVALS)
        with self.world.store.transaction() as tx:
            tx.save_request(request)
            tx.enqueue(show(request, now))
        return request.id

    def _grant(self, number: int, begun: datetime) -> Grant:
        name = self.names[number % len(self.names)]
        ids = {"id": f"g-{number}", "request_id": f"r-{number}", "person": name, "principal": f"user/{name}"}
        times = {"starts_at": begun, "granted_at": begun, "expires_at": begun + HOUR}
        return replace(SCHEDULED, status=GrantStatus.ACTIVE, **ids, **times)

    def _request(self, grant: Grant, begun: datetime) -> AccessRequest:
        return replace(
            APPROVED,
            id=grant.request_id,
            ask=replace(ASK, requester=grant.person),
            principal=grant.principal,
            asked_at=begun,
            decided_at=begun,
            channel=APPROVALS,
            approvals=(Approval("mona", begun, begun),),
            status=RequestStatus.APPROVED,
        )

    # --- what happens then -------------------------------------------------------------------------------

    def work(self, *lanes: str) -> int:
        """One round of these lanes: the chat's threads take few at a time, the others many."""
        self.clock.move(ROUND)
        return sum(self.worker.run_due(lane, BATCH if lane == "chat" else FLOOD) for lane in lanes)

    def until(self, lasts: timedelta, *lanes: str) -> None:
        """Run these lanes for so long by the clock, which is moved to what is due next when nothing is."""
        end = self.clock.now() + lasts
        while self.clock.now() < end:
            if self.work(*lanes) == 0:
                dues = [due for lane in lanes if (due := self.world.store.next_due(lane)) is not None]
                self.clock.move(max(min([*dues, end]) - self.clock.now(), ROUND))

    def end_all(self) -> None:
        """Run every lane but the chat's until nothing is due there."""
        while self.work(*BUT_CHAT):
            pass

    # --- what is so --------------------------------------------------------------------------------------

    def statuses(self, grants: list[Grant]) -> Counter[str]:
        with self.world.store.transaction() as tx:
            found = tx.grants_by_id([grant.id for grant in grants])
        return Counter(str(grant.status) for grant in found.values())

    def direct(self, name: str) -> list[Json]:
        """What a person was told."""
        answer = self.client.conversations_open(users=f"U{name.upper()}")
        return self.slack.history(answer["channel"]["id"])

    def messages(self) -> int:
        """How many messages stand anywhere."""
        return sum(len(self.direct(name)) for name in self.names) + len(self.slack.history(APPROVALS))


def _person(name: str) -> Person:
    chat_id = f"U{name.upper()}"
    return Person(name, f"Person {name}", None, frozenset({chat_id}), identities={"payments": f"user/{name}"})


def _workspace(names: list[str]) -> Workspace:
    people = tuple(SlackPerson(f"U{name.upper()}", name, f"Person {name}", f"{name}@example.com") for name in names)
    approvers = (
        SlackPerson("U3", "mona", "Mona", "mona@example.com"),
        SlackPerson("U4", "otto", "Otto", "otto@example.com"),
    )
    return Workspace(
        people=(*people, *approvers),
        channels=(
            SlackChannel(APPROVALS, "approvals", members=("U3", "U4")),
            SlackChannel(SECURITY, "security", members=("U3",)),
        ),
        behaviour=Behaviour(rate_limits=True),
        app=manifest_app(),
    )
