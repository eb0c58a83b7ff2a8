"""Protections at the edges: who is let in, whose code counts, how an authenticator comes to its owner."""

from tests.mutants.mutant import Mutant, tests

PROOF, ENROLMENT, VOUCHERS = "bot/service/proof.py", "bot/service/enrolment.py", "bot/service/vouchers.py"
SECRETBOX, RESETTING = "bot/service/secretbox.py", "bot/service/resetting.py"
GUARD, DIRECTORY = "bot/slack/guard.py", "bot/slack/directory.py"
OF_PROOF, OF_ENROLMENT, OF_SECRETBOX = (f"tests/service/test_{name}.py" for name in ("proof", "enrolment", "secretbox"))
DOOR, SHAPE, OF_SHAPE = "bot/slack/door.py", "bot/slack/shape.py", "tests/slack/test_broken_payloads.py"
OF_REFUSALS, OF_DIRECTORY = "tests/slack/test_refusals.py", "tests/slack/test_directory.py"

_PROOF = (
    Mutant(
        "an attempt is counted before anything is compared",
        PROOF,
        "            tx.set_attempts(person, attempts)\n",
        "",
        tests(OF_PROOF, "test_an_attempt_counts_even_when_the_process_dies_before_it_compares"),
    ),
    Mutant(
        "guesses made at once are counted one by one",
        PROOF,
        "tx.authenticator(person, lock=True), tx.now()",
        "tx.authenticator(person), tx.now()",
        tests(OF_PROOF, "test_guesses_made_at_once_are_all_counted"),
    ),
    Mutant(
        "who is locked out proves nothing",
        PROOF,
        "if authenticator is None or authenticator.attempts.is_locked(now):",
        "if authenticator is None:",
        tests(OF_PROOF, "test_five_failures_lock_for_thirty_minutes"),
    ),
    Mutant(
        "a code counts once",
        PROOF,
        "            if not tx.advance_timecode(person, timecode):\n",
        "            if not tx.advance_timecode(person, timecode) and False:\n",
        tests(OF_PROOF, "test_a_code_counts_once"),
    ),
    Mutant(
        "full-width digits are no code",
        PROOF,
        "        if not stepup.is_code(code):\n",
        "        if False:\n",
        tests(OF_PROOF, "test_what_is_not_six_ascii_digits_is_refused_without_being_counted"),
    ),
)

_ENROLMENT = (
    Mutant(
        "nobody vouches from an account of the person",
        VOUCHERS,
        "if person is None or voucher.is_same_human(person):",
        "if person is None:",
        tests(OF_ENROLMENT, "test_a_voucher_who_came_with_the_persons_chat_account_is_refused"),
    ),
    Mutant(
        "nobody vouches for themselves",
        VOUCHERS,
        "for other in self._candidates(person) if not other.is_same_human(person)}",
        "for other in self._candidates(person)}",
        tests(OF_ENROLMENT, "test_nobody_vouches_for_themselves_by_any_identity"),
    ),
    Mutant(
        "a voucher types their own code",
        ENROLMENT,
        "        if self.codes.verify(voucher.id, code, confirms, actor) is None:\n            return _WRONG_CODE\n",
        "",
        tests(OF_ENROLMENT, "test_a_voucher_needs_their_own_code"),
    ),
    Mutant(
        "a link opens once",
        ENROLMENT,
        '            tx.save_enrolment(replace(found, link_hash=""))\n',
        "",
        tests(OF_ENROLMENT, "test_the_page_shows_the_same_secret_once"),
    ),
    Mutant(
        "the secret is shown once",
        ENROLMENT,
        "found = _own(tx, enrolment_id, person, EnrolmentStatus.VOUCHED)",
        "found = _own(tx, enrolment_id, person, EnrolmentStatus.VOUCHED)\n"
        "            if isinstance(found, Refusal):\n"
        "                found = _own(tx, enrolment_id, person, EnrolmentStatus.SHOWN)",
        tests(OF_ENROLMENT, "test_the_secret_is_shown_once"),
    ),
    Mutant(
        "only its owner sees the secret",
        ENROLMENT,
        "if seen and seen.person == person.id else steps.UNKNOWN",
        "if seen else steps.UNKNOWN",
        tests(OF_ENROLMENT, "test_only_its_owner_sees_the_secret_and_confirms_it"),
    ),
    Mutant(
        "a pair of codes is counted before it is compared",
        ENROLMENT,
        "            tx.save_enrolment(replace(found, attempts=attempts))\n",
        "",
        tests(OF_ENROLMENT, "test_an_attempt_counts_even_when_the_process_dies_before_it_compares"),
    ),
    Mutant(
        "the codes of the enrolment prove nothing else",
        ENROLMENT,
        "last_timecode=timecode,",
        "last_timecode=0,",
        tests(OF_ENROLMENT, "test_neither_code_of_the_enrolment_proves_anything_else"),
    ),
    Mutant(
        "no admin resets themselves",
        RESETTING,
        " and not admin.is_same_human(self._person(person_id))",
        "",
        tests(OF_ENROLMENT, "test_an_admin_does_not_reset_themselves_by_any_identity"),
    ),
    Mutant(
        "a reset takes proofs with it",
        RESETTING,
        "        tx.forget_step_ups(person_id)\n",
        "",
        tests(OF_ENROLMENT, "test_a_reset_ends_proofs_and_an_enrolment_that_is_under_way"),
    ),
    Mutant(
        "a secret opens for its owner only",
        SECRETBOX,
        'return b"".join(len(part).to_bytes(4, "big") + part for part in parts)',
        'return b""',
        tests(OF_SECRETBOX, "test_a_secret_moved_to_someone_elses_row_does_not_open"),
    ),
    Mutant(
        "an owner and a key are told apart",
        SECRETBOX,
        'return b"".join(len(part).to_bytes(4, "big") + part for part in parts)',
        'return b"".join(parts)',
        tests(OF_SECRETBOX, "test_no_two_owners_and_keys_run_together"),
    ),
)

