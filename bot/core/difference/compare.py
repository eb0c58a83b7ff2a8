"""Two catalogues → a Difference.

Who may ask and who approves is what ``bot.core.policy`` says; no rule is read here a second time.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from bot.core import policy
from bot.core.difference.model import Change, Difference, Direction, Kind
from bot.core.difference.permissions import compare_permissions
from bot.core.difference.rules import compare_rules
from bot.core.difference.settings import compare_settings
from bot.core.duration import format_duration
from bot.core.guarding import change_approvers
from bot.core.model import Ask, Catalogue, Person, Role, StepUpPolicy, StepUpRule
from bot.core.rules import Schedule, TicketRule

UNGUARDED = "unguarded"
SLACK_GROUP = "slack-group:"
"""Before a Slack group's id: whoever is in it. A person id never holds a colon."""
SLACK_MANAGER = "slack:manager"
"""Whoever the Slack profile says is the requester's manager."""
ON_CALL = "on-call:"
"""Before a schedule's id, where it is kept elsewhere: whoever is on call by it."""
OWNER = "owner:"
"""The owner of what is asked for, whoever that is."""
ALWAYS = "without an end"
NEVER = datetime.min.replace(tzinfo=UTC)
FOREVER = datetime.max.replace(tzinfo=UTC)

_G = TypeVar("_G", timedelta, int, datetime)
_Key = tuple[str, str, str, str]
"""Role, account, person and what."""


def difference(before: Catalogue, after: Catalogue) -> Difference:
    """Everything that ``after`` says and ``before`` does not, and the other way round; digests are not compared."""
    found = {
        *_presence(Kind.RULE, _guards(before), _guards(after)),
        *_presence(Kind.ADMIN, _admins(before), _admins(after)),
        *_presence(Kind.PERSON, _known(before.people, "person"), _known(after.people, "person")),
        *_presence(Kind.ACCOUNT, _known(before.accounts, "account"), _known(after.accounts, "account")),
        *_presence(Kind.GROUP, _members(before), _members(after)),
        *_identities(before, after),
        *compare_permissions(before.roles, after.roles),
        *compare_rules(before.roles, after.roles),
        *_approving(before, after),
        *_asking(before, after),
    }
    for role in sorted(before.roles.keys() & after.roles.keys()):
        found.update(_grades(before, after, before.roles[role], after.roles[role]))
    found.update(compare_settings(before, after, found))
    return Difference(tuple(sorted(found, key=Change.danger)))


def eligible(catalogue: Catalogue, role: Role, person: Person) -> Mapping[str, datetime]:
    """Ids of the accounts in which this person may ask for the role, and until when (UTC); FOREVER without an end.

    What has lapsed is in it: how late it is now is nothing that a catalogue says. Slack groups are empty.
    """
    found: dict[str, datetime] = {}
    for end in sorted({FOREVER, *policy.ends_of_asking(role)}, reverse=True):
        before = end - timedelta.resolution
        if policy.may_use(role, person, now=before):
            for account in policy.accounts_offered(catalogue, role, person, now=before):
                found.setdefault(account, end)
    return found


def _presence(kind: Kind, before: Set[_Key], after: Set[_Key]) -> Iterator[Change]:
    for role, account, person, what in after - before:
        yield Change(kind, Direction.GAINED, role, account, person, what)
    for role, account, person, what in before - after:
        yield Change(kind, Direction.LOST, role, account, person, what)


def _guards(catalogue: Catalogue) -> frozenset[_Key]:
    """Whose word a change takes; that it takes none is something gained."""
    if catalogue.changes is None:
        return frozenset({("", "", "", UNGUARDED)})
    return frozenset(("", "", person, "") for person in change_approvers(catalogue))


def _admins(catalogue: Catalogue) -> frozenset[_Key]:
    return frozenset(("", "", person, "") for person in catalogue.admins)


def _known(ids: Iterable[str], what: str) -> frozenset[_Key]:
    return frozenset(("", each, "", "") if what == "account" else ("", "", each, "") for each in ids)


