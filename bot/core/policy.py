"""Who may ask, who may approve. Rules are functions over facts; all must be satisfied, an exception refuses.

A rule returns ``Reason``s. The verdict is allowed only when there is at least one and every one is satisfied, so
adding a rule can never widen it and the order of rules never matters.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from bot.core import stepup
from bot.core.duration import format_duration
from bot.core.model import AccessRequest, Ask, Catalogue, Person, Role, StepUp

_F = TypeVar("_F")

REASON_MAX = 3000
"""Longest reason in characters: what a Slack plain_text_input can hold."""
TICKET_MAX = 100
START_WITHIN = timedelta(days=14)
"""How far ahead a start may be chosen."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule's word. ``field`` is the form's field that would have to change, where there is one."""

    rule: str
    satisfied: bool
    text: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Every reason, satisfied or not."""

    reasons: tuple[Reason, ...]

    @property
    def allowed(self) -> bool:
        """Whether there is a reason and none is unsatisfied."""
        return bool(self.reasons) and all(reason.satisfied for reason in self.reasons)

    @property
    def refusals(self) -> tuple[Reason, ...]:
        """The unsatisfied reasons."""
        return tuple(reason for reason in self.reasons if not reason.satisfied)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the edges gathered before the decision."""

    manager: Person | None = None
    """The requester's, by the chat's profile."""
    slack_groups: Mapping[str, tuple[Person, ...]] = field(default_factory=dict)
    requester_refused: str = ""
    """Why the requester's chat account may do nothing any more (deactivated, made a guest …); empty when it may."""


def approver_set(catalogue: Catalogue, role: Role, requester: Person, facts: Facts) -> tuple[Person, ...]:
    """Everyone who may approve this role for this requester, the requester's own identities left out.

    The catalogue's manager goes before the chat profile's.
    """
    rule = role.approvers
    found: list[Person] = [catalogue.people[p] for p in rule.people if p in catalogue.people]
    for group in rule.groups:
        found += [catalogue.people[p] for p in catalogue.groups.get(group, ()) if p in catalogue.people]
    for group in rule.slack_groups:
        found += facts.slack_groups.get(group, ())
    if rule.manager:
        mapped = catalogue.people.get(requester.manager) if requester.manager else None
        found += [person for person in (mapped or facts.manager,) if person is not None]
    distinct: dict[str, Person] = {person.id: person for person in found if not person.is_same_human(requester)}
    return tuple(sorted(distinct.values(), key=lambda person: person.id))


def may_use(role: Role, person: Person) -> bool:
    """Whether the role is offered to this person at all."""
    return person.id in role.ask_people or bool(person.groups & role.ask_groups)


def accounts_offered(catalogue: Catalogue, role: Role, person: Person) -> tuple[str, ...]:
    """The role's accounts in which this person has an identity, sorted."""
    return tuple(sorted(a for a in role.accounts if a in person.identities and a in catalogue.accounts))


def roles_offered(catalogue: Catalogue, person: Person) -> tuple[Role, ...]:
    """The roles that this person may ask for somewhere, by title."""
    offered = (r for r in catalogue.roles.values() if may_use(r, person) and accounts_offered(catalogue, r, person))
    return tuple(sorted(offered, key=lambda role: (role.title.casefold(), role.id)))


def longest(catalogue: Catalogue, role: Role, work: str) -> timedelta:
    """The longest duration for a kind of work: the shorter of the role's and the work's own."""
    kind = catalogue.work.get(work)
    return min(role.longest, kind.longest) if kind else role.longest


# --- asking ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asking:
    """What the rules of asking look at; ``now`` is UTC."""

    catalogue: Catalogue
    requester: Person
    ask: Ask
    approvers: tuple[Person, ...]
    now: datetime
    refused: str = ""
    """See ``Facts.requester_refused``."""

    @property
    def role(self) -> Role:
        """The role asked for. Raises KeyError when there is none, which refuses."""
        return self.catalogue.roles[self.ask.role]


Rule = Callable[[Asking], Iterable[Reason]]


def _asks_for_themselves(a: Asking) -> Iterable[Reason]:
    ok = a.ask.requester == a.requester.id
    yield Reason("requester", ok, "Asks for themselves." if ok else "You can ask for yourself only.")


