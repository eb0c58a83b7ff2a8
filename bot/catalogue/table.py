"""The catalogue as a page that people read: who can get what, with whose approval."""

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from textwrap import wrap

from bot.catalogue.listing import entries_in_words
from bot.catalogue.problems import Problem
from bot.catalogue.reach import askers
from bot.catalogue.words import names, rules_in_words, stages_in_words
from bot.core.duration import format_duration
from bot.core.model import Catalogue, Person, Role, StepUpPolicy, StepUpRule
from bot.core.policy import longest

_COLUMNS = (("Role and account", 21), ("Asked for by", 18), ("Approved by", 23), ("Longest", 15), ("Proof", 15))
"""With two spaces between them: 100 columns."""


def describe(catalogue: Catalogue, warnings: Sequence[Problem] = ()) -> str:
    """Who can get what, where, for how long, on whose word, by which rules; and the warnings. 100 columns wide."""
    lines = [*_head(catalogue), "", *_row([(title,) for title, _ in _COLUMNS])]
    for role in catalogue.roles.values():
        lines.append(_rule())
        rest = (stages_in_words(role, catalogue), _longest(role, catalogue), _proof(role))
        for at, (accounts, people) in enumerate(_accounts(role, catalogue)):
            if at:
                lines.append("")
            what = (role.id, role.title, *(f"in {account}" for account in accounts))
            lines += _row([what, (names(people),), *rest])
        lines += _bullets(rules_in_words(role, catalogue))
    lines.append(_rule())
    for title, said in entries_in_words(catalogue):
        lines += ["", title, *_bullets(said)] if said else []
    if warnings:
        lines += ["", f"{len(warnings)} warning{'s' if len(warnings) != 1 else ''}:"]
        lines += [line for each in warnings for line in _wrapped(str(each), 100)]
    return "\n".join(lines) + "\n"


def _head(catalogue: Catalogue) -> list[str]:
    admins = names([catalogue.people[each] for each in sorted(catalogue.admins)])
    summary = catalogue.summary
    counts = f"{len(catalogue.roles)} roles, {len(catalogue.accounts)} accounts, {len(catalogue.people)} people"
    where = f"Approvals in {catalogue.channel}, security in {catalogue.security_channel}"
    daily = f"daily summary in {summary.channel} at {summary.hour:02}:{summary.minute:02} {summary.zone}"
    text = [
        f"Catalogue: {counts}; digest {catalogue.digest[:12]}",
        f"Security admins: {admins}",
        f"{where}, {daily}",
        *_changes(catalogue),
    ]
    return [line for each in text for line in _wrapped(each, 100)]


def _changes(catalogue: Catalogue) -> Iterable[str]:
    rule = catalogue.changes
    if rule is not None:
        who = ["the security admins"] if rule.admins else []
        who += [f"group {group}" for group in sorted(rule.groups)]
        who += [names([catalogue.people[each] for each in sorted(rule.people)])] if rule.people else []
        yield f"Changes of this file wait for the word of one of: {', '.join(who)}"


def _accounts(role: Role, catalogue: Catalogue) -> list[tuple[list[str], tuple[Person, ...]]]:
    """A role's accounts, those together where the same people have an identity."""
    everyone = {person.id: person for person in askers(role, catalogue)}
    found: dict[tuple[str, ...], list[str]] = {}
    for account in sorted(role.accounts):
        there = tuple(person.id for person in everyone.values() if account in person.identities)
        found.setdefault(there, []).append(account)
    return [(accounts, tuple(everyone[each] for each in there)) for there, accounts in found.items()]


def _longest(role: Role, catalogue: Catalogue) -> list[str]:
    kinds = (catalogue.work[each] for each in role.work)
    lengths = [(kind.id, longest(catalogue, role, kind.id)) for kind in kinds]
    return [format_duration(max(length for _, length in lengths))] + [
        f"{kind} {format_duration(length)}" for kind, length in lengths
    ]


def _proof(role: Role) -> list[str]:
    lines = [f"asking: {_step_up(role.ask_step_up)}", f"approving: {_step_up(role.approve_step_up)}"]
    if role.ticket:
        lines.append(f"ticket {role.ticket.hint or role.ticket.pattern}")
    return lines


def _step_up(policy: StepUpPolicy) -> str:
    if policy.rule is StepUpRule.WITHIN:
        return f"≤ {format_duration(policy.within)} old"
    return policy.rule.value


def _row(cells: Sequence[Iterable[str]]) -> list[str]:
    columns = [
        [line for part in cell for line in _wrapped(part, width)]
        for cell, (_, width) in zip(cells, _COLUMNS, strict=True)
    ]
    return [
        "  ".join(f"{part or '':<{width}}" for part, (_, width) in zip(line, _COLUMNS, strict=True)).rstrip()
        for line in zip_longest(*columns)
    ]


def _bullets(said: Iterable[str]) -> list[str]:
    return [line for each in said for line in wrap(f"  · {each}", 100, subsequent_indent="    ")]


def _rule() -> str:
    return "─" * (sum(width for _, width in _COLUMNS) + 2 * (len(_COLUMNS) - 1))


def _wrapped(text: str, width: int) -> list[str]:
    indent = "    " if width == 100 else "  "
    return [line for each in text.split("\n") for line in wrap(each, width, subsequent_indent=indent)] or [""]
