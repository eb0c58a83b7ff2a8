"""Slack and AWS that answer at once, each in a process of its own: ``python -m tests.benchmarks.stubs slack|aws``.

As light as asyncio allows: a protocol that reads one request, writes one answer and keeps the connection. What has to
be known afterwards is noted with the machine's monotonic clock, which all processes share (clock_gettime(2)).
"""

import asyncio
import json
import re
import sys
import time
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import parse_qs

HOST: Final = "127.0.0.1"
TAKE: Final = b"/_taken"
"""GET this: what was noted since the last time, as JSON [[what, seconds], …]."""

Answer = Callable[[bytes, bytes], tuple[int, bytes, bytes]]
"""From a path and a body to status, content type and body."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Server(asyncio.Protocol):
    """One connection. Requests on it are answered in turn."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = self._read[:end]
            found = _LENGTH.search(head)
            needed = end + 4 + (int(found[1]) if found else 0)
            if len(self._read) < needed:
                if b"100-continue" in head:
                    self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
            body, self._read = self._read[end + 4 : needed], self._read[needed:]
            status, kind, text = self._answer(head.split(b" ", 2)[1], body)
            self._transport.write(
                b"HTTP/1.1 %d OK\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n%s" % (status, kind, len(text), text)
            )


class Notes:
    """What happened, and when."""

    def __init__(self) -> None:
        self._noted: list[tuple[str, float]] = []

    def add(self, what: str) -> None:
        self._noted.append((what, time.monotonic()))

    def take(self) -> tuple[int, bytes, bytes]:
        noted, self._noted = self._noted, []
        return 200, b"application/json", json.dumps(noted).encode()


# --- Slack -----------------------------------------------------------------------------------------------

TEAM: Final = "T0BENCH"
_TRIGGER = re.compile(rb"trigger_id[^0-9]{1,9}([0-9.]+)")
_VIEW = re.compile(rb"view_id[^A-Z]{1,9}(V[A-Z0-9]+)")
GROUP_SIZE: Final = 50
"""How many are in each of Slack's user groups."""


def slack(notes: Notes) -> Answer:
    """The Web API methods that the bot calls. Notes when a modal was opened, by its trigger, or changed, by its id."""

    def answer(path: bytes, body: bytes) -> tuple[int, bytes, bytes]:
        if path == TAKE:
            return notes.take()
        method = path.rpartition(b"/")[2].partition(b"?")[0].decode()
        if method == "views.open" and (found := _TRIGGER.search(body)):
            notes.add(found[1].decode())
        if method == "views.update" and (found := _VIEW.search(body)):
            notes.add(found[1].decode())
        return 200, b"application/json", json.dumps({"ok": True, **_said(method, path, body)}).encode()

    return answer


_ALWAYS: Final[Mapping[str, dict[str, object]]] = {
    "team.profile.get": {"profile": {"fields": []}},
    "users.list": {"members": [], "response_metadata": {"next_cursor": ""}},
    "conversations.history": {"messages": []},
    **{f"views.{done}": {"view": {"id": "V0BENCH"}} for done in ("open", "update", "push", "publish")},
}


def _said(method: str, path: bytes, body: bytes) -> dict[str, object]:
    def asked(name: str) -> str:
        query = path.partition(b"?")[2] or body
        return parse_qs(query.decode()).get(name, [""])[0]

    match method:
        case "auth.test":
            return {"team_id": TEAM, "user_id": "U0BOT", "bot_id": "B0BOT", "user": "prodaccess", "team": "bench"}
        case "users.info":
            user = asked("user")
            profile = {"real_name": user, "email": f"{user.lower()}@bench.example"}
            return {"user": {"id": user, "team_id": TEAM, "name": user.lower(), "profile": profile}}
        case "usergroups.users.list":
            return {"users": [f"U{number}MEMBER" for number in range(GROUP_SIZE)]}
        case "conversations.open":
            return {"channel": {"id": f"D{asked('users')[1:]}"}}
        case "chat.postMessage":
            return {"channel": "C0BENCH", "ts": f"{time.time():.6f}"}
    return _ALWAYS.get(method, {})


# --- AWS -------------------------------------------------------------------------------------------------

_XML: Final = b"text/xml"
_NO_SUCH: Final = (
    b"<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>not there</Message></Error>"
    b"<RequestId>0</RequestId></ErrorResponse>"
)
_DENIED: Final = _NO_SUCH.replace(b"NoSuchEntity", b"AccessDenied")
_ASSUMED: Final = (
    b"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIABENCH</AccessKeyId>"
    b"<SecretAccessKey>bench</SecretAccessKey><SessionToken>bench</SessionToken>"
    b"<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
)
_CALLER: Final = (
    b"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::999999999999:user/bench</Arn>"
    b"<UserId>AIDABENCH</UserId><Account>999999999999</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
)
_ACTION = re.compile(rb"Action=(\w+)")
_POLICY = re.compile(rb"PolicyName=prodaccess-([\w-]+)")


def aws(notes: Notes) -> Answer:
    """IAM's inline policies and STS; notes when a policy was put, by its grant.

    Every policy that is looked for is gone. Lists are refused: it cannot know what the ledger was filled with.
    """

    def answer(path: bytes, body: bytes) -> tuple[int, bytes, bytes]:
        if path == TAKE:
            return notes.take()
        found = _ACTION.search(body)
        action = found[1] if found else b""
        if action.startswith(b"Put") and (policy := _POLICY.search(body)):
            notes.add(policy[1].decode())
        if action.startswith(b"Get") and action.endswith(b"Policy"):
            return 404, _XML, _NO_SUCH
        if action.startswith(b"List"):
            return 403, _XML, _DENIED
        if action == b"AssumeRole":
            return 200, _XML, _ASSUMED
        if action == b"GetCallerIdentity":
            return 200, _XML, _CALLER
        return 200, _XML, b"<%sResponse><ResponseMetadata/></%sResponse>" % (action, action)

    return answer


async def _serve(make: Callable[[Notes], Answer]) -> None:
    answer = make(Notes())
    server = await asyncio.get_running_loop().create_server(lambda: Server(answer), HOST, 0, backlog=1024)
    sys.stdout.write(f"http://{HOST}:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    # It ends with whoever started it.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve({"slack": slack, "aws": aws}[sys.argv[1]]))
