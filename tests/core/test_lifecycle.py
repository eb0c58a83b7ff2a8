from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import commands as c
from bot.core.audit import SYSTEM
from bot.core.decisions import Decision, Outcome, Refusal, State
from bot.core.lifecycle import decide
from bot.core.model import Approval, EndReason, Grant, GrantStatus, RequestStatus
from bot.core.policy import Reason, Verdict
from tests.core.examples import APPROVED, HOUR, MINUTE, NO, NOW, PENDING, SCHEDULED, YES, actor

END = NOW + HOUR
LAPSED_AT = PENDING.lapses_at
ACTIVE = replace(SCHEDULED, status=GrantStatus.ACTIVE, granted_at=NOW)
REVOKING = replace(
    ACTIVE,
    status=GrantStatus.REVOKING,
    revoking_since=NOW + MINUTE,
    end_reason=EndReason.REVOKED,
    ended_by="sam",
    end_note="Odd traffic.",
)
ENDED = replace(REVOKING, status=GrantStatus.ENDED, ended_at=NOW + 2 * MINUTE)

STATES = {
    "nothing": State(None),
    "pending": State(PENDING),
    "denied": State(replace(PENDING, status=RequestStatus.DENIED)),
    "cancelled": State(replace(PENDING, status=RequestStatus.CANCELLED)),
    "lapsed": State(replace(PENDING, status=RequestStatus.LAPSED)),
    "scheduled": State(APPROVED, (SCHEDULED,)),
    "granting": State(APPROVED, (replace(SCHEDULED, status=GrantStatus.GRANTING),)),
    "active": State(APPROVED, (ACTIVE,)),
    "revoking": State(APPROVED, (REVOKING,)),
    "ended": State(APPROVED, (ENDED,)),
}


def giving(remind_before: timedelta = 10 * MINUTE) -> c.Giving:
    return c.Giving(("g-1",), ("cloud",), remind_before)


def approve(
    by: str = "mona", verdict: Verdict = YES, remind_before: timedelta = 10 * MINUTE, *, completes: bool = True
) -> c.Approve:
    return c.Approve(actor(by), verdict, NOW, giving(remind_before), completes=completes)


COMMANDS: dict[str, tuple[c.Command, datetime]] = {
    "submit": (c.Submit(actor("alice"), PENDING, YES, proved=True), NOW),
    "approve": (approve(), NOW),
    "deny": (c.Deny(actor("mona"), "Not now.", allowed=True), NOW),
    "cancel": (c.Cancel(actor("alice"), allowed=True), NOW),
    "lapse": (c.Lapse(), LAPSED_AT),
    "nudge": (c.Remind(NOW + 10 * MINUTE, ("mona", "otto")), NOW + 10 * MINUTE),
    "further": (c.Escalate(("sam",), (HOUR, 2 * HOUR)), NOW + HOUR),
    "start": (c.Start("g-1", ()), NOW),
    "granted": (c.Granted("g-1"), NOW + MINUTE),
    "failed": (c.GrantFailed("g-1", "There is no user alice."), NOW + MINUTE),
    "expire": (c.Expire("g-1"), END),
    "release": (c.Release("g-1", actor("alice"), allowed=True), NOW + MINUTE),
    "revoke": (c.Revoke("g-1", actor("sam"), "Odd traffic.", allowed=True), NOW + MINUTE),
    "removed": (c.Removed("g-1"), NOW + 2 * MINUTE),
    "lost": (c.Lost("g-1"), NOW + MINUTE),
    "adopt": (c.Adopt(actor("sam"), APPROVED, giving()), NOW),
}

