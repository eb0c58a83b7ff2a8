"""Protections of the worker: who may write what came of an effect, what is tried again, when the cloud is asked."""

from tests.mutants.mutant import Mutant, tests

HANDLING, EFFECTS, GRANTING = "bot/service/handling.py", "bot/service/effects.py", "bot/service/granting.py"
ACCESS, BREAKER, UNRECORDED = "bot/service/access.py", "bot/service/breaker.py", "bot/service/unrecorded.py"
CLOCK = "bot/service/clock.py"
OF_ACCESS, OF_BATCHES, OF_EFFECTS, OF_GRANTING, OF_BREAKER, OF_UNRECORDED, OF_CLOCK = (
    f"tests/service/test_{name}.py"
    for name in ("access", "batches", "effects", "granting", "breaker", "unrecorded", "clock")
)

_HANDLING = (
    Mutant(
        "who lost the lease writes nothing",
        HANDLING,
        "if claim is not None and not tx.holds(claim):",
        "if False:",
        tests(OF_GRANTING, "test_a_late_start_is_told_that_another_worker_has_it"),
    ),
    Mutant(
        "who lost some leases of a batch writes nothing for these",
        HANDLING,
        'batch.decide(where.get(claim.subject, ""), command) if claim.id in held else FENCE',
        'batch.decide(where.get(claim.subject, ""), command)',
        tests(OF_BATCHES, "test_only_those_of_a_batch_that_are_still_held_are_changed[world]"),
    ),
    Mutant(
        "what came early stays on the books",
        HANDLING,
        "if claim is not None and not _is_early(outcome):",
        "if claim is not None:",
        tests(OF_GRANTING, "test_a_timer_that_the_database_s_clock_calls_early_stays_on_the_books"),
    ),
    Mutant(
        "what came early in a batch stays on the books",
        HANDLING,
        "if claim.id in held and not _is_early(outcome)]",
        "if claim.id in held]",
        tests(OF_BATCHES, "test_what_came_early_stays_on_the_books_beside_what_is_due"),
    ),
    Mutant(
        "every transition is in the log",
        HANDLING,
        "    tx.append(events)\n",
        "",
        tests(OF_ACCESS, "test_the_log_is_gapless_and_names_who_did_what_by_which_way_in"),
    ),
    Mutant(
        "a transition is logged in the transaction that made it",
        HANDLING,
        """            _write(tx, outcome)
        elif outcome.code == "policy" and not isinstance(command, Refusal):
            tx.append([_refused(state, command, outcome)])
""",
        """            _write(tx, replace(outcome, events=()))
        elif outcome.code == "policy" and not isinstance(command, Refusal):
            tx.append([_refused(state, command, outcome)])
    if isinstance(outcome, Decision):
        with store.transaction() as later:
            later.append(outcome.events)
""",
        tests(OF_UNRECORDED, "test_nothing_is_granted_that_cannot_be_recorded"),
    ),
)

_EFFECTS = (
    Mutant(
        "what waited for longer than its lease is left alone",
        EFFECTS,
        "if self.clock.now() - since >= LEASE:",
        "if False:",
        tests(OF_EFFECTS, "test_the_rest_of_a_batch_that_took_longer_than_the_lease_is_left_alone"),
    ),
    Mutant(
        "it is tried for ever",
        EFFECTS,
        '        log.info("effect.retry", kind=first.kind,',
        "        if first.attempts > 9:\n            finish(self.store, first)\n            return\n"
        '        log.info("effect.retry", kind=first.kind,',
        tests(OF_GRANTING, "test_a_revocation_is_tried_for_ever_until_it_was_seen_gone"),
    ),
    Mutant(
        "it is tried once a minute at least",
        EFFECTS,
        "longest = min(BACKOFF_MOST, BACKOFF * 2 ** min(attempts - 1, 10))",
        "longest = BACKOFF * 2 ** min(attempts - 1, 10)",
        tests(OF_EFFECTS, "test_the_wait_doubles_up_to_a_minute_and_never_becomes_giving_up"),
    ),
    Mutant(
        "what was not begun at the stop is given back",
        EFFECTS,
        '                self._give_back(claims[number:], timedelta(0), "Not begun.")\n',
        "",
        tests("tests/test_draining.py", "test_what_was_claimed_and_not_begun_is_given_back_at_once"),
    ),
    Mutant(
        "a stop wakes every thread that waits",
        EFFECTS,
        "        self.runner.store.rouse(self.lanes)\n",
        "",
        tests(OF_EFFECTS, "test_a_stop_wakes_every_thread_however_long_it_would_have_waited"),
    ),
    Mutant(
        "who lost the lease gives nothing back",
        EFFECTS,
        "        except LostLease:\n            return False\n",
        "",
        tests(OF_EFFECTS, "test_what_a_handler_lost_is_left_to_whoever_has_it"),
    ),
    Mutant(
        "a thread of a lane outlives every error",
        EFFECTS,
        '                log.exception("worker.failed", lane=lane)\n',
        "                raise\n",
        tests(OF_EFFECTS, "test_a_thread_outlives_what_goes_wrong_with_claiming[bug]"),
    ),
    Mutant(
        "one of a batch that cannot be handled does not keep the others",
        EFFECTS,
        '            log.exception("effect.batch-failed", kind=kind, count=len(claims))\n'
        "            self._one_by_one(claims, stopping)\n",
        '            log.exception("effect.batch-failed", kind=kind, count=len(claims))\n'
        '            self._give_back(claims, BACKOFF_MOST, "failed")\n',
        tests(OF_BATCHES, "test_one_that_cannot_be_handled_is_found_and_the_others_are_done"),
    ),
)

