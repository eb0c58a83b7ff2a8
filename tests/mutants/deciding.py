"""Protections of the pure core: what may be asked for, approved, begun and ended."""

from tests.mutants.mutant import Mutant, tests

LIFECYCLE, OF_REQUESTS, STEPUP = (
    f"bot/core/{name}.py" for name in ("lifecycle/grants", "lifecycle/requests", "stepup")
)
APPROVERS, APPROVING, HOURS, VERDICT = (
    f"bot/core/policy/{name}.py" for name in ("approvers", "approving", "hours", "verdict")
)
DECISIONS, PEOPLE = "bot/core/decisions.py", "bot/core/model/people.py"
OF_LIFECYCLE, OF_WAYS, OF_POLICY, OF_STEPUP = (
    f"tests/core/test_{name}.py" for name in ("lifecycle", "lifecycle_ways", "policy", "stepup")
)

_LIFECYCLE = (
    Mutant(
        "what was decided stays decided",
        DECISIONS,
        "if request.status is not RequestStatus.PENDING:",
        "if False:",
        tests(OF_LIFECYCLE, "test_every_cell_of_the_table"),
    ),
    Mutant(
        "a grant starts once",
        LIFECYCLE,
        "if grant is None or request is None or grant.status is not GrantStatus.SCHEDULED:",
        "if grant is None or request is None:",
        tests(OF_LIFECYCLE, "test_every_cell_of_the_table"),
    ),
    Mutant(
        "a yes of the cloud that comes late is not believed",
        LIFECYCLE,
        "if grant is None or request is None or grant.status is not GrantStatus.GRANTING:",
        "if grant is None or request is None:",
        tests(OF_LIFECYCLE, "test_a_yes_of_the_cloud_that_comes_after_the_release_is_no_longer_active"),
    ),
    Mutant(
        "a no of the cloud that comes late is not believed",
        LIFECYCLE,
        "if grant is not None and grant.status is not GrantStatus.GRANTING:",
        "if False:",
        tests(OF_LIFECYCLE, "test_every_cell_of_the_table"),
    ),
    Mutant(
        "what is being removed is not stopped once more",
        LIFECYCLE,
        "if grant.status not in {GrantStatus.GRANTING, GrantStatus.ACTIVE}:",
        "if grant.status is GrantStatus.ENDED:",
        tests(OF_LIFECYCLE, "test_every_cell_of_the_table"),
    ),
    Mutant(
        "only what is being removed is taken for removed",
        LIFECYCLE,
        "grant.status is not GrantStatus.REVOKING or grant.end_reason is None",
        "False",
        tests(OF_LIFECYCLE, "test_every_cell_of_the_table"),
    ),
    Mutant(
        "what is granted is what was approved",
        LIFECYCLE,
        " or request.digest() != grant.digest",
        "",
        tests(OF_LIFECYCLE, "test_what_is_no_longer_what_was_approved_does_not_start"),
    ),
    Mutant(
        "what the policy no longer allows does not start",
        LIFECYCLE,
        "    if command.refusals:",
        "    if False:",
        tests(OF_LIFECYCLE, "test_what_the_policy_no_longer_allows_does_not_start"),
    ),
    Mutant(
        "nothing starts before its time",
        LIFECYCLE,
        "if now < may_begin_at(request, grant):",
        "if False:",
        tests(OF_LIFECYCLE, "test_a_timer_that_fires_early_changes_nothing_and_says_so"),
    ),
    Mutant(
        "nothing starts after its end",
        LIFECYCLE,
        "if now >= grant.expires_at:",
        "if False:",
        tests(OF_LIFECYCLE, "test_a_start_after_the_end_grants_nothing"),
    ),
    Mutant(
        "nothing expires before its time",
        LIFECYCLE,
        "if grant is not None and now < grant.expires_at:",
        "if False:",
        tests(OF_LIFECYCLE, "test_a_timer_that_fires_early_changes_nothing_and_says_so"),
    ),
    Mutant(
        "nothing lapses before its time",
        OF_REQUESTS,
        "if state.request is not None and now < state.request.lapses_at:",
        "if False:",
        tests(OF_LIFECYCLE, "test_a_timer_that_fires_early_changes_nothing_and_says_so"),
    ),
    Mutant(
        "the end is on the books with the beginning",
        OF_REQUESTS,
        'Effect("grant.expire", grant.id, f"expire:{grant.id}", grant.expires_at),\n',
        "\n",
        tests(OF_LIFECYCLE, "test_the_end_is_on_the_books_before_the_beginning_in_the_same_decision"),
    ),
    Mutant(
        "an approval after the lapse is too late",
        OF_REQUESTS,
        "if now >= request.lapses_at:",
        "if False:",
        tests(OF_LIFECYCLE, "test_an_approval_at_the_very_moment_of_the_lapse_is_too_late"),
    ),
    Mutant(
        "a quorum counts persons",
        OF_REQUESTS,
        " or len({approval.person for approval in approvals}) < said.quorum:",
        " or len(approvals) < said.quorum:",
        tests(OF_LIFECYCLE, "test_a_quorum_counts_persons_not_clicks"),
    ),
    Mutant(
        "what the rules of now do not call complete is not approved",
        OF_REQUESTS,
        "not command.completes or ",
        "",
        tests(OF_WAYS, "test_what_is_not_complete_by_the_rules_of_now_waits_whatever_the_quorum"),
    ),
    Mutant(
        "where several noes are wanted one does not deny",
        OF_REQUESTS,
        "    if command.decides:",
        "    if True:",
        tests(OF_WAYS, "test_where_several_noes_are_wanted_one_is_kept_and_the_request_goes_on_waiting"),
    ),
    Mutant(
        "all targets or none",
        LIFECYCLE,
        "        stopped = _stop(state, other, replace(ending, note=note)) if other.id != grant.id else None",
        "        stopped = None",
        tests(OF_WAYS, "test_where_one_of_several_cannot_be_given_the_others_go_too"),
    ),
    Mutant(
        "nothing is reviewed twice",
        OF_REQUESTS,
        "if not request.review.is_owed:",
        "if False:",
        tests(OF_WAYS, "test_a_review_is_given_once_by_whoever_may"),
    ),
    Mutant(
        "nothing is asked for without proof",
        OF_REQUESTS,
        "if not command.proved:",
        "if False:",
        tests(OF_LIFECYCLE, "test_without_proof_nothing_is_submitted"),
    ),
    Mutant(
        "why it ends is kept until it has ended",
        LIFECYCLE,
        "Ending(command.actor, now, grant.end_reason, grant.end_note)",
        "Ending(command.actor, now, EndReason.EXPIRED)",
        tests(OF_LIFECYCLE, "test_who_ended_it_why_and_in_what_words_is_kept_until_it_was_seen_gone"),
    ),
    Mutant(
        "only who may stop it stops it",
        LIFECYCLE,
        '    if not command.allowed:\n        return Refusal("policy", "Only an admin',
        '    if False:\n        return Refusal("policy", "Only an admin',
        tests(OF_LIFECYCLE, "test_who_may_not_is_refused_whatever_the_state"),
    ),
    Mutant(
        "the clock never starts before the approval",
        DECISIONS,
        "max(now, giving.begins or request.ask.start_at or now)",
        "giving.begins or request.ask.start_at or now",
        tests(OF_LIFECYCLE, "test_the_clock_starts_at_the_chosen_start_and_never_before_the_approval"),
    ),
)

