"""What would be, and why; who could have what."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.model import Catalogue, Way
from bot.core.policy import Explanation, Facts, Possibility, explain, taken_for_granted, who_can
from bot.core.rules import Auto, BreakGlass, Escalation, Extension, Hours, Stage, TicketRule
from tests.core.examples import ASK, CATALOGUE, HOUR, NOW, READ

MINUTE = timedelta(minutes=1)
SATURDAY = datetime(2026, 11, 28, 1, 0, tzinfo=UTC)
ALICE, BOB, SAM = (CATALOGUE.people[name] for name in ("alice", "bob", "sam"))
OFFICE = {
    "office": Hours("office", frozenset(range(5)), NOW.time().replace(hour=8), NOW.time().replace(hour=17), "UTC")
}


def catalogue(**changes: object) -> Catalogue:
    role = replace(READ, **changes)  # type: ignore[arg-type]
    return replace(CATALOGUE, roles={**CATALOGUE.roles, "s3-read": role}, hours=OFFICE)


def explained(of: Catalogue, now: datetime = NOW, **asked: object) -> Explanation:
    ask = replace(ASK, **asked)  # type: ignore[arg-type]
    role = of.roles.get(ask.role)
    facts = taken_for_granted(role, ask, ALICE) if role else Facts()
    return explain(of, ALICE, ask, facts, now)


def test_what_passes_says_every_rule_and_needs_no_remedy() -> None:
    found = explained(catalogue())
    assert found.passes
    assert found.remedies == ()
    assert found.way is Way.APPROVERS
    assert found.longest == 2 * HOUR
    assert {"role", "account", "duration", "approvers"} <= {reason.rule for reason in found.verdict.reasons}


def test_each_stage_says_who_could_approve_at_once_and_who_later() -> None:
    first = Stage(title="Lead", manager=True, escalate=(Escalation(HOUR, people=frozenset({"otto"})),))
    found = explained(catalogue(stages=(first, Stage(people=frozenset({"sam", "otto"}), quorum=2))))
    assert [(stage.title, stage.needed) for stage in found.stages] == [("Lead", 1), ("stage 2", 2)]
    assert [[person.id for person in stage.at_once] for stage in found.stages] == [["mona"], ["otto", "sam"]]
    assert [[person.id for person in stage.later] for stage in found.stages] == [["otto"], []]


@pytest.mark.parametrize(
    ("asked", "remedy"),
    [
        ({"duration": 9 * HOUR}, "ask for 2 h or less, but for 1 min or more"),
        ({"account": "moon"}, "ask in payments or search"),
        ({"role": "vault"}, "be named by “ask” of vault in access.yaml"),
        ({"role": "nothing"}, "ask for a role that there is"),
        ({"work": "holiday"}, "Choose the kind of work: bug-fix, incident."),
        ({"params": {"bucket": "A"}}, "Bucket must be a bucket's name."),
    ],
)
def test_a_refusal_comes_with_what_would_make_it_pass(asked: dict[str, object], remedy: str) -> None:
    found = explained(catalogue(), **asked)
    assert not found.passes
    assert remedy in found.remedies


def test_outside_of_the_hours_the_remedy_is_the_next_start_and_nothing_is_long_enough() -> None:
    found = explained(catalogue(hours="office"), SATURDAY)
    assert found.remedies == ("start at 2026-11-30 08:00 UTC",)
    assert found.longest == timedelta(0)
    assert explained(catalogue(hours="office", outside=HOUR), SATURDAY).longest == HOUR


def test_nobody_to_approve_is_the_catalogue_s_to_mend() -> None:
    found = explained(catalogue(stages=(Stage(people=frozenset({"alice"})),)))
    assert found.remedies == ("let access.yaml name more approvers who are not the requester",)


def test_fields_that_are_not_filled_in_yet_count_against_nothing() -> None:
    found = explained(catalogue(ticket=TicketRule("PAY-[0-9]+", tracker="jira")), reason="", params={})
    assert found.passes
    assert {reason.rule for reason in found.open} == {"reason", "ticket", "parameter"}
    wrong = explained(catalogue(ticket=TicketRule("PAY-[0-9]+")), ticket="OPS-1")
    assert not wrong.passes


def test_of_a_role_that_is_not_offered_nothing_more_is_told() -> None:
    found = explained(catalogue(), role="vault")
    assert (found.stages, found.longest) == ((), timedelta(0))
    assert {reason.rule for reason in found.verdict.reasons} == {"role", "account"}


def test_what_goes_without_a_word_says_which_condition_is_missing() -> None:
    of = catalogue(auto=Auto(1, HOUR, on_call="rota"))
    alone = explained(of)
    assert alone.way is Way.APPROVERS
    assert [reason.rule for reason in alone.automatic.refusals] == ["on-call"]
    facts = taken_for_granted(of.roles["s3-read"], ASK, ALICE, ["rota"])
    assert explain(of, ALICE, ASK, facts, NOW).way is Way.AUTOMATIC


def test_breaking_glass_is_explained_by_its_own_longest() -> None:
    of = catalogue(break_glass=BreakGlass(30 * MINUTE))
    found = explained(of, break_glass=True)
    assert found.way is Way.BREAK_GLASS
    assert found.longest == 30 * MINUTE
    assert found.remedies == ("ask for 30 min or less, but for 1 min or more",)


# --- who can ---------------------------------------------------------------------------------------------


def ways(found: tuple[Possibility, ...]) -> set[tuple[str, str, str]]:
    return {(each.person.id, each.account, str(each.way)) for each in found}


def test_who_can_names_everybody_who_may_ask_and_has_an_identity() -> None:
    found = who_can(catalogue(), "s3-read", at=NOW)
    assert ways(found) == {
        ("alice", "payments", "approvers"),
        ("alice", "search", "approvers"),
        ("bob", "payments", "approvers"),
    }
    assert {each.longest for each in found} == {8 * HOUR}
    assert ways(who_can(catalogue(), "s3-read", "search", at=NOW)) == {("alice", "search", "approvers")}


def test_who_can_looks_at_the_whole_catalogue() -> None:
    assert {each.role for each in who_can(catalogue(), at=NOW)} == {"db-admin", "deploy", "s3-read", "vault"}


def test_where_nobody_else_could_approve_nobody_can() -> None:
    of = catalogue(stages=(Stage(people=frozenset({"alice"})),))
    assert ways(who_can(of, "s3-read", "payments", at=NOW)) == {("bob", "payments", "approvers")}


def test_without_a_second_human_leaves_what_nobody_has_to_approve() -> None:
    plain = who_can(catalogue(), at=NOW, without_a_second_human=True)
    assert plain == ()
    of = catalogue(
        auto=Auto(2, HOUR, on_call="rota", severities=frozenset({"sev1"}), hours="office"),
        break_glass=BreakGlass(30 * MINUTE),
        extend=Extension(HOUR, approval=False),
    )
    found = {each.way: each for each in who_can(of, account="search", at=NOW, without_a_second_human=True)}
    assert found.keys() == {Way.AUTOMATIC, Way.BREAK_GLASS, Way.EXTENSION}
    said = found[Way.AUTOMATIC].conditions
    assert said[:2] == ("is on call by rota", "the ticket is sev1")
    assert said[2].startswith("within office")
    assert said[3] == "at most 2 times in 1 h"
    assert found[Way.BREAK_GLASS].longest == 30 * MINUTE
    assert found[Way.EXTENSION].conditions == ("has it already, for the first time",)


@pytest.mark.parametrize(("what", "left"), [("sensitive", {Way.BREAK_GLASS}), ("critical", set())])
def test_what_is_sensitive_or_critical_is_not_had_alone(what: str, left: set[Way]) -> None:
    of = catalogue(auto=Auto(2, HOUR, hours="office"), break_glass=BreakGlass(), **{what: True})
    assert {each.way for each in who_can(of, "s3-read", at=NOW, without_a_second_human=True)} == left


def test_at_another_time_hours_count() -> None:
    of = catalogue(hours="office", outside=HOUR, auto=Auto(2, HOUR, hours="office"))
    night = who_can(of, "s3-read", "search", at=SATURDAY)
    assert [(each.way, each.longest) for each in night] == [(Way.APPROVERS, HOUR)]
    assert {each.way for each in who_can(of, "s3-read", "search", at=NOW)} == {Way.APPROVERS, Way.AUTOMATIC}
    assert who_can(catalogue(hours="office"), "s3-read", at=SATURDAY) == ()


def test_what_lapses_is_gone_at_that_time() -> None:
    rule = replace(READ.ask[0], until=SATURDAY)
    of = catalogue(ask=(rule,))
    assert who_can(of, "s3-read", at=SATURDAY - MINUTE)
    assert who_can(of, "s3-read", at=SATURDAY) == ()
