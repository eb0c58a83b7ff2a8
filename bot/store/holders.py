"""Whom a look at the chat's directory is worth."""

import sqlalchemy as sa

from bot.core.model import GrantStatus, RequestStatus
from bot.store.session import Session
from bot.store.tables import grants, requests

_PENDING = requests.c.status == sa.literal_column(f"'{RequestStatus.PENDING}'")
_UNFINISHED = grants.c.status != sa.literal_column(f"'{GrantStatus.ENDED}'")
"""States are spelled out, or a planner could not tell that a partial index fits."""


class Holders(Session):
    """The part of a transaction that knows who has something to lose."""

    def holders(self) -> tuple[str, ...]:
        """One step through an index for each person, however many grants they hold."""
        first = sa.select(sa.func.min(grants.c.person).label("person")).where(_UNFINISHED).cte("walk", recursive=True)
        after = sa.select(sa.func.min(grants.c.person)).where(_UNFINISHED, grants.c.person > first.c.person)
        walk = first.union_all(sa.select(after.scalar_subquery()).where(first.c.person.is_not(None)))
        holding = self._run(sa.select(walk.c.person).where(walk.c.person.is_not(None))).scalars()
        # Not DISTINCT: SQLite would then read all requests that ever were, by their requester.
        asking = self._run(sa.select(requests.c.requester).where(_PENDING)).scalars()
        return tuple(sorted({*holding, *asking}))
