"""Which roles and accounts are offered to whom at all."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from bot.core.model import Catalogue, Person, Role
from bot.core.policy.facts import NOTHING, Facts
from bot.core.rules import AskRule


def is_eligible(rules: Iterable[AskRule], person: Person, facts: Facts = NOTHING, now: datetime | None = None) -> bool:
    """Whether any of the rules names this person at ``now`` (UTC). Without a time, what lapses has lapsed."""
    return any(_names(rule, person, facts) for rule in rules if _holds(rule, now))


def may_use(role: Role, person: Person, facts: Facts = NOTHING, now: datetime | None = None) -> bool:
    """Whether the role is offered to this person at all, at ``now`` (UTC); see ``is_eligible``."""
    return is_eligible(role.ask, person, facts, now)


def accounts_offered(
    catalogue: Catalogue, role: Role, person: Person, facts: Facts = NOTHING, now: datetime | None = None
) -> tuple[str, ...]:
    """The role's accounts in which this person has an identity and may ask for it, sorted."""
    return tuple(sorted(_accounts(catalogue, role, person, facts, now)))


def roles_offered(
    catalogue: Catalogue, person: Person, facts: Facts = NOTHING, now: datetime | None = None
) -> tuple[Role, ...]:
    """The roles that this person may ask for somewhere, by title."""
    usable = (role for role in catalogue.roles.values() if may_use(role, person, facts, now))
    offered = (role for role in usable if any(True for _ in _accounts(catalogue, role, person, facts, now)))
    return tuple(sorted(offered, key=lambda role: (role.title.casefold(), role.id)))


def ends_of_asking(role: Role) -> frozenset[datetime]:
    """The moments (UTC) from which on somebody may no longer ask."""
    return frozenset(rule.until for rule in _ask_rules(role) if rule.until is not None)


def slack_groups_of_asking(role: Role) -> frozenset[str]:
    """The Slack groups whose members have to be known to say who may ask."""
    return frozenset(group for rule in _ask_rules(role) for group in rule.slack_groups)


def _accounts(catalogue: Catalogue, role: Role, person: Person, facts: Facts, now: datetime | None) -> Iterator[str]:
    there = (each for each in role.accounts if each in person.identities and each in catalogue.accounts)
    if not role.only_accounts and not role.only_tags:
        yield from there
        return
    for each in there:
        further = _further(role, each, catalogue.accounts[each].tags)
        if all(is_eligible(rules, person, facts, now) for rules in further):
            yield each


def _further(role: Role, account: str, tags: frozenset[str]) -> list[tuple[AskRule, ...]]:
    """What the role says about this account and about its tags: each has to name whoever asks there."""
    here = [rules for key, rules in role.only_accounts.items() if key == account]
    return here + [rules for tag, rules in role.only_tags.items() if tag in tags]


def _holds(rule: AskRule, now: datetime | None) -> bool:
    return rule.until is None or (now is not None and now < rule.until)


def _names(rule: AskRule, person: Person, facts: Facts) -> bool:
    if person.id in rule.people or not person.groups.isdisjoint(rule.groups):
        return True
    if person.email and person.email.casefold().rpartition("@")[2] in rule.email_domains:
        return True
    members = (member for group in rule.slack_groups for member in facts.slack_groups.get(group, ()))
    return any(member.is_same_human(person) for member in members)


def as_offered_to(catalogue: Catalogue, person: Person, facts: Facts, now: datetime) -> Catalogue:
    """The catalogue as this person may see it at ``now`` (UTC): what they may ask for, with nothing left to look up."""
    mine = (AskRule(people=frozenset({person.id})),)
    roles = {}
    for role in catalogue.roles.values():
        there = frozenset(_accounts(catalogue, role, person, facts, now) if may_use(role, person, facts, now) else ())
        if there and any(map(_depends, _ask_rules(role))):
            roles[role.id] = replace(role, ask=mine, accounts=there, only_accounts={}, only_tags={})
        elif there:  # who somebody is says it all, as of nearly all of a thousand roles
            roles[role.id] = role
    return replace(catalogue, roles=roles)


def offers_depend(catalogue: Catalogue) -> bool:
    """Whether who may ask for what depends on the time or on the chat."""
    return any(_depends(rule) for role in catalogue.roles.values() for rule in _ask_rules(role))


def _depends(rule: AskRule) -> bool:
    return bool(rule.until or rule.slack_groups)


def _ask_rules(role: Role) -> tuple[AskRule, ...]:
    only = (*role.only_accounts.values(), *role.only_tags.values())
    return (*role.ask, *(rule for rules in only for rule in rules))
