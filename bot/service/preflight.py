"""Asking the cloud, before anybody is asked, whether it would take what is wanted."""

from collections.abc import Sequence
from datetime import datetime

from bot.core.model import Person
from bot.core.policy import Verdict
from bot.service.cases import NO_ROLE, Cases
from bot.service.ports import CloudProvider
from bot.service.records import CloudError, Draft, Permission


def preflight(cases: Cases, draft: Draft, person: Person, now: datetime) -> tuple[str, ...]:
    """Why the cloud would not take this at ``now`` (UTC), as sentences; empty when it would or it cannot be known now.

    What is for one principal is asked about together: it has to find room there together.
    """
    catalogue, ask = cases.catalogue(), draft.ask
    rendered = cases.rendered(catalogue, person, ask)
    if isinstance(rendered, Verdict):
        return (NO_ROLE,)
    of_principal: dict[tuple[str, str, str], list[Permission]] = {}
    for at, (item, part) in enumerate(zip(ask.items, rendered, strict=True)):
        permission = Permission(
            grant_id=f"{draft.id}-{at}" if at else draft.id,
            account=catalogue.accounts[item.account],
            principal=part.principal,
            policy=part.policy,
            starts_at=ask.start_at or now,
            expires_at=(ask.start_at or now) + ask.duration,
            person=person.id,
        )
        where = catalogue.roles[item.role].provider, item.account, part.principal
        of_principal.setdefault(where, []).append(permission)
    troubles = (_trouble(cases.providers[provider], each) for (provider, _, _), each in of_principal.items())
    return tuple(dict.fromkeys(text for found in troubles for text in found))


def _trouble(provider: CloudProvider, permissions: Sequence[Permission]) -> Sequence[str]:
    try:
        return provider.preflight(*permissions)
    except CloudError as error:
        return () if error.passing else (str(error),)
