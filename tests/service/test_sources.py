"""What a decision learns from sources, and what it learns when one of them fails."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from bot.core.model import Person
from bot.core.policy.facts import TicketFact
from bot.core.rules import Schedule, Tracker
from bot.service.sources import SourceError, gather_on_call, gather_ticket, in_catalogue
from tests.core.examples import CATALOGUE

AT = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
MAYA = Person("maya", "Maya", email="maya@acme.example")
JONAS = Person("jonas", "Jonas", email="Jonas@acme.example")
PEOPLE = {"maya": MAYA, "maya@acme.example": MAYA, "jonas@acme.example": JONAS}
JIRA = Tracker("jira", "jira", "https://acme.atlassian.net")


class Rotas:
    """Says who is on call by the id of the schedule; of others it cannot say."""

    def __init__(self, said: dict[str, tuple[str, ...]]) -> None:
        self.said = said

    def on_call(self, schedule: Schedule, at: datetime) -> tuple[str, ...]:
        assert at == AT
        if schedule.id not in self.said:
            raise SourceError(f"{schedule.id} is in trouble (503)", passing=True)
        return self.said[schedule.id]


class Issues:
    def look(self, tracker: Tracker, key: str) -> TicketFact:
        if key == "PAY-500":
            raise SourceError(f"{tracker.id} is in trouble (500)", passing=True)
        return TicketFact(key, found=True, open=True)


@pytest.fixture
def logged() -> Iterator[list[dict[str, object]]]:
    with capture_logs() as lines:
        yield lines  # type: ignore[misc]


def schedules(*ids: str) -> list[Schedule]:
    return [Schedule(each, "pagerduty") for each in ids]


def test_whoever_is_on_call_is_known_as_a_person_and_once(logged: list[dict[str, object]]) -> None:
    rotas = Rotas({"payments": ("maya@acme.example", "jonas@acme.example", "maya"), "quiet": ()})
    found = gather_on_call(rotas, schedules("payments", "quiet"), AT, PEOPLE.get)
    assert found == {"payments": (MAYA, JONAS), "quiet": ()}
    assert logged == []


def test_a_source_that_fails_is_absent_and_one_line_says_so(logged: list[dict[str, object]]) -> None:
    rotas = Rotas({"payments": ("maya@acme.example",)})
    assert gather_on_call(rotas, schedules("down", "payments"), AT, PEOPLE.get) == {"payments": (MAYA,)}
    (line,) = logged
    assert (line["event"], line["schedule"], line["why"]) == ("oncall.unknown", "down", "down is in trouble (503)")


def test_somebody_whom_nobody_knows_is_not_on_call() -> None:
    rotas = Rotas({"payments": ("stranger@acme.example", "jonas@acme.example")})
    assert gather_on_call(rotas, schedules("payments"), AT, PEOPLE.get) == {"payments": (JONAS,)}


def test_a_ticket_is_told_or_nothing_is_known_and_one_line_says_so(logged: list[dict[str, object]]) -> None:
    assert gather_ticket(Issues(), JIRA, "PAY-1") == TicketFact("PAY-1", found=True, open=True)
    assert logged == []
    assert gather_ticket(Issues(), JIRA, "PAY-500") is None
    (line,) = logged
    assert (line["event"], line["tracker"], line["ticket"]) == ("ticket.unknown", "jira", "PAY-500")


def test_people_are_found_by_address_whatever_its_case_or_else_by_id() -> None:
    person_of = in_catalogue(CATALOGUE)
    alice = CATALOGUE.people["alice"]
    assert person_of(str(alice.email).upper()) == alice
    assert person_of(alice.id) == alice
    assert person_of("nobody@acme.example") is None
    assert person_of("nobody") is None
