"""Jira Cloud: whether an issue is there, open, and how severe (its priority)."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import Field

from bot.core.policy.facts import TicketFact
from bot.core.rules import Tracker
from bot.service.sources import SourceError
from bot.sources.answers import Shape, on_one_line
from bot.sources.asking import Call, Http, base_of
from bot.sources.tokens import Tokens

KIND: Final = "jira"
OPEN: Final = frozenset({"new", "indeterminate", "undefined"})
"""Keys of status categories; ``done``, and one that is not known, are closed."""
_BROWSE: Final = "BROWSE_PROJECTS"
_KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,40}-[0-9]{1,12}")


class _Category(Shape):
    key: str


class _Status(Shape):
    category: _Category = Field(alias="statusCategory")


class _Priority(Shape):
    name: str = ""


class _Fields(Shape):
    status: _Status
    priority: _Priority | None = None
    summary: str = ""


class _Issue(Shape):
    fields: _Fields


class _Permission(Shape):
    have: bool = Field(default=False, alias="havePermission")


class _Permissions(Shape):
    permissions: Mapping[str, _Permission]


@dataclass(frozen=True, slots=True)
class Jira:
    """See ports: Tickets. ``Tracker.url`` is the site, as in https://acme.atlassian.net.

    The token is ``e-mail:API token``, else it is sent as a bearer token.
    """

    http: Http
    tokens: Tokens

    def look(self, tracker: Tracker, key: str) -> TicketFact:
        """An issue that moved is found by its old key too, as Jira does. Raises SourceError."""
        base = base_of(tracker.id, tracker.url)
        token = self.tokens.of(tracker.id, KIND, base)
        if not _KEY.fullmatch(key):
            return TicketFact(key, found=False)
        url = f"{base}/rest/api/3/issue/{key}?fields=status,priority,summary"
        answer = self.http.ask(Call(tracker.id, url, _authorization(token)))
        if answer.status == 404:
            return TicketFact(key, found=False)
        answer.expect()
        told = answer.read(_Issue).fields
        return TicketFact(
            key,
            found=True,
            open=told.status.category.key in OPEN,
            severity=on_one_line(told.priority.name).lower() if told.priority else "",
            title=on_one_line(told.summary),
        )

    def check(self, tracker: Tracker) -> None:
        """Jira answers whoever has no token too: it is asked what may be seen. Raises SourceError."""
        base = base_of(tracker.id, tracker.url)
        token = self.tokens.of(tracker.id, KIND, base)
        url = f"{base}/rest/api/3/mypermissions?permissions={_BROWSE}"
        answer = self.http.ask(Call(tracker.id, url, _authorization(token)))
        answer.expect()
        browse = answer.read(_Permissions).permissions.get(_BROWSE)
        if browse is None or not browse.have:
            raise SourceError(f"{tracker.id} shows no project to our token", passing=False)


def _authorization(token: str) -> str:
    if ":" in token:
        return f"Basic {base64.b64encode(token.encode()).decode()}"
    return f"Bearer {token}"
