"""The lifecycle beyond one target and one yes: several noes, several targets, no approver, claims and reviews."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core import commands as c
from bot.core.decisions import AHEAD, Decision, Refusal, State
from bot.core.lifecycle import decide
from bot.core.model import (
    AccessRequest,
    Approval,
    Denial,
    EndReason,
    Grant,
    GrantStatus,
    Item,
    Part,
    RequestStatus,
    Review,
    Way,
)
from tests.core.examples import ASK, HOUR, MINUTE, NO, NOW, PENDING, YES, actor

GIVING = c.Giving(("g-1",), ("cloud",), 10 * MINUTE)
GIVING_TWO = c.Giving(("g-1", "g-2"), ("cloud", "other-cloud"), 10 * MINUTE)
TWO_TARGETS = replace(
    PENDING,
    ask=replace(ASK, more=(Item("deploy", "search", {"service": "web"}),)),
    more_parts=(Part("role/alice", "[]"),),
)
GLASS = replace(
    PENDING, ask=replace(ASK, break_glass=True), way=Way.BREAK_GLASS, review=Review(NOW + timedelta(hours=24))
)


def done(state: State, command: c.Command) -> Decision:
    outcome = decide(state, command, NOW)
    assert isinstance(outcome, Decision), outcome
    return outcome


def refusal(state: State, command: c.Command) -> Refusal:
    outcome = decide(state, command, NOW)
    assert isinstance(outcome, Refusal), outcome
    return outcome


def yes(by: str = "mona", giving: c.Giving = GIVING, *, completes: bool = True) -> c.Approve:
    return c.Approve(actor(by), YES, NOW, giving, completes)


def no(by: str = "mona", *, decides: bool = False) -> c.Deny:
    return c.Deny(actor(by), "Not now.", allowed=True, decides=decides)


def request_of(decision: Decision) -> AccessRequest:
    assert decision.request is not None
    return decision.request


# --- several words ---------------------------------------------------------------------------------------


def test_what_is_not_complete_by_the_rules_of_now_waits_whatever_the_quorum() -> None:
    made = done(State(PENDING), yes(completes=False))
    assert (made.grants, request_of(made).status) == ((), RequestStatus.PENDING)
    assert [str(event.tag) for event in made.events] == ["request.approval-added"]


def test_where_several_noes_are_wanted_one_is_kept_and_the_request_goes_on_waiting() -> None:
    made = done(State(PENDING), no("mona"))
    assert request_of(made) == replace(PENDING, denials=(Denial("mona", NOW, "Not now."),))
    assert [str(event.tag) for event in made.events] == ["request.denial-added"]
    assert "lapse:r-1" not in made.cancels
    after = State(made.request)
    assert refusal(after, no("mona")).code == "late"
    assert request_of(done(after, no("otto", decides=True))).status is RequestStatus.DENIED


def test_a_no_takes_back_the_same_persons_yes_and_a_yes_their_no() -> None:
    waiting = replace(PENDING, quorum=2, approvals=(Approval("mona", NOW, None),))
    against = request_of(done(State(waiting), no("mona")))
    assert (against.approvals, [denial.person for denial in against.denials]) == ((), ["mona"])
    for_it = request_of(done(State(against), yes("mona")))
    assert ([approval.person for approval in for_it.approvals], for_it.denials) == (["mona"], ())


def test_whoever_takes_it_on_is_shown_until_another_does() -> None:
    made = done(State(PENDING), c.Claim(actor("mona"), allowed=True))
    assert request_of(made).claimed_by == "mona"
    assert {effect.key for effect in made.effects} == {"cards:r-1", "home:alice"}
    after = State(made.request)
    assert refusal(after, c.Claim(actor("mona"), allowed=True)).code == "late"
    assert refusal(after, c.Claim(actor("bob"), allowed=False)).code == "policy"
    assert request_of(done(after, c.Claim(actor("otto"), allowed=True))).claimed_by == "otto"
    decided = State(replace(PENDING, status=RequestStatus.DENIED))
    assert refusal(decided, c.Claim(actor("mona"), allowed=True)).code == "late"


# --- several targets -------------------------------------------------------------------------------------


def given() -> tuple[AccessRequest, tuple[Grant, ...]]:
    made = done(State(TWO_TARGETS), yes(giving=GIVING_TWO))
    return request_of(made), made.grants


def test_each_target_has_a_grant_of_its_own_with_its_end_on_the_books() -> None:
    made = done(State(TWO_TARGETS), yes(giving=GIVING_TWO))
    assert [(each.item, each.role, each.account, each.provider) for each in made.grants] == [
        (0, "s3-read", "payments", "cloud"),
        (1, "deploy", "search", "other-cloud"),
    ]
    assert [(each.principal, each.policy) for each in made.grants] == [
        ("user/alice", PENDING.policy),
        ("role/alice", "[]"),
    ]
    due = {effect.key: effect.due_at for effect in made.effects}
    assert {due["expire:g-1"], due["expire:g-2"]} == {NOW + HOUR}
    assert {due["start:g-1"], due["start:g-2"]} == {NOW}
    assert [str(event.tag) for event in made.events] == ["request.approved", "grant.scheduled", "grant.scheduled"]
    assert {each.digest for each in made.grants} == {TWO_TARGETS.digest()}


def test_grants_for_fewer_targets_than_were_approved_are_not_made() -> None:
    with pytest.raises(ValueError, match="argument"):
        decide(State(TWO_TARGETS), yes(giving=GIVING), NOW)


@pytest.mark.parametrize("command", ["start", "failed"])
def test_where_one_of_several_cannot_be_given_the_others_go_too(command: str) -> None:
    request, (first, second) = given()
    first = replace(first, status=GrantStatus.ACTIVE, granted_at=NOW)
    if command == "start":
        refused: c.Command = c.Start("g-2", ("It is no more.",))
    else:
        second = replace(second, status=GrantStatus.GRANTING)
        refused = c.GrantFailed("g-2", "It is no more.")
    made = done(State(request, (first, second)), refused)
    ends = {each.id: (each.status, each.end_reason, each.end_note) for each in made.grants}
    assert ends["g-1"] == (
        GrantStatus.REVOKING,
        EndReason.FAILED,
        "deploy in search could not be given: It is no more.",
    )
    assert ends["g-2"][1:] == (EndReason.FAILED, "It is no more.")
    assert "converge:g-1" in {effect.key for effect in made.effects}
    assert {"expire:g-1"} <= set(made.cancels)


@pytest.mark.parametrize(
    "command",
    [c.Release("g-1", actor("alice"), allowed=True), c.Lost("g-1")],
    ids=["released", "lost"],
)
def test_one_of_several_ends_without_the_others(command: c.Command) -> None:
    request, grants = given()
    active = tuple(replace(each, status=GrantStatus.ACTIVE, granted_at=NOW) for each in grants)
    assert [each.id for each in done(State(request, active), command).grants] == ["g-1"]


# --- nobody to ask ---------------------------------------------------------------------------------------


def submitted(request: AccessRequest, giving: c.Giving | None = GIVING) -> c.Submit:
    return c.Submit(actor("alice"), request, YES, proved=True, giving=giving, why=("On call.",))


def test_what_goes_without_a_word_is_approved_as_it_is_asked_and_audited_as_such() -> None:
    made = done(State(None), submitted(replace(PENDING, way=Way.AUTOMATIC)))
    assert (request_of(made).status, request_of(made).decided_by) == (RequestStatus.APPROVED, "prodaccess")
    assert [str(event.tag) for event in made.events] == ["request.submitted", "request.approved", "grant.scheduled"]
    assert made.events[1].data == {"role": "s3-read", "way": "automatic", "why": ["On call."]}
    keys = {effect.key for effect in made.effects}
    assert {"expire:g-1", "start:g-1", "cards:r-1"} <= keys
    assert not keys & {"lapse:r-1", "alarm:r-1", "review:r-1"}


def test_broken_glass_is_told_at_once_and_its_review_is_on_the_books() -> None:
    made = done(State(None), submitted(GLASS))
    assert [str(event.tag) for event in made.events] == [
        "request.submitted",
        "request.glass-broken",
        "request.approved",
        "grant.scheduled",
    ]
    due = {effect.key: effect.due_at for effect in made.effects}
    assert {"alarm:r-1", "review:r-1", "expire:g-1"} <= due.keys()
    assert due["alarm:r-1"] < NOW - HOUR  # before all messages that wait since an outage


@pytest.mark.parametrize("way", [Way.AUTOMATIC, Way.BREAK_GLASS, Way.EXTENSION])
def test_without_proof_or_where_it_is_refused_nobody_gets_it_without_a_word(way: Way) -> None:
    request = replace(PENDING, way=way)
    assert refusal(State(None), replace(submitted(request), proved=False)).code == "step-up"
    assert refusal(State(None), replace(submitted(request), verdict=NO)).code == "policy"
    assert refusal(State(None), submitted(request, giving=None)).code == "policy"


def test_what_goes_on_begins_where_the_other_ends() -> None:
    asked = replace(PENDING, ask=replace(ASK, extends="g-0"), way=Way.EXTENSION)
    made = done(State(None), submitted(asked, replace(GIVING, begins=NOW + HOUR)))
    (grant,) = made.grants
    assert (grant.starts_at, grant.expires_at) == (NOW + HOUR, NOW + 2 * HOUR)
    assert {effect.key: effect.due_at for effect in made.effects}["start:g-1"] == NOW + HOUR - AHEAD
    assert "tell:goes-on:g-1" in {effect.key for effect in made.effects}


def test_what_goes_on_is_put_there_shortly_before_and_nothing_else_is() -> None:
    asked = replace(PENDING, ask=replace(ASK, extends="g-0"), way=Way.EXTENSION)
    made = done(State(None), submitted(asked, replace(GIVING, begins=NOW + HOUR)))
    state, start = State(made.request, made.grants), c.Start("g-1", ())
    early = decide(state, start, NOW + HOUR - AHEAD - timedelta(milliseconds=1))
    assert isinstance(early, Refusal)
    assert early.code == "early"
    assert isinstance(decide(state, start, NOW + HOUR - AHEAD), Decision)
    plain = done(State(None), submitted(replace(PENDING, way=Way.AUTOMATIC), replace(GIVING, begins=NOW + HOUR)))
    assert refusal(State(plain.request, plain.grants), start).code == "early"
    ahead = decide(State(plain.request, plain.grants), start, NOW + HOUR - AHEAD)
    assert isinstance(ahead, Refusal)


def test_whose_access_goes_on_is_not_told_that_it_begins_unless_there_was_a_gap() -> None:
    asked = replace(PENDING, ask=replace(ASK, extends="g-0"), way=Way.EXTENSION)
    for begins, told in ((NOW + HOUR, {"tell:goes-on:g-1"}), (NOW - MINUTE, {"tell:active:g-1"})):
        made = done(State(None), submitted(asked, replace(GIVING, begins=begins)))
        granting = replace(made.grants[0], status=GrantStatus.GRANTING)
        active = done(State(made.request, (granting,)), c.Granted("g-1"))
        keys = {effect.key for effect in (*made.effects, *active.effects) if effect.kind == "chat.tell"}
        assert keys == told


def test_a_review_is_given_once_by_whoever_may() -> None:
    state = State(request_of(done(State(None), submitted(GLASS))))
    said = c.Review(actor("sam"), objects=True, note="Why at night?")
    assert refusal(state, replace(said, refusal="It is your own.")).text == "It is your own."
    made = done(state, said)
    review = Review(NOW + timedelta(hours=24), NOW, "sam", objects=True, note="Why at night?")
    assert request_of(made).review == review
    assert [str(event.tag) for event in made.events] == ["request.reviewed"]
    assert made.cancels == ("review:r-1",)
    assert refusal(State(made.request), said).code == "late"
    assert refusal(State(PENDING), said).code == "policy"
