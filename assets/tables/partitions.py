"""In which partition a moment lies, for assets whose partitions are times. Pure."""

from dataclasses import dataclass
from datetime import datetime

import dagster as dg


@dataclass(frozen=True)
class Window:
    """A partition in time that a sync is of; `ends_at` is the end of the one in which it ended,
    which is another where there is an offset."""

    partition_key: str
    ends_at: datetime


def window_of(
    partitions: dg.TimeWindowPartitionsDefinition, moment: datetime, offset: int = 0
) -> Window | None:
    """The partition in which the moment lies, or so many further on (before it: negative).

    It may not exist, as Dagster counts the current one only with `end_offset=1`. None for a moment
    that the definition leaves out (`exclusions`).
    """
    key = partitions.get_partition_key_for_timestamp(moment.timestamp())
    window = partitions.time_window_for_partition_key(key)
    ends_at = window.end
    if not window.start <= moment < ends_at:
        return None
    for _ in range(abs(offset)):
        neighbour = window.end.timestamp() if offset > 0 else window.start.timestamp() - 1
        key = partitions.get_partition_key_for_timestamp(neighbour)
        window = partitions.time_window_for_partition_key(key)
    return Window(key, ends_at)


def partition_of(spec: dg.AssetSpec, moment: datetime | None) -> str | None:
    """The partition of the asset in which the moment lies; None if it has none in time."""
    partitions = spec.partitions_def
    if moment is None or not isinstance(partitions, dg.TimeWindowPartitionsDefinition):
        return None
    window = window_of(partitions, moment)
    return window.partition_key if window else None


def current_key(partitions: dg.TimeWindowPartitionsDefinition, moment: datetime) -> str | None:
    """The newest partition that Dagster has at a moment: the one in which it lies if there is an
    `end_offset`, else the one before that. For a moment that is left out, the last one."""
    window = window_of(partitions, moment, min(partitions.end_offset, 1) - 1)
    return window.partition_key if window else partitions.get_last_partition_key()
