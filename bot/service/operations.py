"""What an operator does at a shell, with Slack down and the bot stopped if need be."""

import time
from collections.abc import Iterator, Sequence
from datetime import timedelta

from bot.core.audit import Actor
from bot.core.decisions import Refusal
from bot.core.model import GrantStatus
from bot.service.effects import LEASE, Runner
from bot.service.granting import Granting


class StillThere(Exception):
    """Some access was not observed absent in time; its removal stays in the queue."""


def revoke_now(
    granting: Granting, grant_ids: Sequence[str], actor: Actor, note: str, patience: timedelta
) -> Iterator[tuple[str, str]]:
    """Revoke and see it through: yields (grant id, what became of it). Raises StillThere after ``patience``.

    Safe beside running replicas: whoever claims the effect first does it.
    """
    access = granting.access
    waiting: list[str] = []
    for grant_id in grant_ids:
        outcome = access.revoke(grant_id, None, actor, note)
        if isinstance(outcome, Refusal) and outcome.code == "unknown":
            yield grant_id, "there is no such grant"
        else:
            waiting.append(grant_id)
    until = time.monotonic() + patience.total_seconds()
    runner = Runner(access.store, granting.clock, granting.handlers())
    while waiting:
        for claim in access.store.claim("access", 8, LEASE):
            runner.run(claim)
        for grant_id in list(waiting):
            grant = access.grant(grant_id)
            if grant is None or grant.status is GrantStatus.ENDED:
                waiting.remove(grant_id)
                yield grant_id, f"ended: {grant.end_reason}, observed absent" if grant else "gone"
        if waiting and time.monotonic() > until:
            raise StillThere(f"not observed absent yet: {', '.join(waiting)}; the removal is retried by every worker")
        if waiting:
            time.sleep(0.2)
