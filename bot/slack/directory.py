"""Who Slack's accounts are, remembered for a minute. See ports.Directory."""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.client import HTTPException
from typing import Any, Generic, TypeVar
from urllib.error import URLError

import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.client import WebClient

from bot.service.records import NO_SUCH_ADDRESS, NOT_HERE, ChatUser, DirectoryError, NotInDirectoryError

log = structlog.get_logger(__name__)

USER_LIVES = timedelta(seconds=60)
GROUP_LIVES = timedelta(minutes=5)
"""usergroups.users.list is a tier 2 method: about 20 calls a minute."""
FIELDS_LIVE = timedelta(hours=1)
PAGE = 1000
"""Accounts a page: the most that users.list gives at once."""
FEW = 10
"""So many accounts are asked about one by one, else they are looked for in the pages of users.list."""
PAGES_MOST = 5
"""So many pages are read for that, and who is on none of them is asked about: users.list is a tier 2 method too."""

UNREACHABLE = (SlackApiError, SlackClientError, HTTPException, URLError, OSError, TimeoutError)

_REFUSED = {
    "deleted": "This Slack account is deactivated.",
    "is_bot": "Bots may not use prodaccess.",
    "is_ultra_restricted": "Guests may not use prodaccess.",
    "is_restricted": "Guests may not use prodaccess.",
    "is_stranger": "Only members of this workspace may use prodaccess.",
}
_NOT_THERE = frozenset(
    {
        "user_not_found",
        "users_not_found",
        "user_not_visible",
        "no_such_subteam",
        "subteam_not_found",
        "invalid_cursor",
    }
)
_FOREIGN = _REFUSED["is_stranger"]

T = TypeVar("T")


@dataclass(slots=True)
class Remembered(Generic[T]):
    """Answers by key, each for a while. Thread-safe; two threads may ask for the same key at once."""

    lives: timedelta
    clock: Callable[[], float]
    """Seconds, monotonic."""
    _answers: dict[str, tuple[float, T]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: str, ask: Callable[[], T]) -> T:
        """What is remembered, else what ``ask`` says now; what it raises is not remembered."""
        with self._lock:
            known = self._answers.get(key)
            asked_at = self.clock()
            if known is not None and asked_at < known[0]:
                return known[1]
        answer = ask()
        with self._lock:
            until = asked_at + self.lives.total_seconds()
            fresh = {name: entry for name, entry in self._answers.items() if entry[0] > asked_at}
            self._answers = {**fresh, key: (until, answer)}
        return answer

    def known(self, keys: Iterable[str]) -> dict[str, T]:
        """What is remembered of these."""
        with self._lock:
            now = self.clock()
            there = ((key, self._answers[key]) for key in keys if key in self._answers)
            return {key: answer for key, (until, answer) in there if now < until}

    def keep(self, answers: Mapping[str, T], asked_at: float) -> None:
        """Remember what was said of many; ``asked_at`` is by ``clock``."""
        with self._lock:
            until = asked_at + self.lives.total_seconds()
            fresh = {name: entry for name, entry in self._answers.items() if entry[0] > asked_at}
            self._answers = {**fresh, **{key: (until, answer) for key, answer in answers.items()}}

    def forget(self, key: str) -> None:
        """Ask again next time."""
        with self._lock:
            self._answers.pop(key, None)


