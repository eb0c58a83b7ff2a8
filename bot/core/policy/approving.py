"""Whether somebody's yes counts."""

from collections.abc import Iterable

from bot.core import stepup
from bot.core.duration import format_duration
from bot.core.policy.approvers import are_enough_against, standing, stands_for
from bot.core.policy.case import Approving, ApprovingRule, approve_step_up
from bot.core.policy.lengths import still_fits_hours
from bot.core.policy.targets import requester_is_welcome
from bot.core.policy.verdict import Reason, Verdict, words_of
from bot.core.policy.ways import critical_is_kept


def not_their_own(a: Approving) -> Iterable[Reason]:
    """Requester and approver are two humans."""
    ok = not a.approver.is_same_human(a.requester)
    yield Reason("separation", ok, "Someone else's request." if ok else "Nobody approves their own request.")


def not_of_one_team(a: Approving) -> Iterable[Reason]:
    """Requester and approver are not both in one of the role's teams."""
    teams = a.role.separation.teams
    if not teams:
        return
    shared = sorted(teams & a.requester.groups & a.approver.groups)
    text = f"Both of you are in {shared[0]}; somebody else has to approve." if shared else "Not of the same team."
    yield Reason("team", not shared, text)


def not_each_other_s_too_often(a: Approving) -> Iterable[Reason]:
    """The two have not approved for each other too often."""
    rule = a.role.separation
    if rule.pair_most is None:
        return
    if a.known.pairs is None:
        yield Reason(
            "pair", False, "How often you approved for each other could not be counted. Try again in a minute."
        )
        return
    told, period = a.known.pairs.get(a.approver.id, 0), format_duration(rule.pair_per)
    ok = told < rule.pair_most
    end = "" if ok else " Somebody else has to approve."
    yield Reason("pair", ok, f"Approved for each other {told} of at most {rule.pair_most} times in {period}.{end}")


def is_an_approver(a: Approving) -> Iterable[Reason]:
    """The approver is one now, and was one when it was asked, or is there for one who was."""
    now = a.is_theirs
    yield Reason("approver-now", now, f"{a.approver.name} {'may' if now else 'may not'} approve {a.item.role} now.")
    asked = a.request.approvers_asked
    then = a.approver.id in asked or stands_for(a.known, a.approver, asked, a.now)
    yield Reason(
        "approver-then", then, "Was asked." if then else f"{a.approver.name} was not an approver when this was asked."
    )


def is_their_turn(a: Approving) -> Iterable[Reason]:
    """The stage that is on is one of the approver's."""
    stages, sets = a.role.stages, a.sets
    if len(stages) < 2:
        return
    at = a.standing.current
    ok = at < len(stages) and any(person.id == a.approver.id for person in sets[at])
    title = (stages[at].title or f"stage {at + 1}") if at < len(stages) else "nobody: all stages are through"
    yield Reason("stage", ok, f"It is the turn of {title}." if not ok else f"{title} of {len(stages)} stages.")


def not_twice(a: Approving) -> Iterable[Reason]:
    """Each human's yes counts once."""
    said = {approval.person for approval in a.request.approvals}
    before = (person for each in a.sets for person in each if person.id in said)
    again = a.approver.id in said or any(person.is_same_human(a.approver) for person in before)
    yield Reason("distinct", not again, "You approved this already." if again else "First word of this person.")


def approver_is_proved(a: Approving) -> Iterable[Reason]:
    """A code was typed, fresh enough."""
    ok = stepup.is_fresh(approve_step_up(a.role), a.step_up, a.request.digest(), a.now)
    yield Reason("step-up", ok, "Proved." if ok else "A code from the authenticator is needed.", "code")


APPROVING: tuple[ApprovingRule, ...] = (
    requester_is_welcome,
    not_their_own,
    not_of_one_team,
    not_each_other_s_too_often,
    is_an_approver,
    is_their_turn,
    not_twice,
    still_fits_hours,
    critical_is_kept,
    approver_is_proved,
)


_OF_THEIR_TARGETS = frozenset({"approver-now", "approver-then", "stage", "team", "pair"})
"""Rules that have to hold only for the targets that the approver decides."""
_WHOSE = frozenset({"approver-now", "approver-then", "stage"})


def may_approve(approving: Approving, rules: Iterable[ApprovingRule] = APPROVING) -> Verdict:
    """Whether this person's yes counts, now: for one target at least, and against none."""
    chosen = tuple(rules)
    if not approving.request.ask.more:
        return Verdict(words_of(chosen, approving))
    found = [words_of(chosen, each) for each in approving.each]
    theirs = [all(reason.satisfied for reason in each if reason.rule in _WHOSE) for each in found]
    if not any(theirs):
        return Verdict(tuple(dict.fromkeys(reason for each in found for reason in each)))
    said = (
        reason
        for at, (each, mine) in enumerate(zip(found, theirs, strict=True))
        for reason in each
        if mine or reason.rule not in _OF_THEIR_TARGETS or (reason.rule == "stage" and comes_later(approving.each[at]))
    )
    return Verdict(tuple(dict.fromkeys(said)))


def comes_later(a: Approving) -> bool:
    """Whether it will be the approver's turn in a later stage of this target. Each speaks once, so they wait for it."""
    at, turns = a.standing.current, [at for at, each in enumerate(a.sets) if any(p.id == a.approver.id for p in each)]
    return at not in turns and any(turn > at for turn in turns)


def completes(approving: Approving) -> bool:
    """Whether with this person's yes nobody's is missing any more, for any target."""
    return all(
        standing(each.role.stages, each.sets, (*each.said, each.approver.id)).complete for each in approving.each
    )


def is_enough_against(approving: Approving) -> bool:
    """Whether with this person's no it is denied: any of its targets is."""
    noes = (*(denial.person for denial in approving.request.denials), approving.approver.id)
    return any(are_enough_against(each.role.stages, each.sets, noes) for each in approving.each)
