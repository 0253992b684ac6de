"""Several sensors that share the connections of one workspace. Pure."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

from dagster_airbyte_sync.resources import AirbyteSettingsError


@dataclass(frozen=True)
class Shard:
    """One of several sensors that share the connections of a workspace.

    Each connection belongs to exactly one shard, by a hash of its id that is the same in every
    process. Use all shards of the same `of`, as `Shard.each(4)` returns them. The count is part of
    the sensors' names: if you change it, all sensors are new, have no cursor, and continue from the
    last reports of their connections. From the cursor of a former sensor they could not: it has
    already passed over the history of connections that are now theirs.

    Args:
        number: Which of the shards, from 1 to `of`.
        of: How many shards there are.

    Raises:
        AirbyteSettingsError: If there is no shard of that number.
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
        """Return all shards, 1 to `count`.

        Raises:
            AirbyteSettingsError: If `count` is less than 1.
        """
        refuse_bad_count(count, "The number of shards")
        return [Shard(number, count) for number in range(1, count + 1)]

    def has(self, connection_id: str) -> bool:
        """Whether this shard reports the syncs of the connection."""
        # Not Python's own hash, which is another one in each process.
        return zlib.crc32(connection_id.encode()) % self.of == self.number - 1

    def name(self, base: str) -> str:
        """Return the name of this shard's sensor: `base` itself if there is only one shard."""
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
