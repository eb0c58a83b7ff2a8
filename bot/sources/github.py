"""GitHub: whether an issue is there, open, and how severe (a label says so)."""

import re
from dataclasses import dataclass, replace
from typing import Any, Final

from bot.core.policy.facts import TicketFact
from bot.core.rules import Tracker
from bot.service.sources import SourceError
from bot.sources.answers import Shape, on_one_line
from bot.sources.asking import Call, Http, base_of
from bot.sources.tokens import Tokens

KIND: Final = "github"
URL: Final = "https://api.github.com"
_WEB: Final = frozenset({"", "https://github.com", "https://www.github.com"})
_PROJECT: Final = re.compile(r"(?!\.+/)[A-Za-z0-9_.-]{1,100}/(?!\.+\Z)[A-Za-z0-9_.-]{1,100}")
_KEY: Final = re.compile(r"(?:(?P<project>[^#\s]*)#)?(?P<number>[1-9][0-9]{0,9})")
_SEVERITY: Final = re.compile(r"(?:severity|sev|priority|prio)\s*[:/=]\s*(.+)|((?:sev|p)-?[0-9])")
"""``severity: high``, ``sev/1`` … say what stands behind; ``sev1``, ``p-2`` … say themselves."""


class _Label(Shape):
    name: str | None = None


class _Issue(Shape):
    state: str
    title: str = ""
    labels: tuple[_Label | str, ...] = ()
    pull_request: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class GitHub:
    """See ports: Tickets. ``Tracker.project`` is OWNER/REPOSITORY, ``Tracker.url`` the API of your own server."""

    http: Http
    tokens: Tokens

    def look(self, tracker: Tracker, key: str) -> TicketFact:
        """``key``: ``12``, ``#12`` or ``OWNER/REPOSITORY#12``; a pull request is no ticket. Raises SourceError."""
        repository = self._repository(tracker)
        number = _number(key, tracker.project)
        if not number:
            return TicketFact(key, found=False)
        answer = self.http.ask(replace(repository, url=f"{repository.url}/issues/{number}"))
        if answer.status in {404, 410}:
            return TicketFact(key, found=False)
        answer.expect()
        told = answer.read(_Issue)
        if told.pull_request is not None:
            return TicketFact(key, found=False)
        labels = [label if isinstance(label, str) else label.name or "" for label in told.labels]
        is_open, title = told.state == "open", on_one_line(told.title)
        return TicketFact(key, found=True, open=is_open, severity=_severity(labels), title=title)

    def check(self, tracker: Tracker) -> None:
        """Raises SourceError."""
        answer = self.http.ask(self._repository(tracker))
        if answer.status == 404:
            raise SourceError(f"{tracker.id} has no {tracker.project} that our token may read", passing=False)
        answer.expect()

    def _repository(self, tracker: Tracker) -> Call:
        url = tracker.url.rstrip("/")
        base = base_of(tracker.id, URL if url in _WEB else url)
        token = self.tokens.of(tracker.id, KIND, base)
        if not _PROJECT.fullmatch(tracker.project):
            raise SourceError(f"{tracker.id} names no repository; write it as OWNER/REPOSITORY", passing=False)
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        return Call(tracker.id, f"{base}/repos/{tracker.project}", f"Bearer {token}", headers)


def _number(key: str, project: str) -> str:
    match = _KEY.fullmatch(key)
    if match is None or (match["project"] or project).lower() != project.lower():
        return ""
    return match["number"]


def _severity(labels: list[str]) -> str:
    """What the labels say; nothing where they contradict each other."""
    matches = filter(None, (_SEVERITY.fullmatch(label.strip().lower()) for label in labels))
    said = {(match[1] or match[2]).strip() for match in matches}
    return on_one_line(said.pop()) if len(said) == 1 else ""
