"""Several sensors that share the connections of one workspace. Pure."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

from dagster_airbyte_sync.resources import AirbyteSettingsError


@dataclass(frozen=True)
class Shard:
    """One of several sensors that share the connections of a workspace: number 1 up to `of`.

    Each connection belongs to one of them, by a hash of its id that is the same in every process:
    give the same `of` to all, and leave none out, as `Shard.each(4)` does. The count is part of the
    sensor's name: after a change of it all sensors are new, without a cursor, and go on where the
    last reports of their connections ended. They would not from the cursor of a sensor that has
    passed over the history of connections which are now theirs.

    Raises AirbyteSettingsError for a number that is none of them.
    """

    number: int
    of: int

    def __post_init__(self) -> None:
        refuse_bad_count(self.of, "Shard(of=...)")
        if not _is_whole(self.number) or not 1 <= self.number <= self.of:
            numbers = "number must be 1" if self.of == 1 else f"numbers are 1 to {self.of}"
            raise AirbyteSettingsError(
                f"There is no Shard({self.number!r}, of={self.of}): {numbers}."
            )

    @staticmethod
    def each(count: int) -> "Sequence[Shard]":
        """All of so many shards. Raises AirbyteSettingsError if that is less than 1."""
        refuse_bad_count(count, "The number of shards")
        return [Shard(number, count) for number in range(1, count + 1)]

    def has(self, connection_id: str) -> bool:
        """Whether the connection's syncs are this shard's to report."""
        # Not Python's own hash, which is another one in each process.
        return zlib.crc32(connection_id.encode()) % self.of == self.number - 1

    def name(self, base: str) -> str:
        """The name of the shard's sensor: `base` itself if there is no other."""
        return base if self.of == 1 else f"{base}_{self.number}_of_{self.of}"


def refuse_bad_count(count: object, what: str) -> None:
    """Raise AirbyteSettingsError for a number of sensors that cannot be."""
    if not _is_whole(count) or count < 1:
        raise AirbyteSettingsError(
            f"{what} is {count!r}, and must be at least 1: 4 makes four sensors that share the"
            " connections."
        )


def _is_whole(number: object) -> TypeGuard[int]:
    return isinstance(number, int) and not isinstance(number, bool)


# Of a sensor that shares with no other.
WHOLE = Shard(1, of=1)
