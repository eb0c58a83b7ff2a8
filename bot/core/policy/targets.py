"""Rules about who asks, for what, where."""

import re
from collections.abc import Iterable

from bot.core.policy.case import Approving, Asking
from bot.core.policy.offers import accounts_offered, may_use
from bot.core.policy.verdict import Reason

ITEMS_MOST = 10
"""Targets of one request: what fits on a card that people still read."""


def asks_for_themselves(a: Asking) -> Iterable[Reason]:
    """The requester is who acts."""
    ok = a.ask.requester == a.requester.id
    yield Reason("requester", ok, "Asks for themselves." if ok else "You can ask for yourself only.")


def requester_is_welcome(a: Asking | Approving) -> Iterable[Reason]:
    """The requester's chat account may still do something."""
    refused = a.facts.requester_refused
    yield Reason("standing", not refused, refused or "The requester's chat account is in order.")


def role_is_offered(a: Asking) -> Iterable[Reason]:
    """The role exists, and the requester is eligible."""
    role = a.catalogue.roles.get(a.item.role)
    ok = role is not None and may_use(role, a.requester, a.known, a.now)
    # The same words for "unknown" and "not yours": what exists is not told to those who may not ask for it.
    text = f"You may ask for {a.item.role}." if ok else f"There is no role {a.item.role!r} that you may ask for."
    yield Reason("role", ok, text, "role")


def account_is_offered(a: Asking) -> Iterable[Reason]:
    """The requester is somebody there, and may ask there."""
    role = a.catalogue.roles.get(a.item.role)
    usable = role is not None and may_use(role, a.requester, a.known, a.now)
    offered = accounts_offered(a.catalogue, role, a.requester, a.known, a.now) if role and usable else ()
    ok = a.item.account in offered
    hint = f" You can ask for it in: {', '.join(offered)}." if offered else ""
    text = f"{a.item.role} is offered in {a.item.account}." if ok else f"Not offered in {a.item.account!r}.{hint}"
    yield Reason("account", ok, text, "account")


def parameters_fit(a: Asking) -> Iterable[Reason]:
    """Every parameter has a value that it may have, and there are no others."""
    known = {parameter.id: parameter for parameter in a.role.parameters}
    for name in sorted(set(a.item.params) - set(known)):
        yield Reason(
            "parameter", False, f"{a.item.role} has no parameter {name!r}; it has: {', '.join(known) or 'none'}.", name
        )
    for parameter in known.values():
        value = a.item.params.get(parameter.id, "")
        fits = re.fullmatch(parameter.pattern, value) is not None
        listed = not parameter.choices or value in parameter.choices
        if fits and listed:
            yield Reason("parameter", True, f"{parameter.title}: {value}", parameter.id)
        elif not value:
            yield Reason("parameter", False, f"{parameter.title} is missing.", parameter.id)
        else:
            hint = (
                f"one of: {', '.join(parameter.choices)}" if parameter.choices else parameter.hint or parameter.pattern
            )
            yield Reason("parameter", False, f"{parameter.title} must be {hint}.", parameter.id)


def targets_are_few_and_distinct(a: Asking) -> Iterable[Reason]:
    """Several targets in one request are different ones, and not too many."""
    items = a.ask.items
    if len(items) == 1:
        return
    few = len(items) <= ITEMS_MOST
    text = f"{len(items)} targets." if few else f"At most {ITEMS_MOST} targets go in one request."
    yield Reason("targets", few, text, "account")
    doubles = [item for at, item in enumerate(items) if item in items[:at]]
    text = "No target is there twice."
    if doubles:
        text = f"{doubles[0].role} in {doubles[0].account} is there twice; leave one of them out."
    yield Reason("targets", not doubles, text, "account")
