"""The effects table: outbox and timer wheel."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bot.core.model import Effect, lane_of
from bot.service.records import Claim, StaleWrite
from bot.store.session import Session
from bot.store.tables import claimable_at, effects


class Effects(Session):
    """The part of a transaction that knows effects.

    A leased row's ``due_at`` is what its claim already serves, until the key is enqueued again
    (``generation`` ≠ ``claimed_generation``): from then on it is when it must run once more.
    """

    def enqueue(self, effects_to_do: Sequence[Effect]) -> None:
        rows = [_row(effect) for effect in merged(effects_to_do)]
        if not rows:
            return
        insert, parameters = self._insert_all(effects, rows)
        new = insert.excluded
        served = sa.and_(effects.c.lease_until.is_not(None), effects.c.generation == effects.c.claimed_generation)
        self._run(
            insert.on_conflict_do_update(
                index_elements=["key"],
                set_={
                    "kind": new.kind,
                    "lane": new.lane,
                    "subject": new.subject,
                    "payload": new.payload,
                    "who": new.who,
                    "due_at": sa.case(
                        (sa.or_(served, new.due_at < effects.c.due_at), new.due_at), else_=effects.c.due_at
                    ),
                    "generation": effects.c.generation + 1,
                    "attempts": 0,
                },
            ),
            parameters,
        )
        for effect in effects_to_do:
            self._wake_for(effect.kind, effect.due_at)

    def cancel(self, keys: Sequence[str]) -> None:
        if keys:
            self._run(sa.delete(effects).where(self._among(effects.c.key, sorted(set(keys))), ~self._leased()))

    def holds(self, claim: Claim) -> bool:
        query = sa.select(effects.c.id).where(self._held(claim)).with_for_update()
        return self._run(query).first() is not None

    def held(self, claims: Sequence[Claim]) -> frozenset[int]:
        fences = {claim.id: claim.fence for claim in claims}
        rows = self._run(
            sa.select(effects.c.id, effects.c.fence)
            .where(self._among(effects.c.id, sorted(fences)), self._leased())
            .order_by(effects.c.id)
            .with_for_update()
        )
        return frozenset(row.id for row in rows if row.fence == fences[row.id])

    def finish_all(self, claims: Sequence[Claim]) -> None:
        generations = {claim.id: claim.generation for claim in claims}
        rows = self._run(
            sa.select(effects.c.id, effects.c.generation).where(self._among(effects.c.id, sorted(generations)))
        ).all()
        done = {row.id for row in rows if row.generation == generations[row.id]}
        if done:
            self._run(sa.delete(effects).where(self._among(effects.c.id, sorted(done))))
        for claim in claims:
            if claim.id not in done:
                self.finish(claim)

    def finish(self, claim: Claim) -> None:
        """Raises StaleWrite when the claim is not held, so that nothing of a late worker's is committed."""
        held = self._held(claim)
        if self._changed(sa.delete(effects).where(held, effects.c.generation == claim.generation)):
            return
        due_at = self._run(
            sa.update(effects).where(held).values(lease_until=None).returning(effects.c.due_at)
        ).scalar_one_or_none()
        if due_at is None:
            raise StaleWrite(f"effect {claim.key} is no longer held")
        self._wake_for(claim.kind, due_at)

    def give_back(self, claim: Claim, after: timedelta, error: str) -> bool:
        """See ``Store.release``."""
        due_at = self.now() + after
        again = sa.and_(effects.c.generation != claim.generation, effects.c.due_at < due_at)
        now_due = self._run(
            sa.update(effects)
            .where(self._held(claim))
            .values(
                due_at=sa.case(
                    (again, effects.c.due_at), else_=sa.bindparam("retry_at", due_at, effects.c.due_at.type)
                ),
                lease_until=None,
                last_error=error,
            )
            .returning(effects.c.due_at)
        ).scalar_one_or_none()
        if now_due is None:
            return False
        self._wake_for(claim.kind, now_due)
        return True

    def give_back_all(self, claims: Sequence[Claim], after: timedelta, error: str) -> None:
        """See ``Store.release_all``."""
        held, generations = self.held(claims), {claim.id: claim.generation for claim in claims}
        rows = self._run(
            sa.select(effects.c.id, effects.c.generation).where(self._among(effects.c.id, sorted(held)))
        ).all()
        same = [row.id for row in rows if row.generation == generations[row.id]]
        due_at = self.now() + after
        if same:
            back = {"due_at": due_at, "lease_until": None, "last_error": error}
            self._run(sa.update(effects).where(self._among(effects.c.id, same)).values(**back))
            self._wake_for(claims[0].kind, due_at)
        for claim in claims:
            if claim.id in held and claim.id not in same:
                self.give_back(claim, after, error)

    def take(self, lane: str, limit: int, lease: timedelta) -> tuple[Claim, ...]:
        """See ``Store.claim``."""
        now = self.now()
        due = (
            sa.select(effects.c.id)
            .where(effects.c.lane == lane, claimable_at <= now)
            .order_by(claimable_at, effects.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
            .cte("due")
        )
        # A lease that ran out may hide a later run that was asked for meanwhile: that one stays to be done.
        served = sa.case((effects.c.due_at <= now, effects.c.generation), else_=effects.c.claimed_generation)
        rows = self._run(
            sa.update(effects)
            .where(effects.c.id.in_(sa.select(due.c.id)))
            .values(
                lease_until=now + lease,
                fence=effects.c.fence + 1,
                attempts=effects.c.attempts + 1,
                claimed_generation=served,
            )
            .returning(effects)
        )
        return tuple(sorted((_claim(row) for row in rows), key=lambda claim: (claim.due_at, claim.id)))

    def next_claimable(self, lane: str) -> datetime | None:
        """See ``Store.next_due``."""
        found: datetime | None = self._run(sa.select(sa.func.min(claimable_at)).where(effects.c.lane == lane)).scalar()
        return found

    def _leased(self) -> sa.ColumnElement[bool]:
        return sa.and_(effects.c.lease_until.is_not(None), effects.c.lease_until > self.now())

    def _held(self, claim: Claim) -> sa.ColumnElement[bool]:
        return sa.and_(effects.c.id == claim.id, effects.c.fence == claim.fence, self._leased())

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
        "lease_until": None,
        "fence": 0,
        "generation": 1,
        "claimed_generation": 0,
        "attempts": 0,
        "last_error": "",
    }


def _claim(row: sa.Row[Any]) -> Claim:
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
