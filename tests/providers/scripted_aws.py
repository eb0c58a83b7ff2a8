"""An AWS over real HTTP that answers as it is told: what no emulator shows."""

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from urllib.parse import parse_qsl

BOT_ARN = "arn:aws:iam::999999999999:user/prodaccess-bot"


@dataclass(frozen=True)
class Answer:
    """What to send; ``status`` 0 hangs up without a word."""

    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)


def error(code: str, status: int = 400, message: str = "", **headers: str) -> Answer:
    told = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    body = f"<ErrorResponse>{told}<RequestId>r-1</RequestId></ErrorResponse>"
    return Answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


HANG_UP = Answer(0)


class ScriptedAws:
    """Answers each action with what is lined up for it, else with a success that fits."""

    def __init__(self) -> None:
        self.calls: list[dict[str, str]] = []
        self.session_life = timedelta(hours=1)
        self.before: Callable[[dict[str, str]], None] = lambda _call: None
        """Runs before each answer, in the connection's thread."""
        self.bot_arn = BOT_ARN
        self._lined_up: dict[str, deque[Answer]] = defaultdict(deque)
        self._sessions = count(1)
        self._lock = threading.Lock()
        self.url = ""

    def answer(self, action: str, *answers: Answer) -> None:
        self._lined_up[action].extend(answers)

    def asked(self, action: str) -> list[dict[str, str]]:
        return [call for call in self.calls if call["Action"] == action]

    def respond(self, call: dict[str, str]) -> Answer:
        with self._lock:
            self.calls.append(call)
            waiting = self._lined_up[call["Action"]]
            answer = waiting.popleft() if waiting else None
        self.before(call)
        return answer or self._success(call)

    def _success(self, call: dict[str, str]) -> Answer:
        action = call["Action"]
        if action == "AssumeRole":
            expiry = (datetime.now(UTC) + self.session_life).strftime("%Y-%m-%dT%H:%M:%SZ")
            result = (
                f"<Credentials><AccessKeyId>ASIA{next(self._sessions)}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>"
                f"<SessionToken>token-not-to-be-seen</SessionToken><Expiration>{expiry}</Expiration></Credentials>"
            )
        elif action == "GetCallerIdentity":
            number = self.bot_arn.split(":")[4]
            result = f"<Arn>{self.bot_arn}</Arn><Account>{number}</Account><UserId>AIDABOT</UserId>"
        elif action.startswith("List"):
            result = "<PolicyNames></PolicyNames><IsTruncated>false</IsTruncated>"
        else:
            result = ""
        return Answer(200, f"<{action}Response><{action}Result>{result}</{action}Result></{action}Response>")


@contextmanager
def scripted_aws() -> Iterator[ScriptedAws]:
    """Listening on a free port of 127.0.0.1."""
    aws = ScriptedAws()
    with serving(aws):
        yield aws


@contextmanager
def serving(aws: ScriptedAws) -> Iterator[None]:
    """Answer at ``aws.url`` while the context is open."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            answer = aws.respond({"_key": self.headers["Authorization"], **dict(parse_qsl(body))})
            if not answer.status:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body.encode())

        def log_message(self, *_args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    aws.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