# What becomes of it, everything else being as it should; a word in brackets refuses and changes nothing.
TABLE = """
          submit    approve     deny      cancel    lapse     nudge     further   start     granted   failed    expire    release   revoke    removed    lost      adopt
nothing   pending  (unknown) (unknown) (unknown) (unknown) (unknown) (unknown) (late)    (late)    (unknown) (unknown) (unknown) (unknown) (late)     (unknown) scheduled
pending   (late)   scheduled denied    cancelled lapsed     pending   pending  (late)    (late)    (unknown) (unknown) (unknown) (unknown) (late)     (unknown) (late)
denied    (late)   (late)    (late)    (late)    (late)    (late)    (late)    (late)    (late)    (unknown) (unknown) (unknown) (unknown) (late)     (unknown) (late)
cancelled (late)   (late)    (late)    (late)    (late)    (late)    (late)    (late)    (late)    (unknown) (unknown) (unknown) (unknown) (late)     (unknown) (late)
lapsed    (late)   (late)    (late)    (late)    (late)    (late)    (late)    (late)    (late)    (unknown) (unknown) (unknown) (unknown) (late)     (unknown) (late)
scheduled (late)   (late)    (late)    (late)    (late)    (late)    (late)    granting  (late)    (late)    ended     ended     ended     (late)     (late)    (late)
granting  (late)   (late)    (late)    (late)    (late)    (late)    (late)    (late)    active    revoking  revoking  revoking  revoking  (late)     (late)    (late)
active    (late)   (late)    (late)    (late)    (late)    (late)    (late)    (late)    (late)    (late)    revoking  revoking  revoking  (late)     revoking  (late)
revoking  (late)   (late)    (late)    (late)    (late)    (late)    (late)    (late)    (late)    (late)    (late)    (late)    (late)    ended      (late)    (late)
ended     (late)   (late)    (late)    (late)    (late)    (late)    (late)    (late)    (late)    (late)    (late)    (late)    (late)    (late)     (late)    (late)
"""  # noqa: E501


def cells() -> list[tuple[str, str, str]]:
    header, *rows = (line.split() for line in TABLE.strip().splitlines())
    return [(row[0], command, cell) for row in rows for command, cell in zip(header, row[1:], strict=True)]


def became(outcome: Outcome) -> str:
    """The table's word for an outcome."""
    if isinstance(outcome, Refusal):
        return f"({outcome.code})"
    if outcome.grants:
        return str(outcome.grants[0].status)
    if outcome.request is None:
        return "pending"
    return str(outcome.request.status)


def decision(state: State, command: c.Command, now: datetime) -> Decision:
    outcome = decide(state, command, now)
    assert isinstance(outcome, Decision), outcome
    return outcome


def refusal(state: State, command: c.Command, now: datetime) -> Refusal:
    outcome = decide(state, command, now)
    assert isinstance(outcome, Refusal), outcome
    return outcome


def grant_of(outcome: Decision) -> Grant:
    (grant,) = outcome.grants
    return grant


def test_the_table_has_every_state_and_every_command() -> None:
    assert {(state, command) for state, command, _ in cells()} == {(s, k) for s in STATES for k in COMMANDS}


@pytest.mark.parametrize(("state", "command", "then"), cells())
def test_every_cell_of_the_table(state: str, command: str, then: str) -> None:
    assert became(decide(STATES[state], *COMMANDS[command])) == then


@pytest.mark.parametrize(("state", "command", "then"), [cell for cell in cells() if "(" in cell[2]])
def test_what_is_refused_says_why_in_a_sentence(state: str, command: str, then: str) -> None:
    text = refusal(STATES[state], *COMMANDS[command]).text
    assert text.endswith(".")
    assert text[0].isupper()


CARDS = "cards:r-1 home:alice"
TIMERS = "start:g-1 expire:g-1 remind:g-1"
NUDGED = " ".join(f"nudged:{person}:2026-11-23T10:10:00+00:00" for person in ("mona", "otto"))
WAITED_FOR = "lapse:r-1 nudge:r-1 escalate:r-1"

