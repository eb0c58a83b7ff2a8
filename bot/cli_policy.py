"""``prodaccess explain`` and ``prodaccess who-can``: what access.yaml would say, offline."""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from bot import catalogue as catalogue_files
from bot.catalogue.problems import suggest
from bot.core import policy
from bot.core.duration import format_duration, parse_duration, parse_moment
from bot.core.model import Ask, Catalogue, Item, Person, Role, Way
from bot.core.policy import Asking, Explanation, Possibility, Reason, TargetView
from bot.shell import Commands, add_command, catalogue_for_shell

_T = TypeVar("_T")

_GRANTED = "Taken for granted: nothing is live, denied, used up or owed; the ticket is open and severe enough."


class NotUnderstood(Exception):
    """Something was named that is not there, or not written as it has to be; says what to write."""


def describe_policy(commands: Commands) -> None:
    """Add the commands."""
    one = add_command(
        commands, "explain", _explain, "what would become of a request, rule by rule, and what would make it pass"
    )
    one.add_argument("person", help="a person's id in access.yaml")
    one.add_argument("role", help="a role's id, or a bundle's")
    one.add_argument("account", help="an account's id, or several joined by commas")
    one.add_argument("duration", help="as in 2h")
    one.add_argument("params", nargs="*", metavar="NAME=VALUE", help="parameters of the role")
    one.add_argument("--work", default="", help="the kind of work (default: the one that may last longest)")
    one.add_argument("--ticket", default="", help="a ticket, if it matters")
    one.add_argument("--break-glass", action="store_true", help="ask for it by breaking glass")
    one.add_argument(
        "--on-call", action="append", default=[], metavar="SCHEDULE", help="as if on call by this schedule"
    )
    _describe_file_and_time(one)
    one = add_command(commands, "who-can", _who_can, "who could have a role in an account, which way")
    one.add_argument("role", nargs="?", default="", help="a role's id, or a bundle's (default: every role)")
    one.add_argument("account", nargs="?", default="", help="an account's id (default: every account)")
    one.add_argument("--without-a-second-human", action="store_true", help="only what nobody else has to approve")
    _describe_file_and_time(one)


def _describe_file_and_time(command: argparse.ArgumentParser) -> None:
    command.add_argument("--at", default="", metavar="TIME", help='as if it were then: "Sat 02:00", "2026-11-24 09:00"')
    command.add_argument("--file", help="default: PRODACCESS_CATALOGUE, else access.yaml")


# --- explain ---------------------------------------------------------------------------------------------


def _explain(arguments: argparse.Namespace) -> int:
    catalogue = _catalogue(arguments)
    person = _known(arguments.person, catalogue.people, "person")
    _known(arguments.role, {**catalogue.roles, **catalogue.bundles}, "role")
    accounts = [_known(each, catalogue.accounts, "account").id for each in arguments.account.split(",")]
    now, length = _at(arguments, catalogue), _duration(arguments.duration)
    if arguments.work:
        _known(arguments.work, catalogue.work, "kind of work")
    for schedule in arguments.on_call:
        _known(schedule, catalogue.schedules, "schedule")
    blank = Ask(person.id, arguments.role, accounts[0], _params(arguments.params), arguments.work, length, "")
    blank = replace(blank, ticket=arguments.ticket, break_glass=arguments.break_glass)
    asked = policy.spread_out(catalogue, blank, accounts)
    asked = policy.filled_in(catalogue, replace(asked, work=arguments.work or _longest_work(catalogue, asked, now)))
    facts, *more = (
        policy.taken_for_granted(catalogue.roles[item.role], asked, person, arguments.on_call) for item in asked.items
    )
    asking = policy.Asking(catalogue, person, asked, now, facts, tuple(more))
    found = policy.explain(asking)
    targets = ", ".join(_named(item) for item in asked.items)
    print(f"{person.name} asks for {targets} for {format_duration(asked.duration)} ({asked.work}), {_time(now)}:")
    print("\n".join(_said(found, asking)))
    return 0 if found.passes else 1


def _longest_work(catalogue: Catalogue, ask: Ask, now: datetime) -> str:
    """The kind of work, of those that all of the roles take, that may last longest."""
    roles = [catalogue.roles[item.role] for item in ask.items]
    shared = policy.work_of_all(roles) or roles[0].work
    return max(shared, key=lambda each: min(policy.longest(catalogue, role, each, now) for role in roles))


