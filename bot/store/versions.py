"""The catalogue's versions."""

from collections.abc import Mapping

import sqlalchemy as sa

from bot.core.versions import Standing, Version
from bot.service.records import StaleWrite
from bot.store.running import Row, Statement
from bot.store.session import Session
from bot.store.tables import catalogues

_STANDING = catalogues.c.status.in_(
    [sa.literal_column(f"'{standing}'") for standing in (Standing.LIVE, Standing.WAITING)]
)
"""Spelled out, or a planner could not tell that the partial index fits."""
_one = sa.select(catalogues).where(catalogues.c.id == sa.bindparam("of_id", type_=catalogues.c.id.type))
_VERSION = Statement(_one)
_VERSION_LOCKED = Statement(_one.with_for_update())
_status = sa.bindparam("of_status", type_=catalogues.c.status.type)
_THE_ONE = Statement(sa.select(catalogues).where(_STANDING, catalogues.c.status == _status))
_DIGESTS = Statement(sa.select(catalogues.c.status, catalogues.c.digest).where(_STANDING))


class Versions(Session):
    """The part of a transaction that knows the catalogue's versions."""

    def version(self, version_id: str, *, lock: bool = False) -> Version | None:
        row = self._first(_VERSION_LOCKED if lock else _VERSION, {"of_id": version_id})
        return None if row is None else _version(row)

    def version_of(self, digest: str) -> Version | None:
        alike = catalogues.c.digest.startswith(digest, autoescape=True)
        query = sa.select(catalogues).where(alike).order_by(catalogues.c.seen_at.desc(), catalogues.c.id.desc())
        row = self._run(query.limit(1)).first()
        return None if row is None else _version(row)

    def standing(self, standing: Standing) -> Version | None:
        row = self._first(_THE_ONE, {"of_status": standing})
        return None if row is None else _version(row)

    def standing_digests(self) -> Mapping[Standing, str]:
        return {Standing(row.status): row.digest for row in self._all(_DIGESTS)}

    def save_version(self, version: Version) -> None:
        changing = {
            "status": version.standing,
            "decided_at": version.decided_at,
            "decided_by": version.decided_by,
            "signature": version.signature,
            "version": version.revision + 1,
        }
        if version.revision == 0:
            if not self._add(catalogues, {**_fixed(version), **changing}):
                raise StaleWrite(f"version {version.id}, or another one that is {version.standing}, is there already")
            return
        if not self._rewrite(catalogues, version.id, version.revision, changing):
            raise StaleWrite(f"version {version.id} was changed by someone else")


def _fixed(version: Version) -> dict[str, object]:
    """What it says, and since when it is known: written once."""
    return {
        "id": version.id,
        "digest": version.digest,
        "before": version.before,
        "content": version.content,
        "guarded": version.guarded,
        "seen_at": version.seen_at,
    }


def _version(row: Row) -> Version:
    values = row._asdict()
    return Version(standing=Standing(values.pop("status")), revision=values.pop("version"), **values)
