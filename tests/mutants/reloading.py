"""Protections around changes of the catalogue: what is used, who is told, whose word counts."""

from tests.mutants.mutant import Mutant, tests

RELOADING, CATALOGUES, CHANGES = (f"bot/service/{name}.py" for name in ("reloading", "catalogues", "changes"))
VERSIONS, JUDGING, CURRENT = "bot/core/versions.py", "bot/core/judging.py", "bot/service/current.py"
COMPARE, PERMISSIONS = "bot/core/difference/compare.py", "bot/core/difference/permissions.py"
CLIENTS = "bot/providers/aws_clients.py"
OF_RELOADING, OF_CHANGES = "tests/service/test_reloading.py", "tests/service/test_changes.py"
OF_DIFFERENCE, OF_REQUESTS = "tests/core/test_difference.py", "tests/service/test_in_flight.py"

_FILES = (
    Mutant(
        "what a file says once is not used yet",
        RELOADING,
        "            elif seen.key != self._seen:\n",
        "            elif False:\n",
        tests(OF_RELOADING, "test_what_a_file_says_once_may_be_half_of_it_and_is_not_used"),
    ),
    Mutant(
        "each bad file is told of once",
        RELOADING,
        'if not tx.once(f"catalogue-unreadable:{key}", now + TOLD_FOR):',
        "if False:",
        tests(OF_RELOADING, "test_a_bad_file_keeps_the_old_one_says_so_once_and_heals"),
    ),
    Mutant(
        "an older file brings nothing back",
        VERSIONS,
        "if denied or own != head.digest:",
        "if denied:",
        tests(OF_RELOADING, "test_a_replica_with_an_older_file_never_brings_back_what_was_replaced"),
    ),
    Mutant(
        "what was denied stays denied",
        VERSIONS,
        "if denied or own != head.digest:",
        "if own != head.digest:",
        tests(OF_RELOADING, "test_what_a_file_changes"),
    ),
    Mutant(
        "what this installation did not sign is not gone by",
        CATALOGUES,
        "if version.standing in {Standing.LIVE, Standing.REPLACED} and not self.is_ours(version):",
        "if False:",
        tests(OF_RELOADING, "test_what_this_installation_did_not_put_there_is_not_gone_by"),
    ),
    Mutant(
        "content and digest belong together",
        CATALOGUES,
        "if catalogue.digest != version.digest:",
        "if False:",
        tests(OF_RELOADING, "test_content_that_is_not_what_its_digest_stands_for_is_not_gone_by"),
    ),
    Mutant(
        "work goes by one catalogue to its end",
        CURRENT,
        "        return pinned or self._catalogue\n",
        "        return self._catalogue\n",
        tests(OF_RELOADING, "test_work_that_has_begun_goes_by_one_catalogue_to_its_end"),
    ),
    Mutant(
        "an account's session is that account's",
        CLIENTS,
        "        key = (account, person, grant_id)\n",
        '        key = (Account(account.id, "", ""), person, grant_id)\n',
        tests(
            "tests/providers/test_aws_clients.py",
            "test_after_a_reload_an_account_s_session_is_not_that_of_the_account_that_had_its_id",
        ),
    ),
)

_WORDS = (
    Mutant(
        "the rule in use decides whether a change waits",
        VERSIONS,
        "return Step.PROPOSE if live.guarded else Step.TAKE",
        "return Step.TAKE",
        tests(OF_CHANGES, "test_a_change_waits_and_what_was_there_before_stays_in_use"),
    ),
    Mutant(
        "the rule in use decides who approves",
        JUDGING,
        "if j.person.id not in change_approvers(j.before):",
        "if j.person.id not in change_approvers(j.after) | change_approvers(j.before):",
        tests(OF_CHANGES, "test_the_rule_in_use_decides_not_the_one_that_is_proposed"),
    ),
    Mutant(
        "nobody approves what they gain by",
        JUDGING,
        "if j.approving and gains(j.found, j.before, j.after, j.person):",
        "if False:",
        tests(OF_CHANGES, "test_who_gains_by_a_change_cannot_approve_it_and_can_deny_it"),
    ),
    Mutant(
        "nobody gains under another name",
        JUDGING,
        "return person.id in gained or any(each.is_same_human(person) for each in known)",
        "return person.id in gained",
        tests(OF_CHANGES, "test_who_gains_under_another_name_gains_too"),
    ),
    Mutant(
        "deciding takes a code",
        CHANGES,
        "if self.codes.verify(person.id, code, version.confirmed(approving=approving), actor) is None:",
        "if False:",
        tests(OF_CHANGES, "test_nothing_is_decided_with_a_wrong_code_or_one_that_was_used"),
    ),
    Mutant(
        "the proof is looked at when it is written",
        CHANGES,
        "            if not _is_proved(tx, person, version.confirmed(approving=approving)):\n",
        "            if False:\n",
        tests(OF_CHANGES, "test_a_reset_of_the_authenticator_takes_the_proof_with_it"),
    ),
    Mutant(
        "a change is decided once",
        CHANGES,
        "            refusal = self._refusal(version, person, approving=approving, live=live)\n",
        "            refusal = None\n",
        tests(OF_CHANGES, "test_of_two_who_decide_at_once_one_does"),
    ),
    Mutant(
        "a change of the channel is told in the one that was there",
        CHANGES,
        "sides = (told.before,) if version.standing is Standing.WAITING else (told.before, told.after)",
        "sides = (told.after,)",
        tests(OF_CHANGES, "test_a_change_of_the_security_channel_is_told_in_the_one_that_was_there"),
    ),
    Mutant(
        "a request is looked at anew at the click",
        "bot/service/deciding.py",
        "if _is_theirs(approving) and current.status is RequestStatus.PENDING:",
        "if False:",
        tests(OF_REQUESTS, "test_a_click_under_the_new_catalogue_approves_nothing_that_it_does_not_offer"),
    ),
)

_DIFFERENCES = (
    Mutant(
        "a person who changed is compared in every role",
        COMPARE,
        "looked_at = same_roles if old == new else ()",
        "looked_at = same_roles",
        tests(OF_DIFFERENCE, "test_each_kind_of_change_is_a_sentence"),
    ),
    Mutant(
        "a condition narrows",
        PERMISSIONS,
        'and wide[2] in {"", narrow[2]}',
        "",
        tests(OF_DIFFERENCE, "test_each_kind_of_change_is_a_sentence"),
    ),
    Mutant(
        "another manager is another approver",
        COMPARE,
        " and before.people == after.people",
        "",
        tests(OF_DIFFERENCE, "test_each_kind_of_change_is_a_sentence"),
    ),
)

MUTANTS = (*_FILES, *_WORDS, *_DIFFERENCES)
