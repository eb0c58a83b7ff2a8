"""Linear: whether an issue is there, open, and how severe (its priority)."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from pydantic import Field

from bot.core.policy.facts import TicketFact
from bot.core.rules import Tracker
from bot.service.sources import SourceError
from bot.sources.answers import Answer, Shape, on_one_line
from bot.sources.asking import Call, Http, base_of
from bot.sources.tokens import Tokens

KIND: Final = "linear"
URL: Final = "https://api.linear.app/graphql"
OPEN: Final = frozenset({"triage", "backlog", "unstarted", "started"})
"""Types of states; ``completed``, ``canceled``, ``duplicate``, and one that is not known, are closed."""
QUERY: Final = "query($id: String!) { issue(id: $id) { title priority priorityLabel trashed state { type } } }"
CHECK: Final = "query { issues(first: 1) { nodes { id } } }"
_KEY: Final = re.compile(r"[A-Za-z0-9]{1,40}-[0-9]{1,12}")
_NOT_FOUND: Final = "Entity not found"


class _Extensions(Shape):
    code: str = ""
    type: str = ""


class _Error(Shape):
    message: str = ""
    extensions: _Extensions = _Extensions()


class _State(Shape):
    type: str


class _Issue(Shape):
    title: str = ""
    priority: float = 0
    """0: none."""
    label: str = Field(default="", alias="priorityLabel")
    trashed: bool | None = None
    state: _State


class _Issues(Shape):
    """Some of them; what they are does not matter."""


class _Data(Shape):
    issue: _Issue | None = None
    issues: _Issues | None = None


class _Reply(Shape):
    data: _Data | None = None
    errors: tuple[_Error, ...] = ()


@dataclass(frozen=True, slots=True)
class Linear:
    """See ports: Tickets. ``Tracker.url`` may be left at https://linear.app, with or without the workspace."""

    http: Http
    tokens: Tokens

    def look(self, tracker: Tracker, key: str) -> TicketFact:
        """``key``: as in ENG-123. Raises SourceError."""
        call = self._call(tracker, {"query": QUERY, "variables": {"id": key}})
        if not _KEY.fullmatch(key):
            return TicketFact(key, found=False)
        issue = _issue(self.http.ask(call))
        if issue is None or issue.trashed:
            return TicketFact(key, found=False)
        severity = on_one_line(issue.label).lower() if issue.priority else ""
        is_open, title = issue.state.type in OPEN, on_one_line(issue.title)
        return TicketFact(key, found=True, open=is_open, severity=severity, title=title)

    def check(self, tracker: Tracker) -> None:
        """Raises SourceError."""
        answer = self.http.ask(self._call(tracker, {"query": CHECK}))
        told = _understood(answer)
        if told.errors or told.data is None or told.data.issues is None:
            raise SourceError(f"{tracker.id} shows no issues to our token", passing=False)

    def _call(self, tracker: Tracker, question: Mapping[str, object]) -> Call:
        url = base_of(tracker.id, tracker.url or URL)
        url = URL if urlsplit(url).hostname == "linear.app" else url
        token = self.tokens.of(tracker.id, KIND, url)
        authorization = token if token.startswith("lin_api_") else f"Bearer {token}"
        return Call(tracker.id, url, authorization, body=json.dumps(question).encode())


def _issue(answer: Answer) -> _Issue | None:
    """The issue, ``None`` where there is none. Raises SourceError."""
    told = _understood(answer)
    if told.errors and all(error.message.startswith(_NOT_FOUND) for error in told.errors):
        return None
    answer.expect()
    if told.errors or told.data is None:
        raise SourceError(f"{answer.source} answered with errors", passing=True)
    return told.data.issue


def _understood(answer: Answer) -> _Reply:
    """What it says. Errors come with 200 or 400. Raises SourceError where it was asked too often, or by nobody."""
    if answer.status != 400:
        answer.expect()
    told = answer.read(_Reply)
    codes = {word for error in told.errors for word in (error.extensions.code.upper(), error.extensions.type.upper())}
    if "RATELIMITED" in codes:
        raise SourceError(f"{answer.source} was asked too often", passing=True, retry_after=answer.retry_after)
    if codes & {"AUTHENTICATION_ERROR", "FORBIDDEN"}:
        raise SourceError(f"{answer.source} does not take our token", passing=False)
    return told