def _requester_is_welcome(a: "Asking | Approving") -> Iterable[Reason]:
    yield Reason("standing", not a.refused, a.refused or "The requester's chat account is in order.")


def _role_is_offered(a: Asking) -> Iterable[Reason]:
    role = a.catalogue.roles.get(a.ask.role)
    ok = role is not None and may_use(role, a.requester)
    # The same words for "unknown" and "not yours": what exists is not told to those who may not ask for it.
    text = f"You may ask for {a.ask.role}." if ok else f"There is no role {a.ask.role!r} that you may ask for."
    yield Reason("role", ok, text, "role")


def _account_is_offered(a: Asking) -> Iterable[Reason]:
    role = a.catalogue.roles.get(a.ask.role)
    offered = accounts_offered(a.catalogue, role, a.requester) if role and may_use(role, a.requester) else ()
    ok = a.ask.account in offered
    hint = f" You can ask for it in: {', '.join(offered)}." if offered else ""
    text = f"{a.ask.role} is offered in {a.ask.account}." if ok else f"Not offered in {a.ask.account!r}.{hint}"
    yield Reason("account", ok, text, "account")


def _work_fits(a: Asking) -> Iterable[Reason]:
    ok = a.ask.work in a.role.work and a.ask.work in a.catalogue.work
    text = f"Work: {a.ask.work}." if ok else f"Choose the kind of work: {', '.join(a.role.work)}."
    yield Reason("work", ok, text, "work")


def _duration_fits(a: Asking) -> Iterable[Reason]:
    most, least = longest(a.catalogue, a.role, a.ask.work), a.role.shortest
    limits = f"from {format_duration(least)} to {format_duration(most)}"
    ok = least <= a.ask.duration <= most
    given = format_duration(a.ask.duration) if a.ask.duration > timedelta(0) else "That"
    text = f"{given} is {'within' if ok else 'not within'} what is allowed here, {limits}."
    yield Reason("duration", ok, text, "duration")


def _start_fits(a: Asking) -> Iterable[Reason]:
    if a.ask.start_at is None:
        yield Reason("start", True, "Starts when approved.", "start")
        return
    ok = a.now - timedelta(minutes=5) <= a.ask.start_at <= a.now + START_WITHIN
    yield Reason(
        "start", ok, "Choose a start within the next 14 days." if not ok else "The start is near enough.", "start"
    )


def _parameters_fit(a: Asking) -> Iterable[Reason]:
    known = {parameter.id: parameter for parameter in a.role.parameters}
    for name in sorted(set(a.ask.params) - set(known)):
        yield Reason(
            "parameter", False, f"{a.ask.role} has no parameter {name!r}; it has: {', '.join(known) or 'none'}.", name
        )
    for parameter in known.values():
        value = a.ask.params.get(parameter.id, "")
        fits = re.fullmatch(parameter.pattern, value) is not None
        listed = not parameter.choices or value in parameter.choices
        if fits and listed:
            yield Reason("parameter", True, f"{parameter.title}: {value}", parameter.id)
        elif not value:
            yield Reason("parameter", False, f"{parameter.title} is missing.", parameter.id)
        else:
            hint = (
                f"one of: {', '.join(parameter.choices)}" if parameter.choices else parameter.hint or parameter.pattern
            )
            yield Reason("parameter", False, f"{parameter.title} must be {hint}.", parameter.id)


def _reason_is_given(a: Asking) -> Iterable[Reason]:
    length, least = len(a.ask.reason.strip()), a.role.reason_min
    ok = least <= length <= REASON_MAX
    text = "A reason is given." if ok else f"The reason needs {least} to {REASON_MAX} characters; this has {length}."
    yield Reason("reason", ok, text, "reason")


def _ticket_fits(a: Asking) -> Iterable[Reason]:
    pattern = a.role.ticket_pattern
    if pattern:
        ok = re.fullmatch(pattern, a.ask.ticket) is not None
        text = (
            f"Ticket {a.ask.ticket}." if ok else f"{a.ask.role} wants a ticket such as {a.role.ticket_hint or pattern}."
        )
    else:
        ok = len(a.ask.ticket) <= TICKET_MAX
        text = "No ticket is wanted." if ok else f"A ticket has {TICKET_MAX} characters at most."
    yield Reason("ticket", ok, text, "ticket")


