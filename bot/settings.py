"""The only reader of the environment. Every problem is reported at once; no secret is in any message or repr."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar

from bot.core.urls import url_problem

PREFIX = "PRODACCESS_"
SECRETS = frozenset({"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "DATABASE_URL", "KEYS"})
"""Each may be given as ``…_FILE`` instead: the path of a file that holds it."""
VARIABLES = SECRETS | {
    "SLACK_TRANSPORT",
    "SLACK_BASE_URL",
    "SLACK_TEAM",
    "CATALOGUE",
    "HTTP_HOST",
    "HTTP_PORT",
    "PUBLIC_URL",
    "AWS_ENDPOINT_URL",
    "LOG_FORMAT",
    "LOG_LEVEL",
    "WORKERS",
}
"""Every variable, without the prefix; and for each source a token and its host, see ``SOURCE_TOKEN``."""
SOURCE_TOKEN = re.compile(r"SOURCE_([A-Z0-9_]{1,48})_TOKEN")
SOURCE_HOST = re.compile(r"SOURCE_([A-Z0-9_]{1,48})_HOST")
"""The secret of an on-call schedule or tracker of the catalogue, or of all of a kind; the one host it may go to."""
_HOST = re.compile(r"([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:]{2,45}\])(:[0-9]{1,5})?")

T = TypeVar("T")


class Transport(StrEnum):
    """How Slack reaches the bot."""

    SOCKET = "socket"
    HTTP = "http"


class Secret:
    """Text that shows itself to nobody but ``reveal``."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself: for the client that needs it, never for a log or a message."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Secret(…)" if self._text else "Secret()"

    def __reduce__(self) -> str:
        raise TypeError("a Secret cannot be pickled")


@dataclass(frozen=True, slots=True)
class SealingKey:
    """A 32-byte key that seals TOTP secrets in the database."""

    id: str
    key: bytes = field(repr=False)