_POLICY = (
    Mutant(
        "nobody approves their own",
        APPROVING,
        "ok = not a.approver.is_same_human(a.requester)",
        "ok = True",
        tests(OF_POLICY, "test_nobody_approves_their_own_though_a_set_said_so"),
    ),
    Mutant(
        "nobody approves their own from another record of theirs",
        APPROVING,
        "ok = not a.approver.is_same_human(a.requester)",
        "ok = a.approver.id != a.requester.id",
        tests(OF_POLICY, "test_nobody_approves_their_own_though_a_set_said_so"),
    ),
    Mutant(
        "nobody is asked to approve their own",
        APPROVERS,
        "and not person.is_same_human(of.requester) ",
        "",
        tests(OF_POLICY, "test_nobody_is_their_own_approver_by_any_shared_identity"),
    ),
    Mutant(
        "one e-mail address is one human, whatever its case",
        PEOPLE,
        "self.email.casefold() == other.email.casefold()",
        "self.email == other.email",
        tests("tests/core/test_model.py", "test_any_shared_identity_makes_two_records_one_human"),
    ),
    Mutant(
        "one cloud identity is one human",
        PEOPLE,
        "return bool(set(self.identities.items()) & set(other.identities.items()))",
        "return False",
        tests("tests/core/test_model.py", "test_any_shared_identity_makes_two_records_one_human"),
    ),
    Mutant(
        "an approver has to be one now",
        APPROVING,
        "now = a.is_theirs",
        "now = True",
        tests(OF_POLICY, "test_an_approver_has_to_be_one_both_when_asked_and_now"),
    ),
    Mutant(
        "an approver has to have been one when it was asked",
        APPROVING,
        "then = a.approver.id in asked or stands_for(a.known, a.approver, asked, a.now)",
        "then = True",
        tests(OF_POLICY, "test_an_approver_has_to_be_one_both_when_asked_and_now"),
    ),
    Mutant(
        "one human with two records approves once",
        APPROVING,
        "again = a.approver.id in said or any(person.is_same_human(a.approver) for person in before)",
        "again = a.approver.id in said",
        tests(OF_POLICY, "test_one_human_with_two_records_approves_once"),
    ),
    Mutant(
        "a rule that raises refuses",
        VERDICT,
        'return (Reason("error", False,',
        'return (Reason("error", True,',
        tests(OF_POLICY, "test_a_rule_that_raises_refuses_and_says_which"),
    ),
    Mutant(
        "without a reason nothing is allowed",
        VERDICT,
        "return bool(self.reasons) and all(",
        "return all(",
        tests(OF_POLICY, "test_without_rules_or_reasons_nothing_is_allowed"),
    ),
    Mutant(
        "somebody must approve though no quorum is wanted",
        APPROVERS,
        "for _ in range(max(1, stage.quorum))]",
        "for _ in range(stage.quorum)]",
        tests(OF_POLICY, "test_a_quorum_of_none_still_needs_somebody"),
    ),
    Mutant(
        "a longer kind of work does not lengthen the role",
        HOURS,
        "return min(limits)",
        "return max(limits)",
        tests(OF_POLICY, "test_the_shorter_of_the_role_s_and_the_work_s_longest_counts"),
    ),
)

