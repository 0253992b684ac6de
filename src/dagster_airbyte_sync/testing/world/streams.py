"""Streams and how many rows went through them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from dagster_airbyte_sync.testing.errors import SimulatorError
from dagster_airbyte_sync.testing.wire.payload import JsonObject

SyncMode = Literal["full_refresh", "incremental"]
DestinationSyncMode = Literal[
    "append", "overwrite", "append_dedup", "overwrite_dedup", "update", "soft_delete"
]
StreamKey: TypeAlias = tuple[str, str | None]
"""Name and namespace: only both together identify a stream."""
StreamName: TypeAlias = str | StreamKey


class CountsByStream(Protocol):
    """A mapping with stream names, or pairs of name and namespace, for keys.

    A `Mapping` would fix the type of its keys, and so refuse a mixture of both.
    """

    def items(self) -> Iterable[tuple[object, int]]:
        """Pairs of a stream and its number."""


Counts: TypeAlias = int | CountsByStream
"""One number for each stream, or a number for each stream that is named."""

BYTES_PER_ROW = 100
_SCHEMA: JsonObject = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "name": {"type": "string"}},
}


@dataclass(frozen=True)
class SimulatedStream:
    """A stream of a connection. `rows` is how many rows an unattended sync moves.

    With `selected_fields`, only these columns are synced. `mappers` change them, each as Airbyte's
    `ConfiguredStreamMapper`.
    """

    name: str
    namespace: str | None = None
    json_schema: JsonObject | None = None
    selected: bool = True
    sync_mode: SyncMode = "full_refresh"
    rows: int = 10
    destination_sync_mode: DestinationSyncMode | None = None
    cursor_field: tuple[str, ...] = ()
    primary_key: tuple[tuple[str, ...], ...] = ()
    selected_fields: tuple[str, ...] = ()
    mappers: tuple[JsonObject, ...] = ()

    @property
    def key(self) -> StreamKey:
        return (self.name, self.namespace)

    @property
    def schema(self) -> JsonObject:
        return _SCHEMA if self.json_schema is None else self.json_schema

    @property
    def writes_as(self) -> DestinationSyncMode:
        """The destination's half of the sync mode, if not given: the usual one."""
        if self.destination_sync_mode:
            return self.destination_sync_mode
        if self.sync_mode == "full_refresh":
            return "overwrite"
        return "append_dedup" if self.primary_key else "append"


@dataclass(frozen=True)
class StreamStats:
    """What one attempt, or all of a job, moved through one stream."""

    records_emitted: int = 0
    bytes_emitted: int = 0
    records_committed: int = 0
    bytes_committed: int = 0
    records_rejected: int = 0

    def __add__(self, other: "StreamStats") -> "StreamStats":
        return StreamStats(
            self.records_emitted + other.records_emitted,
            self.bytes_emitted + other.bytes_emitted,
            self.records_committed + other.records_committed,
            self.bytes_committed + other.bytes_committed,
            self.records_rejected + other.records_rejected,
        )


StatsByStream: TypeAlias = dict[StreamKey, StreamStats]


def as_streams(streams: Iterable[str | SimulatedStream]) -> tuple[SimulatedStream, ...]:
    found = tuple(SimulatedStream(item) if isinstance(item, str) else item for item in streams)
    if len({stream.key for stream in found}) < len(found):
        raise SimulatorError("Two streams of one connection have the same name and namespace.")
    return found


def pick(names: Iterable[StreamName], streams: Iterable[SimulatedStream]) -> list[SimulatedStream]:
    """The streams that these names mean; a bare name must mean exactly one."""
    among = list(streams)
    return [_one(name, among) for name in names]


def pick_or_make(
    names: Iterable[StreamName], streams: Iterable[SimulatedStream]
) -> list[SimulatedStream]:
    """The streams that these names mean; of a name that means none, a stream that is not there."""
    among = list(streams)
    return [
        _one(name, among)
        if any(name in (stream.name, stream.key) for stream in among)
        else SimulatedStream(*((name, None) if isinstance(name, str) else name))
        for name in names
    ]


def _one(name: object, streams: list[SimulatedStream]) -> SimulatedStream:
    found = [stream for stream in streams if name in (stream.name, stream.key)]
    if len(found) != 1:
        known = ", ".join(str(stream.key) for stream in streams)
        raise SimulatorError(f"{name!r} means {len(found)} of the job's streams: {known}")
    return found[0]


def count(
    counts: Counts | None,
    streams: Iterable[SimulatedStream],
    default: Callable[[SimulatedStream], int],
) -> dict[StreamKey, int]:
    """Numbers by stream. A stream that a mapping leaves out has no number, not a zero."""
    among = list(streams)
    if counts is None:
        return {stream.key: default(stream) for stream in among}
    if isinstance(counts, int):
        return {stream.key: counts for stream in among}
    return {_one(name, among).key: number for name, number in counts.items()}


def moved(
    streams: Iterable[SimulatedStream],
    rows: Counts | None,
    bytes: Counts | None = None,
    rejected: Counts | None = None,
) -> StatsByStream:
    """Statistics for rows read, of which the rejected ones were not committed."""
    among = list(streams)
    read = count(rows, among, lambda stream: stream.rows)
    sizes = count(bytes, among, lambda stream: read.get(stream.key, 0) * BYTES_PER_ROW)
    refused = count(rejected, among, lambda stream: 0)
    return {
        key: _stats(number, sizes.get(key, 0), refused.get(key, 0)) for key, number in read.items()
    }


def so_far(
    streams: Iterable[SimulatedStream], at_end: StatsByStream, share: float
) -> StatsByStream:
    """What a part of an attempt has moved of what it will have moved in the end."""
    return {
        each.key: _part(each, at_end[each.key], share) for each in streams if each.key in at_end
    }


def _part(stream: SimulatedStream, end: StreamStats, share: float) -> StreamStats:
    rows, size = int(end.records_emitted * share), int(end.bytes_emitted * share)
    committed = (rows, size) if stream.sync_mode == "incremental" else (0, 0)
    return StreamStats(rows, size, *committed)


def _stats(rows: int, size: int, rejected: int) -> StreamStats:
    committed = max(rows - rejected, 0)
    share = size * committed // rows if rows else size
    return StreamStats(rows, size, committed, share, rejected)
