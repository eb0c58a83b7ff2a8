"""Effects."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.core.model import Effect, lane_of
from bot.service.records import Claim, StaleWrite
from bot.store.effects import merged
from bot.store.memory.state import EffectRow, MemorySession, check


class MemoryEffects(MemorySession):
    """The part of a transaction that knows effects."""

    def enqueue(self, effects_to_do: Sequence[Effect]) -> None:
        for effect in merged(effects_to_do):
            check(effect, "effect")
            self._put(self._enqueued(effect))
            self._wake_for(effect.kind, effect.due_at)

    def cancel(self, keys: Sequence[str]) -> None:
        for key in set(keys):
            row = self._state.effects.get(key)
            if row is not None and not row.is_leased(self.now()):
                self._state.effects.remove(key)

    def holds(self, claim: Claim) -> bool:
        return self._held(claim) is not None

    def held(self, claims: Sequence[Claim]) -> frozenset[int]:
        return frozenset(claim.id for claim in claims if self.holds(claim))

    def finish_all(self, claims: Sequence[Claim]) -> None:
        for claim in claims:
            self.finish(claim)

    def finish(self, claim: Claim) -> None:
        """Raises StaleWrite when the claim is not held, so that nothing of a late worker's is committed."""
        row = self._held(claim)
        if row is None:
            raise StaleWrite(f"effect {claim.key} is no longer held")
        if row.generation == claim.generation:
            self._state.effects.remove(claim.key)
        else:
            self._put(replace(row, lease_until=None))
            self._wake_for(claim.kind, row.due_at)

    def give_back_all(self, claims: Sequence[Claim], after: timedelta, error: str) -> None:
        """See ``Store.release_all``."""
        for claim in claims:
            self.give_back(claim, after, error)

    def give_back(self, claim: Claim, after: timedelta, error: str) -> bool:
        """See ``Store.release``."""
        due_at = self.now() + after
        check(error, "last_error")
        row = self._held(claim)
        if row is None:
            return False
        due_at = due_at if row.generation == claim.generation else min(row.due_at, due_at)
        self._put(replace(row, due_at=due_at, lease_until=None, last_error=error))
        self._wake_for(claim.kind, due_at)
        return True

    def take(self, lane: str, limit: int, lease: timedelta) -> tuple[Claim, ...]:
        """See ``Store.claim``."""
        now = self.now()
        due = [row for row in self._state.effects.rows() if row.effect.lane == lane and row.claimable_at <= now]
        due.sort(key=lambda row: (row.claimable_at, row.id))
        claims = [self._claimed(row, now, lease) for row in due[:limit]]
        return tuple(sorted(claims, key=lambda claim: (claim.due_at, claim.id)))

    def next_claimable(self, lane: str) -> datetime | None:
        """See ``Store.next_due``."""
        moments = (row.claimable_at for row in self._state.effects.rows() if row.effect.lane == lane)
        return min(moments, default=None)

    def _enqueued(self, effect: Effect) -> EffectRow:
        row = self._state.effects.get(effect.key)
        if row is None:
            self._state.effect_ids += 1
            return EffectRow(self._state.effect_ids, effect, effect.due_at)
        served = row.lease_until is not None and row.generation == row.claimed_generation
        due_at = effect.due_at if served else min(row.due_at, effect.due_at)
        return replace(row, effect=effect, due_at=due_at, generation=row.generation + 1, attempts=0)

    def _claimed(self, row: EffectRow, now: datetime, lease: timedelta) -> Claim:
        claimed = replace(
            row,
            lease_until=now + lease,
            fence=row.fence + 1,
            attempts=row.attempts + 1,
            claimed_generation=row.generation if row.due_at <= now else row.claimed_generation,
        )
        self._put(claimed)
        return Claim(
            id=row.id,
            kind=row.effect.kind,
            subject=row.effect.subject,
            key=row.effect.key,
            payload=dict(row.effect.payload),
            due_at=row.due_at,
            attempts=claimed.attempts,
            fence=claimed.fence,
            generation=claimed.claimed_generation,
            lease_until=now + lease,
        )

    def _held(self, claim: Claim) -> EffectRow | None:
        row = self._state.effects.get(claim.key)
        if row is None or (row.id, row.fence) != (claim.id, claim.fence) or not row.is_leased(self.now()):
            return None
        return row

    def _put(self, row: EffectRow) -> None:
        self._state.effects.put(row.effect.key, row)

    def _wake_for(self, kind: str, due_at: datetime) -> None:
        if due_at <= self.now():
            self.wakes.add(lane_of(kind))
