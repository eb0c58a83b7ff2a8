"""What is gathered before a decision: only what the role names, and nothing of what fails or is slow."""

import threading
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.core.model import Ask, EndReason, GrantStatus
from bot.core.policy import Facts, TicketFact
from bot.core.rules import Auto, OwnerOf, Schedule, Stage, TicketRule, Tracker
from bot.providers.fake import Fault
from bot.service.facts import Gathering, Sources
from bot.service.records import DirectoryError
from bot.service.sources import in_catalogue
from tests.core.examples import ASK, CATALOGUE, HOUR, MINUTE, NOW
from tests.service.fakes import FakeSources
from tests.service.world import World, done, refused

PAGED = Schedule("paged", "pagerduty", source="P1")
QUIET = Schedule("quiet", "opsgenie", source="O1")
ROTA = Schedule("rota", "static", people=("otto",), begins=date(2026, 11, 23))
JIRA = Tracker("jira", "jira", "https://acme.atlassian.net")
WRITTEN = replace(ASK, ticket="PAY-7")
OWNED = Stage(owner=OwnerOf("bucket", "owner"))


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with capture_logs() as lines:
        yield lines


def office(world: World, **changes: Any) -> World:
    """``s3-read`` changed so, in a catalogue that has schedules and a tracker."""
    world.change_role("s3-read", **changes)
    schedules = {each.id: each for each in (PAGED, QUIET, ROTA)}
    world.catalogue = replace(world.catalogue, schedules=schedules, trackers={"jira": JIRA})
    return world


def gather(world: World, ask: Ask = WRITTEN) -> Facts:
    return world.access.gathering.facts(world.person("alice"), ask)


# --- what it costs ---------------------------------------------------------------------------------------


def test_a_role_that_names_no_source_costs_no_question(world: World) -> None:
    office(world, ticket=TicketRule("PAY-[0-9]+"))
    assert gather(world) == world.people.facts(world.catalogue.roles["s3-read"], world.person("alice"))
    assert (world.outside.asked, world.cloud.calls) == ([], ())


def test_what_is_not_even_written_like_a_ticket_is_not_looked_up_and_not_called_unknown(world: World) -> None:
    office(world, ticket=TicketRule("PAY-[0-9]+", tracker="jira"))
    assert gather(world, replace(ASK, ticket="please")).ticket is None
    assert world.outside.asked == []
    texts = [reason.text for reason in world.access.judge(world.person("alice"), ASK).refusals]
    assert texts == ["s3-read wants a ticket such as PAY-[0-9]+."]


def test_only_the_schedules_that_the_role_names_are_asked_each_once(world: World) -> None:
    stages = (Stage(on_call="paged"), Stage(on_call="paged", manager=True))
    office(world, stages=stages, auto=Auto(3, HOUR, on_call="quiet"))
    world.outside.on_duty = {"paged": ("otto@example.com",), "quiet": ()}
    facts = gather(world)
    assert world.outside.asked == ["paged", "quiet"]
    assert facts.on_call == {"paged": (world.catalogue.people["otto"],), "quiet": ()}


# --- what is known ---------------------------------------------------------------------------------------


def test_whoever_is_on_call_is_known_as_a_person_and_once(world: World) -> None:
    office(world, stages=(Stage(on_call="paged"),))
    world.outside.on_duty["paged"] = ("OTTO@example.com", "stranger@example.com", "otto", "mona")
    assert [person.id for person in gather(world).on_call["paged"]] == ["otto", "mona"]


def test_a_ticket_is_told_as_the_tracker_has_it(world: World) -> None:
    office(world, ticket=TicketRule("PAY-[0-9]+", tracker="jira"))
    world.outside.has("PAY-7", is_open=False)
    assert gather(world).ticket == TicketFact("PAY-7", found=True, open=False)


@pytest.mark.parametrize("tag", ["otto", "Otto@example.com"])
def test_the_owner_is_whom_the_tag_of_the_resource_names(world: World, tag: str) -> None:
    office(world, stages=(OWNED,))
    world.cloud.tags["payments", "payments-logs", "owner"] = tag
    assert [person.id for person in gather(world).owners] == ["otto"]
    assert gather(world, replace(WRITTEN, params={"bucket": "payments-other"})).owners == ()


