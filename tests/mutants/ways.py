"""Protections of what goes without an approver: broken glass, its review, and what a budget allows."""

from tests.mutants.mutant import Mutant, tests

REVIEWING, OF_REQUESTS = "bot/core/policy/reviewing.py", "bot/core/lifecycle/requests.py"
REVIEWS, ALARMS, SHOWING, CASES = (f"bot/service/{name}.py" for name in ("reviews", "alarms", "showing", "cases"))
OF_WAYS = "tests/service/test_ways.py"

MUTANTS = (
    Mutant(
        "nobody reviews their own access",
        REVIEWING,
        "if person.is_same_human(requester):",
        "if False:",
        tests(OF_WAYS, "test_nobody_else_does_and_least_of_all_who_broke_it"),
    ),
    Mutant(
        "only an admin or an approver reviews",
        REVIEWING,
        "if all(person.id != each.id",
        "if False and all(person.id != each.id",
        tests(OF_WAYS, "test_nobody_else_does_and_least_of_all_who_broke_it"),
    ),
    Mutant(
        "who broke the glass is no reviewer",
        REVIEWING,
        "if not person.is_same_human(requester))",
        ")",
        tests(OF_WAYS, "test_who_broke_the_glass_is_reminded_of_nothing_though_an_admin"),
    ),
    Mutant(
        "an objection is told to the security channel",
        OF_REQUESTS,
        "*((objection,) if command.objects else ()),",
        "",
        tests(OF_WAYS, "test_an_objection_says_why_and_is_told_to_the_requester_and_the_channel"),
    ),
    Mutant(
        "an objection says why",
        REVIEWS,
        "if objects and not note.strip():",
        "if False:",
        tests(OF_WAYS, "test_an_objection_says_why_and_is_told_to_the_requester_and_the_channel"),
    ),
    Mutant(
        "without the directory only an admin reviews",
        REVIEWS,
        "if person.id not in self.access.catalogue().admins:",
        "if True:",
        tests(OF_WAYS, "test_without_the_directory_an_admin_reviews_and_an_approver_waits"),
    ),
    Mutant(
        "what is owed is asked for again and again",
        REVIEWS,
        "tx.enqueue([_look(request, following, max(step, told))])",
        "pass",
        tests(OF_WAYS, "test_reviewers_are_reminded_with_growing_gaps_and_then_it_is_overdue"),
    ),
    Mutant(
        "a reminder has its time",
        REVIEWS,
        "if step > told:",
        "if True:",
        tests(OF_WAYS, "test_reviewers_are_reminded_with_growing_gaps_and_then_it_is_overdue"),
    ),
    Mutant(
        "an overdue review is logged once",
        REVIEWS,
        "new = late and told <= len(REMINDED_AFTER)",
        "new = late",
        tests(OF_WAYS, "test_reviewers_are_reminded_with_growing_gaps_and_then_it_is_overdue"),
    ),
    Mutant(
        "who lost the lease reminds nobody",
        REVIEWS,
        "if not finished(tx, claim):",
        "if not (finished(tx, claim) or True):",
        tests(OF_WAYS, "test_a_reminder_whose_worker_died_is_said_once_by_the_next"),
    ),
    Mutant(
        "nobody is asked for what was reviewed meanwhile",
        ALARMS,
        "return asks and (",
        "return False and (",
        tests(OF_WAYS, "test_once_it_is_reviewed_nobody_is_reminded"),
    ),
    Mutant(
        "every admin is told of broken glass",
        ALARMS,
        "if kind in {ALARM, OVERDUE}:",
        "if kind in {OVERDUE}:",
        tests(OF_WAYS, "test_broken_glass_is_told_at_once_where_security_looks_and_asks_no_approver"),
    ),
    Mutant(
        "an alarm shows what changed while it was on its way",
        ALARMS,
        'tx.enqueue([Effect("chat.cards", request.id, f"cards:{request.id}", tx.now())])',
        "pass",
        tests(OF_WAYS, "test_what_changes_while_the_alarm_is_on_its_way_is_shown_by_it_too"),
    ),
    Mutant(
        "approvers are not asked for what nobody decides",
        "bot/service/boards.py",
        "if request.way is Way.APPROVERS else None",
        "",
        tests(OF_WAYS, "test_broken_glass_is_told_at_once_where_security_looks_and_asks_no_approver"),
    ),
    Mutant(
        "what goes without a word is judged at the grant too",
        CASES,
        "return policy.may_go_without_a_word(asking).allowed",
        "return True",
        tests(OF_WAYS, "test_what_would_not_go_without_a_word_any_more_does_not_start"),
    ),
    Mutant(
        "a request does not use up its own budget",
        CASES,
        "Way.AUTOMATIC, since, besides)",
        "Way.AUTOMATIC, since)",
        tests(OF_WAYS, "test_it_says_on_what_grounds_and_asks_nobody"),
    ),
    Mutant(
        "glass is broken by one transaction at a time",
        CASES,
        "of_person = role.auto or ask.break_glass or any(",
        "of_person = role.auto or any(",
        tests(OF_WAYS, "test_what_is_counted_for_a_person_waits_for_their_other_requests"),
    ),
    Mutant(
        "a budget is counted by one transaction at a time",
        CASES,
        "of_person = role.auto or ask.break_glass or any(",
        "of_person = ask.break_glass or any(",
        tests(OF_WAYS, "test_what_is_counted_for_a_person_waits_for_their_other_requests"),
    ),
)
