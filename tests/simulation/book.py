"""What the audit log alone tells: where every request and grant stands, by a table of its own."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.simulation.tasks import Broken

REQUEST_TAGS = {
    "request.submitted": ((), "pending"),
    "request.glass-broken": (("pending",), "pending"),
    "request.reviewed": (("approved",), "approved"),
    "request.approval-added": (("pending",), "pending"),
    "request.denial-added": (("pending",), "pending"),
    "request.approved": (("pending",), "approved"),
    "request.denied": (("pending",), "denied"),
    "request.cancelled": (("pending",), "cancelled"),
    "request.lapsed": (("pending",), "lapsed"),
}
GRANT_TAGS = {
    "grant.scheduled": ((), "scheduled"),
    "grant.started": (("scheduled",), "granting"),
    "grant.active": (("granting",), "active"),
    "grant.revoking": (("granting", "active"), "revoking"),
    "grant.ended": (("scheduled", "revoking"), "ended"),
}
"""Tag: where it must stand before (nowhere: it is new), and where it stands then."""


@dataclass(slots=True)
class Entry:
    """A request or a grant, as far as the log tells."""

    status: str
    request_id: str
    person: str
    writes: int = 0
    """As many times its record was written: once in each transaction that logged a transition of it."""
    commit: int = 0
    """The last of them."""
    at: dict[str, datetime] = field(default_factory=dict)
    """When (the database's clock) each tag was logged."""
    data: dict[str, Any] = field(default_factory=dict)
    """What its records say, the newer over the older."""

    said_yes: list[str] = field(default_factory=list)
    """Person ids of who approved."""

    @property
    def is_open(self) -> bool:
        return self.status in {"pending", "scheduled", "granting", "active", "revoking"}


@dataclass(slots=True)
class Away:
    """Somebody is away from ``since`` to ``until`` (the database's clock); ``delegate`` may be empty."""

    person: str
    since: datetime
    until: datetime
    delegate: str


class Book:
    """Requests and grants by id."""

    def __init__(self) -> None:
        self.requests: dict[str, Entry] = {}
        self.grants: dict[str, Entry] = {}
        self.proofs: list[tuple[str, datetime, str]] = []
        """(person, when, the digest confirmed) of every code that counted."""
        self.overdue: list[str] = []
        self.absences: list[Away] = []
        self._commit = 0

    def next_commit(self) -> None:
        """What is read from now on was logged by another transaction."""
        self._commit += 1

    def read(self, record: dict[str, Any], at: datetime) -> None:
        """Take one record of the log in. Raises Broken for a transition that there is not."""
        tag = record["tag"]
        if tag in REQUEST_TAGS:
            self._move(self.requests, record["request_id"], REQUEST_TAGS[tag], record, at)
        elif tag in GRANT_TAGS:
            self._move(self.grants, record["grant_id"], GRANT_TAGS[tag], record, at)
        elif tag == "step-up.passed":
            self.proofs.append((record["person"], at, record["data"]["confirms"]))
        elif tag == "absence.set":
            self._is_back(record["person"], at)
            until = datetime.fromisoformat(record["data"]["until"])
            self.absences.append(Away(record["person"], at, until, record["data"]["delegate"]))
        elif tag == "absence.ended":
            self._is_back(record["person"], at)
        elif tag == "grant.overdue":
            self.overdue.append(record["grant_id"])

    def away(self, at: datetime) -> dict[str, str]:
        """Who was away then, and who stood in (person ids; empty: nobody)."""
        return {each.person: each.delegate for each in self.absences if each.since <= at < each.until}

    def stopped(self, grant_id: str) -> bool:
        """Whether it was ended otherwise than by its time."""
        data = self.grants[grant_id].data if grant_id in self.grants else {}
        return data.get("reason", "expired") != "expired"

    def grants_of(self, request_id: str) -> list[str]:
        """Ids of the request's grants."""
        return [key for key, entry in self.grants.items() if entry.request_id == request_id]

    def extensions(self, grant_id: str) -> list[str]:
        """Ids of the requests to go on from it that wait or were approved."""
        return [
            key
            for key, entry in self.requests.items()
            if entry.data.get("extends") == grant_id and entry.status in {"pending", "approved"}
        ]

    def owed(self, person: str) -> list[str]:
        """Ids of the requests for which they broke glass and that nobody has reviewed."""
        return [key for key in self.all_owed() if self.requests[key].person == person]

    def all_owed(self) -> list[str]:
        """The same of everybody."""
        broken = (key for key, entry in self.requests.items() if "request.glass-broken" in entry.at)
        return [key for key in broken if "request.reviewed" not in self.requests[key].at]

    def open_requests(self) -> list[str]:
        return [key for key, entry in self.requests.items() if entry.is_open]

    def open_grants(self) -> list[str]:
        return [key for key, entry in self.grants.items() if entry.is_open]

    def _is_back(self, person: str, at: datetime) -> None:
        for each in self.absences:
            if each.person == person:
                each.until = min(each.until, at)

    def _move(
        self,
        entries: dict[str, Entry],
        key: str,
        rule: tuple[tuple[str, ...], str],
        record: dict[str, Any],
        at: datetime,
    ) -> None:
        before, after = rule
        if record["data"].get("adopted"):
            before = ()  # nobody asked for it
        entry = entries.get(key)
        stood = () if entry is None else (entry.status,)
        if (stood != () and stood[0] not in before) or (stood == () and before != ()):
            raise Broken(f"I4/I5: {record['tag']} of {key} is logged, which was {stood or 'not there'}")
        if entry is None:
            entry = entries[key] = Entry(after, record["request_id"], record["person"])
        entry.status = after
        entry.writes += entry.commit != self._commit
        entry.commit = self._commit
        entry.at[record["tag"]] = at
        entry.data |= record["data"]
        if record["tag"] in {"request.approval-added", "request.approved"}:
            entry.said_yes.append(record["actor"]["id"])