# Per transition: what is logged, what is to be done, and what need not be any more.
CONSEQUENCES = [
    ("nothing", "submit", "request.submitted", f"lapse:r-1 nudge:r-1 {CARDS}", ""),
    (
        "pending",
        "approve",
        "request.approved grant.scheduled",
        f"expire:g-1 start:g-1 remind:g-1 {CARDS}",
        WAITED_FOR,
    ),
    ("pending", "deny", "request.denied", f"{CARDS} tell:denied:r-1", WAITED_FOR),
    ("pending", "cancel", "request.cancelled", f"{CARDS} tell:cancelled:r-1", WAITED_FOR),
    ("pending", "lapse", "request.lapsed", f"{CARDS} tell:lapsed:r-1", WAITED_FOR),
    ("pending", "nudge", "request.reminded", f"nudge:r-1 {NUDGED}", ""),
    ("pending", "further", "request.escalated", f"escalate:r-1 {CARDS} tell:escalated:r-1:3600", ""),
    ("scheduled", "start", "grant.started", f"converge:g-1 {CARDS}", ""),
    ("scheduled", "expire", "grant.ended", f"{CARDS} tell:ended:g-1", TIMERS),
    ("scheduled", "release", "grant.ended", f"{CARDS} tell:ended:g-1", TIMERS),
    ("scheduled", "revoke", "grant.ended", f"{CARDS} tell:ended:g-1", TIMERS),
    ("granting", "granted", "grant.active", f"{CARDS} tell:active:g-1", ""),
    ("granting", "failed", "grant.revoking", f"converge:g-1 {CARDS}", TIMERS),
    ("granting", "expire", "grant.revoking", f"converge:g-1 {CARDS}", TIMERS),
    ("granting", "release", "grant.revoking", f"converge:g-1 {CARDS}", TIMERS),
    ("granting", "revoke", "grant.revoking", f"converge:g-1 {CARDS}", TIMERS),
    ("active", "expire", "grant.revoking", f"converge:g-1 {CARDS}", TIMERS),
    ("active", "release", "grant.revoking", f"converge:g-1 {CARDS}", TIMERS),
    ("active", "revoke", "grant.revoking", f"converge:g-1 {CARDS}", TIMERS),
    ("active", "lost", "grant.lost grant.revoking", f"converge:g-1 {CARDS}", TIMERS),
    ("revoking", "removed", "grant.ended", f"{CARDS} tell:ended:g-1", TIMERS),
    ("nothing", "adopt", "request.approved grant.scheduled", f"expire:g-1 {CARDS}", ""),
]


def test_every_transition_of_the_table_has_its_consequences_written_down() -> None:
    assert {row[:2] for row in CONSEQUENCES} == {cell[:2] for cell in cells() if "(" not in cell[2]}


@pytest.mark.parametrize(("state", "command", "events", "effects", "cancels"), CONSEQUENCES)
def test_what_is_logged_and_done_at_each_transition(
    state: str, command: str, events: str, effects: str, cancels: str
) -> None:
    made = decision(STATES[state], *COMMANDS[command])
    assert [str(event.tag) for event in made.events] == events.split()
    assert [effect.key for effect in made.effects] == effects.split()
    assert list(made.cancels) == cancels.split()


@pytest.mark.parametrize(("state", "command", "events", "effects", "cancels"), CONSEQUENCES)
def test_the_log_ties_every_transition_to_its_request_grant_person_and_account(
    state: str, command: str, events: str, effects: str, cancels: str
) -> None:
    for event in decision(STATES[state], *COMMANDS[command]).events:
        assert (event.request_id, event.person, event.account) == ("r-1", "alice", "payments")
        assert event.grant_id == ("g-1" if event.tag.startswith("grant.") else "")
        assert event.data["role"] == "s3-read"


# --- asking ----------------------------------------------------------------------------------------------


def test_what_the_policy_refuses_is_not_submitted() -> None:
    told = refusal(State(None), c.Submit(actor("alice"), PENDING, NO, proved=True), NOW)
    assert (told.code, told.text) == ("policy", "Not like this.")


