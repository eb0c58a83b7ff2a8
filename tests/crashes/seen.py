"""All that there is at one moment: in the database, in the local AWS, in the local Slack, in the log."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from bot.core.model import AccessRequest, Grant, StepUp
from bot.service import ledger
from bot.service.ledger import Verification
from bot.service.records import Draft
from bot.store.sql import SqlTx
from bot.store.tables import drafts, effects, step_ups

Json = dict[str, Any]
Place = tuple[str, str]
NUMBERS = {"payments-prod": "111111111111", "payments-staging": "222222222222"}
"""Of the accounts in which Maya is somebody, by their ids."""
_EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


@dataclass(frozen=True)
class Seen:
    """What the invariants look at."""

    now: datetime
    """The bot's clock."""
    requests: tuple[AccessRequest, ...]
    grants: tuple[Grant, ...]
    records: tuple[Json, ...]
    """The audit log."""
    verification: Verification
    effects: tuple[sa.Row[Any], ...]
    step_ups: tuple[StepUp, ...]
    drafts: Mapping[str, Draft]
    policies: Mapping[Place, Json]
    """Ours in AWS: documents by account number and name."""
    messages: tuple[tuple[str, Json], ...]
    """(channel id, message) of everything that everybody there sees."""
    log: str

    def ledger(self) -> object:
        """What no late click, timer or result may change."""
        return self.requests, self.grants, len(self.records)

    def grant(self, grant_id: str) -> Grant | None:
        """The grant of that id, if there is one."""
        return next((grant for grant in self.grants if grant.id == grant_id), None)

    def request(self, request_id: str) -> AccessRequest:
        """The request of that id."""
        return next(request for request in self.requests if request.id == request_id)

    def tags(self, *, request: str = "", grant: str = "") -> list[str]:
        """Of the records about one request (without its grants'), or about one grant."""
        return [
            str(record["tag"])
            for record in self.records
            if (record["grant_id"] == grant if grant else record["request_id"] == request and not record["grant_id"])
        ]


def read(
    tx: SqlTx, now: datetime, policies: Mapping[Place, Json], messages: tuple[tuple[str, Json], ...], log: str
) -> Seen:
    """Look at the database, and take the rest as it was read."""
    requests = tx.requests_between(*_EVER)
    return Seen(
        now=now,
        requests=requests,
        grants=tuple(grant for request in requests for grant in tx.grants(request.id)),
        records=tuple(json.loads(record.body) for record in tx.audit(0, 10_000)),
        verification=ledger.verify(_Same(tx)),  # type: ignore[arg-type]
        effects=tuple(tx._run(sa.select(effects)).all()),
        step_ups=tuple(StepUp(**row._mapping) for row in tx._run(sa.select(step_ups))),
        drafts={id_: draft for id_ in tx._run(sa.select(drafts.c.id)).scalars().all() if (draft := tx.draft(id_))},
        policies=policies,
        messages=messages,
        log=log,
    )


class _Same:
    """A store whose transactions are all the one that is open."""

    def __init__(self, tx: SqlTx) -> None:
        self._tx = tx

    def transaction(self) -> "_Same":
        return self

    def __enter__(self) -> SqlTx:
        return self._tx

    def __exit__(self, *_: object) -> None:
        pass
