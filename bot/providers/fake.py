"""A cloud in memory that fails on command: for tests and dry runs."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from bot.core.lookups import Choice, LookUp
from bot.core.model import Account, Role
from bot.providers import iam_policy
from bot.service.records import CloudError, Observation, Permission


class Fault(StrEnum):
    """How a call goes wrong."""

    THROTTLED = "throttled"
    TIMED_OUT = "timed out before it was done"
    TIMED_OUT_AFTER = "timed out after it was done"
    REFUSED = "refused for good"


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it came in; ``operation`` is the port's method."""

    operation: str
    grant_id: str
    account: str
    at: datetime


@dataclass(frozen=True, slots=True)
class _Write:
    """What a policy became and when: the text that ``read`` gives, empty when it was removed.

    ``permission`` is there where it was granted or tampered with as one; ``denies`` is the text that a denial is of.
    """

    at: datetime
    text: str = ""
    permission: Permission | None = None
    denies: str = ""

    def is_open(self, at: datetime) -> bool:
        """Whether its own window, if it has one, is open at ``at``."""
        window = self.permission
        return window is None or window.starts_at <= at < window.expires_at


PolicyKey = tuple[str, str, str]
"""Account id, principal, grant id."""

_WRITES = frozenset({"grant", "revoke", "remove", "deny"})