def _members(catalogue: Catalogue) -> frozenset[_Key]:
    return frozenset(("", "", person, group) for group, members in catalogue.groups.items() for person in members)


# --- who is who ------------------------------------------------------------------------------------------


def _identities(before: Catalogue, after: Catalogue) -> Iterator[Change]:
    """Of people on both sides: what a stranger could be them with."""
    for person in sorted(before.people.keys() & after.people.keys()):
        old, new = before.people[person], after.people[person]
        if old != new:
            yield from _presence(Kind.IDENTITY, _identities_of(old), _identities_of(new))


def _identities_of(person: Person) -> frozenset[_Key]:
    slack = {("", "", person.id, f"Slack account {each}") for each in person.slack_ids}
    mail = {("", "", person.id, f"e-mail {person.email}")} if person.email else set()
    return frozenset(slack | mail | {("", account, person.id, each) for account, each in person.identities.items()})


# --- asking and approving --------------------------------------------------------------------------------


def _asking(before: Catalogue, after: Catalogue) -> Iterator[Change]:
    alike = _frame(before) == _frame(after)
    same_roles = {role for role in before.roles if before.roles[role] == after.roles.get(role)} if alike else set()
    for person in sorted({*before.people, *after.people}):
        old, new = before.people.get(person), after.people.get(person)
        looked_at = same_roles if old == new else ()
        ends = (_asked(before, old, looked_at), _asked(after, new, looked_at))
        for role, account in sorted({*ends[0], *ends[1]}):
            change = Change(Kind.ASK, Direction.CHANGED, role, account, person)
            until = (ends[0].get((role, account), NEVER), ends[1].get((role, account), NEVER))
            yield from _graded(change, until, _end_in_words)


def _asked(catalogue: Catalogue, person: Person | None, without: Iterable[str]) -> Mapping[tuple[str, str], datetime]:
    """By role and account, until when."""
    if person is None:
        return {}
    roles = [catalogue.roles[each] for each in catalogue.roles.keys() - set(without)]
    return {(r.id, account): end for r in roles for account, end in eligible(catalogue, r, person).items()}


def _end_in_words(end: datetime) -> str:
    if end == NEVER:
        return ""
    return ALWAYS if end == FOREVER else f"until {end:%Y-%m-%d %H:%M} UTC"


def _frame(catalogue: Catalogue) -> Catalogue:
    """Without people and roles: where this is the same, who may ask for what depends on these two alone."""
    return replace(catalogue, people={}, roles={}, digest="")


def _approving(before: Catalogue, after: Catalogue) -> Iterator[Change]:
    alike = _frame(before) == _frame(after) and before.people == after.people
    for role in sorted({*before.roles, *after.roles}):
        old, new = before.roles.get(role), after.roles.get(role)
        if alike and old == new:
            continue
        yield from _pairs(role, _approvers(before, old), _approvers(after, new))


_Approvers = Mapping[str, frozenset[str]]
"""Person ids of the approvers, by person id of who may ask."""


def _approvers(catalogue: Catalogue, role: Role | None) -> _Approvers:
    if role is None:
        return {}
    askers = (person for person in catalogue.people.values() if eligible(catalogue, role, person))
    # Whoever Slack names is not known here: the group stands for them.
    facts = policy.Facts(
        manager=Person(SLACK_MANAGER, "their manager in Slack"),
        slack_groups=_AnyGroup(),
        on_call={each.id: _on_call(catalogue, each) for each in catalogue.schedules.values()},
        owners=(Person(OWNER, "the owner"),),
    )
    return {
        person.id: frozenset(
            each.id for each in policy.approver_set(catalogue, role, person, facts, waited=policy.EVER)
        )
        for person in askers
    }


def _on_call(catalogue: Catalogue, schedule: Schedule) -> tuple[Person, ...]:
    """Everybody whose turn may come."""
    if schedule.source:
        return (Person(ON_CALL + schedule.id, "whoever is on call"),)
    turns = {*schedule.people, *(each.person for each in schedule.overrides)}
    return tuple(catalogue.people[each] for each in sorted(turns & catalogue.people.keys()))


