"""Protections of what goes on while a request waits: turns, reminders, escalation, absences, pairs."""

from tests.mutants.mutant import Mutant, tests

NUDGES, WAITING, BOARDS = "bot/core/nudges.py", "bot/core/lifecycle/waiting.py", "bot/core/policy/boards.py"
ABSENCES, CASES, APPROVERS = "bot/service/absences.py", "bot/service/cases.py", "bot/core/policy/approvers.py"
OF_NUDGING, OF_ABSENCES, OF_PAIRS = (f"tests/service/test_{name}.py" for name in ("nudging", "absences", "pairs"))

MUTANTS = (
    Mutant(
        "a no of a stage that is still to come counts",
        APPROVERS,
        "for stage, ids in zip(stages, members, strict=True)",
        "for stage, ids in zip(stages[:1], members, strict=False)",
        tests(OF_NUDGING, "test_a_no_of_a_later_stage_denies_at_once"),
    ),
    Mutant(
        "a card of one's own comes with one's turn",
        "bot/service/boards.py",
        "found, known = asked_so_far(request, boards), request.approvers_asked",
        "found, known = request.approvers_asked, request.approvers_asked",
        tests(OF_NUDGING, "test_who_has_their_turn_later_gets_a_card_then_and_not_before"),
    ),
    Mutant(
        "who has spoken is not reminded",
        BOARDS,
        "if person not in spoken",
        "if person",
        tests(OF_NUDGING, "test_who_has_said_yes_is_not_reminded_and_the_others_have_their_time"),
    ),
    Mutant(
        "after a yes the gaps begin anew",
        WAITING,
        " or command.at not in nudges.reminders(request)",
        "",
        tests("tests/core/test_nudges.py", "test_what_was_meant_for_those_before_a_yes_is_not_said"),
    ),
    Mutant(
        "a minute's reminders are one message",
        NUDGES,
        "minute = now.replace(second=0, microsecond=0)",
        "minute = now",
        tests(
            "tests/core/test_nudges.py",
            "test_reminders_of_the_same_minute_are_one_message_and_those_of_the_next_another",
        ),
    ),
    Mutant(
        "an escalation to nobody new is none",
        WAITING,
        "if not command.further:",
        "if False:",
        tests(OF_NUDGING, "test_where_nobody_new_comes_in_nothing_is_said"),
    ),
    Mutant(
        "naming a delegate takes a code",
        ABSENCES,
        "if absence.delegate and self.codes.verify(by.id, code, rules.digest(absence), actor) is None:",
        "if False:",
        tests(OF_ABSENCES, "test_naming_a_delegate_takes_a_code_for_exactly_that_and_being_away_alone_none"),
    ),
    Mutant(
        "an absence ends once",
        ABSENCES,
        'if tx.once(f"absence-ended:{absence.person}:{absence.since.isoformat()}", tx.now() + rules.LONGEST):',
        "if True:",
        tests(OF_ABSENCES, "test_an_end_that_a_worker_has_in_hand_when_they_come_back_is_not_logged_again"),
    ),
    Mutant(
        "who is back was asked",
        CASES,
        "for of in (asking, back)",
        "for of in (asking,)",
        tests(OF_ABSENCES, "test_after_the_date_the_delegate_approves_no_more_and_who_is_back_does"),
    ),
    Mutant(
        "a yes in somebody's place stays one",
        APPROVERS,
        "if not any(approval.person in each for each in found):",
        "if False:",
        tests(OF_ABSENCES, "test_a_yes_in_somebodys_place_counts_when_they_are_back"),
    ),
    Mutant(
        "only the period's approvals are told",
        "bot/service/pairs.py",
        "if period.has(at) and count >= most",
        "if count >= most",
        tests(OF_PAIRS, "test_who_was_refused_by_the_limit_is_named_with_the_request"),
    ),
)
