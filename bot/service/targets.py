"""The targets of a request in words: what all of them are called together, and each by itself."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from bot.core import policy
from bot.core.model import AccessRequest, Ask, Catalogue, Grant, Item

HowTo = Callable[[Grant], tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Target:
    """One of several targets of a request, and what became of it."""

    role_title: str
    account_title: str
    account_number: str
    params: tuple[tuple[str, str], ...]
    """(title, value) pairs, in the role's own order."""
    principal: str = ""
    grant: Grant | None = None
    how_to_use: tuple[tuple[str, str], ...] = ()
    """(label, text) pairs, only while its grant is active."""


def titles_of(catalogue: Catalogue, ask: Ask) -> tuple[str, str]:
    """What the roles and the accounts of an ask are called together: ``Read logs`` in ``3 accounts``, a bundle's title.

    What the catalogue no longer knows goes by its id.
    """
    roles, accounts = _distinct(item.role for item in ask.items), _distinct(item.account for item in ask.items)
    bundle = policy.bundle_of(catalogue, ask.items)
    role = role_title(catalogue, roles[0]) if len(roles) == 1 else f"{len(roles)} roles"
    account = account_title(catalogue, accounts[0]) if len(accounts) == 1 else f"{len(accounts)} accounts"
    return f"{bundle.title} ({role})" if bundle else role, account


def targets_of(
    catalogue: Catalogue, request: AccessRequest, grants: Sequence[Grant] = (), how_to: HowTo | None = None
) -> tuple[Target, ...]:
    """Each target of a request that has several; none of one that has not."""
    of_item, found = {grant.item: grant for grant in grants}, targets_asked(catalogue, request.ask)
    return tuple(
        replace(target, principal=part.principal, grant=grant, how_to_use=how_to(grant) if how_to and grant else ())
        for target, part, grant in zip(found, request.parts, map(of_item.get, range(len(found))), strict=False)
    )


def targets_asked(catalogue: Catalogue, ask: Ask) -> tuple[Target, ...]:
    """The same of an ask, before there is anything but words."""
    return tuple(_target(catalogue, item) for item in ask.items) if ask.more else ()


def by_target(request: AccessRequest) -> Iterator[tuple[str, str]]:
    """(where, statements as JSON) of each target of a request; those that may do the same are named together."""
    found: dict[tuple[str, str], list[str]] = {}
    for item, part in zip(request.ask.items, request.parts, strict=True):
        found.setdefault((item.role, part.policy), []).append(f"{item.account} ({part.principal})")
    yield from ((f"{role} in {', '.join(where)}", text) for (role, text), where in found.items())


def role_title(catalogue: Catalogue, role_id: str) -> str:
    """A role's title; its id where the catalogue knows it no more."""
    role = catalogue.roles.get(role_id)
    return role.title if role else role_id


def account_title(catalogue: Catalogue, account_id: str) -> str:
    """An account's title; its id where the catalogue knows it no more."""
    account = catalogue.accounts.get(account_id)
    return account.title if account else account_id


def _target(catalogue: Catalogue, item: Item) -> Target:
    role, account = catalogue.roles.get(item.role), catalogue.accounts.get(item.account)
    titles = {each.id: each.title for each in role.parameters} if role else {}
    known = [name for name in titles if name in item.params]
    order = (*known, *(name for name in item.params if name not in titles))
    return Target(
        role_title=role_title(catalogue, item.role),
        account_title=account_title(catalogue, item.account),
        account_number=account.number if account else "",
        params=tuple((titles.get(name, name), item.params[name]) for name in order),
    )


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
