"""Strays."""

from dataclasses import replace

from bot.core.strays import Stray
from bot.service.records import StaleWrite
from bot.store.memory.state import MemorySession, check


class MemoryStrays(MemorySession):
    """The part of a transaction that knows strays."""

    def stray(self, stray_id: str, *, lock: bool = False) -> Stray | None:
        return self._state.strays.get(stray_id)

    def open_stray(self, account: str, principal: str, name: str) -> Stray | None:
        here = (account, principal, name)
        found = (each for each in self.unsettled_strays() if (each.account, each.principal, each.name) == here)
        return next(found, None)

    def unsettled_strays(self, account: str | None = None) -> tuple[Stray, ...]:
        found = (
            each for each in self._state.strays.rows() if each.settled_at is None and account in {None, each.account}
        )
        return tuple(sorted(found, key=lambda each: (each.found_at, each.id)))

    def save_stray(self, stray: Stray) -> None:
        check(stray, "stray")
        stored = self._state.strays.get(stray.id)
        if stray.version != (0 if stored is None else stored.version):
            raise StaleWrite(f"stray {stray.id} was changed by someone else")
        if stored is None and self.open_stray(stray.account, stray.principal, stray.name) is not None:
            raise StaleWrite(f"stray {stray.id}, or one of the same name, is there already")
        saved = stray
        if stored is not None:
            saved = replace(
                stray,
                account=stored.account,
                provider=stored.provider,
                principal=stored.principal,
                name=stored.name,
                person=stored.person,
                found_at=stored.found_at,
            )
        self._state.strays.put(stray.id, replace(saved, version=stray.version + 1))
