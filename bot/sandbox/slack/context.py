"""Everything that one workspace consists of, put together."""

from __future__ import annotations

from bot.sandbox.slack.clock import Clock
from bot.sandbox.slack.config import SlackPerson, Workspace
from bot.sandbox.slack.delivery import AppEvents, Courier, Transport
from bot.sandbox.slack.faults import Faults, Pace
from bot.sandbox.slack.http_delivery import SignedHttp
from bot.sandbox.slack.jsontypes import Json
from bot.sandbox.slack.live import Live
from bot.sandbox.slack.members import Members
from bot.sandbox.slack.model import Wire
from bot.sandbox.slack.payloads import Payloads
from bot.sandbox.slack.rooms import Rooms
from bot.sandbox.slack.socket_mode import SocketHub
from bot.sandbox.slack.tickets import ResponseUrls, Triggers
from bot.sandbox.slack.views import Views


class Slack:
    """The parts of a running workspace. All of it belongs to the server's event loop."""

    def __init__(self, workspace: Workspace, clock: Clock) -> None:
        behaviour, app = workspace.behaviour, workspace.app
        self.workspace = workspace
        self.clock = clock
        self.live = Live()
        self.wire = Wire(workspace)
        self.payloads = Payloads(workspace, self.wire)
        self.sockets = SocketHub(behaviour, app.id)
        self._http: list[SignedHttp] = []
        self.courier = Courier(self.sockets, behaviour)
        self.events = AppEvents(
            self.courier,
            team_id=workspace.team_id,
            app_id=app.id,
            bot_user_id=app.bot_user_id,
            events=app.events,
        )
        self.members = Members(workspace, self.wire, self.live, self.events, clock)
        self.rooms = Rooms(
            workspace,
            members=self.members,
            wire=self.wire,
            live=self.live,
            events=self.events,
            clock=clock,
        )
        self.views = Views(self.wire, self.live, clock)
        self.triggers = Triggers(clock, behaviour)
        self.response_urls = ResponseUrls(clock, behaviour)
        self.faults = Faults()
        self.pace = Pace(clock) if behaviour.rate_limits else None
        self.base_url = ""
        self.deliver_to(app.request_url)
        self._open_directs()

    def deliver_to(self, request_url: str | None) -> None:
        """Post signed requests to this URL or, with None, use Socket Mode."""
        transport: Transport = self.sockets
        if request_url is not None:
            secret = self.workspace.secrets.signing_secret
            transport = SignedHttp(request_url, secret, self.workspace.behaviour, self.clock)
            self._http.append(transport)
        self.deliver_through(transport)

    def deliver_through(self, transport: Transport) -> None:
        """Hand every envelope to this transport."""
        self.courier.transport = transport

    async def verify_request_url(self) -> bool:
        """The `url_verification` handshake with the current request URL."""
        return isinstance(self.courier.transport, SignedHttp) and await self.courier.transport.verify_url()

    def add_person(self, person: SlackPerson) -> None:
        self.members.add(person)
        self.rooms.direct(person.id)

    def _open_directs(self) -> None:
        """Everybody sees the app among their direct messages from the start."""
        for person in self.members.everyone():
            self.rooms.direct(person.id)

    def listen_at(self, base_url: str) -> None:
        self.base_url = base_url
        self.response_urls.base = base_url

    def snapshot(self) -> Json:
        return {
            "format": 1,
            "members": self.members.snapshot(),
            "channels": self.rooms.snapshot(),
            "homes": self.views.snapshot(),
        }

    def restore(self, saved: Json) -> None:
        self.members.restore(saved["members"])
        self.rooms.restore(saved["channels"])
        self.views.restore(saved["homes"])
        self._open_directs()

    async def close(self) -> None:
        self.faults.clear()
        await self.courier.close()
        await self.sockets.drop()
        for http in self._http:
            await http.close()
