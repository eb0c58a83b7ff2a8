"""The cloud, the chat and its directory as the simulation has them: slow, failing, and answering out of turn."""

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.core.model import Account, RequestStatus
from bot.providers.fake import Call, FakeProvider, Fault, PolicyKey
from bot.providers.iam_policy import canonical, document
from bot.service.cards import DigestCard, HomeCard, Notice, RequestCard
from bot.service.chat import Card
from bot.service.records import ChatError, ChatUser, DirectoryError, Observation, Permission
from tests.service.fakes import FakeChat, FakeDirectory
from tests.simulation.tasks import Broken

if TYPE_CHECKING:
    from tests.simulation.company import Company


CLOUD_IS_SLOW = 4
"""How much more often a task stands still there than elsewhere: it is where a late worker does harm."""


class SimCloud(FakeProvider):
    """The fake cloud; remembers when each grant was last seen to be absent."""

    def __init__(self, company: "Company", principals: Sequence[tuple[str, str]], lag: timedelta) -> None:
        super().__init__(principals, now=company.time.now, lag=lag, around=self._meanwhile)
        self._company = company
        self.seen_absent: dict[str, datetime] = {}
        self.tampered: dict[PolicyKey, list[Permission]] = {}
        """What somebody else granted under our names."""
        self.by_hand: dict[PolicyKey, set[str]] = {}
        """The texts of all that somebody else wrote under our names."""
        self.granted: dict[PolicyKey, set[str]] = {}
        """The texts of all that we were to write."""
        self.taken: set[PolicyKey] = set()
        """What somebody else took away."""

    def preflight(self, permission: Permission, *besides: Permission) -> Sequence[str]:
        self._draw("preflight")
        return super().preflight(permission, *besides)

    def grant(self, permission: Permission) -> None:
        self._draw("grant")
        key = (permission.account.id, permission.principal, permission.grant_id)
        text = document(permission.policy, permission.starts_at, permission.expires_at)
        self.granted.setdefault(key, set()).add(canonical(json.loads(text)))
        super().grant(permission)

    def revoke(self, permission: Permission) -> None:
        self._draw("revoke")
        super().revoke(permission)

    def observe(self, permission: Permission) -> Observation:
        self._draw("observe")
        seen = super().observe(permission)
        if not seen.present:
            self.seen_absent[permission.grant_id] = self._company.time.now()
        return seen

    def existing(self, account: Account, principals: Sequence[str]) -> Iterator[tuple[str, str]]:
        self._draw("existing")
        return super().existing(account, principals)

    def read(self, account: Account, principal: str, name: str) -> str | None:
        self._draw("read")
        return super().read(account, principal, name)

    def remove(self, account: Account, principal: str, name: str) -> None:
        self._draw("remove")
        self._company.invariants.drift.at_remove(account.id, principal, name)
        super().remove(account, principal, name)

    def deny(self, account: Account, principal: str, name: str, text: str) -> None:
        self._draw("deny")
        self._company.invariants.drift.at_deny(account.id, principal, name, text)
        super().deny(account, principal, name, text)

    # --- what somebody does by hand

    def tamper(self, permission: Permission) -> None:
        key = (permission.account.id, permission.principal, permission.grant_id)
        self.tampered.setdefault(key, []).append(permission)
        super().tamper(permission)
        self.by_hand.setdefault(key, set()).add(self.written()[key])

    def plant(self, account: str, principal: str, name: str, text: str) -> None:
        super().plant(account, principal, name, text)
        self.by_hand.setdefault((account, principal, name), set()).add(self.written()[account, principal, name])

    def take_away(self, key: PolicyKey) -> None:
        self.taken.add(key)
        super().remove(self._company.catalogue.accounts.get(key[0]) or Account(key[0], "", ""), *key[1:])

    def remove_principal(self, account: str, principal: str) -> None:
        self.taken.update(key for key in self.written() if key[:2] == (account, principal))
        super().remove_principal(account, principal)

    def _draw(self, operation: str) -> None:
        company = self._company
        if company.in_transaction:
            raise Broken(f"the cloud was called ({operation}) inside a transaction")
        fault = company.weather.strike("cloud")
        if fault is not None:
            self.fail(operation, fault)

    def _meanwhile(self, call: Call, done: bool) -> None:
        if not done:
            self._company.tasks.point(f"{call.operation} {call.grant_id} in the cloud, before", CLOUD_IS_SLOW)
            self._company.invariants.at_cloud_call(call)
        else:
            self._company.invariants.after_cloud_write(call)
            self._company.tasks.point(f"{call.operation} {call.grant_id} in the cloud, after", CLOUD_IS_SLOW)


