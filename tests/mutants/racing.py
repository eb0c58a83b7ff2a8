"""Protections of what two replicas, two requests, or two targets of one request do at the same instant."""

from tests.mutants.mutant import Mutant, tests

CASES, HANDLING = "bot/service/cases.py", "bot/service/handling.py"
OF_EXTENDING, OF_COUNTING = "tests/races/test_extending.py", "tests/races/test_counting.py"

MUTANTS = (
    Mutant(
        "whoever stops it waits for whoever asks to go on from it",
        HANDLING,
        'tx.guard([f"grant:{each}" for each in stopped])',
        "pass",
        tests(OF_EXTENDING, "test_what_is_asked_at_the_moment_of_a_stop_ends_with_what_it_goes_on_from[alone]"),
    ),
    Mutant(
        "whoever asks to go on from it waits for whoever stops it",
        CASES,
        'f"grant:{ask.extends}": ask.extends,',
        "",
        tests(OF_EXTENDING, "test_what_is_asked_at_the_moment_of_a_stop_ends_with_what_it_goes_on_from[alone]"),
    ),
    Mutant(
        "what is live for a person is counted by one transaction at a time",
        CASES,
        "or any(each.per_person is not None for each in caps)",
        "",
        tests(OF_COUNTING, "test_of_two_that_are_approved_where_there_is_room_for_one_one_is_given"),
    ),
    Mutant(
        "what goes on is judged once more when it starts",
        "bot/core/policy/ways.py",
        "return over and (old.status is GrantStatus.ACTIVE or old.end_reason is EndReason.EXPIRED)",
        "return a.asked_at is not None",
        tests(
            "tests/service/test_extending.py",
            "test_it_does_not_begin_where_the_other_was_stopped_and_nothing_followed_yet",
        ),
    ),
    Mutant(
        "all targets are given or none",
        "bot/core/lifecycle/grants.py",
        "stopped = _stop(state, other, replace(ending, note=note)) if other.id != grant.id else None",
        "stopped = None",
        tests(
            "tests/core/test_lifecycle_several.py", "test_where_one_cannot_be_given_it_is_told_once_that_it_could_not"
        ),
    ),
)