def _someone_can_approve(a: Asking) -> Iterable[Reason]:
    need, have = a.role.approvers.quorum, len(a.approvers)
    ok = have >= max(1, need)
    text = (
        f"{have} can approve."
        if ok
        else f"Nobody but you could approve this ({need} needed, {have} found). Ask an admin."
    )
    yield Reason("approvers", ok, text, "role")


ASKING: tuple[Rule, ...] = (
    _requester_is_welcome,
    _asks_for_themselves,
    _role_is_offered,
    _account_is_offered,
    _work_fits,
    _duration_fits,
    _start_fits,
    _parameters_fit,
    _reason_is_given,
    _ticket_fits,
    _someone_can_approve,
)


def may_ask(asking: Asking, rules: Iterable[Rule] = ASKING) -> Verdict:
    """Whether this may be asked for. Where the role itself is refused, nothing more about it is told."""
    reasons = [reason for rule in rules for reason in _word_of(rule, asking)]
    hidden = [reason for reason in reasons if reason.rule in {"role", "account"} and not reason.satisfied]
    return Verdict(tuple(hidden if hidden else reasons))


# --- approving -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Approving:
    """What the rules of approving look at. ``approvers`` is the set as it is now; ``now`` is UTC."""

    catalogue: Catalogue
    request: AccessRequest
    requester: Person
    approver: Person
    approvers: tuple[Person, ...]
    step_up: StepUp | None
    now: datetime
    refused: str = ""
    """See ``Facts.requester_refused``."""

    @property
    def role(self) -> Role:
        """The role as it is now. Raises KeyError when it is gone, which refuses."""
        return self.catalogue.roles[self.request.ask.role]


ApprovingRule = Callable[[Approving], Iterable[Reason]]


def _not_their_own(a: Approving) -> Iterable[Reason]:
    ok = not a.approver.is_same_human(a.requester)
    yield Reason("separation", ok, "Someone else's request." if ok else "Nobody approves their own request.")


def _is_an_approver(a: Approving) -> Iterable[Reason]:
    now = any(person.id == a.approver.id for person in a.approvers)
    yield Reason(
        "approver-now", now, f"{a.approver.name} {'may' if now else 'may not'} approve {a.request.ask.role} now."
    )
    then = a.approver.id in a.request.approvers_asked
    yield Reason(
        "approver-then", then, "Was asked." if then else f"{a.approver.name} was not an approver when this was asked."
    )


def _not_twice(a: Approving) -> Iterable[Reason]:
    said = {approval.person for approval in a.request.approvals}
    before = (person for person in a.approvers if person.id in said)
    again = a.approver.id in said or any(person.is_same_human(a.approver) for person in before)
    yield Reason("distinct", not again, "You approved this already." if again else "First word of this person.")


def _approver_is_proved(a: Approving) -> Iterable[Reason]:
    ok = stepup.is_fresh(a.role.approve_step_up, a.step_up, a.request.digest(), a.now)
    yield Reason("step-up", ok, "Proved." if ok else "A code from the authenticator is needed.", "code")


APPROVING: tuple[ApprovingRule, ...] = (
    _requester_is_welcome,
    _not_their_own,
    _is_an_approver,
    _not_twice,
    _approver_is_proved,
)


def may_approve(approving: Approving, rules: Iterable[ApprovingRule] = APPROVING) -> Verdict:
    """Whether this person's yes counts, now."""
    return Verdict(tuple(reason for rule in rules for reason in _word_of(rule, approving)))


def may_revoke(catalogue: Catalogue, approvers: Iterable[Person], person: Person) -> bool:
    """Admins and the role's approvers may stop a grant."""
    return person.id in catalogue.admins or any(person.id == approver.id for approver in approvers)


def _word_of(rule: Callable[[_F], Iterable[Reason]], facts: _F) -> tuple[Reason, ...]:
    try:
        return tuple(rule(facts))
    except Exception as error:  # a rule that cannot be evaluated refuses; the reason tells people which
        name = getattr(rule, "__name__", "rule").strip("_").replace("_", " ")
        return (Reason("error", False, f"The rule “{name}” could not be evaluated ({type(error).__name__})."),)
