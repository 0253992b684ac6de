"""How far each stream of a job came, as Airbyte's stream statuses say."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from dagster_airbyte_sync.resources.records.catalog import StreamId


class StreamState(str, Enum):
    """The state of a stream in one attempt. Only `COMPLETE` says that its rows have arrived.

    `RUNNING` may be left behind by an attempt that died. `UNKNOWN` is a word of a later Airbyte.
    """

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    RATE_LIMITED = "RATE_LIMITED"
    INCOMPLETE = "INCOMPLETE"
    COMPLETE = "COMPLETE"
    UNKNOWN = "UNKNOWN"

    @classmethod
    def _missing_(cls, value: object) -> "StreamState":
        return cls.UNKNOWN


@dataclass(frozen=True)
class StreamStatus:
    """One row: a stream's state in one attempt (numbered from 0), and since when."""

    stream: StreamId
    attempt: int
    state: StreamState
    since: datetime | None = None


@dataclass(frozen=True)
class StreamOutcome:
    """What became of one stream in all attempts of a job.

    `attempt` is the last one in which it was complete, or else the last one with a row; `since` is
    when it reached its state (Airbyte's clock, whole seconds).
    """

    is_complete: bool
    attempt: int
    since: datetime | None = None


def outcomes_of(rows: Iterable[StreamStatus]) -> Mapping[StreamId, StreamOutcome]:
    """The outcome of each stream that has a row.

    A stream that was complete in an earlier attempt may have no row in the last one, or be under
    way again there: the best state of all attempts counts, in whatever order the rows come.
    """
    best: dict[StreamId, StreamStatus] = {}
    for row in rows:
        known = best.get(row.stream)
        if known is None or _rank(known) < _rank(row):
            best[row.stream] = row
    return {
        stream: StreamOutcome(row.state is StreamState.COMPLETE, row.attempt, row.since)
        for stream, row in best.items()
    }


def _rank(row: StreamStatus) -> tuple[bool, int]:
    return row.state is StreamState.COMPLETE, row.attempt
