"""A new authenticator's secret: how it is made, written down for an app, and proved to have arrived there."""

import base64
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime

import pyotp

from bot.core import stepup

SECRET_BYTES = 20
"""160 bits, as RFC 4226 section 4 recommends."""


@dataclass(frozen=True, slots=True)
class SecretShown:
    """What an authenticator app needs, for its owner's eyes only. ``page_url`` is empty where HTTP is off."""

    otpauth: str = field(repr=False)
    secret: str = field(repr=False)
    """Base32 in groups of four."""
    page_url: str = field(repr=False)
    account: str
    """What the app calls it: the person's e-mail, else their id."""


def new_secret() -> bytes:
    """A random secret."""
    return secrets.token_bytes(SECRET_BYTES)


def shown(secret: bytes, account: str, issuer: str, page_url: str) -> SecretShown:
    """The secret as apps take it, under ``issuer`` and ``account``."""
    text = _base32(secret)
    uri = pyotp.TOTP(text, name=account, issuer=issuer).provisioning_uri()
    return SecretShown(uri, grouped(text, " "), page_url, account)


def matching_pair(secret: bytes, first: str, second: str, now: datetime) -> int | None:
    """The accepted time step of ``second`` at ``now`` (UTC) if ``first`` is the code of the step before it.

    The first may so be two steps old: time to type both. Compares in constant time.
    """
    generator = pyotp.TOTP(_base32(secret))
    typed = (first + second).encode()
    pairs = {
        timecode: (generator.generate_otp(timecode - 1) + generator.generate_otp(timecode)).encode()
        for timecode in stepup.timecodes(now)
    }
    matches = [timecode for timecode, pair in pairs.items() if hmac.compare_digest(pair, typed)]
    return max(matches, default=None)


def grouped(text: str, separator: str) -> str:
    """In groups of four characters, easier to read and to type."""
    return separator.join(text[at : at + 4] for at in range(0, len(text), 4))


def _base32(secret: bytes) -> str:
    return base64.b32encode(secret).decode()
