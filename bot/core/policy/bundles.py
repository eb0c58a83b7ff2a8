"""Bundles: several roles asked for as one, as a form offers them and as an ask writes them out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.core.model import Ask, Catalogue, Item, Parameter, Person, Role
from bot.core.policy.facts import NOTHING, Facts
from bot.core.policy.hours import longest
from bot.core.policy.offers import accounts_offered, roles_offered
from bot.core.rules import AskRule, Bundle, TicketRule


def choices(
    catalogue: Catalogue, person: Person, facts: Facts = NOTHING, now: datetime | None = None
) -> tuple[Role, ...]:
    """What a form offers at ``now`` (UTC): the roles that this person may ask for, by title, and after them bundles.

    A bundle looks like one role, in the accounts where the person may ask for each of its roles, with the parameters
    that it leaves open and the limits that all of its roles keep. It is told apart by ``is_bundle``.
    """
    bundles = (_as_role(catalogue, bundle, person, facts, now) for bundle in catalogue.bundles.values())
    offered = (role for role in bundles if role is not None and role.accounts)
    by_title = sorted(offered, key=lambda role: (role.title.casefold(), role.id))
    return (*roles_offered(catalogue, person, facts, now), *by_title)


def is_bundle(role: Role) -> bool:
    """Whether this stands for a bundle: it allows nothing by itself."""
    return not role.statements


def size_of(catalogue: Catalogue, role: Role) -> int:
    """How many targets this is in each account."""
    return len(catalogue.bundles[role.id].items) if is_bundle(role) else 1


def work_of_all(roles: Sequence[Role]) -> tuple[str, ...]:
    """The kinds of work that each of these roles takes, in the order of the first."""
    return tuple(each for each in roles[0].work if all(each in role.work for role in roles))


def bundle_of(catalogue: Catalogue, items: Sequence[Item]) -> Bundle | None:
    """The bundle that was written out into these targets, in whatever accounts; ``None``: they were none."""
    by_account: dict[str, list[Item]] = {}
    for item in items:
        by_account.setdefault(item.account, []).append(item)
    if len({item.role for item in items}) < 2:
        return None
    found = (b for b in catalogue.bundles.values() if all(_is_of(b, each) for each in by_account.values()))
    return next(found, None)


def said_besides(bundle: Bundle, items: Sequence[Item]) -> Mapping[str, str]:
    """What was filled in for a bundle that was written out into these targets."""
    pairs = list(zip(bundle.items, items, strict=False))
    return {name: value for (_, given), each in pairs for name, value in each.params.items() if name not in given}


def written_out(bundle: Bundle, account: str, ask: Ask) -> Ask:
    """``ask`` for everything in a bundle, in one account. Raises IndexError for a bundle without items."""
    return _for(ask, [Item(role, account, dict(params)) for role, params in bundle.items])


def spread_out(catalogue: Catalogue, ask: Ask, accounts: Iterable[str] = ()) -> Ask:
    """``ask`` in each of these accounts (its own where there are none); a bundle named as its role is written out.

    The parameters that a bundle leaves open are taken from those of ``ask``, or are the roles' defaults.
    """
    bundle = catalogue.bundles.get(ask.role)
    items = [ask.items[0]]
    if bundle is not None and ask.role not in catalogue.roles:
        items = [_filled(catalogue, item, ask.params) for item in written_out(bundle, ask.account, ask).items]
    return _for(ask, [replace(item, account=each) for each in tuple(accounts) or (ask.account,) for item in items])


def _for(ask: Ask, items: Sequence[Item]) -> Ask:
    first = items[0]
    return replace(ask, role=first.role, account=first.account, params=first.params, more=tuple(items[1:]))


def _filled(catalogue: Catalogue, item: Item, typed: Mapping[str, str]) -> Item:
    """With what was typed, or the defaults, for what the bundle leaves open."""
    role = catalogue.roles.get(item.role)
    values = {p.id: typed.get(p.id) or p.default or "" for p in role.parameters} if role else {}
    return replace(item, params={**{name: value for name, value in values.items() if value}, **item.params})


def _is_of(bundle: Bundle, items: Sequence[Item]) -> bool:
    pairs = zip(bundle.items, items, strict=False)
    return len(items) == len(bundle.items) and all(
        role == item.role and given.items() <= item.params.items() for (role, given), item in pairs
    )


def _as_role(catalogue: Catalogue, bundle: Bundle, person: Person, facts: Facts, now: datetime | None) -> Role | None:
    """``None`` where one of its roles is not in the catalogue."""
    roles = [catalogue.roles[each] for each, _ in bundle.items if each in catalogue.roles]
    if not roles or len(roles) < len(bundle.items) or bundle.id in catalogue.roles:
        return None
    accounts = [frozenset(accounts_offered(catalogue, role, person, facts, now)) for role in roles]
    usable = {role.id for role in roles_offered(catalogue, person, facts, now)}
    work = work_of_all(roles)
    return Role(
        id=bundle.id,
        title=f"{bundle.title} ({len(roles)} roles)",
        provider="",
        accounts=frozenset.intersection(*accounts) if usable.issuperset(role.id for role in roles) else frozenset(),
        statements=(),
        longest=min(role.longest for role in roles),
        work=work,
        ask=(AskRule(people=frozenset({person.id})),),
        stages=(),
        description=", ".join(role.title for role in roles),
        parameters=_left_open(bundle, roles),
        shortest=max(role.shortest for role in roles),
        ticket=_ticket([role.ticket for role in roles if role.ticket]),
        reason_min=max(role.reason_min for role in roles),
        longest_by_work={each: _longest(catalogue, roles, each) for each in work},
    )


def _longest(catalogue: Catalogue, roles: Iterable[Role], work: str) -> timedelta:
    return min(longest(catalogue, role, work) for role in roles)


def _left_open(bundle: Bundle, roles: Iterable[Role]) -> tuple[Parameter, ...]:
    """Each once; of several that have one id it is one that has to be filled in, if any has."""
    found: dict[str, Parameter] = {}
    for (_, given), role in zip(bundle.items, roles, strict=True):
        for each in role.parameters:
            known = found.get(each.id)
            if each.id not in given and (known is None or (each.default is None and known.default is not None)):
                found[each.id] = each
    return tuple(found.values())


def _ticket(rules: Sequence[TicketRule]) -> TicketRule | None:
    """What any of them takes; whether all of them take it is theirs to say."""
    if not rules:
        return None
    return TicketRule("|".join(dict.fromkeys(f"(?:{rule.pattern})" for rule in rules)), rules[0].hint)