_SLACK = (
    Mutant(
        "a signed request counts once",
        GUARD,
        "if signature and not await self._is_new(signature, req.body):",
        "if False:",
        tests(OF_REFUSALS, "test_a_replayed_request_is_refused_once_it_was_seen"),
    ),
    Mutant(
        "an event counts once",
        GUARD,
        'if event and not await self._first(f"slack-event:{event}", REMEMBER_EVENT):',
        "if False:",
        tests(OF_REFUSALS, "test_an_event_that_comes_twice_is_handled_once"),
    ),
    Mutant(
        "another team is not let in",
        GUARD,
        "if teams and teams <= {team}:",
        "if True:",
        tests("tests/scenarios/test_safety.py", "test_a_payload_that_names_another_team_is_refused"),
    ),
    Mutant(
        "a team that is named beside ours is not let in",
        GUARD,
        "if teams and teams <= {team}:",
        "if team in teams:",
        tests("tests/scenarios/test_safety.py", "test_a_payload_that_names_another_team_is_refused"),
    ),
    Mutant(
        "guests are refused",
        DIRECTORY,
        '    "is_restricted": "Guests may not use prodaccess.",\n',
        "",
        tests(OF_DIRECTORY, "test_accounts_that_may_do_nothing"),
    ),
    Mutant(
        "who was deactivated is refused",
        DIRECTORY,
        '    "deleted": "This Slack account is deactivated.",\n',
        "",
        tests(OF_DIRECTORY, "test_accounts_that_may_do_nothing"),
    ),
    Mutant(
        "another team's account is refused",
        DIRECTORY,
        'return "" if team in teams else _FOREIGN',
        'return ""',
        tests(OF_DIRECTORY, "test_another_teams_account_is_refused"),
    ),
)

_SHAPE = (
    Mutant(
        "what is out of shape never gets to Bolt from a connection",
        DOOR,
        "if not (why := out_of_shape(payload)) and isinstance(payload, dict):",
        "if not (why := out_of_shape(payload)) or isinstance(payload, dict):",
        tests(OF_SHAPE, "test_a_click_with_a_part_of_the_wrong_kind_is_acknowledged_and_opens_nothing"),
    ),
    Mutant(
        "what is out of shape never gets to Bolt over HTTP",
        DOOR,
        "if not (why := out_of_shape(sent)):",
        "if not (why := out_of_shape(sent)) or isinstance(sent, dict):",
        tests(OF_SHAPE, "test_a_click_with_a_part_of_the_wrong_kind_is_acknowledged_and_opens_nothing"),
    ),
    Mutant(
        "a part of another kind is out of shape",
        SHAPE,
        'return "" if shape(value) else at',
        'return ""',
        tests(OF_SHAPE, "test_a_payload_in_shape_is_told_from_one_that_is_not"),
    ),
    Mutant(
        "a part that has to be there and is not is out of shape",
        SHAPE,
        '_NEEDED.get(body.get("type") or "", ())',
        "()",
        tests(OF_SHAPE, "test_a_payload_in_shape_is_told_from_one_that_is_not"),
    ),
    Mutant(
        "parts that have names of their own are looked at",
        SHAPE,
        'if "*" in shape else []',
        'if "*" not in shape else []',
        tests(OF_SHAPE, "test_a_payload_in_shape_is_told_from_one_that_is_not"),
    ),
    Mutant(
        "a start that no calendar has is out of shape",
        SHAPE,
        "type(value) is int and 0 <= value < _LATEST",
        "type(value) is int",
        tests(OF_SHAPE, "test_a_form_with_a_part_of_the_wrong_kind_is_answered_without_a_traceback"),
    ),
)

MUTANTS = (*_PROOF, *_ENROLMENT, *_SLACK, *_SHAPE)
