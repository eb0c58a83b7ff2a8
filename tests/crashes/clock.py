"""One clock for several processes: the machine's, put back or forward by whoever drives them."""

import mmap
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

_SHIFT = struct.Struct("<q")


class SharedClock:
    """Microseconds beside the machine's clock, in a file that every process maps."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(_SHIFT.pack(0))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _SHIFT.size)

    def now(self) -> datetime:
        """Timezone-aware UTC."""
        return datetime.now(UTC) + timedelta(microseconds=_SHIFT.unpack_from(self._map)[0])

    def advance(self, by: timedelta) -> None:
        """Put it forward, for everybody at once."""
        self.set(self.now() + by)

    def set(self, now: datetime) -> None:
        """Make it this late."""
        _SHIFT.pack_into(self._map, 0, (now - datetime.now(UTC)) // timedelta(microseconds=1))