def test_a_verdict_without_any_reason_is_no_yes() -> None:
    empty = Verdict(())
    assert refusal(State(None), c.Submit(actor("alice"), PENDING, empty, proved=True), NOW).code == "policy"
    assert refusal(State(PENDING), approve(verdict=empty), NOW).code == "policy"


def test_without_proof_nothing_is_submitted() -> None:
    assert refusal(State(None), c.Submit(actor("alice"), PENDING, YES, proved=False), NOW).code == "step-up"


def test_the_lapse_is_on_the_books_with_the_request() -> None:
    made = decision(State(None), *COMMANDS["submit"])
    assert {effect.key: effect.due_at for effect in made.effects}["lapse:r-1"] == LAPSED_AT


# --- approving -------------------------------------------------------------------------------------------


def test_the_end_is_on_the_books_before_the_beginning_in_the_same_decision() -> None:
    made = decision(State(PENDING), approve(), NOW + 3 * MINUTE)
    due = {effect.key: effect.due_at for effect in made.effects}
    assert list(due)[:2] == ["expire:g-1", "start:g-1"]
    assert due["expire:g-1"] == grant_of(made).expires_at == NOW + 3 * MINUTE + HOUR
    assert due["start:g-1"] == grant_of(made).starts_at == NOW + 3 * MINUTE
    assert due["remind:g-1"] == grant_of(made).expires_at - 10 * MINUTE


@pytest.mark.parametrize(
    ("chosen", "starts"), [(2 * HOUR, 2 * HOUR), (timedelta(0), MINUTE), (-HOUR, MINUTE)], ids=["ahead", "now", "past"]
)
def test_the_clock_starts_at_the_chosen_start_and_never_before_the_approval(
    chosen: timedelta, starts: timedelta
) -> None:
    request = replace(PENDING, ask=replace(PENDING.ask, start_at=NOW + chosen))
    grant = grant_of(decision(State(request), approve(), NOW + MINUTE))
    assert (grant.starts_at, grant.expires_at) == (NOW + starts, NOW + starts + HOUR)


def test_what_is_granted_is_what_was_asked_shown_and_approved() -> None:
    made = decision(State(PENDING), approve(), NOW)
    grant, request = grant_of(made), made.request
    assert request is not None
    assert grant == replace(SCHEDULED, digest=PENDING.digest())
    assert request == replace(APPROVED, approvals=(Approval("mona", NOW, NOW),))
    assert made.events[0].data["digest"] == PENDING.digest()


def test_no_reminder_of_an_end_that_is_as_near_at_the_beginning() -> None:
    made = decision(State(PENDING), approve(remind_before=HOUR), NOW)
    assert "remind:g-1" not in [effect.key for effect in made.effects]


TWO = replace(PENDING, quorum=2)


def test_the_first_of_two_approvals_grants_nothing_and_is_logged() -> None:
    made = decision(State(TWO), approve("mona"), NOW)
    assert made.grants == ()
    assert made.request == replace(TWO, approvals=(Approval("mona", NOW, NOW),))
    assert [str(event.tag) for event in made.events] == ["request.approval-added"]
    assert made.cancels == ()


def test_the_second_person_completes_the_quorum() -> None:
    waiting = decision(State(TWO), approve("mona"), NOW).request
    made = decision(State(waiting), approve("otto"), NOW + MINUTE)
    assert became(made) == "scheduled"
    assert made.request is not None
    assert [approval.person for approval in made.request.approvals] == ["mona", "otto"]


@given(st.lists(st.sampled_from(["mona", "otto", "sam", "zoe"]), max_size=8), st.integers(1, 4))
def test_a_quorum_counts_persons_not_clicks(clicks: list[str], quorum: int) -> None:
    state = State(replace(PENDING, quorum=quorum))
    for click in clicks:
        outcome = decide(state, approve(click), NOW)
        if isinstance(outcome, Decision):
            state = State(outcome.request, outcome.grants)
    assert bool(state.grants) == (len(set(clicks)) >= quorum)


