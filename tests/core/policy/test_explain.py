"""What would be, and why; who could have what."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.model import Catalogue, Way
from bot.core.policy import Asking, Explanation, Facts, Possibility, explain, spread_out, taken_for_granted, who_can
from bot.core.rules import Auto, BreakGlass, Bundle, Caps, Escalation, Extension, Hours, Stage, TicketRule
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
    return explain(Asking(of, ALICE, ask, now, facts))


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
    assert [(stage.title, stage.needed) for stage in found.targets[0].stages] == [("Lead", 1), ("stage 2", 2)]
    assert [[person.id for person in stage.at_once] for stage in found.targets[0].stages] == [["mona"], ["otto", "sam"]]
    assert [[person.id for person in stage.later] for stage in found.targets[0].stages] == [["otto"], []]


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
    assert (found.targets[0].stages, found.longest) == ((), timedelta(0))
    assert {reason.rule for reason in found.verdict.reasons} == {"role", "account"}


def test_what_goes_without_a_word_says_which_condition_is_missing() -> None:
    of = catalogue(auto=Auto(1, HOUR, on_call="rota"))
    alone = explained(of)
    assert alone.way is Way.APPROVERS
    assert [reason.rule for reason in alone.automatic.refusals] == ["on-call"]
    facts = taken_for_granted(of.roles["s3-read"], ASK, ALICE, ["rota"])
    assert explain(Asking(of, ALICE, ASK, NOW, facts)).way is Way.AUTOMATIC


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


# --- several at once -------------------------------------------------------------------------------------

BUNDLE = Bundle("day", "A day's work", (("s3-read", {"bucket": "logs"}), ("deploy", {})))


def bundled(**changes: object) -> Catalogue:
    return replace(catalogue(**changes), bundles={"day": BUNDLE})


def several(of: Catalogue, facts: Facts | None = None, **asked: object) -> Explanation:
    ask = spread_out(of, replace(ASK, role="day", **asked), ("payments", "search"))  # type: ignore[arg-type]
    known = facts or taken_for_granted(of.roles["s3-read"], ask, ALICE)
    return explain(Asking(of, ALICE, ask, NOW, known, (known,) * len(ask.more)))


def test_of_several_what_is_so_of_all_is_said_once_and_the_rest_by_target() -> None:
    found = several(bundled(reason_min=200))
    own = {(view.item.role, view.item.account): {reason.rule for reason in view.reasons} for view in found.targets}
    assert own.keys() == {(role, account) for role in ("s3-read", "deploy") for account in ("payments", "search")}
    assert "work" in {reason.rule for reason in found.shared}
    assert {reason.rule for reason in found.targets[0].reasons if not reason.satisfied} == {"reason"}
    assert not any("work" in rules for rules in own.values())


def test_of_several_it_is_one_verdict_with_what_each_needs_to_pass() -> None:
    found = several(bundled(longest=30 * MINUTE))
    assert not found.passes
    assert found.longest == 30 * MINUTE
    assert found.remedies == tuple(
        f"s3-read in {account}: ask for 30 min or less, but for 1 min or more" for account in ("payments", "search")
    )
    assert several(bundled()).passes


def test_of_several_limits_count_all_of_them_together() -> None:
    most_three = bundled(caps=Caps(per_person=3))
    assert [reason.rule for reason in several(most_three).refusals] == ["limit", "limit"]
    assert several(bundled(caps=Caps(per_person=4))).passes


def test_of_several_each_says_who_could_approve_it() -> None:
    stage = Stage(people=frozenset({"otto"}))
    found = several(bundled(stages=(stage,)))
    first = {view.item.role: [person.id for person in view.stages[0].at_once] for view in found.targets}
    assert first == {"s3-read": ["otto"], "deploy": ["mona"]}


def test_of_several_with_one_that_is_not_offered_nothing_else_is_told() -> None:
    of = replace(bundled(), bundles={"day": replace(BUNDLE, items=(("s3-read", {}), ("vault", {})))})
    found = several(of)
    assert {reason.rule for reason in found.verdict.reasons} <= {"role", "account"}
    assert all("vault" in reason.text for reason in found.verdict.reasons)


# --- who can have a bundle -------------------------------------------------------------------------------


def test_a_bundle_is_had_by_who_could_have_each_of_its_roles() -> None:
    found = who_can(bundled(), "day", at=NOW)
    assert ways(found) == {
        ("alice", "payments", "approvers"),
        ("alice", "search", "approvers"),
        ("bob", "payments", "approvers"),
    }
    one_account = bundled(accounts=frozenset({"payments"}))
    assert {each.account for each in who_can(one_account, "day", at=NOW)} == {"payments"}
    assert who_can(one_account, "day", "search", at=NOW) == ()
    only_alice = bundled(ask=(replace(READ.ask[0], groups=frozenset(), people=frozenset({"alice"})),))
    assert {each.person.id for each in who_can(only_alice, "day", at=NOW)} == {"alice"}
    nobody = bundled(stages=(Stage(people=frozenset({"alice"})),))
    assert {each.person.id for each in who_can(nobody, "day", at=NOW)} == {"bob"}


def test_a_bundle_lasts_as_long_as_the_shortest_of_its_roles_for_one_kind_of_work() -> None:
    assert {each.longest for each in who_can(bundled(longest=HOUR), "day", at=NOW)} == {HOUR}
    assert {each.longest for each in who_can(bundled(work=("bug-fix",)), "day", at=NOW)} == {2 * HOUR}
    assert who_can(bundled(work=("other",)), "day", at=NOW) == ()


def test_a_bundle_is_had_alone_only_where_each_of_its_roles_breaks_glass() -> None:
    glass = {"break_glass": BreakGlass(30 * MINUTE), "auto": Auto(2, HOUR), "extend": Extension(HOUR, approval=False)}
    of = bundled(**glass)
    assert who_can(of, "day", at=NOW, without_a_second_human=True) == ()
    deploy = replace(of.roles["deploy"], **{**glass, "break_glass": BreakGlass(20 * MINUTE, HOUR)})
    found = who_can(
        replace(of, roles={**of.roles, "deploy": deploy}), "day", "search", at=NOW, without_a_second_human=True
    )
    assert [(each.way, each.longest) for each in found] == [(Way.BREAK_GLASS, 20 * MINUTE)]
    assert found[0].conditions == ("s3-read: is reviewed within 1 d", "deploy: is reviewed within 1 h")