def _pairs(role: str, before: _Approvers, after: _Approvers) -> Iterator[Change]:
    for direction, here, there in ((Direction.GAINED, after, before), (Direction.LOST, before, after)):
        approved = frozenset(approver for approvers in there.values() for approver in approvers)
        for asker, approvers in here.items():
            for approver in approvers - there.get(asker, frozenset()):
                # Who approves for everyone does so for one more: that one is the news.
                if asker in there or approver not in approved:
                    yield Change(Kind.APPROVE, direction, role, person=approver, what=asker)


class _AnyGroup(Mapping[str, tuple[Person, ...]]):
    """Whatever Slack group is asked for, one person who stands for its members."""

    def __getitem__(self, group: str) -> tuple[Person, ...]:
        return (Person(SLACK_GROUP + group, f"Slack group {group}"),)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


# --- more or less ----------------------------------------------------------------------------------------


def _grades(before: Catalogue, after: Catalogue, old: Role, new: Role) -> Iterator[Change]:
    """Of a role on both sides: what is longer, weaker or easier."""
    for work in sorted({*old.work, *new.work}):
        lengths = (_longest(before, old, work), _longest(after, new, work))
        yield from _graded(Change(Kind.LONGEST, Direction.CHANGED, old.id, what=work), lengths, _in_words)
    for side, proofs in (
        ("asking", (_ask_step_up(old), _ask_step_up(new))),
        ("approving", (policy.approve_step_up(old), policy.approve_step_up(new))),
    ):
        ages = (_age(proofs[0]), _age(proofs[1]))
        yield from _graded(Change(Kind.STEP_UP, Direction.CHANGED, old.id, what=side), ages, _proof_in_words)
    quorums = (-old.quorum, -new.quorum)
    yield from _graded(Change(Kind.QUORUM, Direction.CHANGED, old.id), quorums, lambda quorum: str(-quorum))
    if old.ticket != new.ticket:
        wanted = bool(old.ticket) - bool(new.ticket)
        direction = {1: Direction.GAINED, -1: Direction.LOST}.get(wanted, Direction.CHANGED)
        yield Change(Kind.TICKET, direction, old.id, before=_ticket(old.ticket), after=_ticket(new.ticket))


def _graded(change: Change, grades: tuple[_G, _G], words: Callable[[_G], str]) -> Iterator[Change]:
    """More is gained, less is lost."""
    before, after = grades
    if before != after:
        direction = Direction.GAINED if before < after else Direction.LOST
        yield replace(change, direction=direction, before=words(before), after=words(after))


def _longest(catalogue: Catalogue, role: Role, work: str) -> timedelta:
    """Zero where it may not be asked for that work."""
    return policy.longest(catalogue, role, work) if work in role.work and work in catalogue.work else timedelta(0)


def _in_words(length: timedelta) -> str:
    return format_duration(length) if length else ""


def _ask_step_up(role: Role) -> StepUpPolicy:
    return policy.ask_step_up(role, Ask("", role.id, "", {}, "", timedelta(0), ""))


def _ticket(rule: TicketRule | None) -> str:
    if rule is None:
        return ""
    parts = (
        rule.pattern,
        rule.tracker and f"in {rule.tracker}",
        "open" if rule.must_be_open else "",
        "access ends with it" if rule.ends_access else "",
        rule.hint and f"“{rule.hint}”",
    )
    return ", ".join(filter(None, parts))


def _age(proof: StepUpPolicy) -> timedelta:
    """How old a proof may be."""
    return {StepUpRule.ALWAYS: timedelta(0), StepUpRule.NEVER: timedelta.max}.get(proof.rule, proof.within)


def _proof_in_words(age: timedelta) -> str:
    if age == timedelta.max:
        return "never"
    return f"one of the last {format_duration(age)}" if age else "always"