_STEPUP = (
    Mutant(
        "a code of the step to come is none",
        STEPUP,
        "return current, current - 1",
        "return current + 1, current, current - 1",
        tests(OF_STEPUP, "test_the_running_step_and_the_one_before_are_accepted"),
    ),
    Mutant(
        "the fifth failure locks",
        STEPUP,
        "if failures >= MAX_FAILURES",
        "if failures > MAX_FAILURES",
        tests(OF_STEPUP, "test_the_fifth_failure_in_a_row_locks_for_thirty_minutes"),
    ),
    Mutant(
        "who is locked out stays so for half an hour",
        STEPUP,
        "return self.locked_until is not None and now < self.locked_until",
        "return False",
        tests(OF_STEPUP, "test_the_fifth_failure_in_a_row_locks_for_thirty_minutes"),
    ),
    Mutant(
        "a proof is for what it was typed for",
        STEPUP,
        "proof.confirms == confirms and ",
        "",
        tests(OF_STEPUP, "test_always_wants_a_young_proof_for_exactly_this"),
    ),
    Mutant(
        "a proof for one thing is young",
        STEPUP,
        " and now - proof.at <= timedelta(minutes=5)",
        "",
        tests(OF_STEPUP, "test_always_wants_a_young_proof_for_exactly_this"),
    ),
    Mutant(
        "a proof ages",
        STEPUP,
        "return now - proof.at <= policy.within",
        "return True",
        tests(OF_STEPUP, "test_within_takes_any_proof_that_is_young_enough"),
    ),
    Mutant(
        "a proof from the future is none",
        STEPUP,
        " or proof.at > now + CLOCK_AHEAD",
        "",
        tests(OF_STEPUP, "test_a_proof_from_the_future_is_none_beyond_what_clocks_differ"),
    ),
    Mutant(
        "only ASCII digits are a code",
        STEPUP,
        'r"[0-9]{6}"',
        'r"\\d{6}"',
        tests(OF_STEPUP, "test_what_python_takes_for_a_number_is_not_always_a_code"),
    ),
)

MUTANTS = (*_LIFECYCLE, *_POLICY, *_STEPUP)
