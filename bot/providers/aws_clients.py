"""Clients for every account: one boto3 Session, few AssumeRole calls, short-lived credentials.

Who calls under which name, for CloudTrail: a grant is made in a session of its own, ``prodaccess-<grant id>`` with
the person as SourceIdentity, because both are fixed for a session's life and a shared one would name the wrong grant.
All else (preflight, observe, revoke, reconcile) uses one session an account, ``prodaccess-broker``: the policy's name
carries the grant, and 10,000 expiries at once cost one AssumeRole an account and hour instead of 10,000.

Callers that need the same session wait for the one AssumeRole under way and share what comes of it, its failure
included, so that an STS that throttles is not asked again by each of them.
"""

import hashlib
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import boto3
import botocore
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bot.core.model import Account
from bot.providers.aws_errors import cloud_error, code_of, place
from bot.service.records import CloudError

OWN_NAME: Final = "prodaccess"
_SESSION_LIFE: Final = timedelta(hours=1)
"""The longest that a role may assume a role for (source: IAM User Guide, role chaining)."""
_RENEW_BEFORE: Final = timedelta(minutes=5)
_SLOTS: Final = 64
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_+=,.@-]")
_LONGEST_NAME: Final = 64

_CONFIG: Final = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=16,
    # Said in full, or botocore would put it together anew for each call.
    user_agent=f"prodaccess Boto3/{boto3.__version__} Botocore/{botocore.__version__}",
    # What is sent is made here, of the right names and types: AWS says what it does not take.
    parameter_validation=False,
)
"""Two tries within about 26 s: what fails longer is retried by the effects queue, where others are not kept waiting."""
_QUICKLY: Final = Config(connect_timeout=2, read_timeout=4, retries={"mode": "standard", "total_max_attempts": 1})
"""For reading what people only choose from: nobody waits for it as long."""


@dataclass(frozen=True, slots=True)
class CallerIdentity:
    """Whose credentials the bot itself runs with."""

    account: str
    arn: str


