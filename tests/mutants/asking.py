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
LOOKING_UP, OF_LOOKING_UP = "bot/service/lookups.py", "tests/service/test_lookups.py"
OF_LISTING = "tests/providers/test_lookups.py"
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
        "only what the parameter takes is offered",
        LOOKING_UP,
        "if re.fullmatch(parameter.pattern, choice.value)",
        "if True",
        tests(OF_LOOKING_UP, "test_of_what_there_is_the_parameter_is_offered_what_it_takes"),
    ),
    Mutant(
        "what cannot be listed is typed",
        LOOKING_UP,
        "question is None or _failed(question, by)",
        "question is None",
        tests(OF_LOOKING_UP, "test_what_cannot_be_listed_is_neither_offered_nor_asked_for_again_at_once"),
    ),
    Mutant(
        "what there is in an account is shown to those only who may ask there",
        "bot/slack/asking.py",
        "if account not in policy.accounts_offered(catalogue, role, caller.person):",
        "if not account:",
        tests("tests/slack/test_lookups.py", "test_whoever_may_ask_there_no_longer_is_shown_nothing_of_it"),
    ),
    Mutant(
        "what was chosen in one account is not asked for in another",
        "bot/slack/form.py",
        'if where not in ("", account)',
        "if False",
        tests("tests/slack/test_lookups.py", "test_what_was_chosen_in_one_account_is_not_carried_to_another"),
    ),
    Mutant(
        "where resources say different things nobody is the owner",
        "bot/providers/aws_resources.py",
        "return said.pop() if len(said) == 1 else",
        "return max(said) if said else",
        tests(OF_LISTING, "TestAwsIamProvider::test_where_resources_say_different_things_nobody_is_the_owner"),
    ),
    Mutant(
        "a name that is left open has no owner",
        "bot/providers/aws_resources.py",
        'return "" if _OPEN.search(name) else name',
        "return name",
        tests(OF_LISTING, "test_a_parameter_names_what_the_statements_allow_and_nothing_that_is_left_open"),
    ),
    Mutant(
        "where one of the names is left open nobody is the owner",
        "bot/providers/aws_resources.py",
        "    if not all(named):\n        return frozenset()\n",
        "    named = [each for each in named if each]\n",
        tests(OF_LISTING, "test_a_parameter_names_what_the_statements_allow_and_nothing_that_is_left_open"),
    ),
    Mutant(
        "in the hour that comes twice nothing is handed back",
        ONCALL,
        "    while (first + (turn + 1)",
        "    while False and (first + (turn + 1)",
        tests(OF_ONCALL, "test_in_the_hour_that_comes_twice_a_handover_comes_once"),
    ),
)