class SettingsError(Exception):
    """The environment cannot be used; ``problems`` are all that was found, each naming its variable and the fix."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__(problems)

    def __str__(self) -> str:
        count = len(self.problems)
        head = f"{count} problem{'s' if count != 1 else ''} in the environment (.env.example explains each variable):"
        return "\n".join([head, *(f"  {problem}" for problem in self.problems)])


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says. Empty text and empty secrets mean: not given."""

    slack_transport: Transport
    slack_bot_token: Secret
    slack_app_token: Secret
    slack_signing_secret: Secret
    slack_base_url: str
    """Ends with a slash."""
    slack_team: str
    """The only team that is served; empty means the bot token's own."""
    database_url: Secret
    catalogue: Path
    keys: tuple[SealingKey, ...]
    """The first seals; the others still open what they sealed."""
    http_host: str
    http_port: int
    """0 means any free port."""
    public_url: str
    """Where browsers and Slack reach ``http_host``, without a slash at the end."""
    aws_endpoint_url: str
    """Empty means AWS itself."""
    log_format: str
    log_level: str
    workers: int
    """Threads for the access lane and for the chat lane each."""
    source_tokens: Mapping[str, Secret] = field(default_factory=dict)
    """By the id of a source as its variable writes it: ``payments-oncall`` is ``PAYMENTS_ONCALL``."""
    source_hosts: Mapping[str, str] = field(default_factory=dict)
    """By the same names, the ``host`` or ``host:port`` that the token may go to; else the vendor's own."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str], *, slack: bool = True, keys: bool = True) -> "Settings":
        """Read ``PRODACCESS_…``; what is there is checked even where it is not needed.

        ``slack``, ``keys``: whether the command needs Slack and the sealing keys. Raises SettingsError.
        """
        env = _Environment(environ)
        transport = env.choice("SLACK_TRANSPORT", Transport, Transport.SOCKET)
        settings = cls(
            slack_transport=transport,
            slack_bot_token=env.token("SLACK_BOT_TOKEN", "xoxb-", needed=slack),
            slack_app_token=env.token("SLACK_APP_TOKEN", "xapp-", needed=slack and transport is Transport.SOCKET),
            slack_signing_secret=env.token(
                "SLACK_SIGNING_SECRET", "", needed=slack and transport is Transport.HTTP, pattern=r"[0-9a-f]{32,64}"
            ),
            slack_base_url=env.url("SLACK_BASE_URL", "https://slack.com/api").rstrip("/") + "/",
            slack_team=env.text("SLACK_TEAM", "", r"[TE][A-Z0-9]{2,20}", "a team id, as in T0123ABCD"),
            database_url=Secret(env.parsed("DATABASE_URL", "sqlite:///prodaccess.db", _database_url)),
            catalogue=Path(env.text("CATALOGUE", "access.yaml")),
            keys=env.parsed("KEYS", "", _keys, needed=keys),
            http_host=env.parsed("HTTP_HOST", "127.0.0.1", _host),
            http_port=env.integer("HTTP_PORT", 8080, 0, 65535),
            public_url=env.url("PUBLIC_URL", "").rstrip("/"),
            aws_endpoint_url=env.url("AWS_ENDPOINT_URL", "", local=True),
            log_format=env.text("LOG_FORMAT", "json", "json|text", "json or text"),
            log_level=env.text("LOG_LEVEL", "info", "debug|info|warning|error", "debug, info, warning or error"),
            workers=env.integer("WORKERS", 4, 1, 64),
            source_tokens=env.source_tokens(),
            source_hosts=env.source_hosts(),
        )
        if env.problems:
            raise SettingsError(tuple(env.problems))
        return settings


class _Environment:
    """Reads variables by their names without the prefix and collects what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.problems: list[str] = []
        self._values: dict[str, str] = {}
        for name in sorted(key for key in environ if key.startswith(PREFIX)):
            self._take(name.removeprefix(PREFIX), environ)

    def _take(self, name: str, environ: Mapping[str, str]) -> None:
        value = environ[PREFIX + name].strip()
        of_file = name.removesuffix("_FILE")
        if name in VARIABLES or SOURCE_TOKEN.fullmatch(name) or SOURCE_HOST.fullmatch(name):
            self._values.setdefault(name, value)
        elif of_file != name and (of_file in SECRETS or SOURCE_TOKEN.fullmatch(of_file)):
            if environ.get(PREFIX + of_file):
                self.refuse(name, f"is given beside {PREFIX}{of_file}; keep one of them")
            elif value:
                self._values[of_file] = self._read(name, value)
        else:
            known = {PREFIX + each for each in VARIABLES} | {f"{PREFIX}{each}_FILE" for each in SECRETS}
            close = get_close_matches(PREFIX + name, known, n=1)
            self.refuse(name, f"is no setting; {f'did you mean {close[0]}?' if close else 'remove it'}")

    def _read(self, name: str, path: str) -> str:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            self.refuse(name, f"cannot be read: {error.strerror}; give the path of a readable file")
        except UnicodeDecodeError:
            self.refuse(name, "is not UTF-8 text; give the path of a text file")
        except ValueError:
            self.refuse(name, "is not a path; give that of a readable file")
        return ""

    def refuse(self, name: str, problem: str) -> None:
        self.problems.append(f"{PREFIX}{name} {problem}")

    def text(self, name: str, default: str, pattern: str = ".*", what: str = "") -> str:
        value = self._values.get(name) or default
        if value and not re.fullmatch(pattern, value):
            self.refuse(name, f"is {value[:40]!r}; it has to be {what}")
            return default
        return value

    def choice(self, name: str, kind: type[Transport], default: Transport) -> Transport:
        return kind(self.text(name, default, "|".join(kind), " or ".join(kind)))

    def integer(self, name: str, default: int, least: int, most: int) -> int:
        value = self._values.get(name) or str(default)
        if not re.fullmatch(r"[0-9]{1,9}", value) or not least <= int(value) <= most:
            self.refuse(name, f"is {value[:40]!r}; it has to be a whole number from {least} to {most}")
            return default
        return int(value)

    def token(self, name: str, prefix: str, *, needed: bool, pattern: str = r"[A-Za-z0-9-]+") -> Secret:
        value = self._values.get(name, "")
        shape = f"a token that starts with {prefix}" if prefix else "the signing secret of the Slack app (hex digits)"
        if not value and needed:
            self.refuse(name, f"is missing; it is {shape}")
        elif value and not re.fullmatch(re.escape(prefix) + pattern, value):
            self.refuse(name, f"is not {shape}; copy it again from the Slack app's page")
        return Secret(value)

    def source_tokens(self) -> dict[str, Secret]:
        tokens: dict[str, Secret] = {}
        for name, value in self._values.items():
            if (source := SOURCE_TOKEN.fullmatch(name)) and value:
                tokens[source[1]] = Secret(value)
                if not re.fullmatch(r"[!-~]{8,500}", value):
                    self.refuse(name, "is not a token: 8 to 500 ASCII characters without spaces; copy it again")
        return tokens

    def source_hosts(self) -> dict[str, str]:
        hosts: dict[str, str] = {}
        for name, value in self._values.items():
            if (source := SOURCE_HOST.fullmatch(name)) and value:
                hosts[source[1]] = value
                if not _HOST.fullmatch(value):
                    self.refuse(name, "is not a host; write it like example.atlassian.net or jira.example.com:8443")
                elif not self._values.get(f"SOURCE_{source[1]}_TOKEN"):
                    self.refuse(name, f"is of no use without {PREFIX}SOURCE_{source[1]}_TOKEN; give both or none")
        return hosts

    def url(self, name: str, default: str, *, local: bool = False) -> str:
        value = self._values.get(name) or default
        if problem := url_problem(value, local=local) if value else "":
            self.refuse(name, problem)
            return default
        return value

    def parsed(self, name: str, default: str, parse: Callable[[str], T], *, needed: bool = False) -> T:
        value = self._values.get(name) or default
        if not value and needed:
            self.refuse(name, 'is missing; make one with: echo "k1:$(openssl rand -base64 32)"')
        try:
            return parse(value)
        except ValueError as error:
            self.refuse(name, str(error))
        return parse(default)


def _host(value: str) -> str:
    try:
        return str(ip_address(value))
    except ValueError:
        if value == "localhost":
            return value
    raise ValueError(f"is {value[:40]!r}; it has to be an IP address to listen on, as in 127.0.0.1 or 0.0.0.0")


def _database_url(value: str) -> str:
    if re.match(r"(sqlite:///|postgresql://)[^\s]+\Z", value):
        return value
    raise ValueError("is not a database; write sqlite:///path/to/file.db or postgresql://user:password@host/name")


def _keys(value: str) -> tuple[SealingKey, ...]:
    keys = tuple(_key(part.strip()) for part in value.split(",")) if value else ()
    if len({key.id for key in keys}) < len(keys):
        raise ValueError("gives two keys the same id; every key has its own")
    return keys


def _key(text: str) -> SealingKey:
    key_id, _, encoded = text.partition(":")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", key_id) or not encoded:
        raise ValueError("is not a list of id:key, as in k2:…,k1:… with the current key first")
    try:
        key = base64.b64decode(encoded.replace("-", "+").replace("_", "/"), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != 32 or len(set(key)) < 8:
        raise ValueError(
            f"has a key “{key_id}” that is not 32 random bytes in base64; openssl rand -base64 32 makes one"
        )
    return SealingKey(key_id, key)
