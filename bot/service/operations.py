"""What an operator does at a shell, with Slack down and the bot stopped if need be."""

import getpass
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from bot.core.audit import Actor, ActorKind
from bot.core.decisions import Refusal
from bot.core.model import Account, Catalogue, GrantStatus
from bot.core.strays import QUARANTINE
from bot.service.access import Access
from bot.service.effects import BATCH, LEASE, Runner
from bot.service.ports import CloudProvider
from bot.service.records import CloudError, Permission


class NotRevoked(Exception):
    """There is no such grant, or it was not observed absent in time: then its removal stays in the queue."""


def operator(user_name: Callable[[], str] = getpass.getuser) -> Actor:
    """Who is at the shell, for the audit log; in a container the user may have no name, but a number."""
    try:
        name = user_name()
    except (KeyError, OSError):  # OSError since Python 3.13
        name = f"uid {os.getuid()}"
    return Actor(ActorKind.OPERATOR, name, "cli")


def revoke_now(
    access: Access, runner: Runner, grant_ids: Sequence[str], actor: Actor, note: str, *, patience: timedelta
) -> Iterator[tuple[str, str]]:
    """Revoke and see it through: yields (grant id, what became of it).

    Safe beside running replicas: whoever claims an effect first does it, so ``runner`` has every handler of the lane.
    Raises NotRevoked after ``patience``, and when all that there is has been revoked for what there is not.
    """
    waiting: list[str] = []
    unknown: list[str] = []
    unrecorded: list[str] = []
    for grant_id in (each for subject in grant_ids for each in _grants_of(access, subject)):
        outcome = access.revoke(grant_id, None, actor, note)
        code = outcome.code if isinstance(outcome, Refusal) else ""
        {"unknown": unknown, "unrecorded": unrecorded}.get(code, waiting).append(grant_id)
    yield from ((grant_id, "taken away, and not recorded") for grant_id in unrecorded)
    until = time.monotonic() + patience.total_seconds()
    while waiting:
        for claim in (each for lane in ("access", "cloud") for each in access.store.claim(lane, BATCH, LEASE)):
            runner.run(claim)
        for grant_id in list(waiting):
            grant = access.grant(grant_id)
            if grant is None or grant.status is GrantStatus.ENDED:
                waiting.remove(grant_id)
                yield grant_id, f"ended: {grant.end_reason}, observed absent" if grant else "gone"
        if waiting and time.monotonic() > until:
            raise NotRevoked(f"not observed absent yet: {', '.join(waiting)}; the removal is retried by every worker")
        if waiting:
            time.sleep(0.2)
    _complain(unknown, unrecorded)


def remove_from_cloud(
    catalogue: Catalogue, providers: Iterable[CloudProvider]
) -> Iterator[tuple[Account, str, str, str]]:
    """Without the ledger: remove all that bears our name from everybody in the catalogue.

    Yields (account, principal, grant id, what became of it); where an account cannot be asked, why, without the rest.
    """
    clouds = tuple(providers)
    for account in catalogue.accounts.values():
        principals = sorted({p.identities[account.id] for p in catalogue.people.values() if account.id in p.identities})
        for cloud in clouds:
            try:
                # What denies goes last, or what it denies would be let in meanwhile.
                for principal, grant_id in sorted(cloud.existing(account, principals), key=_denies):
                    yield account, principal, grant_id, _remove(cloud, account, principal, grant_id)
            except CloudError as error:
                yield account, "", "", str(error)


def _denies(found: tuple[str, str]) -> bool:
    return found[1].startswith(QUARANTINE)


def _remove(cloud: CloudProvider, account: Account, principal: str, grant_id: str) -> str:
    now = datetime.now(UTC)
    permission = Permission(grant_id, account, principal, "[]", now, now, person="")
    try:
        cloud.revoke(permission)
        return "still visible; run it again" if cloud.observe(permission).present else "gone, observed absent"
    except CloudError as error:
        return str(error)


def _complain(unknown: Sequence[str], unrecorded: Sequence[str]) -> None:
    if unrecorded:
        raise NotRevoked(
            f"not recorded, because the database takes nothing: {', '.join(unrecorded)}; "
            "run this again when it does, so that the log has it"
        )
    if unknown:
        raise NotRevoked(f"there is no such grant: {', '.join(unknown)}; list them with: prodaccess grants list")


def _grants_of(access: Access, subject: str) -> tuple[str, ...]:
    """The grants of a request; ``subject`` itself where it is none's."""
    with access.store.transaction() as tx:
        return tuple(grant.id for grant in tx.grants(subject)) or (subject,)
