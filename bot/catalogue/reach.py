"""Who a catalogue lets ask and approve: what could never work, and what will surprise somebody."""

from collections.abc import Iterator, Sequence

from bot.catalogue.problems import Finding, Path, Severity
from bot.core.duration import format_duration
from bot.core.guarding import change_approvers
from bot.core.model import Catalogue, Person, Role, StepUpRule
from bot.core.rules import Stage


def askers(role: Role, catalogue: Catalogue) -> tuple[Person, ...]:
    """Who the catalogue says may ask for a role some day and somewhere, by name; Slack groups may add others."""
    ids: set[str] = set()
    for rule in role.ask:
        ids = ids.union(rule.people, *(catalogue.groups[group] for group in rule.groups))
        if rule.email_domains:  # few rules have them, and everybody has to be looked at
            ids |= {person.id for person in catalogue.people.values() if _domain(person) in rule.email_domains}
    return tuple(sorted((catalogue.people[each] for each in ids), key=lambda person: person.name))


def _domain(person: Person) -> str:
    return (person.email or "").casefold().rpartition("@")[2]


def check_reach(catalogue: Catalogue) -> Iterator[Finding]:
    """Roles that nobody can use or approve, and people who cannot do what the catalogue gives them."""
    for person in catalogue.people.values():
        if not person.slack_ids and not person.email:
            message = "has neither a Slack id nor an e-mail address, so they are nobody in Slack"
            yield _warn(("people", person.id), message, "add slack: [U…]")
    yield from _change_approvers(catalogue)
    for role in catalogue.roles.values():
        path: Path = ("roles", role.id)
        asking = askers(role, catalogue)
        if not asking and not any(rule.slack_groups for rule in role.ask):
            yield _warn((*path, "ask"), "nobody can ask for this role", "name people or groups that have members")
        yield from _quorum(path, role, asking, catalogue)
        yield from _identities(path, role, asking)
        yield from _lengths(path, role, catalogue)
        if StepUpRule.NEVER is role.ask_step_up.rule is role.approve_step_up.rule:
            message = "neither side ever proves who they are: a hijacked Slack session is enough"
            yield _warn((*path, "step_up"), message, "let one of them be always")


def _change_approvers(catalogue: Catalogue) -> Iterator[Finding]:
    if catalogue.changes is None:
        return
    here: Path = ("changes", "approve")
    count = len(change_approvers(catalogue))
    if count == 0:
        yield Finding(here, "nobody could approve a change", "name people, groups that have members, or admins: true")
    elif count == 1:
        yield _warn(here, "only one person can approve changes, and not those that they gain by", "name another one")


def _warn(path: Path, message: str, hint: str = "") -> Finding:
    return Finding(path, message, hint, Severity.WARNING)


def _quorum(path: Path, role: Role, asking: Sequence[Person], catalogue: Catalogue) -> Iterator[Finding]:
    for at, stage in enumerate(role.stages):
        if stage.slack_groups or stage.owner or stage.on_call or any(each.slack_groups for each in stage.escalate):
            continue
        yield from _quorum_of(((*path, "approve", at), role, stage), asking, catalogue)


def _quorum_of(of: tuple[Path, Role, Stage], asking: Sequence[Person], catalogue: Catalogue) -> Iterator[Finding]:
    here, role, stage = of
    named = _named(stage, catalogue)
    short, leaning = [], []
    for person in asking:
        # Nobody shares an identity with anybody else in a catalogue: a person is their id.
        by_manager = stage.manager and person.manager is not None and person.manager not in named
        teams = role.separation.teams & person.groups
        sure = _apart(named, person, teams, catalogue) + by_manager
        from_slack = stage.manager and person.manager is None
        if sure + from_slack < stage.quorum:
            short.append(person)
        elif sure < stage.quorum:
            leaning.append(person)
    if asking and len(short) == len(asking):
        message = f"wants {stage.quorum} approver{'s' if stage.quorum > 1 else ''}, which no requester can have"
        yield Finding(here, message, "name more approvers than the requester, or lower the quorum")
    elif short:
        yield _warn(here, f"leaves {_few(short)} without enough approvers", "name more approvers")
    if leaning:
        message = f"leans on the Slack profile for the manager of {_few(leaning)}"
        yield _warn(here, message, "name their manager here, or a group that can approve too")


def _apart(named: set[str], person: Person, teams: frozenset[str], catalogue: Catalogue) -> int:
    """How many of those named are somebody else, and of none of these teams."""
    if not teams:
        return len(named) - (person.id in named)
    return sum(each != person.id and catalogue.people[each].groups.isdisjoint(teams) for each in named)


def _named(stage: Stage, catalogue: Catalogue) -> set[str]:
    """Whom the catalogue itself lets approve, at once or later."""
    groups = [*stage.groups, *stage.fallback, *(group for each in stage.escalate for group in each.groups)]
    people = [*stage.people, *(person for each in stage.escalate for person in each.people)]
    return set(people).union(*(catalogue.groups[group] for group in groups))


def _identities(path: Path, role: Role, asking: Sequence[Person]) -> Iterator[Finding]:
    without = [person for person in asking if role.accounts.isdisjoint(person.identities)]
    if without:
        message = f"{_few(without)} may ask, but {'has' if len(without) == 1 else 'have'} no identity in its accounts"
        yield _warn((*path, "ask"), message, "add aws: {account: user/NAME} to the person")
    uncovered = set(role.accounts)
    for person in asking:
        uncovered.difference_update(person.identities)
        if not uncovered:
            break
    empty = sorted(uncovered)
    if empty and len(without) < len(asking):
        shown = ", ".join(empty[:5]) + (f" and {len(empty) - 5} more" if len(empty) > 5 else "")
        yield _warn((*path, "accounts"), f"nobody who may ask has an identity in {shown}")


def _lengths(path: Path, role: Role, catalogue: Catalogue) -> Iterator[Finding]:
    longest = max(catalogue.work[each].longest for each in role.work)
    if longest < role.longest:
        message = f"is never reached: its kinds of work end at {format_duration(longest)}"
        yield _warn((*path, "max_duration"), message, "lower it, or allow a longer kind of work")
    for each in role.work:
        if catalogue.work[each].longest < role.shortest:
            yield _warn((*path, "min_duration"), f"rules out {each}, which ends sooner", "leave it out of work")


def _few(people: Sequence[Person]) -> str:
    shown = [person.id for person in people[:5]]
    return ", ".join(shown) + (f" and {len(people) - 5} more" if len(people) > 5 else "")