class FakeProvider:
    """See ports.CloudProvider; thread-safe.

    ``lag`` is how long a write takes to be seen by reads, as with AWS's eventual consistency.
    """

    def __init__(
        self,
        principals: Iterable[tuple[str, str]],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        lag: timedelta = timedelta(0),
        around: Callable[[Call, bool], None] = lambda _call, _done: None,
    ) -> None:
        """``principals`` are the (account id, principal) that exist. ``around`` is called before (False) and after
        (True) the work of each call, outside the lock: raise there to die at that instant."""
        self.lag = lag
        self._now = now
        self._around = around
        self._lock = threading.Lock()
        self._principals = set(principals)
        self._writes: dict[PolicyKey, list[_Write]] = {}
        self._faults: dict[str, deque[Fault]] = {}
        self._calls: list[Call] = []
        self._problems: tuple[str, ...] = ()
        self.tags: dict[tuple[str, str, str], str] = {}
        """What ``owner`` says, by account id, parameter's value and tag."""
        self.offers: dict[tuple[str, LookUp], tuple[Choice, ...]] = {}
        """What ``look_up`` says, by account id."""

    # --- what a test says and asks

    def fail(self, operation: str, fault: Fault, times: int = 1) -> None:
        """The next ``times`` calls of an operation go wrong; added to what is lined up already."""
        with self._lock:
            self._faults.setdefault(operation, deque()).extend([fault] * times)

    def heal(self) -> None:
        """Forget every fault that is lined up."""
        with self._lock:
            self._faults.clear()

    def object_with(self, *problems: str) -> None:
        """What ``preflight`` says from now on about principals that exist."""
        with self._lock:
            self._problems = problems

    def remove_principal(self, account: str, principal: str) -> None:
        """A person's user or role is deleted, with all its policies."""
        with self._lock:
            self._principals.discard((account, principal))
            for key in [key for key in self._writes if key[:2] == (account, principal)]:
                del self._writes[key]

    def tamper(self, permission: Permission) -> None:
        """Someone writes ``permission`` behind the bot's back."""
        with self._lock:
            self._write(_key(permission), _granted(self._now(), permission))

    def plant(self, account: str, principal: str, name: str, text: str) -> None:
        """Someone puts a policy of their own under one of our names, whatever it says."""
        with self._lock:
            self._write((account, principal, name), _Write(self._now(), _canonical(text)))

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every call so far, the failed ones included."""
        with self._lock:
            return tuple(self._calls)

    def held(self) -> Mapping[PolicyKey, Permission]:
        """What is granted, seen by reads or not."""
        return {key: write.permission for key, write in self._newest().items() if write.permission is not None}

    def written(self) -> Mapping[PolicyKey, str]:
        """The text of everything that is written, denials and what was planted included."""
        return {key: write.text for key, write in self._newest().items() if write.text}

    def effective(self, at: datetime) -> frozenset[PolicyKey]:
        """What works at ``at``: written, within its own window, and not denied to the same principal word for word."""
        newest = self._newest()
        denied = {(*key[:2], write.denies) for key, write in newest.items() if write.denies}
        return frozenset(
            key
            for key, write in newest.items()
            if write.text and not write.denies and (*key[:2], write.text) not in denied and write.is_open(at)
        )

    def _newest(self) -> Mapping[PolicyKey, _Write]:
        with self._lock:
            return {key: writes[-1] for key, writes in self._writes.items()}

    # --- the port

    def render(self, role: Role, account: Account, params: Mapping[str, str]) -> str:
        """As for AWS."""
        return iam_policy.render(role, account, params)

    def preflight(self, permission: Permission, *_: Permission) -> Sequence[str]:
        """Whether the principal exists, and what ``object_with`` said."""
        self._begin("preflight", permission.grant_id, permission.account)
        with self._lock:
            if (permission.account.id, permission.principal) not in self._principals:
                return (_missing(permission),)
            return self._problems

    def grant(self, permission: Permission) -> None:
        """Write it."""

        def work() -> None:
            if (permission.account.id, permission.principal) not in self._principals:
                raise CloudError(_missing(permission), passing=False)
            if permission.starts_at >= permission.expires_at:
                raise CloudError("The window is empty.", passing=False)
            self._write(_key(permission), _granted(self._now(), permission))

        self._change("grant", _key(permission), permission.account, work)

    def revoke(self, permission: Permission) -> None:
        """Remove it."""
        key = _key(permission)
        self._change("revoke", key, permission.account, lambda: self._write(key, _Write(self._now())))

    def observe(self, permission: Permission) -> Observation:
        """What reads see by now."""
        self._begin("observe", permission.grant_id, permission.account)
        with self._lock:
            seen = self._seen(_key(permission))
        return Observation(present=seen is not None, as_asked=seen is not None and seen.text == _text(permission))

    def existing(self, account: Account, principals: Sequence[str]) -> Iterator[tuple[str, str]]:
        """What reads see by now."""
        self._begin("existing", "", account)
        with self._lock:
            found = [
                (principal, grant_id)
                for number, principal, grant_id in self._writes
                if number == account.id
                and principal in principals
                and self._seen((number, principal, grant_id)) is not None
            ]
        yield from found

    def read(self, account: Account, principal: str, name: str) -> str | None:
        """What reads see by now."""
        self._begin("read", name, account)
        with self._lock:
            seen = self._seen((account.id, principal, name))
        return seen.text if seen else None

    def remove(self, account: Account, principal: str, name: str) -> None:
        """Remove it."""
        key = (account.id, principal, name)
        self._change("remove", key, account, lambda: self._write(key, _Write(self._now())))

    def deny(self, account: Account, principal: str, name: str, text: str) -> None:
        """Write it."""
        key, denial = (account.id, principal, name), self.denial(text)
        self._change("deny", key, account, lambda: self._write(key, _Write(self._now(), denial, denies=text)))

    def denial(self, text: str) -> str:
        """As for AWS."""
        try:
            return _canonical(iam_policy.denial(text))
        except ValueError as problem:
            raise CloudError(f"There is nothing to deny: {problem}.", passing=False) from None

    def statements(self, text: str) -> tuple[str, datetime | None]:
        """As for AWS."""
        return iam_policy.windowless(text)

    def owner(self, account: Account, role: Role, params: Mapping[str, str], parameter: str, tag: str) -> str:
        """What ``tags`` say."""
        self._begin("owner", "", account)
        return self.tags.get((account.id, params.get(parameter, ""), tag), "")

    def look_up(self, account: Account, lookup: LookUp) -> tuple[Choice, ...]:
        """What ``offers`` say."""
        self._begin("look_up", "", account)
        return tuple(sorted(self.offers.get((account.id, lookup), ())))

    def how_to_use(self, permission: Permission) -> Sequence[tuple[str, str]]:
        """One line."""
        return (("Profile", f"export AWS_PROFILE={permission.account.profile or permission.account.id}"),)

    def _change(self, operation: str, key: PolicyKey, account: Account, work: Callable[[], None]) -> None:
        call, fault = self._begin(operation, key[2], account)
        with self._lock:
            work()
        self._around(call, True)
        if fault is Fault.TIMED_OUT_AFTER:
            raise CloudError(f"{operation} got no answer", passing=True)

    def _begin(self, operation: str, grant_id: str, account: Account) -> tuple[Call, Fault | None]:
        with self._lock:
            call = Call(operation, grant_id, account.id, self._now())
            self._calls.append(call)
            waiting = self._faults.get(operation)
            fault = waiting.popleft() if waiting else None
        self._around(call, False)
        if fault is Fault.THROTTLED:
            raise CloudError(f"{operation} was throttled", passing=True, retry_after=timedelta(seconds=2))
        if fault is Fault.TIMED_OUT or (fault is Fault.TIMED_OUT_AFTER and operation not in _WRITES):
            raise CloudError(f"{operation} got no answer", passing=True)
        if fault is Fault.REFUSED:
            raise CloudError(f"{operation} was refused", passing=False)
        return call, fault

    def _write(self, key: PolicyKey, write: _Write) -> None:
        self._writes.setdefault(key, []).append(write)

    def _seen(self, key: PolicyKey) -> _Write | None:
        horizon = self._now() - self.lag
        seen = [write for write in self._writes.get(key, []) if write.at <= horizon]
        return seen[-1] if seen and seen[-1].text else None


def _key(permission: Permission) -> PolicyKey:
    return permission.account.id, permission.principal, permission.grant_id


def _granted(at: datetime, permission: Permission) -> _Write:
    return _Write(at, _text(permission), permission)


def _text(permission: Permission) -> str:
    return _canonical(iam_policy.document(permission.policy, permission.starts_at, permission.expires_at))


def _canonical(text: str) -> str:
    return iam_policy.canonical(json.loads(text))


def _missing(permission: Permission) -> str:
    return f"There is no {permission.principal} in account {permission.account.title or permission.account.id}."
