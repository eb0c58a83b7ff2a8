"""Protections of a role's rules: who may ask, when, how much, on whose word, and what goes without one."""

from tests.mutants.mutant import Mutant, tests

OFFERS, HOURS, LENGTHS, TICKETS, WAYS, APPROVERS, APPROVING, CASE, TARGETS, ASKING = (
    f"bot/core/policy/{name}.py"
    for name in (
        *("offers", "hours", "lengths", "tickets", "ways", "approvers"),
        *("approving", "case", "targets", "asking"),
    )
)
ACCESS = "bot/service/access.py"
VERDICTS = tests("tests/core/policy/test_cases.py", "test_the_facts_make_the_verdict")
SETS = tests("tests/core/policy/test_cases.py", "test_the_facts_make_the_approvers")
STANDING = tests("tests/core/policy/test_cases.py", "test_what_was_said_makes_the_standing")

MUTANTS = (
    Mutant("what lapses lapses", OFFERS, "(now is not None and now < rule.until)", "True", VERDICTS),
    Mutant(
        "a subdomain is another domain",
        OFFERS,
        'person.email.casefold().rpartition("@")[2] in rule.email_domains',
        "person.email.casefold().endswith(tuple(rule.email_domains))",
        VERDICTS,
    ),
    Mutant(
        "every further word about an account counts",
        OFFERS,
        "all(is_eligible(rules, person, facts, now) for rules in further)",
        "any(is_eligible(rules, person, facts, now) for rules in further) or not further",
        VERDICTS,
    ),
    Mutant("a window closes", HOURS, "hours.start <= clock < hours.end", "hours.start <= clock", VERDICTS),
    Mutant(
        "the small hours belong to the evening before",
        HOURS,
        "(today - 1) % 7 in hours.days",
        "today in hours.days",
        VERDICTS,
    ),
    Mutant(
        "nothing begins outside where that is refused",
        LENGTHS,
        'yield Reason("hours", False, f"Only within',
        'yield Reason("hours", True, f"Only within',
        VERDICTS,
    ),
    Mutant(
        "outside of the hours it is short",
        LENGTHS,
        "limits.append(a.role.outside)",
        "limits.append(a.role.longest)",
        VERDICTS,
    ),
    Mutant(
        "a yes after the hours is for what is short",
        LENGTHS,
        "ok = inside or ask.duration <= outside",
        "ok = True",
        VERDICTS,
    ),
    Mutant(
        "a cap that cannot be counted refuses",
        LENGTHS,
        "if live is None:\n",
        "if live is None:\n        return\n    if False:\n",
        VERDICTS,
    ),
    Mutant("caps count what is asked for", LENGTHS, "ok = there + wanted <= most", "ok = there <= most", VERDICTS),
    Mutant("a denial is remembered", LENGTHS, "ok = over <= a.asked_when", "ok = True", VERDICTS),
    Mutant("a ticket has to be known", TICKETS, "elif not fact.found:", "elif False:", VERDICTS),
    Mutant("a ticket has to be open", TICKETS, "ok = fact.open or not rule.must_be_open", "ok = True", VERDICTS),
    Mutant(
        "nothing critical or sensitive goes without a word",
        WAYS,
        "bare = role.auto is not None and not role.critical and not role.sensitive",
        "bare = role.auto is not None",
        VERDICTS,
    ),
    Mutant("a budget is used up", WAYS, "used < auto.times", "used >= 0", VERDICTS),
    Mutant(
        "who owes a review breaks no glass",
        WAYS,
        'return Reason("review", not owed,',
        'return Reason("review", True,',
        VERDICTS,
    ),
    Mutant("a critical role is kept as one", WAYS, "ok = not weaknesses(role)", "ok = True", VERDICTS),
    Mutant(
        "what is made longer is one's own",
        WAYS,
        'yield Reason("extend", same,',
        'yield Reason("extend", True,',
        VERDICTS,
    ),
    Mutant("it is made longer once", WAYS, "first = a.known.extended is False", "first = True", VERDICTS),
    Mutant(
        "each target has to be allowed",
        ASKING,
        "for at, _ in enumerate(asking.ask.items)",
        "for at, _ in enumerate(asking.ask.items[:1])",
        VERDICTS,
    ),
    Mutant("who is away approves nothing", APPROVERS, "if away is None or (", "if True or away is None or (", SETS),
    Mutant("nobody approves for their team", APPROVERS, "and person.groups.isdisjoint(teams)", "", SETS),
    Mutant("an escalation waits for its time", APPROVERS, "if waited >= further.after:", "if True:", SETS),
    Mutant(
        "a yes counts once over all stages",
        APPROVERS,
        "and yes not in heard",
        "",
        STANDING,
    ),
    Mutant(
        "a person counts in one stage",
        APPROVERS,
        "if person.id not in taken or seat(taken[person.id], tried):",
        "if True:",
        VERDICTS,
    ),
    Mutant(
        "without a stage nothing is approved",
        APPROVERS,
        "return bool(seats) and all(",
        "return all(",
        tests("tests/core/test_policy.py", "test_without_a_stage_nobody_could_approve"),
    ),
    Mutant(
        "a stage waits for its turn", APPROVING, 'yield Reason("stage", ok,', 'yield Reason("stage", True,', VERDICTS
    ),
    Mutant(
        "a pair approves for each other so often only", APPROVING, "ok = told < rule.pair_most", "ok = True", VERDICTS
    ),
    Mutant(
        "breaking glass takes a code for exactly this",
        CASE,
        "if role.critical or ask.break_glass or ask.extends else",
        "if role.critical else",
        tests("tests/core/policy/test_step_up.py", "test_where_nobody_stands_between_a_code_for_this_is_wanted"),
    ),
    Mutant(
        "what lapsed since the request does not start",
        ACCESS,
        "replace(asked, now=now, asked_at=request.asked_at,",
        "replace(asked, now=request.asked_at, asked_at=request.asked_at,",
        tests("tests/service/test_rules.py", "test_what_lapses_is_offered_no_more_and_does_not_start_any_more"),
    ),
)