class SimChat:
    """The fake chat behind a bad line."""

    def __init__(self, company: "Company") -> None:
        self._company = company
        self.inner = FakeChat()
        self.refused_for_good: set[tuple[str, str]] = set()
        """(destination, key) of posts that the chat said it will never take."""
        self.left_as_it_was: set[tuple[str, str]] = set()
        """(channel, ref) of messages whose update the chat said it will never take."""

    def post(self, destination: str, card: Card, key: str, *, maybe_posted: bool) -> tuple[str, str]:
        told = _told_by(card, key)
        answer_lost = self._call(f"posting {key} to {destination}", self.refused_for_good, (destination, key), told)
        before = len(self.inner.messages)
        ref = self.inner.post(destination, card, key, maybe_posted=maybe_posted)
        if len(self.inner.messages) > before:
            for each in told:
                self._company.invariants.after_post(destination, each)
        self._answer(answer_lost)
        return ref

    def post_waits(self, destination: str) -> timedelta:
        return timedelta(0)

    def update_waits(self, card: Card | None) -> timedelta:
        return timedelta(0)

    def posted(self, destination: str, keys: Collection[str]) -> frozenset[str]:
        answer_lost = self._call(f"looking for what was posted to {destination}", set(), (destination, ""))
        found = self.inner.posted(destination, keys)
        self._answer(answer_lost)
        return found

    def update(self, channel: str, ref: str, card: Card) -> None:
        answer_lost = self._call(f"updating {ref} in {channel}", self.left_as_it_was, (channel, ref))
        self.inner.update(channel, ref, card)
        if isinstance(card, RequestCard):
            self._company.invariants.after_update(channel, ref, card.request.id)
        self._answer(answer_lost)

    def home(self, chat_id: str, card: HomeCard) -> None:
        answer_lost = self._call(f"publishing the home of {chat_id}", set(), (chat_id, ""))
        self.inner.home(chat_id, card)
        self._answer(answer_lost)

    def _call(
        self, what: str, refused: set[tuple[str, str]], about: tuple[str, str], told: Collection[str] = ()
    ) -> bool:
        """True when the answer will be lost, although it is done. Raises ChatError."""
        company = self._company
        if company.in_transaction:
            raise Broken(f"the chat was called ({what}) inside a transaction")
        company.tasks.point(f"{what}, before")
        fault = company.weather.strike("chat")
        if fault is Fault.THROTTLED:
            raise ChatError("ratelimited", passing=True, retry_after=timedelta(seconds=30))
        if fault is Fault.REFUSED:
            refused.add(about)
            refused.update((about[0], key) for key in told)
            raise ChatError("channel_not_found", passing=False)
        if fault is Fault.TIMED_OUT:
            raise ChatError("no answer", passing=True)
        return fault is Fault.TIMED_OUT_AFTER

    def _answer(self, lost: bool) -> None:
        self._company.tasks.point("the chat's answer")
        if lost:
            raise ChatError("no answer", passing=True)


def _told_by(card: Card, key: str) -> tuple[str, ...]:
    """The keys of all that a message tells: its own, and those of the notices in a digest for a person."""
    if not isinstance(card, DigestCard) or card.audience != "person":
        return (key,)
    lines = (_told_in(line) for line in card.lines)
    return (key, *lines)


def _told_in(line: Notice) -> str:
    if line.grant is not None:
        return f"tell:ended:{line.grant.id}"
    # Of several targets it is told as one that they have ended.
    what = "ended" if line.request.status is RequestStatus.APPROVED else line.what
    return f"tell:{what}:{line.request.id}"


class SimDirectory(FakeDirectory):
    """The fake directory, not always there."""

    def __init__(self, company: "Company", *users: ChatUser) -> None:
        super().__init__(*users)
        self._company = company

    def user(self, chat_id: str) -> ChatUser:
        self._call()
        return super().user(chat_id)

    def accounts(self, chat_ids: Collection[str]) -> dict[str, ChatUser]:
        self._call()
        return super().accounts(chat_ids)

    def by_email(self, email: str) -> ChatUser | None:
        self._call()
        return super().by_email(email)

    def page(self, cursor: str = "") -> tuple[list[ChatUser], str]:
        self._call()
        return super().page(cursor)

    def members(self, group_id: str) -> frozenset[str]:
        self._call()
        return super().members(group_id)

    def _call(self) -> None:
        if self._company.in_transaction:
            raise Broken("the directory was called inside a transaction")
        self._company.tasks.point("the directory")
        if self._company.weather.strike("directory") is not None:
            raise DirectoryError("no answer")
