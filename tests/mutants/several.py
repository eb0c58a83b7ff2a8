"""Protections of several targets in one request."""

from tests.mutants.mutant import Mutant, tests

STOPPING, OF_SERVICE = "bot/service/stopping.py", "tests/service/test_several.py"
TOGETHER, OF_LIFECYCLE = "bot/core/lifecycle/together.py", "tests/core/test_lifecycle_several.py"

MUTANTS = (
    Mutant(
        "only the holder releases",
        STOPPING,
        "bool(grants) and all(grant.person == person.id for grant in grants)",
        "bool(grants)",
        tests("tests/service/test_access.py", "test_nobody_releases_for_another"),
    ),
    Mutant(
        "of several grants only those are revoked that one may revoke",
        STOPPING,
        "[each for each in wanted if allowed is None or each in allowed]",
        "wanted",
        tests(OF_SERVICE, "test_whoever_may_revoke_only_some_of_it_stops_those_and_an_admin_the_rest"),
    ),
    Mutant(
        "where nothing can be written each of several grants is taken away",
        STOPPING,
        "for grant_id in rest:",
        "for grant_id in ():",
        tests(OF_SERVICE, "test_where_nothing_can_be_written_all_of_it_is_taken_away_and_recorded_later"),
    ),
    Mutant(
        "that several targets began is told once all are there",
        TOGETHER,
        " and not statuses & _MAKING",
        "",
        tests(OF_LIFECYCLE, "test_that_it_began_is_told_once_and_only_when_all_are_there"),
    ),
    Mutant(
        "what is for one principal has to find room together",
        "bot/service/preflight.py",
        "provider.preflight(*permissions)",
        "provider.preflight(permissions[0])",
        tests(OF_SERVICE, "test_the_cloud_is_asked_once_for_each_principal_what_it_thinks_of_all_of_it"),
    ),
    Mutant(
        "whoever comes in a later stage of one target waits with the others",
        "bot/core/policy/approving.py",
        ' or (reason.rule == "stage" and comes_later(approving.each[at]))',
        "",
        tests(
            "tests/core/policy/test_several.py",
            "test_the_stages_of_each_role_have_to_be_filled_by_its_own_approvers",
        ),
    ),
)