class SlackDirectory:
    """``team`` is the only team whose members count; empty means the bot token's own."""

    def __init__(self, client: WebClient, team: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._own_team = team
        self._users: Remembered[ChatUser] = Remembered(USER_LIVES, clock)
        self._accounts: Remembered[ChatUser] = Remembered(USER_LIVES, clock)
        """As ``_users``, without their managers, which take a call each."""
        self._reading = threading.Lock()
        self._groups: Remembered[frozenset[str]] = Remembered(GROUP_LIVES, clock)
        self._addresses: Remembered[str] = Remembered(USER_LIVES, clock)
        self._fields: Remembered[str] = Remembered(FIELDS_LIVE, clock)
        self._asks = True

    def remembered(self) -> "SlackDirectory":
        """What this one remembers; Slack is not asked. Raises DirectoryError for the rest."""
        silent = copy(self)
        silent._asks = False
        return silent

    def user(self, chat_id: str) -> ChatUser:
        """Up to a minute old. Raises DirectoryError."""
        return self._users.get(chat_id, lambda: self._look_up(chat_id))

    def accounts(self, chat_ids: Collection[str]) -> Mapping[str, ChatUser]:
        """Up to a minute old. Raises DirectoryError."""
        found = self._at_hand(chat_ids)
        if len(found) == len(chat_ids):
            return found
        # One thread reads; whoever wanted the same meanwhile finds it remembered.
        with self._reading:
            found = self._at_hand(chat_ids)
            missing = set(chat_ids) - found.keys()
            cursor, pages = "", 0
            while len(missing) > FEW and pages < PAGES_MOST and (cursor or not pages):
                page, cursor = self.page(cursor)
                found |= {user.id: user for user in page if user.id in missing}
                missing, pages = missing - found.keys(), pages + 1
            for chat_id in sorted(missing):
                with suppress(NotInDirectoryError):
                    found[chat_id] = self._without_manager(chat_id)
        return found

    def by_email(self, email: str) -> ChatUser | None:
        """Up to a minute old. Raises DirectoryError."""
        chat_id = self._addresses.get(email.casefold(), lambda: self._look_up_address(email))
        return self.user(chat_id) if chat_id else None

    def members(self, group_id: str) -> frozenset[str]:
        """Up to five minutes old. Raises DirectoryError."""
        return self._groups.get(group_id, lambda: self._look_up_group(group_id))

    def fresh(self, account: str) -> ChatUser:
        """As it is now, without the manager; who is not there is refused. Raises DirectoryError."""
        try:
            if "@" in account:
                found = self._ask("users.lookupByEmail", lambda: self._client.users_lookupByEmail(email=account))
            else:
                found = self._ask("users.info", lambda: self._client.users_info(user=account))
        except NotInDirectoryError:
            if "@" in account:
                return ChatUser(account, "", account, account, refused=NO_SUCH_ADDRESS)
            return ChatUser(account, "", account, refused=NOT_HERE)
        self.forget(str(found["user"]["id"]))
        return _chat_user(found["user"], self._team())

    def page(self, cursor: str = "") -> tuple[Sequence[ChatUser], str]:
        """A thousand accounts as they are now, without their managers. Raises DirectoryError."""
        asked_at = self._accounts.clock()
        answer = self._ask("users.list", lambda: self._client.users_list(limit=PAGE, cursor=cursor or None))
        following = (answer.get("response_metadata") or {}).get("next_cursor") or ""
        team = self._team()
        users = [_chat_user(user, team) for user in answer["members"]]
        self._accounts.keep({user.id: user for user in users}, asked_at)
        return users, str(following)

    def forget(self, chat_id: str) -> None:
        """Slack said that this account changed."""
        self._users.forget(chat_id)
        self._accounts.forget(chat_id)

    def forget_group(self, group_id: str) -> None:
        """Slack said that this group changed."""
        self._groups.forget(group_id)

    def _at_hand(self, chat_ids: Collection[str]) -> dict[str, ChatUser]:
        return {**self._users.known(chat_ids), **self._accounts.known(chat_ids)}

    def _without_manager(self, chat_id: str) -> ChatUser:
        return self._accounts.get(chat_id, lambda: self._info(chat_id))

    def _info(self, chat_id: str) -> ChatUser:
        team = self._team()
        return _chat_user(self._ask("users.info", lambda: self._client.users_info(user=chat_id))["user"], team)

    def _look_up(self, chat_id: str) -> ChatUser:
        found = self._info(chat_id)
        return found if found.refused else replace(found, manager=self._manager(chat_id))

    def _team(self) -> str:
        if not self._own_team:
            self._own_team = str(self._ask("auth.test", self._client.auth_test)["team_id"])
        return self._own_team

    def _look_up_group(self, group_id: str) -> frozenset[str]:
        answer = self._ask("usergroups.users.list", lambda: self._client.usergroups_users_list(usergroup=group_id))
        return frozenset(str(member) for member in answer["users"])

    def _look_up_address(self, email: str) -> str:
        try:
            answer = self._ask("users.lookupByEmail", lambda: self._client.users_lookupByEmail(email=email))
        except NotInDirectoryError:
            return ""
        return str(answer["user"]["id"])

    def _manager(self, chat_id: str) -> str:
        """The profile's manager; nobody where the profile cannot be read, which the approvers' rule then refuses."""
        try:
            name = self._fields.get("manager", self._manager_field)
            if not name:
                return ""
            answer = self._ask("users.profile.get", lambda: self._client.users_profile_get(user=chat_id))
        except DirectoryError as error:
            log.warning("slack.no-manager", why=str(error))
            return ""
        value = ((answer["profile"].get("fields") or {}).get(name) or {}).get("value") or ""
        return str(value).split(",", maxsplit=1)[0].strip()

    def _manager_field(self) -> str:
        """The id of the custom profile field "Manager" that holds a person; empty where there is none."""
        answer = self._ask("team.profile.get", self._client.team_profile_get)
        for entry in answer["profile"].get("fields") or ():
            if entry.get("type") == "user" and str(entry.get("label", "")).strip().casefold() == "manager":
                return str(entry["id"])
        return ""

    def _ask(self, method: str, call: Callable[[], Any]) -> Any:
        if not self._asks:
            raise DirectoryError(f"{method}: not remembered")
        try:
            return call()
        except SlackApiError as error:
            code = str(error.response.get("error"))
            kind = NotInDirectoryError if code in _NOT_THERE else DirectoryError
            raise kind(f"{method}: {code}") from error
        except UNREACHABLE as error:
            raise DirectoryError(f"{method}: {type(error).__name__}") from error


def may_do_nothing(user: Mapping[str, Any]) -> bool:
    """Whether Slack's own words on an account, as in an event, refuse it; its team is not looked at."""
    return any(user.get(flag) for flag in _REFUSED)


def _chat_user(user: Mapping[str, Any], team: str) -> ChatUser:
    """From Slack's user object, without the manager; ``team`` is the only one whose members count."""
    profile, refused = user.get("profile") or {}, _refusal(user, team)
    return ChatUser(
        id=str(user["id"]),
        team=team if not refused else str(user.get("team_id") or ""),
        name=str(profile.get("real_name") or user.get("real_name") or user.get("name") or user["id"]),
        email=str(profile.get("email") or ""),
        refused=refused,
    )


def _refusal(user: Mapping[str, Any], team: str) -> str:
    for flag, why in _REFUSED.items():
        if user.get(flag):
            return why
    teams = {user.get("team_id"), *((user.get("enterprise_user") or {}).get("teams") or ())}
    return "" if team in teams else _FOREIGN
