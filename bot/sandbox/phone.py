"""Each demo person's authenticator app: it keeps what is scanned or pasted, and shows the running codes."""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import pyotp
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot.sandbox.aws_seed import write_private
from bot.sandbox.roster import SLACK_IDS

_LONGEST_INPUT: Final = 1_000
_FEWEST_CHARACTERS: Final = 23
"""112 bits in base32: pyotp refuses shorter ones."""
_DIGESTS: Final = {"SHA1": hashlib.sha1, "SHA256": hashlib.sha256, "SHA512": hashlib.sha512}


class PhoneError(ValueError):
    """The authenticator cannot take this; names the field and what to paste instead."""


@dataclass(frozen=True, slots=True)
class Token:
    """One entry of the authenticator."""

    label: str
    issuer: str
    secret: str = field(repr=False)
    digits: int = 6
    period: int = 30
    """Seconds that a code lasts."""
    algorithm: str = "SHA1"

    def shown(self, at: float) -> dict[str, object]:
        """What the screen shows at ``at`` (seconds since the epoch)."""
        code = pyotp.TOTP(self.secret, digits=self.digits, digest=_DIGESTS[self.algorithm], interval=self.period).at(
            int(at)
        )
        seconds_left = self.period - int(at) % self.period
        return {"label": self.label, "issuer": self.issuer, "code": code, "seconds_left": seconds_left}


class Phone:
    """Everybody's authenticators, in one file that only its owner may read. Thread-safe."""

    def __init__(self, path: Path, *, now: Callable[[], float] = time.time) -> None:
        """``now`` gives seconds since the epoch."""
        self._path = path
        self._now = now
        self._lock = threading.Lock()

    def codes(self, user: str) -> list[dict[str, object]]:
        """What the person's screen shows now."""
        with self._lock:
            tokens = self._read().get(user, [])
        return [token.shown(self._now()) for token in tokens]

    def add(self, user: str, secret: str) -> None:
        """Take a base32 secret or an otpauth link; an entry of the same name is replaced. Raises PhoneError."""
        token = _token(secret)
        with self._lock:
            kept = self._read()
            others = [old for old in kept.get(user, []) if (old.issuer, old.label) != (token.issuer, token.label)]
            self._write({**kept, user: [*others, token]})

    def clear(self, user: str) -> None:
        """Forget everything, as on a lost phone."""
        with self._lock:
            self._write({known: tokens for known, tokens in self._read().items() if known != user})

    def _read(self) -> dict[str, list[Token]]:
        if not self._path.exists():
            return {}
        kept = json.loads(self._path.read_text(encoding="utf-8"))
        return {user: [Token(**token) for token in tokens] for user, tokens in kept.items()}

    def _write(self, kept: Mapping[str, list[Token]]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_private(
            self._path, json.dumps({user: [asdict(token) for token in kept[user]] for user in kept}, indent=1)
        )


def phone_routes(phone: Phone, users: Collection[str] = SLACK_IDS) -> list[Route]:
    """``GET``, ``POST`` and ``DELETE /phone/{user}``; ``users`` are the Slack ids that have a phone."""

    async def endpoint(request: Request) -> JSONResponse:
        user = request.path_params["user"]
        if user not in users:
            return _error("user: nobody in this workspace has this id", status=404)
        if request.method == "POST":
            try:
                await run_in_threadpool(phone.add, user, _secret_in(await request.body()))
            except PhoneError as problem:
                return _error(str(problem), status=400)
            return JSONResponse({"ok": True})
        if request.method == "DELETE":
            await run_in_threadpool(phone.clear, user)
            return JSONResponse({"ok": True})
        return JSONResponse({"ok": True, "tokens": await run_in_threadpool(phone.codes, user)})

    return [Route("/phone/{user}", endpoint, methods=["GET", "POST", "DELETE"])]


def _secret_in(body: bytes) -> str:
    try:
        secret = json.loads(body)["secret"]
    except (ValueError, KeyError, TypeError):
        secret = None
    if not isinstance(secret, str):
        raise PhoneError('secret: send a JSON object such as {"secret": "JBSW Y3DP …"}')
    return secret


def _token(text: str) -> Token:
    if len(text) > _LONGEST_INPUT:
        raise PhoneError(f"secret: {len(text):,} characters are no authenticator secret")
    if text.strip().lower().startswith("otpauth:"):
        return _from_link(text.strip())
    return Token(label="pasted secret", issuer="prodaccess", secret=_base32(text))


def _from_link(link: str) -> Token:
    try:
        parsed = pyotp.parse_uri(link)
    except ValueError as problem:
        raise PhoneError("secret: this otpauth link cannot be read; copy it whole") from problem
    if not isinstance(parsed, pyotp.TOTP):
        raise PhoneError("secret: only time-based codes (otpauth://totp/…) are shown here")
    return Token(
        label=parsed.name or "",
        issuer=parsed.issuer or "",
        secret=_base32(parsed.secret),
        digits=parsed.digits,
        period=parsed.interval,
        algorithm=parsed.digest().name.upper(),
    )


def _base32(text: str) -> str:
    secret = "".join(text.split()).replace("-", "").rstrip("=").upper()
    if not secret:
        raise PhoneError("secret: it is empty; paste the secret that the bot showed")
    if not set(secret) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"):
        raise PhoneError("secret: it has characters other than A–Z and 2–7; paste the secret that the bot showed")
    if len(secret) < _FEWEST_CHARACTERS:
        raise PhoneError(f"secret: it has {len(secret)} characters of at least {_FEWEST_CHARACTERS}; paste all of it")
    return secret


def _error(text: str, *, status: int) -> JSONResponse:
    return JSONResponse({"ok": False, "error": text}, status_code=status)
