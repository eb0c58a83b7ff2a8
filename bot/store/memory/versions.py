"""The catalogue's versions."""

from collections.abc import Mapping
from dataclasses import replace

from bot.core.versions import Standing, Version
from bot.service.records import StaleWrite
from bot.store.memory.state import MemorySession, check


class MemoryVersions(MemorySession):
    """The part of a transaction that knows the catalogue's versions."""

    def version(self, version_id: str, *, lock: bool = False) -> Version | None:
        return self._state.versions.get(version_id)

    def version_of(self, digest: str) -> Version | None:
        found = (each for each in self._state.versions.rows() if each.digest.startswith(digest))
        return max(found, key=lambda each: (each.seen_at, each.id), default=None)

    def standing(self, standing: Standing) -> Version | None:
        if standing not in {Standing.LIVE, Standing.WAITING}:
            return None
        return next((each for each in self._state.versions.rows() if each.standing is standing), None)

    def standing_digests(self) -> Mapping[Standing, str]:
        found = ((standing, self.standing(standing)) for standing in (Standing.LIVE, Standing.WAITING))
        return {standing: version.digest for standing, version in found if version is not None}

    def save_version(self, version: Version) -> None:
        check(version, "version")
        stored = self._state.versions.get(version.id)
        if version.revision != (0 if stored is None else stored.revision):
            raise StaleWrite(f"version {version.id} was changed by someone else")
        other = self.standing(version.standing)
        if other is not None and other.id != version.id:
            raise StaleWrite(f"version {version.id}, or another one that is {version.standing}, is there already")
        saved = version
        if stored is not None:
            saved = replace(
                stored,
                standing=version.standing,
                decided_at=version.decided_at,
                decided_by=version.decided_by,
                signature=version.signature,
            )
        self._state.versions.put(version.id, replace(saved, revision=version.revision + 1))
