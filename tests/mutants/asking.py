"""Protections around facts from outside: where a token goes, what counts when a source fails, who is on call."""

from tests.mutants.mutant import Mutant, tests

ASKING, CACHING, CIRCUIT, GATHERING = (
    "bot/sources/asking.py",
    "bot/service/caching.py",
    "bot/service/circuit.py",
    "bot/service/facts.py",
)
ONCALL, GITHUB, JIRA = "bot/core/oncall.py", "bot/sources/github.py", "bot/sources/jira.py"
OF_JIRA, OF_CACHING = "tests/sources/test_jira.py", "tests/service/test_caching.py"
OF_GATHERING, OF_ONCALL = "tests/service/test_facts.py", "tests/core/test_oncall.py"
WATCHING, OF_WATCHING = "bot/service/watching.py", "tests/service/test_watching.py"

MUTANTS = (
    Mutant(
        "a token is not sent to another host",
        ASKING,
        "_origin(target) != _origin(url)",
        "False",
        tests(OF_JIRA, "TestJira::test_the_token_is_not_sent_elsewhere"),
    ),
    Mutant(
        "an answer is read only up to a limit",
        ASKING,
        "        if len(body) > LARGEST:\n",
        "        if False:\n",
        tests(OF_JIRA, "TestJira::test_an_answer_that_is_huge_is_not_read"),
    ),
    Mutant(
        "a source that is slow is not waited for",
        ASKING,
        "sock_read=self.limits.read",
        "sock_read=None",
        tests(OF_JIRA, "TestJira::test_one_that_is_slow_is_not_waited_for"),
        may_hang=True,
    ),
    Mutant(
        "a ticket's key leads to no other path",
        JIRA,
        "if not _KEY.fullmatch(key):",
        "if False:",
        tests(OF_JIRA, "TestJira::test_a_key_that_is_none_is_not_found_without_a_call"),
    ),
    Mutant(
        "a state that is not known is not open",
        JIRA,
        "told.status.category.key in OPEN",
        'told.status.category.key != "done"',
        tests(OF_JIRA, "TestJira::test_a_state_that_is_not_known_is_not_open"),
    ),
    Mutant(
        "a ticket of another repository does not count",
        GITHUB,
        '(match["project"] or project).lower() != project.lower()',
        "False",
        tests("tests/sources/test_github.py", "TestGitHub::test_a_key_that_is_none_is_not_found_without_a_call"),
    ),
    Mutant(
        "whoever asks the same waits for one call",
        CACHING,
        "            return _shared(asked)\n",
        "            mine = Future()\n",
        tests(OF_CACHING, "test_whoever_asks_the_same_at_the_same_time_waits_for_one_call"),
    ),
    Mutant(
        "a source that is down is left alone",
        CIRCUIT,
        "self.clock() < state.open_until or state.trying",
        "state.trying",
        tests(OF_CACHING, "test_a_source_that_is_down_costs_no_call"),
    ),
    Mutant(
        "a source that fails says that nobody is known",
        GATHERING,
        "        return None\n\n\n@dataclass",
        "        return ()  # type: ignore[return-value]\n\n\n@dataclass",
        tests(OF_GATHERING, "test_a_source_that_fails_is_absent_and_one_line_says_so"),
    ),
    Mutant(
        "a token goes to no host that the settings do not name",
        "bot/sources/tokens.py",
        "if host not in ({said} if said else usual):",
        "if False:",
        tests(
            "tests/sources/test_kinds.py", "test_a_token_goes_to_no_host_but_that_of_the_settings_or_else_the_vendors"
        ),
    ),
    Mutant(
        "the owner of one stage is not taken for another's",
        GATHERING,
        "len(owners) != 1",
        "not owners",
        tests(OF_GATHERING, "test_where_stages_name_different_owners_nobody_is_taken_for_either"),
    ),
    Mutant(
        "an owner is that of exactly this resource",
        GATHERING,
        "tuple(sorted(item.params.items())), owner)",
        "(), owner)",
        tests(OF_GATHERING, "test_the_owner_is_whom_the_tag_of_the_resource_names"),
    ),
    Mutant(
        "only a ticket that is there and closed ends access",
        WATCHING,
        "if fact is None or not fact.found or fact.open:",
        "if fact is None or fact.open:",
        tests(OF_WATCHING, "test_only_a_ticket_that_is_there_and_closed_ends_it"),
    ),
    Mutant(
        "only where the role says so a closed ticket ends access",
        WATCHING,
        "if rule and rule.ends_access and request.ask.ticket",
        "if rule and request.ask.ticket",
        tests(OF_WATCHING, "test_where_the_role_does_not_say_so_nobody_looks"),
    ),
    Mutant(
        "what looks after a ticket is written with the beginning of the access",
        "bot/service/access.py",
        "                tx.enqueue(watch(asked.catalogue, state.request, grant, now))\n",
        "                pass\n",
        tests(OF_WATCHING, "test_the_watch_is_on_the_books_before_the_cloud_is_asked"),
    ),
    Mutant(
        "a ticket is looked at until the access is over and not beyond",
        WATCHING,
        "_OVER: Final = frozenset({GrantStatus.REVOKING, GrantStatus.ENDED})",
        "_OVER: Final = frozenset[GrantStatus]()",
        tests(OF_WATCHING, "test_it_is_looked_for_until_the_access_is_over_and_not_beyond"),
    ),
    Mutant(
        "in the hour that comes twice nothing is handed back",
        ONCALL,
        "    while (first + (turn + 1)",
        "    while False and (first + (turn + 1)",
        tests(OF_ONCALL, "test_in_the_hour_that_comes_twice_a_handover_comes_once"),
    ),
)
