"""What the rules of a role name, and what they say against each other."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta

from bot.catalogue import rules
from bot.catalogue.build import full_pattern, selected_accounts
from bot.catalogue.build_rules import step_ups
from bot.catalogue.entries import BundleItem
from bot.catalogue.problems import Finding, Path, suggest
from bot.catalogue.schema import Document, Role
from bot.core.model import StepUpRule

Names = Callable[[str], frozenset[str] | None]
"""The ids in a section of the file, those of entries that are wrong too; ``None`` where they cannot be known."""
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


def missing(used: Iterable[str], path: Path, kind: str, known: frozenset[str] | None) -> Iterator[Finding]:
    """Names in a list that are not there, or there twice."""
    seen: set[str] = set()
    for index, name in enumerate(used):
        yield from unknown(name, (*path, index), kind, known)
        if name in seen:
            yield Finding((*path, index), f"“{name}” is there twice", "remove one of them")
        seen.add(name)


def unknown(name: str | None, path: Path, kind: str, known: frozenset[str] | None) -> Iterator[Finding]:
    """A name that is not there; nothing for no name."""
    if name and known is not None and name not in known:
        yield Finding(path, f"“{name}” is no {kind} of this catalogue", suggest(name, known))


def check_rules(path: Path, role: Role, document: Document, names: Names) -> Iterator[Finding]:
    """Everything about the rules of one role that cannot be."""
    for at, entry in enumerate(role.ask):
        yield from _who((*path, "ask", at), entry, names)
    yield from _only((*path, "only"), role, document, names)
    for at, stage in enumerate(role.approve):
        yield from _stage((*path, "approve", at), stage, role, names)
    yield from _lengths(path, role, names)
    yield from _ticket((*path, "ticket"), role, names)
    yield from _automatic((*path, "automatic"), role, names)
    if role.separation:
        yield from missing(role.separation.teams, (*path, "separation", "teams"), "group", names("groups"))
    yield from _break_glass((*path, "break_glass"), role.break_glass)
    yield from _critical(path, role)


def _who(path: Path, entry: rules.Ask | rules.Stage | rules.Escalation, names: Names) -> Iterator[Finding]:
    yield from missing(entry.people, (*path, "people"), "person", names("people"))
    yield from missing(entry.groups, (*path, "groups"), "group", names("groups"))


def _only(path: Path, role: Role, document: Document, names: Names) -> Iterator[Finding]:
    chosen = selected_accounts(role, document)
    tags = frozenset(tag for each in chosen if each in document.accounts for tag in document.accounts[each].tags)
    for what, known, entries in (("accounts", chosen, role.only.accounts), ("tags", tags, role.only.tags)):
        for key, listed in entries.items():
            here = (*path, what, key)
            if key not in known and names("accounts") is not None:
                kind = "account of this role" if what == "accounts" else "tag of an account of this role"
                yield Finding(here, f"“{key}” is no {kind}", suggest(key, known) or "remove it")
            for at, entry in enumerate(listed):
                yield from _who((*here, at), entry, names)


def _stage(path: Path, stage: rules.Stage, role: Role, names: Names) -> Iterator[Finding]:
    yield from _who(path, stage, names)
    yield from missing(stage.fallback, (*path, "fallback"), "group", names("groups"))
    yield from unknown(stage.on_call, (*path, "on_call"), "schedule", names("schedules"))
    if stage.owner and stage.owner.parameter not in role.parameters:
        here, hint = (*path, "owner", "parameter"), suggest(stage.owner.parameter, role.parameters.keys())
        yield Finding(here, f"“{stage.owner.parameter}” is no parameter of this role", hint or "add it to parameters")
    first = next((each.owner for each in role.approve if each.owner), None)
    if stage.owner and stage.owner != first:
        message = "is another owner than that of the stage before"
        yield Finding((*path, "owner"), message, "name the same parameter and tag in all of them")
    yield from _escalation((*path, "escalate"), stage.escalate, role, names)


def _escalation(path: Path, steps: Sequence[rules.Escalation], role: Role, names: Names) -> Iterator[Finding]:
    before = timedelta(0)
    for at, step in enumerate(steps):
        here = (*path, at, "after")
        yield from _who((*path, at), step, names)
        if step.after >= role.lapses_after:
            yield Finding(here, "is not before the request lapses", "make it shorter, or lapses_after longer")
        if at and step.after <= before:
            yield Finding(here, "is not after the one before it", "put them in the order of their times")
        before = step.after


def _lengths(path: Path, role: Role, names: Names) -> Iterator[Finding]:
    for work, length in role.max_by_work.items():
        here = (*path, "max_by_work", work)
        offered = frozenset(role.work) if role.work else names("work")
        if offered is not None and work not in offered:
            yield Finding(here, f"“{work}” is no kind of work of this role", suggest(work, offered))
        if length > role.max_duration:
            yield Finding(here, "is above max_duration", "lower it, or raise max_duration")
        if length < role.min_duration:
            yield Finding(here, "is below min_duration", "raise it, or leave the kind out of work")
    if role.hours is None:
        return
    yield from unknown(role.hours.during, (*path, "hours", "during"), "window of hours", names("hours"))
    outside = role.hours.outside
    if outside is not None and outside >= role.max_duration:
        yield Finding((*path, "hours", "outside"), "is no shorter than max_duration", "lower it, or write refuse")
    if outside is not None and outside < role.min_duration:
        yield Finding((*path, "hours", "outside"), "is below min_duration", "raise it, or write refuse")


def _ticket(path: Path, role: Role, names: Names) -> Iterator[Finding]:
    if role.ticket is None:
        return
    yield from unknown(role.ticket.tracker, (*path, "tracker"), "tracker", names("trackers"))
    for key in ("must_be_open", "ends_access"):
        if getattr(role.ticket, key) and not role.ticket.tracker:
            yield Finding((*path, key), "is of no use: nobody looks the ticket up", "add tracker")


def _automatic(path: Path, role: Role, names: Names) -> Iterator[Finding]:
    entry = role.automatic
    if entry is None:
        return
    yield from unknown(entry.on_call, (*path, "on_call"), "schedule", names("schedules"))
    yield from unknown(entry.during, (*path, "during"), "window of hours", names("hours"))
    if entry.severities and not (role.ticket and role.ticket.tracker):
        message = "is never known: nobody looks the ticket up"
        yield Finding((*path, "severities"), message, "add a ticket with a tracker")
    if not (entry.on_call or entry.severities or entry.during):
        hint = "add on_call, severities or during"
        yield Finding(path, "has no condition: everybody would have it without a word", hint)
    if role.sensitive:
        yield Finding(path, "cannot be: the role is sensitive", "remove it, or sensitive")


def _break_glass(path: Path, entry: rules.BreakGlass | None) -> Iterator[Finding]:
    if entry is not None and entry.max > _HOUR:
        yield Finding((*path, "max"), "is above an hour", "write 1h or less")
    if entry is not None and entry.review_within > _DAY:
        yield Finding((*path, "review_within"), "is above a day", "write 24h or less")


def _critical(path: Path, role: Role) -> Iterator[Finding]:
    if not role.critical:
        return
    if sum(stage.quorum for stage in role.approve) < 2:
        message = "lets one approver decide, but the role is critical"
        yield Finding((*path, "approve"), message, "raise quorum to 2, or add a stage")
    ask, approve = step_ups(role.step_up, critical=True)
    for key, policy in (("ask", ask), ("approve", approve)):
        if policy.rule is not StepUpRule.ALWAYS:
            message = "is weaker than always, but the role is critical"
            yield Finding((*path, "step_up", key), message, "remove it: a critical role always takes a code")
    for key in ("automatic", "break_glass"):
        if getattr(role, key) is not None:
            yield Finding((*path, key), "cannot be: the role is critical", "remove it, or critical")
    if role.extend and not role.extend.approval:
        yield Finding((*path, "extend", "approval"), "cannot be false: the role is critical", "remove it")


def check_entries(document: Document, names: Names) -> Iterator[Finding]:
    """Schedules whose people are not there, bundles of roles that are not."""
    for key, schedule in document.schedules.items():
        path: Path = ("schedules", key)
        yield from (
            finding
            for at, person in enumerate(schedule.people)
            for finding in unknown(person, (*path, "people", at), "person", names("people"))
        )
        for at, override in enumerate(schedule.overrides):
            here = (*path, "overrides", at)
            yield from unknown(override.person, (*here, "person"), "person", names("people"))
            if override.begins >= override.ends:
                yield Finding((*here, "to"), "is not after from", "mend one of them")
    for key, bundle in document.bundles.items():
        if key in document.roles:
            yield Finding(("bundles", key), "has the name of a role", "give it another one")
        for at, item in enumerate(bundle.roles):
            here = ("bundles", key, "roles", at)
            yield from unknown(item.role, (*here, "role"), "role", names("roles"))
            role = document.roles.get(item.role)
            if role is not None:
                yield from _params((*here, "params"), item, role)


def _params(path: Path, item: BundleItem, role: Role) -> Iterator[Finding]:
    for name, value in item.params.items():
        parameter = role.parameters.get(name)
        if parameter is None:
            hint = suggest(name, role.parameters.keys()) or "remove it"
            yield Finding((*path, name), f"{item.role} has no parameter “{name}”", hint)
        elif not re.fullmatch(full_pattern(parameter), value):
            choices = ", ".join(parameter.choices or ())
            hint = f"one of: {choices}" if choices else f"it has to match {parameter.pattern}"
            yield Finding((*path, name), f"“{value}” is not what {item.role} takes", hint)