@dataclass(slots=True)
class _Slot:
    """One session: its clients until ``renew_at``, or how the last AssumeRole failed and when (monotonic seconds)."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    clients: dict[str, Any] = field(default_factory=dict)
    """By service; none where there is no session."""
    renew_at: datetime = datetime.min.replace(tzinfo=UTC)
    failure: CloudError | None = None
    failed_at: float = 0.0


class AwsClients:
    """Thread-safe. No lock is held during a network call, except a session's own and that of the first look at the
    bot's own credentials."""

    def __init__(
        self,
        session: boto3.Session,
        *,
        endpoint_url: str | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``endpoint_url`` sends every call to a local AWS, past any proxy."""
        self._session = session
        self._endpoint_url = endpoint_url
        self._config = _CONFIG.merge(Config(proxies={})) if endpoint_url else _CONFIG
        self._now = now
        self._slots: OrderedDict[tuple[Account, str, str], _Slot] = OrderedDict()
        self._slots_lock = threading.Lock()
        self._making = threading.Lock()
        self._own_lock = threading.Lock()
        self._own_clients: dict[tuple[str, str], Any] = {}
        self._caller: CallerIdentity | None = None

    def iam(self, account: Account, *, person: str = "", grant_id: str = "") -> Any:
        """An IAM client for ``account``; for making a grant, say whose and which. Raises CloudError."""
        return self._client("iam", account, person, grant_id)

    def reading(self, service: str, account: Account) -> Any:
        """A client of another service, to read with: it gives up soon. Raises CloudError."""
        return self._client(service, account, "", "")

    def _client(self, service: str, account: Account, person: str, grant_id: str) -> Any:
        if not account.broker_role:
            return self._own(service, account)
        slot = self._slot(account, person, grant_id)
        asked_at = time.monotonic()
        with slot.lock:
            if slot.credentials and self._now() < slot.renew_at:
                return self._of_session(slot, service, account)
            if slot.failure is not None and slot.failed_at >= asked_at:
                shared = slot.failure
                raise CloudError(str(shared), passing=shared.passing, retry_after=shared.retry_after)
            try:
                slot.credentials, slot.renew_at = self._assume(account, person, grant_id)
            except CloudError as failure:
                slot.failure, slot.failed_at = failure, time.monotonic()
                raise
            slot.clients.clear()
            return self._of_session(slot, service, account)

    def _of_session(self, slot: _Slot, service: str, account: Account) -> Any:
        if service not in slot.clients:
            slot.clients[service] = self._make(service, account, **slot.credentials)
        return slot.clients[service]

    def forget(self, account: Account) -> None:
        """Drop the account's sessions, because AWS no longer takes their credentials."""
        with self._slots_lock:
            for key in [key for key in self._slots if key[0].id == account.id]:
                del self._slots[key]

    def caller(self, account: Account) -> CallerIdentity:
        """Who the bot itself is; ``account`` gives the region to ask in and the words if that fails. CloudError."""
        known = self._caller
        if known is not None:
            return known
        sts = self._own_client("sts", account)
        try:
            answer = sts.get_caller_identity()
        except (BotoCoreError, ClientError) as error:
            raise cloud_error(error, "asking who the bot is", account) from None
        self._caller = CallerIdentity(account=answer["Account"], arn=answer["Arn"])
        return self._caller

    def _slot(self, account: Account, person: str, grant_id: str) -> _Slot:
        # The whole account: the same id may stand for another account, or another broker, after a reload.
        key = (account, person, grant_id)
        with self._slots_lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            while len(self._slots) > _SLOTS:
                self._slots.popitem(last=False)
            return slot

    def _own(self, service: str, account: Account) -> Any:
        caller = self.caller(account)
        if caller.account != account.number:
            raise CloudError(
                f"AWS account {place(account)} has no broker_role, and the bot's own credentials are for account "
                f"{caller.account}. Give it a broker_role in the catalogue.",
                passing=False,
            )
        return self._own_client(service, account)

    def _own_client(self, service: str, account: Account) -> Any:
        key = (service, account.region)
        with self._own_lock:
            if key not in self._own_clients:
                # The first look at the credential chain may ask the instance's metadata service.
                self._session.get_credentials()
                self._own_clients[key] = self._make(service, account)
            return self._own_clients[key]

    def _assume(self, account: Account, person: str, grant_id: str) -> tuple[Mapping[str, str], datetime]:
        if account.broker_role.split(":")[4:5] != [account.number]:
            raise CloudError(
                f"The broker_role of AWS account {place(account)}, {account.broker_role}, is not in that account. "
                "Correct it in the catalogue.",
                passing=False,
            )
        wanted = {
            "RoleArn": account.broker_role,
            "RoleSessionName": session_name(f"{OWN_NAME}-{grant_id or 'broker'}"),
            "SourceIdentity": session_name(person or OWN_NAME),
            "DurationSeconds": int(_SESSION_LIFE.total_seconds()),
        }
        if account.external_id:
            wanted["ExternalId"] = account.external_id
        sts = self._own_client("sts", account)
        try:
            credentials = sts.assume_role(**wanted)["Credentials"]
        except (BotoCoreError, ClientError) as error:
            raise cloud_error(error, f"assuming {account.broker_role}", account, _assume_hint(error)) from None
        made = {
            "aws_access_key_id": credentials["AccessKeyId"],
            "aws_secret_access_key": credentials["SecretAccessKey"],
            "aws_session_token": credentials["SessionToken"],
        }
        return made, credentials["Expiration"] - _RENEW_BEFORE

    def _make(self, service: str, account: Account, **credentials: str) -> Any:
        # Clients may be shared between threads; making one from a Session may not (source: boto3 guide, threading).
        config = self._config if service in {"iam", "sts"} else self._config.merge(_QUICKLY)
        with self._making:
            return self._session.client(
                service, region_name=account.region, endpoint_url=self._endpoint_url, config=config, **credentials
            )


def session_name(text: str) -> str:
    """``text`` as AWS takes it for RoleSessionName and SourceIdentity: 2 to 64 of ``[\\w+=,.@-]``.

    Where it has to be changed a part of its SHA-256 is added, so that two never become one.
    """
    cleaned = _NOT_A_NAME.sub("-", text)
    if cleaned == text and 2 <= len(text) <= _LONGEST_NAME:
        return text
    mark = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{cleaned[: _LONGEST_NAME - 9]}-{mark}"


def _assume_hint(error: BotoCoreError | ClientError) -> str:
    if code_of(error) not in {"AccessDenied", "AccessDeniedException"}:
        return ""
    return (
        "Check that the role exists, that its trust policy names the bot's own principal with sts:AssumeRole and "
        "sts:SetSourceIdentity and this account's external_id, and that the bot's own policy allows both on it."
    )
