"""Protections of making access longer, and of whose page is kept up to date."""

from tests.mutants.mutant import Mutant, tests

CASES, HANDLING, EXTENDING, SHOWING, DECISIONS, WAYS = (
    *(f"bot/service/{name}.py" for name in ("cases", "handling", "extending", "showing")),
    *("bot/core/decisions.py", "bot/core/policy/ways.py"),
)
OF_EXTENDING, OF_PAGES = "tests/service/test_extending.py", "tests/service/test_pages.py"

MUTANTS = (
    Mutant(
        "what makes longer is not made longer itself",
        CASES,
        "extended=before or itself",
        "extended=before",
        tests(OF_EXTENDING, "test_what_makes_longer_is_not_made_longer_itself"),
    ),
    Mutant(
        "what was had by breaking glass goes on only with a yes",
        WAYS,
        "if silent and a.known.extends_glass is False else",
        "if silent else",
        tests(OF_EXTENDING, "test_what_was_had_by_breaking_glass_goes_on_only_with_a_yes"),
    ),
    Mutant(
        "only what goes on is put there before its start",
        DECISIONS,
        "return grant.starts_at - AHEAD if request.ask.extends else grant.starts_at",
        "return grant.starts_at - AHEAD",
        tests("tests/core/test_lifecycle_ways.py", "test_what_goes_on_is_put_there_shortly_before_and_nothing_else_is"),
    ),
    Mutant(
        "what was to go on ends with what was stopped",
        HANDLING,
        "for each in stopped if tx.extensions_of(each)]",
        "for each in () if tx.extensions_of(each)]",
        tests(OF_EXTENDING, "test_what_was_to_go_on_ends_at_once_and_says_why"),
    ),
    Mutant(
        "what waits to go on is cancelled with what was stopped",
        EXTENDING,
        "if request.status is RequestStatus.PENDING:",
        "if False:",
        tests(OF_EXTENDING, "test_what_waits_for_a_yes_is_cancelled_and_says_why"),
    ),
    Mutant(
        "nobody makes somebody else's access longer",
        EXTENDING,
        "if grant is None or request is None or grant.person != person.id:",
        "if grant is None or request is None:",
        tests(OF_EXTENDING, "test_nobody_else_makes_it_longer"),
    ),
    Mutant(
        "pages that nobody looks at are left alone",
        SHOWING,
        "if not homes.is_kept(tx, claim.subject):",
        "if False:",
        tests(OF_PAGES, "test_a_page_is_kept_up_to_date_for_whoever_looked_at_it_and_for_nobody_else"),
    ),
)
