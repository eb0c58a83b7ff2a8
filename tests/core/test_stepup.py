"""When a code is one, when it is too late for it, when people are locked out, how long a proof is good."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.model import StepUp, StepUpPolicy, StepUpRule
from bot.core.stepup import CLOCK_AHEAD, LOCK_FOR, MAX_FAILURES, Attempts, is_code, is_fresh, timecodes

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
ALWAYS, NEVER = StepUpPolicy(StepUpRule.ALWAYS), StepUpPolicy(StepUpRule.NEVER)
WITHIN = StepUpPolicy(StepUpRule.WITHIN, 15 * MINUTE)


def proof(age: timedelta, confirms: str = "this") -> StepUp:
    return StepUp("s-1", "alice", NOW - age, confirms)


@given(st.text())
def test_only_six_ascii_digits_are_a_code(text: str) -> None:
    assert is_code(text) == (len(text) == 6 and all(char in "0123456789" for char in text))


@pytest.mark.parametrize("text", ["１２３４５６", "123456\n", "٠١٢٣٤٥", "12345²", "+12345", "123_456"])
def test_what_python_takes_for_a_number_is_not_always_a_code(text: str) -> None:
    assert not is_code(text)


@pytest.mark.parametrize(("seconds", "steps"), [(0, (2, 1)), (29, (2, 1)), (30, (3, 2)), (-1, (1, 0))])
def test_the_running_step_and_the_one_before_are_accepted(seconds: int, steps: tuple[int, int]) -> None:
    assert timecodes(datetime.fromtimestamp(60 + seconds, UTC)) == steps


def test_the_fifth_failure_in_a_row_locks_for_thirty_minutes() -> None:
    attempts = Attempts()
    for failures in range(1, MAX_FAILURES):
        attempts = attempts.counted(NOW)
        assert attempts == Attempts(failures)
        assert not attempts.is_locked(NOW)
    attempts = attempts.counted(NOW)
    assert attempts == Attempts(5, NOW + timedelta(minutes=30))
    assert attempts.is_locked(NOW + LOCK_FOR - SECOND)
    assert not attempts.is_locked(NOW + LOCK_FOR)


def test_after_the_lock_the_count_begins_anew() -> None:
    locked = Attempts(5, NOW)
    assert locked.counted(NOW) == Attempts(1)


def test_a_right_code_ends_count_and_lock() -> None:
    assert Attempts(5, NOW + MINUTE).passed() == Attempts()


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3600)), max_size=60))
def test_between_two_right_codes_no_more_than_five_are_compared_in_thirty_minutes(
    tries: list[tuple[bool, int]],
) -> None:
    attempts, now, compared = Attempts(), NOW, list[datetime]()
    for right, seconds in tries:
        now += timedelta(seconds=seconds)
        if attempts.is_locked(now):
            continue
        attempts = attempts.counted(now)
        compared.append(now)
        if right:
            attempts, compared = attempts.passed(), []
    for first, sixth in zip(compared, compared[5:], strict=False):
        assert sixth - first >= LOCK_FOR


def test_never_needs_no_proof() -> None:
    assert is_fresh(NEVER, None, "this", NOW)


@pytest.mark.parametrize("policy", [ALWAYS, WITHIN])
def test_every_other_rule_needs_one(policy: StepUpPolicy) -> None:
    assert not is_fresh(policy, None, "this", NOW)


def test_always_wants_a_young_proof_for_exactly_this() -> None:
    assert is_fresh(ALWAYS, proof(5 * MINUTE), "this", NOW)
    assert not is_fresh(ALWAYS, proof(5 * MINUTE + SECOND), "this", NOW)
    assert not is_fresh(ALWAYS, proof(SECOND, "that"), "this", NOW)


def test_within_takes_any_proof_that_is_young_enough() -> None:
    assert is_fresh(WITHIN, proof(15 * MINUTE, "that"), "this", NOW)
    assert not is_fresh(WITHIN, proof(15 * MINUTE + SECOND, "this"), "this", NOW)


@pytest.mark.parametrize("policy", [ALWAYS, WITHIN])
def test_a_proof_from_the_future_is_none_beyond_what_clocks_differ(policy: StepUpPolicy) -> None:
    assert is_fresh(policy, proof(-CLOCK_AHEAD), "this", NOW)
    assert not is_fresh(policy, proof(-CLOCK_AHEAD - SECOND), "this", NOW)


def test_within_no_time_at_all_is_not_for_ever() -> None:
    assert not is_fresh(StepUpPolicy(StepUpRule.WITHIN), proof(SECOND), "this", NOW)
