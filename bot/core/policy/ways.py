"""By which way an ask goes: by approvers, without a word, by breaking glass, or on from a grant that is there."""

from collections.abc import Iterable

from bot.core.duration import format_duration
from bot.core.model import EndReason, Grant, GrantStatus, RequestStatus, Role, StepUpRule, Way
from bot.core.policy.approvers import EVER, can_be_filled
from bot.core.policy.case import Approving, Asking, AskingRule
from bot.core.policy.hours import in_words, is_within
from bot.core.policy.verdict import Reason, Verdict, words_of


def way_of(a: Asking) -> Way:
    """The way that this ask goes; by approvers wherever it is not certain that nobody has to be asked."""
    role = a.catalogue.roles.get(a.item.role)
    if a.ask.break_glass:
        return Way.BREAK_GLASS
    if a.ask.extends:
        silent = role is not None and role.extend is not None and not role.extend.approval and not role.critical
        # What nobody approved does not get longer without anybody either.
        return Way.EXTENSION if silent and a.known.extends_glass is False else Way.APPROVERS
    return Way.AUTOMATIC if may_go_without_a_word(a).allowed else Way.APPROVERS


def someone_can_approve(a: Asking) -> Iterable[Reason]:
    """Whoever has to be asked is there, for each stage, each person counted once."""
    if (way := way_of(a)) is not Way.APPROVERS:
        yield Reason("approvers", True, f"Nobody has to be asked first ({way}).", "role")
        return
    sets, need = a.sets_with_said(EVER), a.role.quorum
    have = len({person.id for each in sets for person in each})
    ok = can_be_filled(a.role.stages, sets)
    text = (
        f"{have} can approve."
        if ok
        else f"Nobody but you could approve this ({max(1, need)} needed, {have} found). Ask an admin."
    )
    yield Reason("approvers", ok, text, "role")


def critical_is_kept(a: Asking | Approving) -> Iterable[Reason]:
    """A critical role has two approvers and a code for exactly this on both sides, and no way around them."""
    role = a.role
    if not role.critical:
        return
    ok = not weaknesses(role)
    text = "Critical: two approvers, and a code from each side." if ok else f"Critical, but {weaknesses(role)[0]}."
    yield Reason("critical", ok, text)


def weaknesses(role: Role) -> tuple[str, ...]:
    """What a role has that a critical one must not have."""
    found = (
        (role.quorum < 2, "one approver is enough"),
        (role.ask_step_up.rule is not StepUpRule.ALWAYS, "asking does not always take a code"),
        (role.approve_step_up.rule is not StepUpRule.ALWAYS, "approving does not always take a code"),
        (role.auto is not None, "it can be approved without a word"),
        (role.break_glass is not None, "it can be had by breaking glass"),
        (role.extend is not None and not role.extend.approval, "it can be made longer without approval"),
    )
    return tuple(text for is_so, text in found if is_so)


# --- break-glass -----------------------------------------------------------------------------------------


def glass_may_be_broken(a: Asking) -> Iterable[Reason]:
    """The role allows it, it is meant for now, and no review is owed."""
    if not a.ask.break_glass:
        return
    rule = a.role.break_glass
    ok = rule is not None and not a.role.critical
    text = f"{a.item.role} may be had by breaking glass." if ok else f"{a.item.role} cannot be had by breaking glass."
    yield Reason("break-glass", ok, text, "role")
    now = a.ask.start_at is None and not a.ask.extends
    yield Reason(
        "break-glass", now, "At once." if now else "Breaking glass is for now: leave the start empty.", "start"
    )
    yield _no_review_is_owed(a)


def _no_review_is_owed(a: Asking) -> Reason:
    owed = a.known.owes_review
    if owed is None:
        return Reason("review", False, "Whether you owe a review could not be looked up. Ask an approver instead.")
    text = f"Your break-glass {', '.join(owed)} has to be reviewed first. Ask an approver instead."
    return Reason("review", not owed, text if owed else "No review is owed.")


# --- making longer ---------------------------------------------------------------------------------------