def test_an_owner_is_read_once_a_minute_and_anew_for_another_resource_or_catalogue(world: World) -> None:
    office(world, stages=(OWNED,))
    for _ in range(3):
        gather(world)
    assert world.cloud_calls() == ["owner"]
    gather(world, replace(WRITTEN, params={"bucket": "payments-other"}))
    world.catalogue = replace(world.catalogue, digest="catalogue-2")
    gather(world)
    assert world.cloud_calls() == ["owner"] * 3


def test_where_stages_name_different_owners_nobody_is_taken_for_either(world: World) -> None:
    office(world, stages=(OWNED, Stage(owner=OwnerOf("bucket", "security-owner"))))
    world.cloud.tags["payments", "payments-logs", "owner"] = "otto"
    assert gather(world).owners == ()


def test_a_provider_that_knows_no_owners_is_not_asked(world: World) -> None:
    office(world, stages=(OWNED,))
    world.providers["cloud"] = object()  # type: ignore[assignment]
    assert gather(world).owners == ()


# --- what fails ------------------------------------------------------------------------------------------


def test_a_source_that_fails_is_absent_and_one_line_says_so(world: World, logged: list[Any]) -> None:
    office(world, stages=(Stage(on_call="paged"), Stage(on_call="quiet"), OWNED))
    world.outside.on_duty["quiet"] = ("mona@example.com",)
    world.cloud.fail("owner", Fault.REFUSED)
    facts = gather(world)
    assert facts.on_call == {"quiet": (world.catalogue.people["mona"],)}
    assert facts.owners == ()
    assert facts.unknown == ("paged is in trouble (503).",), "what was refused for good will not be there later"
    lines = [(line["event"], line["what"]) for line in logged if line["event"].startswith("source.")]
    assert lines == [
        ("source.unknown", "who is on call by paged"),
        ("source.unknown", "the owner of bucket in payments"),
    ]


def test_what_a_source_breaks_with_is_nobody_too(world: World, logged: list[Any]) -> None:
    class Broken:
        def on_call(self, schedule: Schedule, at: object) -> tuple[str, ...]:
            raise ZeroDivisionError

    office(world, stages=(Stage(on_call="paged"),))
    gathering = replace(world.access.gathering, sources=Sources(on_call=Broken()))
    assert gathering.facts(world.person("alice"), WRITTEN).on_call == {}
    assert "source.failed" in [line["event"] for line in logged]


def test_sources_are_asked_at_the_same_time(world: World) -> None:
    both_asked = threading.Barrier(2)

    class Meeting(FakeSources):
        def on_call(self, schedule: Schedule, at: datetime) -> tuple[str, ...]:
            both_asked.wait(20)
            return super().on_call(schedule, at)

        def look(self, tracker: Tracker, key: str) -> TicketFact:
            both_asked.wait(20)
            return super().look(tracker, key)

    office(world, stages=(Stage(on_call="paged"),), ticket=TicketRule("PAY-[0-9]+", "", "jira"))
    meeting = Meeting()
    meeting.on_duty["paged"] = ("otto",)
    meeting.has("PAY-7")
    with ThreadPoolExecutor(2) as executor:
        gathering = replace(world.access.gathering, sources=Sources(meeting, meeting, executor))
        facts = gathering.facts(world.person("alice"), WRITTEN, within=20)
    assert (list(facts.on_call), facts.ticket) == (["paged"], TicketFact("PAY-7", found=True, open=True))


def test_what_is_slow_is_not_waited_for_and_a_rota_of_the_file_waits_behind_nobody(world: World) -> None:
    class Stuck(Executor):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
            return Future()

    office(world, stages=(Stage(on_call="paged"), Stage(on_call="rota")), ticket=TicketRule("PAY-[0-9]+", "", "jira"))
    world.outside.on_duty["rota"] = ("otto",)
    gathering = replace(world.access.gathering, sources=replace(world.access.sources, executor=Stuck()))
    facts = gathering.facts(world.person("alice"), WRITTEN, within=0.01)
    assert (facts.on_call, facts.ticket) == ({"rota": (world.catalogue.people["otto"],)}, None)
    assert facts.unknown == (
        "who is on call by paged could not be had in time.",
        "PAY-7 in jira could not be had in time.",
    )


