"""Reads cases.yaml: what each case gives to the rules, and what it expects."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bot import catalogue as catalogue_files
from bot.core.duration import parse_duration, parse_moment
from bot.core.model import (
    AccessRequest,
    Approval,
    Ask,
    Catalogue,
    Grant,
    GrantStatus,
    Item,
    Person,
    RequestStatus,
    StepUp,
    StepUpPolicy,
    StepUpRule,
)
from bot.core.policy import EVER, Approving, Asking, Away, Facts, Live, TicketFact

FILE = Path(__file__).with_name("cases.yaml")
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
NOW = MONDAY + timedelta(hours=10)
TABLE_KEYS = {"about", "kind", "role", "company", "patch", "gone", "cases"}
CASE_KEYS = {"case", "who", "by", "at", "waits", "ask", "facts", "more_facts", "asked", "yeses", "noes", "proof"}
EXPECTED = {"refuses", "says", "stages", "accounts", "counted", "complete", "denied"}

Node = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Case:
    """One row of a table."""

    about: str
    kind: str
    table: Node
    row: Node
    text: str = field(repr=False)
    """The access.yaml of its table."""

    @property
    def name(self) -> str:
        return f"{self.about}: {self.row['case']}"

    @property
    def catalogue(self) -> Catalogue:
        built = _catalogue(self.text)
        patch = {key: _patched(key, value) for key, value in self.table.get("patch", {}).items()}
        roles = {**built.roles, "write": replace(built.roles["write"], **patch)}
        if self.table.get("gone"):
            del roles["write"]
        return replace(built, roles=roles)

    @property
    def now(self) -> datetime:
        at = self.row.get("at")
        if at is None:
            return NOW
        if isinstance(at, datetime):
            return at.astimezone(UTC)
        return parse_moment(at, "Europe/Vienna", MONDAY - timedelta(hours=1, seconds=1))

    @property
    def requester(self) -> Person:
        return self.person(self.row.get("who", "maya"))

    def person(self, name: str) -> Person:
        people = self.catalogue.people
        if name in people:
            return people[name]
        if name.endswith("'s other"):
            whose = people[name.removesuffix("'s other")]
            return Person("other", "Another account", whose.email, frozenset({"W0OTHER"}))
        assert name.startswith("stranger"), name
        email = name.partition("@")[2] and name
        return Person("slack:U0STRANGER", "Stranger", email or None, frozenset({"U0STRANGER"}))

    @property
    def ask(self) -> Ask:
        given = dict(self.row.get("ask", {}))
        duration = given.pop("duration", "1h")
        more = [Item(each["role"], each["account"], each.get("params", {})) for each in given.pop("more", [])]
        more += [Item("write", "prod", {"bucket": "logs", "prefix": "x" * n}) for n in range(1, given.pop("fill", 1))]
        if "start_at" in given:
            given["start_at"] = given["start_at"].astimezone(UTC)
        if given.get("ticket") == "{x*101}":
            given["ticket"] = "x" * 101
        values: Node = {
            "requester": self.requester.id,
            "role": "write",
            "account": "prod",
            "params": {"bucket": "logs", "prefix": "app/"},
            "work": "incident",
            "reason": "The nightly export is broken.",
            "duration": timedelta(0) if duration == "0s" else parse_duration(duration),
            "more": tuple(more),
            **given,
        }
        return Ask(**values)

    @property
    def asking(self) -> Asking:
        more = tuple(self.facts(each) for each in self.row.get("more_facts", []))
        return Asking(self.catalogue, self.requester, self.ask, self.now, self.facts(self.row.get("facts", {})), more)

    @property
    def waited(self) -> timedelta:
        waits = self.row.get("waits", "1s")
        return EVER if waits == "ever" else parse_duration(waits)

    @property
    def approving(self) -> Approving:
        approver = self.person(self.row["by"])
        asked_at = self.now - self.waited
        asked = self.row.get("asked") or [person.id for person in _everyone(self)]
        request = AccessRequest(
            id="r-1",
            ask=self.ask,
            status=RequestStatus.PENDING,
            asked_at=asked_at,
            lapses_at=asked_at + timedelta(hours=4),
            principal="user/maya",
            policy="[]",
            catalogue_digest="1",
            approvers_asked=tuple(asked),
            channel="C0APPROVALS",
            approvals=tuple(Approval(person, asked_at, asked_at) for person in self.row.get("yeses", [])),
        )
        facts = self.facts(self.row.get("facts", {}))
        return Approving(
            self.catalogue, request, self.requester, approver, facts, self._proof(approver, request), self.now
        )

    def _proof(self, approver: Person, request: AccessRequest) -> StepUp | None:
        said = self.row.get("proof", "0s")
        if said == "none":
            return None
        if said == "other":
            return StepUp("s-1", approver.id, self.now, "something else")
        age = timedelta(0) if said == "0s" else parse_duration(said)
        return StepUp("s-1", approver.id, self.now - age, request.digest())

    def facts(self, given: Node) -> Facts:
        now = self.now
        people = lambda names: tuple(map(self.person, names))  # noqa: E731
        groups = lambda each: {key: people(names) for key, names in each.items()}  # noqa: E731
        reads: dict[str, tuple[str, Callable[[Any], object]]] = {
            "requester_refused": ("requester_refused", str),
            "extended": ("extended", bool),
            "extends_glass": ("extends_glass", bool),
            "pairs": ("pairs", dict),
            "manager": ("manager", self.person),
            "slack_groups": ("slack_groups", groups),
            "on_call": ("on_call", groups),
            "owners": ("owners", people),
            "ticket": ("ticket", lambda said: TicketFact(**said)),
            "away": ("away", lambda said: {who: _away(each, now) for who, each in said.items()}),
            "live": ("live", lambda counts: Live(*counts)),
            "denied": ("denied_at", lambda ago: now - _length(ago)),
            "automatic": ("automatic", lambda times: tuple(now - _length(ago) for ago in times)),
            "owes_review": ("owes_review", tuple),
            "extending": ("extending", self._grant),
        }
        made: Node = {reads[key][0]: reads[key][1](said) for key, said in given.items()}
        return Facts(**made)

    def _grant(self, given: Node) -> Grant:
        return Grant(
            id="g-1",
            request_id="r-0",
            person=given.get("person", "maya"),
            role=given.get("role", "write"),
            account=given.get("account", "prod"),
            provider="aws_iam",
            principal="user/maya",
            policy="[]",
            digest="1",
            status=GrantStatus(given.get("status", "active")),
            starts_at=self.now - timedelta(hours=1),
            expires_at=self.now + _length(given.get("ends_in", "30m")),
        )


def cases(kind: str = "") -> list[Case]:
    """Every case, or those of one kind of table."""
    return [case for case in _all() if kind in ("", case.kind)]


@cache
def _all() -> tuple[Case, ...]:
    return tuple(_cases())


def _cases() -> Iterator[Case]:
    for table in _document()["tables"]:
        assert table.keys() <= TABLE_KEYS, table.keys() - TABLE_KEYS
        text = _text(table)
        for row in table["cases"]:
            assert row.keys() <= CASE_KEYS | EXPECTED, (row, row.keys() - CASE_KEYS - EXPECTED)
            yield Case(table["about"], table["kind"], table, row, text)


@cache
def _document() -> Node:
    read: Node = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return read


def _text(table: Node) -> str:
    company = _merged(_document()["company"], table.get("company", {}))
    company["roles"] = {**company["roles"], "write": {**company["roles"]["write"], **table.get("role", {})}}
    return yaml.safe_dump(company, sort_keys=False, allow_unicode=True)


@cache
def _catalogue(text: str) -> Catalogue:
    """Through the loader, as a file is: what stands in a table is what may stand in access.yaml."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "access.yaml"
        file.write_text(text, encoding="utf-8")
        return catalogue_files.load(file)


def _merged(one: Node, other: Node) -> Node:
    return {**one, **{k: _merged(one[k], v) if isinstance(one.get(k), dict) else v for k, v in other.items()}}


def _patched(key: str, value: object) -> object:
    return StepUpPolicy(StepUpRule(str(value))) if key.endswith("step_up") else value


def _length(text: str) -> timedelta:
    return timedelta(0) if text == "0s" else parse_duration(text)


def _away(said: Node, now: datetime) -> Away:
    return Away(now + _length(said["for"]), said.get("delegate"))


def _everyone(case: Case) -> list[Person]:
    """Who was asked: whoever could approve when it was, before anybody went away."""
    from bot.core.policy import approver_set

    role = case.catalogue.roles.get("write")
    facts = replace(case.facts(case.row.get("facts", {})), away={})
    return list(approver_set(case.catalogue, role, case.requester, facts, waited=EVER, now=case.now)) if role else []
