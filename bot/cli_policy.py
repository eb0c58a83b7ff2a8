"""``prodaccess explain`` and ``prodaccess who-can``: what access.yaml would say, offline."""

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from bot import catalogue as catalogue_files
from bot.catalogue.problems import suggest
from bot.core import policy
from bot.core.duration import format_duration, parse_duration, parse_moment
from bot.core.model import Ask, Catalogue, Person, Role, Way
from bot.core.policy import Explanation, Possibility, Reason
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
    one.add_argument("role", nargs="?", default="", help="a role's id (default: every role)")
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
    asked = replace(asked, work=arguments.work or _longest_work(catalogue, asked, now))
    passes = [
        _explain_item(catalogue, person, asked, at, on_call=arguments.on_call, now=now)
        for at, _ in enumerate(asked.items)
    ]
    if len(passes) > 1:
        print(f"\nTogether {'they could be asked for' if all(passes) else 'they would be refused'}: all or nothing.")
    return 0 if all(passes) else 1


def _longest_work(catalogue: Catalogue, ask: Ask, now: datetime) -> str:
    """The kind of work, of those that all of the roles take, that may last longest."""
    roles = [catalogue.roles[item.role] for item in ask.items]
    shared = [each for each in roles[0].work if all(each in role.work for role in roles)] or roles[0].work
    return max(shared, key=lambda each: min(policy.longest(catalogue, role, each, now) for role in roles))


def _explain_item(
    catalogue: Catalogue, person: Person, ask: Ask, at: int, *, on_call: Iterable[str], now: datetime
) -> bool:
    """Print what would become of one target; whether it could be asked for."""
    item = ask.items[at]
    role, several = catalogue.roles[item.role], bool(ask.more)
    one = policy.filled_in(role, replace(ask, role=role.id, account=item.account, params={}, more=()), item.params)
    found = policy.explain(catalogue, person, one, policy.taken_for_granted(role, one, person, on_call), now)
    start = "\n" if several and at else ""
    print(
        f"{start}{person.name} asks for {role.id} in {item.account} for {format_duration(ask.duration)} ({ask.work}), "
        f"{_time(now)}:"
    )
    print("\n".join(_said(found, role)))
    return found.passes


def _said(found: Explanation, role: Role) -> Iterable[str]:
    yield f"\n{'It could be asked for.' if found.passes else 'It would be refused.'}\n"
    for reason in found.verdict.reasons:
        yield f"  {_mark(reason, found.open)}  {reason.rule}: {reason.text}"
    if found.stages and found.way is Way.APPROVERS:
        yield "\nWho could approve:"
        for stage in found.stages:
            later = f"; later or instead: {_names(stage.later)}" if stage.later else ""
            yield f"  {stage.title}: {stage.needed} of {_names(stage.at_once)}{later}"
        yield from _unknown(role)
    yield f"\nWay: {found.way}"
    if role.auto is not None:
        yield "Without a word:"
        yield from (f"  {_mark(each, ())}  {each.rule}: {each.text}" for each in found.automatic.reasons)
    if found.longest > timedelta(0):
        yield f"Longest now: {format_duration(found.longest)}"
    if found.remedies:
        yield "What would make it pass:"
        yield from (f"  → {remedy}" for remedy in found.remedies)
    yield f"\n{_GRANTED}"


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
    role = _known(arguments.role, catalogue.roles, "role").id if arguments.role else ""
    account = _known(arguments.account, catalogue.accounts, "account").id if arguments.account else ""
    at, alone = _at(arguments, catalogue), arguments.without_a_second_human
    found = policy.who_can(catalogue, role, account, at=at, without_a_second_human=alone)
    print(f"Who could have {role or 'what'} in {account or 'any account'}, {_time(at)}:\n")
    for each in found:
        print(_line(each))
    if not found:
        print("  nobody" + (" without a second human" if alone else ""))
    groups = sorted({g for key in catalogue.roles if role in ("", key) for g in _asking_groups(catalogue, key)})
    if groups:
        print(f"\nNot known from access.yaml: the members of the Slack groups {', '.join(groups)}, who may ask too.")
    return 0


def _asking_groups(catalogue: Catalogue, role: str) -> Iterable[str]:
    return policy.slack_groups_of_asking(catalogue.roles[role])


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