def test_without_the_directory_facts_are_not_known_but_for_revoking(world: World) -> None:
    office(world, stages=(Stage(on_call="paged", slack_groups=frozenset({"S1"})),))
    world.outside.on_duty["paged"] = ("otto@example.com",)
    alice, gathering = world.person("alice"), world.access.gathering
    world.directory.down = True
    with pytest.raises(DirectoryError):
        gathering.facts(alice, WRITTEN)
    assert [person.id for person in gathering.facts_if_any(alice, WRITTEN).on_call["paged"]] == ["otto"]


def test_where_nobody_can_be_asked_nothing_is_known(world: World) -> None:
    office(world, stages=(Stage(on_call="paged"),), ticket=TicketRule("PAY-[0-9]+", tracker="jira"))
    gathering = Gathering(world.people, world.providers, Sources(), world.clock.now)
    facts = gathering.facts(world.person("alice"), WRITTEN)
    assert (facts.on_call, facts.ticket, facts.unknown) == ({}, None, ())


# --- what comes of it ------------------------------------------------------------------------------------


def test_whoever_is_on_call_approves_and_their_handover_before_the_start_takes_nothing_back(world: World) -> None:
    office(world, stages=(Stage(on_call="paged"),))
    world.outside.on_duty["paged"] = ("otto@example.com",)
    request = world.asked(start_at=NOW + 2 * HOUR)
    assert refused(world.approve(request, "mona")).code == "policy"
    (grant,) = done(world.approve(request, "otto")).grants
    approved_at, asked = world.clock.now(), len(world.outside.moments)
    world.later(2 * HOUR)
    assert world.grant(grant.id).status is GrantStatus.ACTIVE
    assert world.outside.moments[asked:] == [approved_at], "it is asked who was on call then"


def test_the_owner_of_the_resource_approves_and_nobody_else(world: World) -> None:
    office(world, stages=(OWNED,))
    world.cloud.tags["payments", "payments-logs", "owner"] = "otto"
    request = world.asked()
    assert refused(world.approve(request, "mona")).code == "policy"
    done(world.approve(request, "otto"))


def test_a_start_waits_for_a_tracker_that_may_yet_say_and_ends_if_it_never_does(world: World) -> None:
    office(world, ticket=TicketRule("PAY-[0-9]+", tracker="jira", must_be_open=True))
    world.outside.has("PAY-7")
    grant = world.scheduled(ticket="PAY-7")
    del world.outside.tickets["PAY-7"]
    world.run()
    assert world.grant(grant.id).status is GrantStatus.SCHEDULED
    world.outside.has("PAY-7")
    world.later(MINUTE)
    assert world.grant(grant.id).status is GrantStatus.ACTIVE
    never = world.scheduled(ticket="PAY-7", account="search")
    world.outside.tickets.clear()
    world.later(2 * HOUR)
    assert world.grant(never.id).end_reason is EndReason.EXPIRED


def test_a_ticket_that_was_closed_before_the_start_is_no_longer_enough(world: World) -> None:
    office(world, ticket=TicketRule("PAY-[0-9]+", tracker="jira", must_be_open=True))
    world.outside.has("PAY-7")
    grant = world.scheduled(ticket="PAY-7")
    world.outside.has("PAY-7", is_open=False)
    world.run()
    ended = world.grant(grant.id)
    assert (ended.end_reason, ended.end_note) == (
        EndReason.FAILED,
        "PAY-7 is closed; name one that is open, or open it again.",
    )


def test_revoking_asks_no_source_for_an_admin(world: World) -> None:
    office(world, stages=(Stage(on_call="paged"),))
    world.outside.on_duty["paged"] = ("otto@example.com",)
    request = world.asked()
    (grant,) = done(world.approve(request, "otto")).grants
    before = len(world.outside.asked)
    assert world.access.may_revoke(grant.id, world.person("sam"))
    assert len(world.outside.asked) == before
    assert world.access.may_revoke(grant.id, world.person("otto"))
    assert not world.access.may_revoke(grant.id, world.person("mona"))


def test_people_are_found_by_address_whatever_its_case_or_else_by_id() -> None:
    person_of = in_catalogue(CATALOGUE)
    alice = CATALOGUE.people["alice"]
    assert person_of(str(alice.email).upper()) == alice
    assert person_of(alice.id) == alice
    assert person_of("nobody@acme.example") is None
    assert person_of("nobody") is None