def _said(found: Explanation, asking: Asking) -> Iterable[str]:
    auto, several = asking.role.auto, bool(asking.ask.more)
    together = " All or nothing." if several else ""
    yield f"\n{'It could be asked for.' if found.passes else 'It would be refused.'}{together}\n"
    yield from _rules(found.shared, found.open)
    for target in found.targets:
        if target.reasons:
            yield f"\n{_named(target.item)}:"
            yield from _rules(target.reasons, target.open)
    if found.way is Way.APPROVERS:
        yield from _who_could_approve(found.targets, asking)
    yield f"\nWay: {found.way}"
    if auto is not None and not several:
        yield "Without a word:"
        yield from _rules(found.automatic.reasons, ())
    if found.longest > timedelta(0):
        yield f"Longest now: {format_duration(found.longest)}"
    if found.remedies:
        yield "What would make it pass:"
        yield from (f"  → {remedy}" for remedy in found.remedies)
    yield f"\n{_GRANTED}"


def _who_could_approve(targets: Sequence[TargetView], asking: Asking) -> Iterable[str]:
    for target in targets:
        if target.stages:
            yield f"\nWho could approve{f' {_named(target.item)}' if asking.ask.more else ''}:"
            for stage in target.stages:
                later = f"; later or instead: {_names(stage.later)}" if stage.later else ""
                yield f"  {stage.title}: {stage.needed} of {_names(stage.at_once)}{later}"
            yield from _unknown(asking.catalogue.roles[target.item.role])


def _rules(reasons: Iterable[Reason], still_open: tuple[Reason, ...]) -> Iterable[str]:
    return (f"  {_mark(reason, still_open)}  {reason.rule}: {reason.text}" for reason in reasons)


def _named(item: Item) -> str:
    return f"{item.role} in {item.account}"


def _mark(reason: Reason, still_open: tuple[Reason, ...]) -> str:
    if reason in still_open:
        return "…"
    return "✓" if reason.satisfied else "✗"


def _unknown(role: Role) -> Iterable[str]:
    """What the catalogue alone does not say."""
    said = [f"the Slack group {group}" for group in sorted(policy.slack_groups_of_approving(role))]
    said += [f"who is on call by {stage.on_call}" for stage in role.stages if stage.on_call]
    said += [f"the owner of {stage.owner.parameter}" for stage in role.stages if stage.owner]
    if said:
        yield f"  Not known from access.yaml: {', '.join(dict.fromkeys(said))}."


# --- who can ---------------------------------------------------------------------------------------------


def _who_can(arguments: argparse.Namespace) -> int:
    catalogue = _catalogue(arguments)
    role, account = arguments.role, arguments.account
    bundles = {key: each for key, each in catalogue.bundles.items() if key not in catalogue.roles}
    if role:
        _known(role, {**catalogue.roles, **bundles}, "role")
    if account:
        _known(account, catalogue.accounts, "account")
    at, alone = _at(arguments, catalogue), arguments.without_a_second_human
    found = policy.who_can(catalogue, role, account, at=at, without_a_second_human=alone)
    print(f"Who could have {role or 'what'} in {account or 'any account'}, {_time(at)}:\n")
    for each in found:
        print(_line(each))
    if not found:
        print("  nobody" + (" without a second human" if alone else ""))
    of = [key for key, _ in bundles[role].items] if role in bundles else [role] if role else list(catalogue.roles)
    groups = sorted({g for key in of for g in policy.slack_groups_of_asking(catalogue.roles[key])})
    if groups:
        print(f"\nNot known from access.yaml: the members of the Slack groups {', '.join(groups)}, who may ask too.")
    return 0


def _line(one: Possibility) -> str:
    what = f"{one.person.name} ({one.person.id})  {one.role} in {one.account}"
    when = f": {'; '.join(one.conditions)}" if one.conditions else ""
    return f"  {what}, up to {format_duration(one.longest)}  {one.way}{when}"


# --- pieces ----------------------------------------------------------------------------------------------


def _catalogue(arguments: argparse.Namespace) -> Catalogue:
    return catalogue_files.load(arguments.file or catalogue_for_shell())


def _known(key: str, among: Mapping[str, _T], kind: str) -> _T:
    if key not in among:
        hint = suggest(key, among.keys())
        raise NotUnderstood(f"there is no {kind} “{key}”" + (f"; {hint}" if hint else ""))
    return among[key]


def _at(arguments: argparse.Namespace, catalogue: Catalogue) -> datetime:
    now = datetime.now(UTC)
    try:
        return parse_moment(arguments.at, catalogue.zone, now) if arguments.at else now
    except ValueError as error:
        raise NotUnderstood(str(error)) from None


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise NotUnderstood(str(error)) from None


def _params(given: Iterable[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in given]
    wrong = next((name for name, sign, _ in pairs if not sign or not name), None)
    if wrong is not None:
        raise NotUnderstood(f"“{wrong}” is no parameter; write NAME=VALUE, as in bucket=logs")
    return {name: value for name, _, value in pairs}


def _names(people: Iterable[Person]) -> str:
    return ", ".join(person.name for person in people) or "nobody"


def _time(at: datetime) -> str:
    return f"{at:%a %Y-%m-%d %H:%M} UTC"
