"""Runs that follow syncs which are reported already: they wait until history is read to its end."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from dagster_airbyte_sync.resources.json_values import as_datetime, as_int, object_at
from dagster_airbyte_sync.sensors.cursor.pending import JobKey

# Each takes up to 40 bytes of the cursor. What more connections are due is not waited with.
MOST_WAITING = 60


@dataclass(frozen=True)
class WaitingRuns:
    """By connection the first job that was reported and whose runs wait.

    They have waited since `since` (Dagster's clock, epoch seconds). Of partitions that end by
    `up_to` (Airbyte's clock) the runs were asked for.
    """

    first: Mapping[str, JobKey]
    since: int
    up_to: datetime

    def as_row(self) -> list[object]:
        first = {connection_id: list(key) for connection_id, key in sorted(self.first.items())}
        return [self.since, int(self.up_to.timestamp()), first]


def waiting_runs_of(row: object) -> WaitingRuns | None:
    """What a row of a cursor says; None if that cannot be read, which costs a run at most."""
    if not isinstance(row, list) or len(row) != 3:
        return None
    since, up_to = as_int(row[0]), as_datetime(row[1])
    first = dict(_read_first(object_at(row[2])))
    if since is None or up_to is None or not first:
        return None
    return WaitingRuns(first, since, up_to)


def _read_first(rows: Mapping[str, object]) -> Iterable[tuple[str, JobKey]]:
    for connection_id, row in rows.items():
        numbers = [as_int(each) for each in row] if isinstance(row, list) else []
        if len(numbers) == 2 and numbers[0] is not None and numbers[1] is not None:
            yield connection_id, (numbers[0], numbers[1])
