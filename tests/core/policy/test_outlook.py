"""What a form that is still being filled in foretells."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.model import Catalogue, StepUpPolicy, StepUpRule
from bot.core.policy import (
    NOTHING,
    Asking,
    Condition,
    Facts,
    Outlook,
    StageOutlook,
    TicketFact,
    Unknown,
    outlook,
    spread_out,
    with_granted,
)
from bot.core.rules import Auto, Bundle, Caps, Hours, OwnerOf, Stage, TicketRule
from tests.core.examples import ASK, CATALOGUE, HOUR, NOW, READ

MINUTE, WEEK = timedelta(minutes=1), timedelta(days=7)
SATURDAY = datetime(2026, 11, 28, 1, 0, tzinfo=UTC)
ALICE = CATALOGUE.people["alice"]
OFFICE = Hours("office", frozenset(range(5)), NOW.time().replace(hour=8), NOW.time().replace(hour=17), "UTC")
LEADS = frozenset({"leads"})


def catalogue(**changes: object) -> Catalogue:
    role = replace(READ, **changes)  # type: ignore[arg-type]
    return replace(CATALOGUE, roles={**CATALOGUE.roles, "s3-read": role}, hours={"office": OFFICE})


def foretold(
    of: Catalogue, facts: Facts = NOTHING, now: datetime = NOW, blank: tuple[str, ...] = (), **asked: object
) -> Outlook:
    ask = replace(ASK, **asked)  # type: ignore[arg-type]
    found = outlook(Asking(of, ALICE, ask, now, facts), blank)
    assert found is not None
    return found


def stages_of(found: Outlook) -> tuple[StageOutlook, ...]:
    (role,) = found.roles
    return role.stages


def rules(found: Outlook) -> list[str]:
    return [reason.rule for reason in found.refusals]


# --- what is refused -------------------------------------------------------------------------------------


def test_without_a_role_that_is_offered_nothing_is_foretold() -> None:
    for role in ("", "nothing", "vault"):
        assert outlook(Asking(CATALOGUE, ALICE, replace(ASK, role=role), NOW)) is None


def test_what_is_not_filled_in_yet_refuses_nothing() -> None:
    of = catalogue(ticket=TicketRule("PAY-[0-9]+", tracker="jira"))
    empty = {"account": "", "work": "", "params": {}, "reason": "", "duration": timedelta(0)}
    assert foretold(of, blank=("account", "work", "duration"), **empty).refusals == ()


def test_what_is_still_being_typed_is_not_told_at_every_choice_before() -> None:
    of = catalogue(ticket=TicketRule("PAY-[0-9]+"))
    assert foretold(of, reason="too", ticket="OPS", params={"bucket": "A"}).refusals == ()


@pytest.mark.parametrize(
    ("asked", "refuses"),
    [
        ({"account": "moon"}, ["account"]),
        ({"work": "holiday"}, ["work"]),
        ({"duration": 9 * HOUR}, ["duration"]),
        ({"start_at": NOW + 30 * WEEK}, ["start"]),
    ],
)
def test_what_is_chosen_and_would_be_refused_is_told(asked: dict[str, object], refuses: list[str]) -> None:
    assert rules(foretold(catalogue(), **asked)) == refuses


def test_outside_of_the_hours_it_is_refused_or_shorter_and_says_which_hours() -> None:
    shut = foretold(catalogue(hours="office"), now=SATURDAY)
    assert (rules(shut), shut.longest) == (["hours"], timedelta(0))
    short = foretold(catalogue(hours="office", outside=HOUR), now=SATURDAY)
    assert (rules(short), short.longest) == ([], HOUR)
    assert short.limit.startswith("outside of office (Mon–Fri")
    assert foretold(catalogue(hours="office", outside=HOUR)).limit == "for Bug fix"


def test_a_start_that_is_chosen_is_what_the_hours_are_looked_at_for() -> None:
    assert rules(foretold(catalogue(hours="office"), start_at=NOW + timedelta(hours=12))) == ["hours"]


def test_the_kind_of_work_limits_and_none_chosen_shows_the_longest_there_is() -> None:
    assert (foretold(catalogue()).longest, foretold(catalogue()).limit) == (2 * HOUR, "for Bug fix")
    open_yet = foretold(catalogue(), blank=("work",), work="")
    assert (open_yet.longest, open_yet.limit) == (8 * HOUR, "")


# --- who will be asked -----------------------------------------------------------------------------------


def test_each_stage_names_who_will_be_asked_and_never_the_requester() -> None:
    stages = (
        Stage(title="Lead", manager=True, groups=LEADS),
        Stage(title="Security", people=frozenset({"sam", "alice"})),
    )
    found = foretold(catalogue(stages=stages))
    assert [(stage.view.title, [p.id for p in stage.view.at_once]) for stage in stages_of(found)] == [
        ("Lead", ["mona", "otto"]),
        ("Security", ["sam"]),
    ]


def test_nobody_to_approve_is_told_but_not_where_others_could_who_are_not_known() -> None:
    assert rules(foretold(catalogue(stages=(Stage(people=frozenset({"alice"})),)))) == ["approvers"]
    found = foretold(catalogue(stages=(Stage(slack_groups=frozenset({"S1"}), on_call="rota"),)))
    assert found.refusals == ()
    assert stages_of(found)[0].unknown == (Unknown("slack_group", "S1"), Unknown("on_call", "rota"))


def test_who_is_known_is_named_instead() -> None:
    stage = Stage(slack_groups=frozenset({"S1"}), on_call="rota", owner=OwnerOf("bucket", "owner"))
    mona, otto, sam = (CATALOGUE.people[name] for name in ("mona", "otto", "sam"))
    facts = Facts(slack_groups={"S1": (otto,)}, on_call={"rota": (mona,)}, owners=(sam,))
    (named,) = stages_of(foretold(catalogue(stages=(stage,)), facts))
    assert [person.id for person in named.view.at_once] == ["mona", "otto", "sam"]
    assert named.unknown == ()
    (open_yet,) = stages_of(foretold(catalogue(stages=(stage,))))
    assert Unknown("owner", "bucket") in open_yet.unknown


def test_the_chat_s_manager_is_not_known_where_neither_says_who_that_is() -> None:
    bob = CATALOGUE.people["bob"]
    asking = Asking(catalogue(stages=(Stage(manager=True),)), bob, replace(ASK, requester="bob"), NOW)
    found = outlook(asking)
    assert found is not None
    assert stages_of(found)[0].unknown == (Unknown("manager"),)
    known = outlook(replace(asking, facts=Facts(manager=CATALOGUE.people["mona"])))
    assert known is not None
    assert stages_of(known)[0].unknown == ()


def test_what_is_critical_says_so() -> None:
    always = StepUpPolicy(StepUpRule.ALWAYS)
    stages = (Stage(people=frozenset({"mona", "otto"}), quorum=2),)
    assert foretold(catalogue(critical=True, stages=stages, approve_step_up=always)).critical


# --- without a word --------------------------------------------------------------------------------------


def conditions(found: Outlook) -> list[tuple[str, bool | None]]:
    return [(each.text.partition(" (")[0], each.holds) for each in found.automatic]


AUTO = Auto(3, WEEK, on_call="rota", severities=frozenset({"sev1", "sev2"}), hours="office")


def test_every_condition_is_told_and_what_nobody_could_say_is_open() -> None:
    found = foretold(catalogue(auto=AUTO))
    assert conditions(found) == [
        ("you are on call", None),
        ("the ticket is sev1 or sev2", None),
        ("it begins within office", True),
        ("you had it this way fewer than 3 times in 7 d", None),
    ]


def test_what_is_known_holds_or_does_not() -> None:
    ticket = TicketFact("PAY-1", found=True, open=True, severity="sev1")
    yes = Facts(on_call={"rota": (ALICE,)}, ticket=ticket, automatic=())
    of = catalogue(auto=AUTO)
    assert [each.holds for each in foretold(of, yes, ticket="PAY-1").automatic] == [True] * 4
    low = replace(ticket, severity="sev4")
    no = Facts(on_call={"rota": ()}, ticket=low, automatic=(NOW - HOUR,) * 3)
    assert conditions(foretold(of, no, SATURDAY - timedelta(days=3), ticket="PAY-1")) == [
        ("you are not on call", False),
        ("the ticket is not sev1 or sev2", False),
        ("it begins outside of office", False),
        ("you had it this way 3 times in 7 d already", False),
    ]


@pytest.mark.parametrize("what", ["sensitive", "critical"])
def test_what_is_sensitive_or_critical_never_goes_without_a_word(what: str) -> None:
    assert foretold(catalogue(auto=AUTO, **{what: True})).automatic == ()
    assert foretold(catalogue()).automatic == ()


# --- what is taken for granted ---------------------------------------------------------------------------


def test_only_what_nobody_could_say_is_taken_for_granted_and_told_where_it_matters() -> None:
    of = catalogue(auto=AUTO, caps=Caps(per_person=1), ticket=TicketRule(".*", tracker="jira"))
    asking, told = with_granted(Asking(of, ALICE, ASK, NOW, Facts(automatic=(NOW,))))
    assert asking.facts.automatic == (NOW,)
    assert asking.facts.live is not None
    assert told == ("the ticket is there and open", "no limit is reached and nothing was denied lately")
    assert with_granted(Asking(catalogue(), ALICE, ASK, NOW))[1] == ()


def test_a_condition_reads_as_part_of_a_sentence() -> None:
    assert foretold(catalogue(auto=Auto(3, WEEK, on_call="rota"))).automatic[0] == Condition(
        "you are on call (rota)", None
    )


# --- several at once -------------------------------------------------------------------------------------


def foretold_of_a_bundle(
    of: Catalogue, *facts: Facts, blank: tuple[str, ...] = (), account: str = "payments"
) -> Outlook:
    bundle = Bundle("day", "A day's work", (("s3-read", {"bucket": "logs"}), ("deploy", {})))
    of = replace(of, bundles={"day": bundle})
    ask = spread_out(of, replace(ASK, role="day", account=account))
    found = outlook(Asking(of, ALICE, ask, NOW), blank)
    assert found is not None
    return found


def test_of_a_bundle_each_role_names_who_will_be_asked_and_where_others_come_from() -> None:
    found = foretold_of_a_bundle(catalogue(title="Read", stages=(Stage(people=frozenset({"otto"})),)))
    asked = [(role.title, [person.id for person in role.stages[0].view.at_once]) for role in found.roles]
    assert asked == [("Read", ["otto"]), ("Deploy", ["mona"])]
    assert [role.stages[0].unknown for role in found.roles] == [(), (Unknown("slack_group", "S1"),)]
    assert found.refusals == ()


def test_of_a_bundle_only_the_role_whose_approvers_are_known_is_refused_for_having_none() -> None:
    found = foretold_of_a_bundle(catalogue(stages=(Stage(people=frozenset({"alice"})),)))
    assert [(reason.rule, reason.text.partition(":")[0]) for reason in found.refusals] == [
        ("approvers", "s3-read in payments")
    ]
    open_yet = catalogue(stages=(Stage(slack_groups=frozenset({"S2"})),))
    assert foretold_of_a_bundle(open_yet).refusals == ()


def test_of_a_bundle_it_is_as_long_as_its_shortest_role_and_never_without_a_word() -> None:
    found = foretold_of_a_bundle(catalogue(longest=HOUR, auto=Auto(3, WEEK)))
    assert (found.longest, found.limit, found.automatic) == (HOUR, "", ())


def test_of_a_bundle_that_is_not_filled_in_yet_nothing_is_refused() -> None:
    of = catalogue(shortest=20 * MINUTE, accounts=frozenset({"payments"}), work=("incident",))
    assert foretold_of_a_bundle(of, blank=("account", "work", "duration"), account="").refusals == ()


def test_the_same_role_in_several_accounts_is_told_once() -> None:
    ask = spread_out(catalogue(), ASK, ("payments", "search"))
    found = outlook(Asking(catalogue(), ALICE, ask, NOW))
    assert found is not None
    assert len(found.roles) == 1
