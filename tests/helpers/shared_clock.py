"""A clock for several processes: the computer's time, and what one of them has skipped of it."""

import mmap
import struct
from datetime import datetime, timedelta
from pathlib import Path

from dagster_airbyte_sync.testing import RealClock

_SECONDS = struct.Struct("d")


class SharedClock(RealClock):
    """Whoever opens the same file sees the same time; work takes as long as it really does."""

    def __init__(self, file: Path) -> None:
        self.file = file
        if not file.exists():
            file.write_bytes(_SECONDS.pack(0.0))
        with file.open("r+b") as opened:
            self._skipped = mmap.mmap(opened.fileno(), _SECONDS.size)

    @property
    def real(self) -> datetime:
        """As other clocks call the time by which Dagster goes."""
        return self.now()

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self._seconds())

    def advance(self, by: float | timedelta) -> datetime:
        more = by.total_seconds() if isinstance(by, timedelta) else by
        _SECONDS.pack_into(self._skipped, 0, self._seconds() + more)
        return self.now()

    def _seconds(self) -> float:
        seconds: float = _SECONDS.unpack_from(self._skipped)[0]
        return seconds
