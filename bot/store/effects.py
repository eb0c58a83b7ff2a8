"""The effects table: outbox and timer wheel."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.core.model import Effect, lane_of
from bot.service.records import Claim, StaleWrite
from bot.store import queue
from bot.store.running import Row
from bot.store.session import Session


class Effects(Session):
    """The part of a transaction that knows effects.

    A leased row's ``due_at`` is what its claim already serves, until the key is enqueued again
    (``generation`` ≠ ``claimed_generation``): from then on it is when it must run once more.
    """

    def enqueue(self, effects_to_do: Sequence[Effect]) -> None:
        rows = [_row(effect) for effect in merged(effects_to_do)]
        if not rows:
            return
        self._many(queue.enqueuing(self._dialect, tuple(rows[0])), rows)
        for effect in effects_to_do:
            self._wake_for(effect.kind, effect.due_at)

    def cancel(self, keys: Sequence[str]) -> None:
        if keys:
            self._count(queue.cancelling(self._dialect), {**self._at(), **self._those(sorted(set(keys)))})

    def holds(self, claim: Claim) -> bool:
        return self._first(queue.HOLDING, self._held(claim)) is not None

    def held(self, claims: Sequence[Claim]) -> frozenset[int]:
        if not claims:
            return frozenset()
        fences = {claim.id: claim.fence for claim in claims}
        rows = self._all(queue.locking(self._dialect), {**self._at(), **self._those(sorted(fences))})
        return frozenset(row.id for row in rows if row.fence == fences[row.id])

    def finish_all(self, claims: Sequence[Claim]) -> None:
        if not claims:
            return
        generations = {claim.id: claim.generation for claim in claims}
        done = self._unchanged(sorted(generations), generations)
        if done:
            self._count(queue.removing(self._dialect), self._those(sorted(done)))
        for claim in claims:
            if claim.id not in done:
                self.finish(claim)

    def finish(self, claim: Claim) -> None:
        """Raises StaleWrite when the claim is not held, so that nothing of a late worker's is committed."""
        held = self._held(claim)
        if self._count(queue.FINISHING, {**held, queue.GENERATION: claim.generation}):
            return
        due_at = self._value(queue.FREEING, held)
        if due_at is None:
            raise StaleWrite(f"effect {claim.key} is no longer held")
        self._wake_for(claim.kind, due_at)

    def give_back(self, claim: Claim, after: timedelta, error: str) -> bool:
        """See ``Store.release``."""
        again = {queue.GENERATION: claim.generation, queue.RETRY_AT: self.now() + after, queue.ERROR: error}
        now_due = self._value(queue.GIVING_BACK, {**self._held(claim), **again})
        if now_due is None:
            return False
        self._wake_for(claim.kind, now_due)
        return True

    def give_back_all(self, claims: Sequence[Claim], after: timedelta, error: str) -> None:
        """See ``Store.release_all``."""
        held, generations = self.held(claims), {claim.id: claim.generation for claim in claims}
        same = self._unchanged(sorted(held), generations)
        due_at = self.now() + after
        if same:
            back = {queue.RETRY_AT: due_at, queue.ERROR: error}
            self._count(queue.giving_back_all(self._dialect), {**back, **self._those(sorted(same))})
            self._wake_for(claims[0].kind, due_at)
        for claim in claims:
            if claim.id in held and claim.id not in same:
                self.give_back(claim, after, error)

    def take(self, lane: str, limit: int, lease: timedelta) -> tuple[Claim, ...]:
        """See ``Store.claim``."""
        due = {queue.LANE: lane, queue.MOST: limit}
        if self._tells_time:
            rows = self._all(queue.TAKING_BY_CLOCK, {**due, queue.LEASE: lease})
        else:
            now = self.now()
            rows = self._all(queue.TAKING, {**due, queue.NOW: now, queue.LEASED_UNTIL: now + lease})
        return tuple(sorted(map(_claim, rows), key=lambda claim: (claim.due_at, claim.id)))

    def next_claimable(self, lane: str) -> datetime | None:
        """See ``Store.next_due``."""
        found: datetime | None = self._value(queue.NEXT_CLAIMABLE, {queue.LANE: lane})
        return found

    def _unchanged(self, ids: Sequence[int], generations: Mapping[int, int]) -> set[int]:
        """Those that were not enqueued again since their claim."""
        rows = self._all(queue.generations(self._dialect), self._those(ids))
        return {row.id for row in rows if row.generation == generations[row.id]}

    def _at(self) -> dict[str, Any]:
        return {queue.NOW: self.now()}

    def _held(self, claim: Claim) -> dict[str, Any]:
        return {queue.ID: claim.id, queue.FENCE: claim.fence, queue.NOW: self.now()}

    def _wake_for(self, kind: str, due_at: datetime) -> None:
        if due_at <= self.now():
            self.wakes.add(lane_of(kind))


def merged(effects_to_do: Sequence[Effect]) -> list[Effect]:
    """One effect per key (the earlier ``due_at``, the newer rest), in the order in which rows are locked."""
    by_key: dict[str, Effect] = {}
    for effect in effects_to_do:
        before = by_key.get(effect.key)
        by_key[effect.key] = effect if before is None else replace(effect, due_at=min(before.due_at, effect.due_at))
    return [by_key[key] for key in sorted(by_key)]


def _row(effect: Effect) -> Mapping[str, Any]:
    return {
        "kind": effect.kind,
        "lane": effect.lane,
        "subject": effect.subject,
        "key": effect.key,
        "payload": effect.payload,
        "who": effect.who,
        "due_at": effect.due_at,
    }


def _claim(row: Row) -> Claim:
    return Claim(
        id=row.id,
        kind=row.kind,
        subject=row.subject,
        key=row.key,
        payload=row.payload,
        due_at=row.due_at,
        attempts=row.attempts,
        fence=row.fence,
        generation=row.claimed_generation,
        lease_until=row.lease_until,
    )