def test_an_approval_at_the_very_moment_of_the_lapse_is_too_late() -> None:
    assert refusal(State(PENDING), approve(), LAPSED_AT).code == "late"
    assert became(decide(State(PENDING), approve(), LAPSED_AT - timedelta(microseconds=1))) == "scheduled"


def reasons(*rules: str) -> Verdict:
    return Verdict(tuple(Reason(rule, False, f"No {rule}.") for rule in rules))


def test_only_where_nothing_but_the_code_is_missing_is_a_code_asked_for() -> None:
    assert refusal(State(PENDING), approve(verdict=reasons("step-up")), NOW).code == "step-up"
    told = refusal(State(PENDING), approve(verdict=reasons("separation", "step-up")), NOW)
    assert (told.code, told.text) == ("policy", "No separation. No step-up.")


@pytest.mark.parametrize(
    "command",
    [
        c.Deny(actor("bob"), "", allowed=False),
        c.Cancel(actor("bob"), allowed=False),
        c.Release("g-1", actor("bob"), allowed=False),
        c.Revoke("g-1", actor("bob"), "", allowed=False),
    ],
    ids=lambda command: type(command).__name__,
)
@pytest.mark.parametrize("state", ["pending", "scheduled", "granting", "active"])
def test_who_may_not_is_refused_whatever_the_state(state: str, command: c.Command) -> None:
    assert refusal(STATES[state], command, NOW).code == "policy"


# --- timers ----------------------------------------------------------------------------------------------

A_BIT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("state", "command", "now"),
    [
        ("pending", c.Lapse(), LAPSED_AT - A_BIT),
        ("scheduled", c.Start("g-1", ()), NOW - A_BIT),
        ("scheduled", c.Expire("g-1"), END - A_BIT),
        ("active", c.Expire("g-1"), END - A_BIT),
    ],
)
def test_a_timer_that_fires_early_changes_nothing_and_says_so(state: str, command: c.Command, now: datetime) -> None:
    assert refusal(STATES[state], command, now).code == "early"
    assert isinstance(decide(STATES[state], command, now + A_BIT), Decision)


@pytest.mark.parametrize("late", [timedelta(0), 30 * MINUTE, HOUR - A_BIT])
def test_a_late_start_gives_what_is_left_of_the_window(late: timedelta) -> None:
    grant = grant_of(decision(STATES["scheduled"], c.Start("g-1", ()), NOW + late))
    assert (grant.status, grant.starts_at, grant.expires_at) == (GrantStatus.GRANTING, NOW, END)


def test_a_start_after_the_end_grants_nothing() -> None:
    grant = grant_of(decision(STATES["scheduled"], c.Start("g-1", ()), END))
    assert (grant.status, grant.end_reason, grant.granted_at) == (GrantStatus.ENDED, EndReason.EXPIRED, None)


def test_what_is_no_longer_what_was_approved_does_not_start() -> None:
    other = replace(SCHEDULED, digest=replace(APPROVED, policy="[]").digest())
    made = decision(State(APPROVED, (other,)), c.Start("g-1", ()), NOW)
    assert (grant_of(made).status, grant_of(made).end_reason) == (GrantStatus.ENDED, EndReason.FAILED)
    assert grant_of(made).end_note == "It is not what was approved."
    assert "converge:g-1" not in [effect.key for effect in made.effects]


def test_what_the_policy_no_longer_allows_does_not_start() -> None:
    made = decision(STATES["scheduled"], c.Start("g-1", ("Mona left.", "So did Otto.")), NOW)
    assert (grant_of(made).status, grant_of(made).end_note) == (GrantStatus.ENDED, "Mona left. So did Otto.")
    assert "converge:g-1" not in [effect.key for effect in made.effects]