_GRANTING = (
    Mutant(
        "removed is what was observed absent",
        GRANTING,
        "if provider.observe(permission).present:",
        "if False:",
        tests(OF_GRANTING, "test_it_is_not_ended_while_it_can_still_be_seen"),
    ),
    Mutant(
        "what was put too late is taken away again",
        GRANTING,
        "        if late:\n",
        "        if False:\n",
        tests(OF_GRANTING, "test_what_is_put_after_it_was_taken_away_is_taken_away_again"),
    ),
    Mutant(
        "what was put too late by a call without an answer is taken away again",
        GRANTING,
        "if self.clock.now() >= claim.lease_until:",
        "if False:",
        tests(OF_GRANTING, "test_what_is_put_after_it_was_taken_away_is_taken_away_again"),
    ),
    Mutant(
        "what has ended is taken away once more when something may have been put",
        GRANTING,
        "grant.status not in {GrantStatus.SCHEDULED, GrantStatus.ACTIVE}",
        "grant.status not in {GrantStatus.SCHEDULED, GrantStatus.ACTIVE, GrantStatus.ENDED}",
        tests(OF_GRANTING, "test_what_is_put_after_it_was_taken_away_is_taken_away_again"),
    ),
    Mutant(
        "a grant is begun only where the lease lasts",
        GRANTING,
        "if now + GRANT_TAKES > claim.lease_until or ",
        "if ",
        tests(OF_GRANTING, "test_a_grant_is_not_begun_under_a_lease_that_is_nearly_over"),
    ),
    Mutant(
        "nothing is put after its end",
        GRANTING,
        " or now >= grant.expires_at:",
        ":",
        tests(OF_GRANTING, "test_nothing_is_put_whose_time_is_up_though_its_expiry_did_not_run"),
    ),
    Mutant(
        "nothing is begun while the clocks differ",
        GRANTING,
        "        self._refuse_skewed()\n        _raise_for(",
        "        _raise_for(",
        tests(OF_BATCHES, "test_while_the_clocks_differ_nothing_is_granted"),
    ),
    Mutant(
        "nothing is put while the clocks differ",
        GRANTING,
        "        self._refuse_skewed()\n        now = self.clock.now()\n",
        "        now = self.clock.now()\n",
        tests(OF_BATCHES, "test_a_grant_whose_call_is_still_to_come_waits_for_the_clocks_too"),
    ),
    Mutant(
        "a clock that is behind is as wrong as one that is ahead",
        CLOCK,
        "return abs(self.skew) > MOST_SKEW",
        "return self.skew > MOST_SKEW",
        tests(OF_BATCHES, "test_while_the_clocks_differ_nothing_is_granted"),
    ),
    Mutant(
        "an answer that took too long says nothing about the clock",
        CLOCK,
        "if timedelta(0) <= took <= TOO_SLOW:",
        "if True:",
        tests(OF_CLOCK, "test_an_answer_that_took_too_long_says_nothing"),
    ),
    Mutant(
        "who approved must be an approver at the grant too",
        ACCESS,
        "if verdict.allowed and not is_approved_still(request, asking):",
        "if False:",
        tests(OF_GRANTING, "test_what_is_no_longer_allowed_at_the_grant_is_not_asked_of_the_cloud"),
    ),
    Mutant(
        "permissions that changed since are not granted",
        "bot/service/cases.py",
        "elif verdict.allowed and [part.policy for part in rendered] != [part.policy for part in request.parts]:",
        "elif False:",
        tests(OF_GRANTING, "test_what_is_no_longer_allowed_at_the_grant_is_not_asked_of_the_cloud"),
    ),
)

_CALM = (
    Mutant(
        "an account that does not answer is left alone",
        BREAKER,
        "if account.failures >= OPENS_AFTER and now >= account.open_until:",
        "if False:",
        tests(OF_BREAKER, "test_an_account_that_does_not_answer_rests_and_the_others_do_not"),
    ),
    Mutant(
        "after its rest one call alone tries the account",
        BREAKER,
        "(1 if account.failures >= OPENS_AFTER else self.at_once)",
        "self.at_once",
        tests(OF_BREAKER, "test_after_its_rest_one_call_alone_shows_whether_it_is_well"),
    ),
    Mutant(
        "no account takes all the threads",
        BREAKER,
        "                return CROWDED\n",
        "                pass\n",
        tests(OF_BREAKER, "test_no_account_takes_all_the_threads"),
    ),
    Mutant(
        "what complains is asked more slowly",
        BREAKER,
        "            if throttled:\n",
        "            if False:\n",
        tests(OF_BREAKER, "test_what_complains_is_asked_at_half_the_pace_then_faster_again"),
    ),
    Mutant(
        "a revocation goes on when nothing can be written",
        UNRECORDED,
        "            return self._stop_unrecorded(grant_id, make, error)\n",
        "            raise error\n",
        tests(OF_UNRECORDED, "test_a_release_takes_the_access_away_and_says_that_it_is_not_recorded"),
    ),
    Mutant(
        "nobody stops without the log what they may not stop with it",
        UNRECORDED,
        "        if grant is None or isinstance(command, Refusal) or not isinstance(outcome, Decision):\n",
        "        if grant is None or isinstance(command, Refusal):\n",
        tests(OF_UNRECORDED, "test_nobody_stops_without_the_log_what_they_may_not_stop_with_it"),
    ),
    Mutant(
        "what was not recorded is owed to the log",
        UNRECORDED,
        "        self.owed.add(grant_id, command)\n",
        "",
        tests(OF_UNRECORDED, "test_a_revocation_keeps_its_actor_and_words_until_they_are_recorded"),
    ),
)

MUTANTS = (*_HANDLING, *_EFFECTS, *_GRANTING, *_CALM)
