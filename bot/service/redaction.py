"""Taking secrets out of whatever is about to be logged. Errs on the side of taking too much."""

import re
from collections.abc import Mapping
from functools import lru_cache

GONE = "[redacted]"
LONGEST = 20_000
"""Characters of one text that are kept."""
SHORT = 64
"""Characters of a text that is looked at once only: names of events, loggers and fields come with every line."""
HARMLESS_MOST = 4096

_SECRET_WORDS = frozenset(
    {
        "authorization",
        "cookie",
        "credential",
        "otpauth",
        "passphrase",
        "passwd",
        "password",
        "seed",
        "secret",
        "signature",
        "token",
    }
)
_SECRET_KEYS = ({"access", "key"}, {"api", "key"}, {"private", "key"}, {"sealing", "key"}, {"signing", "key"})
_CODE_WORDS = frozenset({"code", "otp", "passcode", "pin", "totp"})
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Za-z][a-z]*")
_DIGITS = re.compile(r"\d")

_NAMES = "password|passwd|pwd|passphrase|secret|token|signature|seed|secret_?access_?key|session_?token"
_B64 = "[A-Za-z0-9/+=]"
_START = r"(?:\b|(?<=\\[nrt]))"
"""Where a word begins, after a line break that a repr wrote as an escape too."""
_FRESH = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"
_FRESH_B64 = r"(?:(?<![A-Za-z0-9/+])|(?<=\\[nrt]))"

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, flags), replacement)
    for pattern, replacement, flags in (
        # What Slack's forms hold, in a payload that became text. Where it ends cannot be told, so the rest goes too.
        (r"(['\"]state['\"]\s*:\s*)\{\s*['\"]values['\"].*", rf"\1{GONE}", re.DOTALL),
        (r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", GONE, re.DOTALL),
        (r"otpauth(?::|%3A)\S*", GONE, re.IGNORECASE),
        # Those of sources: Linear, GitHub, Atlassian. Before Slack's: by chance what looks like one may stand in them.
        (rf"{_FRESH}(?:lin_(?:api|oauth)_|gh[pousr]_|github_pat_|ATATT3)[\w=.-]{{8,}}", GONE, 0),
        (r"xox[a-z](?:\.xox[a-z])?-[\w-]+", GONE, re.IGNORECASE),
        (r"xapp-[\w-]+", GONE, re.IGNORECASE),
        # What stands behind the word in a header.
        (rf"{_START}(geniekey)\s+[\w-]{{8,}}", rf"\1 {GONE}", re.IGNORECASE),
        (r"(hooks\.slack\.com/)\S+", rf"\1{GONE}", re.IGNORECASE),
        (r"(/enrol/)[\w-]{10,}", rf"\1{GONE}", 0),
        # User and password of a URL; a password may hold anything but white space.
        (r"\b([a-z][a-z0-9+.-]{0,20}://)[^\s/@:]*:\S*@", rf"\1{GONE}@", re.IGNORECASE),
        (rf"{_START}((?:set-)?cookie['\"]?\s*[:=]\s*)[^\n]+", rf"\1{GONE}", re.IGNORECASE),
        (rf"{_START}(authorization['\"]?\s*[:=]\s*)[^\n]+", rf"\1{GONE}", re.IGNORECASE),
        (rf"{_START}(bearer|basic)\s+[\w.~+/=-]{{8,}}", rf"\1 {GONE}", re.IGNORECASE),
        (rf"((?:{_NAMES})['\"]?\s*[:=]\s*)(?:\"[^\"\n]*\"?|'[^'\n]*'?|[^\s&,;)}}\]]+)", rf"\1{GONE}", re.IGNORECASE),
        (r"([?&]ticket=)[^\s&]+", rf"\1{GONE}", 0),
        (rf"{_START}(codes?|otp|totp|passcode)(\b[^\d\n]{{0,12}}?)\d[\d -]{{4,8}}\d", rf"\1\2{GONE}", re.IGNORECASE),
        (rf"{_FRESH}A[KS]IA[A-Z0-9]{{12,}}", GONE, 0),
        (r"(?:FwoG|FQoG|IQoJ)[A-Za-z0-9/+=]{20,}", GONE, 0),
        # AWS secret access keys: forty characters of base64 that are no hexadecimal digest.
        (
            rf"{_FRESH_B64}(?![0-9a-f]{{40}})(?={_B64}*[0-9])(?={_B64}*[A-Z])(?={_B64}*[a-z]){_B64}{{40}}(?!{_B64})",
            GONE,
            0,
        ),
        (rf"{_FRESH}[A-Z2-7]{{16,}}=*(?![A-Za-z0-9])", GONE, 0),
        (rf"{_FRESH}(?:[A-Z2-7]{{4}}[ -]){{3,}}[A-Z2-7]{{4}}(?![A-Za-z0-9])", GONE, 0),
    )
)


_harmless: set[str] = set()
"""Short texts in which nothing was found, and nothing else: no secret is kept here."""


def redact_text(text: str) -> str:
    """``text`` without anything that looks like a secret, its middle left out over ``LONGEST``."""
    if text in _harmless:
        return text
    redacted = _redact_text(text)
    if len(text) <= SHORT and redacted == text:
        if len(_harmless) >= HARMLESS_MOST:
            _harmless.clear()
        _harmless.add(str(text))
    return redacted


def _redact_text(text: str) -> str:
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    if len(text) > LONGEST:
        half = LONGEST // 2
        return f"{text[:half]} … {len(text) - LONGEST:,} characters left out … {text[-half:]}"
    return text


def redact(value: object, key: str = "") -> object:
    """``value``, made of what JSON knows, without secrets; ``key`` is the name that it goes by."""
    if value is None or isinstance(value, bool):
        return value
    if _names_secret(key) or (key == "state" and isinstance(value, Mapping)):
        return GONE
    if isinstance(value, Mapping):
        return {redact_text(str(name)): redact(inner, str(name)) for name, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [redact(inner, key) for inner in value]
    if isinstance(value, (int, float)):
        return GONE if _names_code(key) and len(_DIGITS.findall(str(value))) >= 4 else value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"<{len(value)} bytes>"
    text = value if isinstance(value, str) else _repr(value)
    return GONE if _names_code(key) and len(_DIGITS.findall(text)) >= 4 else redact_text(text)


def _repr(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:  # the log line itself tells of it
        return f"<{type(value).__name__} whose repr raised {type(error).__name__}>"


@lru_cache(maxsize=1024)
def _words(key: str) -> frozenset[str]:
    return frozenset(word.lower().removesuffix("s") for word in _WORD.findall(key))


def _names_secret(key: str) -> bool:
    words = _words(key)
    return bool(words & _SECRET_WORDS) or any(pair <= words for pair in _SECRET_KEYS)


def _names_code(key: str) -> bool:
    return bool(_words(key) & _CODE_WORDS)