# --- ending ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "at", "reason", "by", "note"),
    [
        ("expire", END, EndReason.EXPIRED, SYSTEM.id, ""),
        ("release", NOW + MINUTE, EndReason.RELEASED, "alice", ""),
        ("revoke", NOW + MINUTE, EndReason.REVOKED, "sam", "Odd traffic."),
        ("failed", NOW + MINUTE, EndReason.FAILED, SYSTEM.id, "There is no user alice."),
    ],
)
def test_who_ended_it_why_and_in_what_words_is_kept_until_it_was_seen_gone(
    command: str, at: datetime, reason: EndReason, by: str, note: str
) -> None:
    revoking = grant_of(decision(STATES["granting"], *COMMANDS[command]))
    assert (revoking.revoking_since, revoking.ended_at) == (at, None)
    ended = grant_of(decision(State(APPROVED, (revoking,)), c.Removed("g-1"), at + MINUTE))
    assert (ended.end_reason, ended.ended_by, ended.end_note) == (reason, by, note)
    assert (ended.status, ended.ended_at) == (GrantStatus.ENDED, at + MINUTE)


@pytest.mark.parametrize(
    ("since", "seen", "lag"),
    [
        (NOW + MINUTE, NOW + MINUTE + timedelta(milliseconds=1500), 1500),
        (END, END + timedelta(seconds=2), 2000),
        (END + 5 * MINUTE, END + 6 * MINUTE, 360_000),
    ],
    ids=["from the revocation", "from the end", "from the end, though noticed later"],
)
def test_the_lag_counts_from_when_it_should_have_been_gone(since: datetime, seen: datetime, lag: int) -> None:
    made = decision(State(APPROVED, (replace(REVOKING, revoking_since=since),)), c.Removed("g-1"), seen)
    assert made.events[0].data["lag_ms"] == lag
    assert made.events[0].data["observed_absent"] is True


def test_what_was_never_asked_of_the_cloud_is_not_said_to_be_observed_absent() -> None:
    data = decision(STATES["scheduled"], *COMMANDS["revoke"]).events[0].data
    assert (data["observed_absent"], data["granted_at"], data["lag_ms"]) == (False, "", 0)


def test_a_yes_of_the_cloud_that_comes_after_the_release_is_no_longer_active() -> None:
    released = grant_of(decision(STATES["granting"], *COMMANDS["release"]))
    assert refusal(State(APPROVED, (released,)), c.Granted("g-1"), NOW + 2 * MINUTE).code == "late"


def test_a_refusal_of_the_cloud_that_comes_after_the_release_leaves_it_released() -> None:
    released = grant_of(decision(STATES["granting"], *COMMANDS["release"]))
    assert refusal(State(APPROVED, (released,)), *COMMANDS["failed"]).code == "late"


def test_a_grant_of_another_request_is_not_touched() -> None:
    other = State(APPROVED, (replace(ACTIVE, id="g-2"),))
    for name in ("expire", "release", "revoke", "failed"):
        assert refusal(other, *COMMANDS[name]).code == "unknown"


# --- any order -------------------------------------------------------------------------------------------

ORDER = ["pending", "denied", "cancelled", "lapsed", "approved", "scheduled", "granting", "active", "revoking", "ended"]


@given(st.lists(st.sampled_from(sorted(COMMANDS)), max_size=40))
def test_in_whatever_order_and_however_often_things_go_forward_only_and_end_once(names: list[str]) -> None:
    state, ended = State(None), 0
    for name in names:
        before = state
        outcome = decide(before, *COMMANDS[name])
        if isinstance(outcome, Refusal):
            continue
        state = State(outcome.request or before.request, outcome.grants or before.grants)
        assert outcome.events
        ended += sum(str(event.tag) == "grant.ended" for event in outcome.events)
        for old, new in zip(before.grants, state.grants, strict=False):
            assert ORDER.index(old.status) < ORDER.index(new.status)
        if before.request is not None and outcome.request is not None:
            assert before.request.status is RequestStatus.PENDING
        if state.grants:
            assert state.request is not None
            assert state.request.status is RequestStatus.APPROVED
    assert ended == (1 if state.grants and state.grants[0].status is GrantStatus.ENDED else 0)
