"""Strays: policies that the ledger does not account for."""

import sqlalchemy as sa

from bot.core.strays import DriftKind, Fate, Stray
from bot.service.records import StaleWrite
from bot.store.running import Row, Statement
from bot.store.session import Session
from bot.store.tables import strays

_UNSETTLED = strays.c.settled_at.is_(None)
_one = sa.select(strays).where(strays.c.id == sa.bindparam("of_id", type_=strays.c.id.type))
_STRAY = Statement(_one)
_STRAY_LOCKED = Statement(_one.with_for_update())
_OPEN = Statement(
    sa.select(strays).where(
        _UNSETTLED,
        strays.c.account == sa.bindparam("at", type_=strays.c.account.type),
        strays.c.principal == sa.bindparam("whose", type_=strays.c.principal.type),
        strays.c.name == sa.bindparam("called", type_=strays.c.name.type),
    )
)


class Strays(Session):
    """The part of a transaction that knows strays."""

    def stray(self, stray_id: str, *, lock: bool = False) -> Stray | None:
        row = self._first(_STRAY_LOCKED if lock else _STRAY, {"of_id": stray_id})
        return None if row is None else _stray(row)

    def open_stray(self, account: str, principal: str, name: str) -> Stray | None:
        row = self._first(_OPEN, {"at": account, "whose": principal, "called": name})
        return None if row is None else _stray(row)

    def unsettled_strays(self, account: str | None = None) -> tuple[Stray, ...]:
        query = sa.select(strays).where(_UNSETTLED)
        if account is not None:
            query = query.where(strays.c.account == account)
        return tuple(_stray(row) for row in self._run(query.order_by(strays.c.found_at, strays.c.id)))

    def save_stray(self, stray: Stray) -> None:
        changing = {
            "kind": stray.kind,
            "text": stray.text,
            "grant_id": stray.grant_id,
            "quarantined_at": stray.quarantined_at,
            "problem": stray.problem,
            "fate": stray.fate,
            "decided_at": stray.decided_at,
            "settled_by": stray.settled_by,
            "settled_at": stray.settled_at,
            "version": stray.version + 1,
        }
        if stray.version == 0:
            if not self._add(strays, {**_fixed(stray), **changing}):
                raise StaleWrite(f"stray {stray.id}, or one of the same name, is there already")
            return
        if not self._rewrite(strays, stray.id, stray.version, changing):
            raise StaleWrite(f"stray {stray.id} was changed by someone else")


def _fixed(stray: Stray) -> dict[str, object]:
    """Where it was found, and when: written once."""
    return {
        "id": stray.id,
        "account": stray.account,
        "provider": stray.provider,
        "principal": stray.principal,
        "name": stray.name,
        "person": stray.person,
        "found_at": stray.found_at,
    }


def _stray(row: Row) -> Stray:
    values = row._asdict()
    values["kind"] = DriftKind(row.kind)
    values["fate"] = None if row.fate is None else Fate(row.fate)
    return Stray(**values)
