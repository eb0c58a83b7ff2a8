"""Protections of what a form foretells, of who is told why, and of what the last choice shows."""

from tests.mutants.mutant import Mutant, tests

PEOPLE, OF_PEOPLE = "bot/service/people.py", "tests/service/test_people.py"
DIRECTORY, OUTLOOK, WHY, EDGE = (
    "bot/slack/directory.py",
    "bot/core/policy/outlook.py",
    "bot/slack/why.py",
    "bot/slack/edge.py",
)
OF_OUTLOOK, OF_EXPLAINING = "tests/core/policy/test_outlook.py", "tests/service/test_explaining.py"
OF_EXPLAIN = "tests/core/policy/test_explain.py"
OF_WHY, OF_TURNS = "tests/slack/test_why.py", "tests/slack/test_turns.py"

MUTANTS = (
    Mutant(
        "a form asks Slack about nobody",
        DIRECTORY,
        "        if not self._asks:\n",
        "        if False:\n",
        tests(
            "tests/slack/test_directory.py",
            "test_what_is_remembered_is_said_without_asking_slack_and_the_rest_is_not_known",
        ),
    ),
    Mutant(
        "a form goes by what is remembered",
        PEOPLE,
        "self.directory.remembered(),",
        "self.directory,",
        tests(OF_EXPLAINING, "test_who_is_remembered_of_a_group_is_named_and_a_stranger_goes_by_their_chat_id"),
    ),
    Mutant(
        "nobody else of a group is looked up for one of them",
        PEOPLE,
        "self._members(group) if person is None else self._if_in(group, person)",
        "self._members(group)",
        tests(OF_PEOPLE, "test_what_is_offered_to_somebody_takes_no_look_at_the_others_of_a_group"),
    ),
    Mutant(
        "people are those of the catalogue in use",
        "bot/service/current.py",
        "if kept is None or kept[0] is not catalogue:",
        "if kept is None:",
        tests(OF_PEOPLE, "test_whoever_the_catalogue_in_use_names_is_found_not_who_an_older_one_named"),
    ),
    Mutant(
        "nobody is said to be on call where that is not known",
        OUTLOOK,
        "if auto.on_call in facts.on_call else None",
        "if True else None",
        tests(OF_OUTLOOK, "test_every_condition_is_told_and_what_nobody_could_say_is_open"),
    ),
    Mutant(
        "of a role that is not offered nothing is foretold",
        OUTLOOK,
        "role and may_use(role, of.requester, of.known, of.now)",
        "role",
        tests(OF_OUTLOOK, "test_without_a_role_that_is_offered_nothing_is_foretold"),
    ),
    Mutant(
        "only admins ask why for somebody else",
        WHY,
        "    if named and not is_admin:\n",
        "    if False:\n",
        tests(OF_WHY, "test_admins_ask_for_somebody_else_and_others_do_not"),
    ),
    Mutant(
        "why tells nobody but an admin of a role that is not theirs",
        WHY,
        "sees_all=is_admin",
        "sees_all=True",
        tests(OF_WHY, "test_of_a_role_that_is_not_theirs_nobody_but_an_admin_learns_more"),
    ),
    Mutant(
        "an answer to an earlier choice is not shown over a later one",
        EDGE,
        "            if self.turns.is_over(origin.view, origin.at):\n                return\n",
        "",
        tests(OF_TURNS, "test_an_answer_to_an_earlier_choice_is_not_shown_after_a_later_one"),
    ),
    Mutant(
        "a form names for each role of a bundle its own approvers",
        OUTLOOK,
        "RoleOutlook(of.role.title, those) for of, those in zip(each, stages, strict=True)",
        "RoleOutlook(of.role.title, stages[0]) for of in each",
        tests(OF_OUTLOOK, "test_of_a_bundle_each_role_names_who_will_be_asked_and_where_others_come_from"),
    ),
    Mutant(
        "several targets are explained as they would be judged, all together",
        "bot/core/policy/asking.py",
        "    if any(map(_hides,",
        "    if False and any(map(_hides,",
        tests(OF_EXPLAIN, "test_of_several_with_one_that_is_not_offered_nothing_else_is_told"),
    ),
    Mutant(
        "a bundle is had only by who could have each of its roles",
        "bot/core/policy/possibilities.py",
        "len(there) == len(chances) and ",
        "",
        tests(OF_EXPLAIN, "test_a_bundle_is_had_alone_only_where_each_of_its_roles_breaks_glass"),
    ),
    Mutant(
        "a large group of approvers costs no call for each member",
        DIRECTORY,
        "while len(missing) > FEW and",
        "while False and",
        tests("tests/slack/test_directory.py", "test_many_accounts_take_a_page_and_not_a_call_each"),
    ),
    Mutant(
        "nobody deactivated, and no guest, approves by a group",
        PEOPLE,
        "for _, account in accounts if not account.refused",
        "for _, account in accounts",
        tests(OF_PEOPLE, "test_members_who_may_do_nothing_here_are_no_approvers"),
    ),
    Mutant(
        "a page offers to review only what that person may review",
        "bot/service/pages.py",
        "return not policy.may_not_review(self.catalogue, approvers, requester, person)",
        "return True",
        tests("tests/service/test_ways.py", "test_whoever_may_not_approve_it_any_more_has_nothing_to_review"),
    ),
)
