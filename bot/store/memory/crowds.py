"""Effects that are told together, and the lines of digests."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.service.records import Digest, DigestLine, Gathered
from bot.store.memory.state import EffectRow, MemorySession, check


class MemoryCrowds(MemorySession):
    """The part of a transaction that knows crowds. See ``service.crowds``."""

    def waiting(self, kind: str, who: str, most: int) -> int:
        return min(most, len(self._rows(kind, who)))

    def gather(self, kind: str, who: str, most: int) -> tuple[Gathered, ...]:
        gathered = [row for row in self._rows(kind, who) if not row.is_leased(self.now())][:most]
        for row in gathered:
            self._state.effects.remove(row.effect.key)
        return tuple(
            Gathered(row.id, row.effect.key, row.effect.subject, dict(row.effect.payload), row.fence > 0)
            for row in gathered
        )

    def is_enqueued(self, key: str) -> bool:
        return self._state.effects.get(key) is not None

    def last_due(self, kind: str, who: str) -> datetime | None:
        return max((row.due_at for row in self._rows(kind, who)), default=None)

    def last_errors(self, keys: Sequence[str]) -> Mapping[str, str]:
        found = ((key, self._state.effects.get(key)) for key in keys)
        return {key: row.last_error for key, row in found if row is not None}

    def add_lines(self, lines: Sequence[DigestLine]) -> None:
        for line in lines:
            check(line, "line")
            if self._state.lines.get(line.key) is None:
                self._state.lines.put(line.key, (line, ""))

    def lines_between(self, who: str) -> tuple[datetime, datetime] | None:
        moments = [line.added_at for line, _ in self._state.lines.rows() if line.who == who]
        return (min(moments), max(moments)) if moments else None

    def stamp_lines(self, who: str, message: str) -> tuple[str, bool]:
        mine = [(line, stamp) for line, stamp in self._state.lines.rows() if line.who == who]
        begun = max((stamp for _, stamp in mine), default="")
        for line, stamp in mine:
            if not stamp:
                self._state.lines.put(line.key, (line, begun or message))
        return begun or message, bool(begun)

    def digest(self, message: str, most: int) -> Digest:
        lines = sorted(self._in(message), key=lambda line: (-line.number, line.key))
        return Digest(
            counts=Counter(line.outcome for line in lines),
            lines=tuple(lines[:most]),
            tried=tuple(sorted(line.key for line in lines if line.tried)),
        )

    def drop_lines(self, message: str, keys: Sequence[str] | None = None) -> None:
        for line in self._in(message):
            if keys is None or line.key in keys:
                self._state.lines.remove(line.key)

    def _in(self, message: str) -> list[DigestLine]:
        return [line for line, stamp in self._state.lines.rows() if stamp == message]

    def _rows(self, kind: str, who: str) -> list[EffectRow]:
        rows = (row for row in self._state.effects.rows() if (row.effect.kind, row.effect.who) == (kind, who))
        return sorted(rows, key=lambda row: row.id)
