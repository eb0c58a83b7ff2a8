"""What AWS answers, in CloudError's terms: what may pass, what will not, and what to do about it.

Raise what these functions make with ``from None``: botocore's own texts may quote a signed request.
"""

from datetime import timedelta
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    MetadataRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError

from bot.core.model import Account
from bot.service.records import CloudError

_THROTTLED: Final = frozenset(
    {"Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException"}
    | {"RequestLimitExceeded", "TooManyRequestsException", "SlowDown", "PriorRequestNotComplete"}
)
_PASSING: Final = _THROTTLED | {
    "ConcurrentModification",
    "EntityTemporarilyUnmodifiable",
    "ExpiredToken",
    "ExpiredTokenException",
    "InternalError",
    "InternalFailure",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceFailure",
    "ServiceUnavailable",
}
_QUOTABLE: Final = frozenset(
    {"AccessDenied", "InvalidInput", "LimitExceeded", "MalformedPolicyDocument", "NoSuchEntity", "UnmodifiableEntity"}
)
"""Codes whose message is about permissions and names only; others may quote what was signed."""

_STALE: Final = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"}
)
_AFTER_THROTTLING: Final = timedelta(seconds=2)
_LONGEST_QUOTE: Final = 300


def code_of(error: BotoCoreError | ClientError) -> str:
    """AWS's error code; empty where no answer came."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def is_stale_session(error: BotoCoreError | ClientError) -> bool:
    """Whether the credentials of the call are no longer good, so that a new session may be."""
    return code_of(error) in _STALE


def place(account: Account) -> str:
    """An account as people know it: title and number."""
    return f"{account.title or account.id} ({account.number})"


def cloud_error(error: BotoCoreError | ClientError, doing: str, account: Account, hint: str = "") -> CloudError:
    """The CloudError for a failed call. ``doing`` reads after "while", such as ``putting policy x on user y``."""
    where = f"AWS account {place(account)}"
    if not isinstance(error, ClientError):
        return _without_answer(error, f"{where}: {doing}")
    code = code_of(error)
    metadata = error.response.get("ResponseMetadata", {})
    status = int(metadata.get("HTTPStatusCode", 0))
    passing = code in _PASSING or status >= 500 or status == 429
    said = _quote(error) if code in _QUOTABLE else ""
    text = f"{where}: {doing} failed with {code or status}" + (f": {said}" if said else "") + "."
    if hint and not passing:
        text = f"{text} {hint}"
    request_id = metadata.get("RequestId", "")
    if request_id:
        text = f"{text} [AWS request {request_id}]"
    return CloudError(text, passing=passing, retry_after=_retry_after(code, metadata) if passing else None)


def _without_answer(error: BotoCoreError, what: str) -> CloudError:
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return CloudError(
            f"{what} failed: the bot has no AWS credentials of its own. Give its process a role or a key.",
            passing=False,
        )
    if isinstance(error, BotoConnectionError | HTTPClientError | CredentialRetrievalError | MetadataRetrievalError):
        return CloudError(f"{what} got no answer ({type(error).__name__}).", passing=True)
    return CloudError(f"{what} could not be asked ({type(error).__name__}).", passing=False)


def _quote(error: ClientError) -> str:
    text = " ".join(str(error.response.get("Error", {}).get("Message", "")).split()).rstrip(".")
    return text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "…"


def _retry_after(code: str, metadata: dict[str, object]) -> timedelta | None:
    headers = metadata.get("HTTPHeaders")
    seconds = str(headers.get("retry-after", "")) if isinstance(headers, dict) else ""
    if seconds.isascii() and seconds.isdigit():
        return timedelta(seconds=min(int(seconds), 3600))
    return _AFTER_THROTTLING if code in _THROTTLED else None
