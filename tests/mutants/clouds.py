"""Protections of the way to the cloud: what a policy says by itself, whom it is given to, what counts as done."""

from tests.mutants.mutant import Mutant, tests

POLICY, IAM, INLINE = "bot/providers/iam_policy.py", "bot/providers/aws_iam.py", "bot/providers/aws_inline.py"
OF_POLICY, OF_IAM = "tests/providers/test_iam_policy.py", "tests/providers/test_aws_iam.py"
CONTRACT = "tests/providers/test_aws_iam_contract.py"

MUTANTS = (
    Mutant(
        "the permission carries its own end",
        POLICY,
        "in ((_STARTS, starts), (_ENDS, ends)):",
        "in ((_STARTS, starts),):",
        tests(OF_POLICY, "test_every_statement_gets_the_window"),
    ),
    Mutant(
        "the permission carries its own beginning",
        POLICY,
        "in ((_STARTS, starts), (_ENDS, ends)):",
        "in ((_ENDS, ends),):",
        tests(OF_POLICY, "test_every_statement_gets_the_window"),
    ),
    Mutant(
        "the end is never rounded up",
        POLICY,
        'return at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"',
        'return datetime.fromtimestamp(-(-at.timestamp() // 1), UTC).replace(tzinfo=None).isoformat() + "Z"',
        tests(OF_POLICY, "test_the_written_end_is_never_after_the_end_asked_for"),
    ),
    Mutant(
        "a statement has no other window",
        POLICY,
        "if any(key.casefold() == _TIME.casefold() for key in keys):",
        "if False:",
        tests(OF_POLICY, "test_a_statement_with_a_window_of_its_own_is_refused"),
    ),
    Mutant(
        "what is typed is no wildcard",
        POLICY,
        'if any(character in value for character in "*?{}"):',
        "if False:",
        tests(OF_POLICY, "test_a_value_that_means_something_to_iam_is_refused_by_its_parameters_name"),
    ),
    Mutant(
        "what is typed is not taken for the account",
        POLICY,
        'values = {**params, "account": account.number, "region": account.region}',
        'values = {"account": account.number, "region": account.region, **params}',
        tests(OF_POLICY, "test_a_value_cannot_stand_in_for_the_account_number"),
    ),
    Mutant(
        "nothing there to be removed is removed",
        INLINE,
        'if code_of(error) != "NoSuchEntity":',
        "if True:",
        tests(CONTRACT, "TestAwsIamProvider::test_revoking_what_is_not_there_succeeds[user]"),
    ),
    Mutant(
        "a policy is seen for what it says",
        IAM,
        "return Observation(present=True, as_asked=iam_policy.same(found, wanted))",
        "return Observation(present=True, as_asked=True)",
        tests(CONTRACT, "TestAwsIamProvider::test_a_longer_window_under_the_grants_name_is_not_as_asked[user]"),
    ),
    Mutant(
        "the bot is never given anything",
        IAM,
        "        if self._is_ours(permission.account, principal):\n            raise CloudError",
        "        if False:\n            raise CloudError",
        tests(OF_IAM, "test_the_bots_own_identity_is_never_given_anything"),
    ),
    Mutant(
        "the broker is never given anything",
        IAM,
        "arns = [account.broker_role] if account.broker_role else []",
        "arns: list[str] = []",
        tests(OF_IAM, "test_the_broker_itself_is_never_given_anything"),
    ),
    Mutant(
        "more than AWS holds is refused before anybody is asked",
        IAM,
        "        if size > limit:\n",
        "        if False:\n",
        tests(OF_IAM, "test_permissions_too_large_for_any_user_are_refused_without_asking_aws_about_the_user"),
    ),
)
