"""From a Document to the core's records."""

import re
from collections.abc import Mapping

from bot.catalogue import build_rules as rules
from bot.catalogue import entries
from bot.catalogue import schema as file
from bot.core.lookups import LookUp, LookUpKind
from bot.core.model import (
    Account,
    Catalogue,
    ChangeRule,
    Parameter,
    Person,
    Role,
    Statement,
    Summary,
    Work,
)


def build(document: file.Document, digest: str) -> Catalogue:
    """The catalogue that a document without errors describes."""
    accounts = {key: _account(key, entry) for key, entry in document.accounts.items()}
    groups = {key: frozenset(members) for key, members in document.groups.items()}
    work = {key: Work(key, entry.title, entry.max) for key, entry in document.work.items()}
    return Catalogue(
        accounts=accounts,
        people={key: _person(key, entry, groups) for key, entry in document.people.items()},
        groups=groups,
        roles={key: _role(key, entry, document) for key, entry in document.roles.items()},
        work=work,
        admins=frozenset(document.admins),
        channel=document.channels.approvals,
        security_channel=document.channels.security,
        summary=_summary(document),
        digest=digest,
        zone=document.zone,
        hours={key: rules.hours(key, entry, document.zone) for key, entry in document.hours.items()},
        schedules={key: rules.schedule(key, entry, document.zone) for key, entry in document.schedules.items()},
        trackers={key: rules.tracker(key, entry) for key, entry in document.trackers.items()},
        bundles={key: rules.bundle(key, entry) for key, entry in document.bundles.items()},
        limits=rules.caps(document.limits),
        changes=_changes(document.changes),
    )


def selected_accounts(role: file.Role, document: file.Document) -> frozenset[str]:
    """Ids of the accounts that a role can be asked for in."""
    if role.accounts.ids:
        return frozenset(role.accounts.ids)
    wanted = set(role.accounts.tags)
    return frozenset(key for key, account in document.accounts.items() if wanted <= set(account.tags))


def full_pattern(parameter: file.Parameter) -> str:
    """The pattern that a value has to match in full: the one given, narrowed to the choices."""
    if parameter.choices is not None:
        return "|".join(re.escape(choice) for choice in parameter.choices)
    return (parameter.pattern or "").removeprefix("^").removesuffix("$")


def _changes(entry: entries.Changes | None) -> ChangeRule | None:
    if entry is None:
        return None
    rule = entry.approve
    return ChangeRule(admins=rule.admins, people=frozenset(rule.people), groups=frozenset(rule.groups))


def _account(key: str, entry: entries.Account) -> Account:
    return Account(
        id=key,
        title=entry.title,
        number=entry.number,
        region=entry.region,
        tags=frozenset(entry.tags),
        broker_role=entry.broker_role or "",
        external_id=entry.external_id or "",
        profile=entry.profile or "",
    )


def _person(key: str, entry: entries.Person, groups: Mapping[str, frozenset[str]]) -> Person:
    return Person(
        id=key,
        name=entry.name,
        email=entry.email,
        slack_ids=frozenset(entry.slack),
        manager=entry.manager,
        groups=frozenset(group for group, members in groups.items() if key in members),
        identities=dict(entry.aws),
    )


def _summary(document: file.Document) -> Summary:
    entry = document.summary or entries.Summary(channel=document.channels.security)
    hour, minute = entry.at
    return Summary(channel=entry.channel, zone=entry.zone or document.zone, hour=hour, minute=minute)


def _role(key: str, entry: file.Role, document: file.Document) -> Role:
    ask_step_up, approve_step_up = rules.step_ups(entry.step_up, entry.critical)
    return Role(
        id=key,
        title=entry.title,
        description=entry.description,
        provider=entry.provider,
        accounts=selected_accounts(entry, document),
        statements=tuple(_statement(each) for each in entry.statements),
        parameters=tuple(_parameter(name, each) for name, each in entry.parameters.items()),
        longest=entry.max_duration,
        shortest=entry.min_duration,
        work=tuple(entry.work or document.work),
        ask=rules.ask_rules(entry.ask),
        stages=tuple(rules.stage(each) for each in entry.approve),
        ask_step_up=ask_step_up,
        approve_step_up=approve_step_up,
        ticket=rules.ticket(entry.ticket),
        reason_min=entry.reason.min,
        lapses_after=entry.lapses_after,
        remind_before=entry.remind_before,
        channel=entry.channel or "",
        only_accounts=rules.further_rules(entry.only.accounts),
        only_tags=rules.further_rules(entry.only.tags),
        longest_by_work=dict(entry.max_by_work),
        hours=entry.hours.during if entry.hours else "",
        outside=entry.hours.outside if entry.hours else None,
        critical=entry.critical,
        sensitive=entry.sensitive,
        auto=rules.automatic(entry.automatic),
        break_glass=rules.break_glass(entry.break_glass),
        separation=rules.separation(entry.separation),
        caps=rules.caps(entry.limits),
        extend=rules.extension(entry.extend),
    )


def _parameter(key: str, entry: file.Parameter) -> Parameter:
    return Parameter(
        id=key,
        title=entry.title or key.replace("_", " ").capitalize(),
        pattern=full_pattern(entry),
        hint=entry.hint,
        choices=tuple(entry.choices or ()),
        default=entry.default,
        lookup=_lookup(entry.lookup),
    )


def _lookup(entry: entries.LookedUp | None) -> LookUp | None:
    return LookUp(LookUpKind(entry.kind), tuple(sorted(entry.tags.items()))) if entry else None


def _statement(entry: file.Statement) -> Statement:
    conditions = {
        operator: {key: tuple(values) for key, values in keys.items()} for operator, keys in entry.conditions.items()
    }
    return Statement(actions=tuple(entry.actions), resources=tuple(entry.resources), conditions=conditions)
