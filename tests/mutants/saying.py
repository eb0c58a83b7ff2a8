"""Protections of what is shown and said in the chat."""

from tests.mutants.mutant import Mutant, tests

COPIES, OF_SHOWING = "bot/service/copies.py", "tests/service/test_showing.py"

MUTANTS = (
    Mutant(
        "who lost the lease shows and says nothing",
        COPIES,
        "    if not tx.holds(claim):\n",
        "    if False:\n",
        tests(OF_SHOWING, "test_a_slow_worker_says_nothing_once_its_lease_is_over"),
    ),
    Mutant(
        "who lost the lease shows nothing on a card",
        COPIES,
        "        if not held:\n            raise _lost(claim)\n        return before\n",
        "        return before\n",
        tests(OF_SHOWING, "test_a_slow_worker_shows_nothing_once_its_lease_is_over"),
    ),
    Mutant(
        "who lost the lease says nothing",
        COPIES,
        "            _refuse_lost(tx, claim)\n        with unless_lasting(claim.kind,",
        "            pass\n        with unless_lasting(claim.kind,",
        tests(OF_SHOWING, "test_a_slow_worker_says_nothing_once_its_lease_is_over"),
    ),
)
