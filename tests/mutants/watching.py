"""Protections of what watches: when drift is acted on, who decides about a stray, who is taken for a leaver."""

from tests.mutants.mutant import Mutant, tests

RECONCILING, TENDING, LEAVING = (f"bot/service/{name}.py" for name in ("reconciling", "tending", "leaving"))
OF_RECONCILING, OF_SETTLING, OF_LEAVING = (
    f"tests/service/test_{name}.py" for name in ("reconciling", "settling", "leaving")
)
HEALTH, OF_HEALTH = "bot/web/health.py", "tests/web/test_site.py"
OF_FULL = "test_a_database_that_takes_nothing_is_not_ready_and_who_asks_often_makes_nobody_write"
SERVING, OF_SERVING = "bot/serving.py", "tests/test_serving.py"
OF_SWEEP = "test_what_is_over_is_taken_away_without_the_queue_while_a_lane_that_ends_access_is_away"

MUTANTS = (
    Mutant(
        "what differs is seen twice before anything is done",
        RECONCILING,
        "later = sight.at + SECOND_LOOK\n",
        "later = sight.at\n",
        tests(OF_RECONCILING, "test_it_is_seen_twice_before_anything_is_done"),
    ),
    Mutant(
        "what differs otherwise at the second look is looked at again",
        RECONCILING,
        'if verdict != claim.payload["verdict"]:',
        "if False:",
        tests(OF_RECONCILING, "test_what_is_something_else_at_the_second_look_is_looked_at_once_more"),
    ),
    Mutant(
        "who lost the lease records no stray",
        RECONCILING,
        "            if not finished(tx, claim):\n                return\n            if stray is not None and",
        "            finished(tx, claim)\n            if stray is not None and",
        tests(OF_RECONCILING, "test_a_worker_that_lost_its_lease_records_nothing"),
    ),
    Mutant(
        "nothing is removed that no admin decided on",
        TENDING,
        "        if stray.fate is None:\n",
        "        if False:\n",
        tests(OF_SETTLING, "test_nothing_is_removed_that_no_admin_decided_on"),
    ),
    Mutant(
        "a stray that was removed is one that was observed absent",
        TENDING,
        "    if provider.read(account, principal, name) is not None:\n",
        "    if False:\n",
        tests(OF_SETTLING, "test_removed_is_said_only_once_it_was_observed_absent"),
    ),
    Mutant(
        "nothing is restored while the clocks differ",
        TENDING,
        "if self.clock.is_skewed:",
        "if False:",
        tests(OF_SETTLING, "test_nothing_is_restored_while_the_clocks_differ"),
    ),
    Mutant(
        "what ended while it was restored is taken away again",
        TENDING,
        "if after is None or not self._is_on(after):",
        "if False:",
        tests(OF_SETTLING, "test_a_grant_that_ends_while_it_is_restored_leaves_nothing"),
    ),
    Mutant(
        "only an admin decides about a stray",
        "bot/core/strays.py",
        "if not d.is_admin:",
        "if False:",
        tests(OF_SETTLING, "test_only_an_admin_decides_and_the_attempt_is_logged"),
    ),
    Mutant(
        "no admin adopts their own access",
        "bot/core/strays.py",
        "if any(person.is_same_human(d.person) for person in theirs):",
        "if False:",
        tests(OF_SETTLING, "test_no_admin_adopts_or_restores_their_own_access"),
    ),
    Mutant(
        "what was rewritten since is not adopted",
        "bot/service/strays.py",
        "if fate in NEEDS_CODE and stray.digest(fate) != digest:",
        "if False:",
        tests(OF_SETTLING, "test_what_was_rewritten_after_the_admin_looked_is_not_adopted"),
    ),
    Mutant(
        "who can write nothing is not ready",
        HEALTH,
        'return "" if self._can_write(now) else "takes nothing"',
        'return ""',
        tests(OF_HEALTH, OF_FULL),
    ),
    Mutant(
        "whether something can be written is known by writing",
        HEALTH,
        '                tx.once(f"ready:{now.isoformat()}", now)\n',
        "                tx.now()\n",
        tests(OF_HEALTH, OF_FULL),
    ),
    Mutant(
        "who asks often whether it is ready makes nobody write",
        HEALTH,
        "if self._wrote_at is not None and timedelta(0) <= now - self._wrote_at < WRITE_EVERY:",
        "if False:",
        tests(OF_HEALTH, OF_FULL),
    ),
    Mutant(
        "what could be written once is tried again after a while",
        HEALTH,
        "if self._wrote_at is not None and timedelta(0) <= now - self._wrote_at < WRITE_EVERY:",
        "if self._wrote_at is not None:",
        tests(OF_HEALTH, OF_FULL),
    ),
    Mutant(
        "what is over is taken away while the lane that ends it cannot be written",
        SERVING,
        'if {"access", "cloud"} & worker.away else None',
        'if {"cloud"} & worker.away else None',
        tests(OF_SERVING, OF_SWEEP),
    ),
    Mutant(
        "what is over is taken away while the lane that calls the cloud cannot be written",
        SERVING,
        'if {"access", "cloud"} & worker.away else None',
        'if {"access"} & worker.away else None',
        tests(OF_SERVING, OF_SWEEP),
    ),
    Mutant(
        "whether somebody left is asked of the directory",
        LEAVING,
        "        if not account.refused:\n",
        "        if False:\n",
        tests(OF_LEAVING, "test_the_directory_counts_and_not_what_the_event_said"),
    ),
)