def may_go_on(a: Asking) -> Iterable[Reason]:
    """What is made longer is the same access, still live, for the first time."""
    if not a.ask.extends:
        return
    allowed = a.role.extend is not None
    text = f"{a.item.role} may be made longer." if allowed else f"{a.item.role} is not made longer; ask for it anew."
    yield Reason("extend", allowed, text, "role")
    old = a.known.extending
    same = old is not None and (old.id, old.person, old.role, old.account) == (
        *(a.ask.extends, a.requester.id, a.item.role),
        a.item.account,
    )
    yield Reason("extend", same, "It is your own access." if same else "That is not access of yours of this kind.")
    live = old is not None and _goes_on(old, a)
    yield Reason("extend", live, "It has not ended." if live else "It is not live any more; ask for it anew.")
    first = a.known.extended is False
    yield Reason("extend", first, "For the first time." if first else "It was made longer once; ask for it anew.")
    plain = a.ask.start_at is None and not a.ask.more and not a.ask.break_glass
    text = "Begins where it ends." if plain else "It begins where the other ends: no start, no further targets."
    yield Reason("extend", plain, text, "start")


GOES_ON = frozenset({RequestStatus.PENDING, RequestStatus.APPROVED})
"""What a request that makes a grant longer may stand at for it to count as having been made longer."""


def _goes_on(old: Grant, a: Asking) -> bool:
    """Whether it can be gone on from: live, or, once that was approved, ended by its time and by nothing else."""
    if old.status is GrantStatus.ACTIVE and a.now < old.expires_at:
        return True
    over = a.asked_at is not None and a.now >= old.expires_at
    return over and (old.status is GrantStatus.ACTIVE or old.end_reason is EndReason.EXPIRED)


# --- without a word --------------------------------------------------------------------------------------


def may_go_without_a_word(a: Asking, rules: Iterable[AskingRule] | None = None) -> Verdict:
    """Whether every condition of the role's automatic approval holds; nothing else is judged."""
    return Verdict(words_of(AUTOMATIC if rules is None else rules, a))


def role_is_automatic(a: Asking) -> Iterable[Reason]:
    """The role has such a rule, and nothing that forbids it."""
    role = a.role
    bare = role.auto is not None and not role.critical and not role.sensitive
    what = "critical" if role.critical else "sensitive" if role.sensitive else ""
    no = f"{role.id} is {what}: never without a word." if what else f"{role.id} always has to be approved."
    yield Reason("automatic", bare, f"{role.id} can be approved without a word." if bare else no)
    single = not a.ask.more and not a.ask.extends and not a.ask.break_glass
    text = "One target." if single else "Several targets, and what is made longer, always have to be approved."
    yield Reason("automatic", single, text)


def requester_is_on_call(a: Asking) -> Iterable[Reason]:
    """The requester is on call now, where that is a condition."""
    if a.role.auto is None or not a.role.auto.on_call:
        return
    schedule = a.role.auto.on_call
    ok = any(person.is_same_human(a.requester) for person in a.known.on_call.get(schedule, ()))
    yield Reason("on-call", ok, f"{a.requester.name} is {'' if ok else 'not '}on call ({schedule}).")


def ticket_is_severe(a: Asking) -> Iterable[Reason]:
    """The ticket is open and severe enough, where that is a condition."""
    if a.role.auto is None or not a.role.auto.severities:
        return
    fact, wanted = a.known.ticket, a.role.auto.severities
    known = fact is not None and fact.found and fact.open and fact.key == a.ask.ticket
    severity = fact.severity.casefold() if fact is not None and known else ""
    ok = severity in wanted
    yield Reason(
        "severity", ok, f"The ticket's severity is {severity or 'not known'}; wanted: {', '.join(sorted(wanted))}."
    )


def automatic_hours_are_on(a: Asking) -> Iterable[Reason]:
    """It begins in the hours in which nobody has to be asked, where there are such."""
    if a.role.auto is None or not a.role.auto.hours:
        return
    hours = a.catalogue.hours[a.role.auto.hours]
    ok = is_within(hours, a.begins)
    yield Reason("automatic-hours", ok, f"{'Within' if ok else 'Outside of'} {hours.id} ({in_words(hours)}).")


def budget_is_left(a: Asking) -> Iterable[Reason]:
    """This person has not had it too often without a word."""
    auto = a.role.auto
    if auto is None:
        return
    if a.known.automatic is None:
        yield Reason("budget", False, "How often this went without a word could not be counted.")
        return
    used = sum(a.now - auto.per < at for at in a.known.automatic)
    text = f"Had without a word {used} of at most {auto.times} times in {format_duration(auto.per)}."
    yield Reason("budget", used < auto.times, text)


AUTOMATIC: tuple[AskingRule, ...] = (
    role_is_automatic,
    requester_is_on_call,
    ticket_is_severe,
    automatic_hours_are_on,
    budget_is_left,
)
