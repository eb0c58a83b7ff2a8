"""The statements of the effects table, built once; see ``prepared``."""

from functools import cache
from typing import Any

import sqlalchemy as sa

from bot.store.prepared import among, inserting_all
from bot.store.running import Statement
from bot.store.tables import claimable_at, effects

NOW, ID, FENCE, GENERATION, LANE, MOST = "at_now", "of_id", "of_fence", "of_generation", "of_lane", "at_most"
LEASED_UNTIL, LEASE, RETRY_AT, ERROR = "leased_until", "for_lease", "retry_at", "new_error"
"""Names of parameters; none is a column's, which SQLAlchemy keeps for values to be set."""

_c = effects.c


_now = sa.bindparam(NOW, type_=_c.due_at.type)
LEASED = sa.and_(_c.lease_until.is_not(None), _c.lease_until > _now)
_held = sa.and_(
    _c.id == sa.bindparam(ID, type_=_c.id.type), _c.fence == sa.bindparam(FENCE, type_=_c.fence.type), LEASED
)
_same = _c.generation == sa.bindparam(GENERATION, type_=_c.generation.type)
_lane = _c.lane == sa.bindparam(LANE, type_=_c.lane.type)
_retry_at = sa.bindparam(RETRY_AT, type_=_c.due_at.type)
_back = {"lease_until": None, "last_error": sa.bindparam(ERROR, type_=_c.last_error.type)}

HOLDING = Statement(sa.select(_c.id).where(_held).with_for_update())
FINISHING = Statement(sa.delete(effects).where(_held, _same))
FREEING = Statement(sa.update(effects).where(_held).values(lease_until=None).returning(_c.due_at))
GIVING_BACK = Statement(
    sa.update(effects)
    .where(_held)
    .values(due_at=sa.case((sa.and_(~_same, _c.due_at < _retry_at), _c.due_at), else_=_retry_at), **_back)
    .returning(_c.due_at)
)


def _taking(now: sa.ColumnElement[Any], leased_until: sa.ColumnElement[Any]) -> Statement:
    due = (
        sa.select(_c.id)
        .where(_lane, claimable_at <= now)
        .order_by(claimable_at, _c.id)
        .limit(sa.bindparam(MOST, type_=sa.Integer))
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    return Statement(
        sa.update(effects)
        .where(_c.id.in_(sa.select(due.c.id)))
        .values(
            lease_until=leased_until,
            fence=_c.fence + 1,
            attempts=_c.attempts + 1,
            # A lease that ran out may hide a later run that was asked for meanwhile: that one stays to be done.
            claimed_generation=sa.case((_c.due_at <= now, _c.generation), else_=_c.claimed_generation),
        )
        .returning(effects)
    )


TAKING = _taking(_now, sa.bindparam(LEASED_UNTIL, type_=_c.lease_until.type))
# In a CTE of its own, which is read once: one statement, one time.
_clock = sa.select(sa.func.clock_timestamp(type_=sa.DateTime(timezone=True)).label("at")).cte("clock")
_by_clock = sa.select(_clock.c.at).scalar_subquery()
TAKING_BY_CLOCK = _taking(_by_clock, _by_clock + sa.bindparam(LEASE, type_=sa.Interval))
"""As ``TAKING``, by PostgreSQL's clock."""
NEXT_CLAIMABLE = Statement(sa.select(sa.func.min(claimable_at)).where(_lane))


@cache
def enqueuing(dialect: str, names: tuple[str, ...]) -> Statement:
    """Rows of these columns; one whose key is there is merged with it."""
    insert = inserting_all(dialect, effects, names)
    new = insert.excluded
    served = sa.and_(_c.lease_until.is_not(None), _c.generation == _c.claimed_generation)
    merging = insert.on_conflict_do_update(
        index_elements=["key"],
        set_={
            "kind": new.kind,
            "lane": new.lane,
            "subject": new.subject,
            "payload": new.payload,
            "who": new.who,
            "due_at": sa.case((sa.or_(served, new.due_at < _c.due_at), new.due_at), else_=_c.due_at),
            "generation": _c.generation + 1,
            "attempts": 0,
        },
    )
    return Statement(merging)


@cache
def cancelling(dialect: str) -> Statement:
    """By key, unless it is being run."""
    return Statement(sa.delete(effects).where(among(dialect, _c.key), ~LEASED))


@cache
def locking(dialect: str) -> Statement:
    """Those that are leased, with their fences."""
    leased = sa.select(_c.id, _c.fence).where(among(dialect, _c.id), LEASED)
    return Statement(leased.order_by(_c.id).with_for_update())


@cache
def generations(dialect: str) -> Statement:
    """How often each was enqueued."""
    return Statement(sa.select(_c.id, _c.generation).where(among(dialect, _c.id)))


@cache
def removing(dialect: str) -> Statement:
    """By id."""
    return Statement(sa.delete(effects).where(among(dialect, _c.id)))


@cache
def giving_back_all(dialect: str) -> Statement:
    """By id, to be run again."""
    return Statement(sa.update(effects).where(among(dialect, _c.id)).values(due_at=_retry_at, **_back))
