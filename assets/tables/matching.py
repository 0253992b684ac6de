"""Which of the streams that Airbyte names are the same as those of tables. Pure.

A stream is its name and its namespace, but the public API before Airbyte 1.7 leaves the namespace
out: of a job, of a connection, or of what definitions were made from.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from dagster_airbyte_sync.resources import Job, StreamId


@dataclass(frozen=True)
class Matched:
    """`pairs`: the stream that Airbyte names, by that of its table.

    `unclear` are streams of Airbyte that may be any of several tables, or the other way round;
    `strange` those of which no table has the name.
    """

    pairs: Mapping[StreamId, StreamId]
    unclear: frozenset[StreamId]
    strange: frozenset[StreamId]


def match(tables: Collection[StreamId], named: Collection[StreamId]) -> Matched:
    """Find the streams that Airbyte names among those of one connection's tables.

    What is equal is the same. A stream without a namespace is also that of a table with one, and
    the other way round, if no other has its name: as many of it are named as there are tables.
    """
    wanted = set(named)
    pairs = {table: table for table in tables if table in wanted}
    by_name, named_by_name = _by_name(tables), _by_name(named)
    for name in by_name.keys() & named_by_name.keys():
        own, theirs = by_name[name], named_by_name[name]
        if pairs.keys().isdisjoint(own) and len(own) == len(theirs) and _lacks(own, theirs):
            pairs.update(zip(own, theirs, strict=True))
    left = wanted - set(pairs.values())
    free = _by_name(table for table in tables if table not in pairs)
    unclear = {stream for stream in left if _may_be_one_of(stream, free[stream.name])}
    return Matched(pairs, frozenset(unclear), frozenset(left - unclear))


def with_streams_of_tables(tables: Iterable[StreamId], job: Job) -> Job:
    """The job, with its streams named as those of the connection's tables are."""
    tables = list(tables)
    streams, enabled = job.streams, job.enabled_streams
    if streams is not None:
        names = _names(tables, list(streams))
        streams = {names.get(stream, stream): stats for stream, stats in streams.items()}
    if enabled is not None:
        names = _names(tables, enabled)
        enabled = frozenset(names.get(stream, stream) for stream in enabled)
    return replace(job, streams=streams, enabled_streams=enabled)


def streams_of(job: Job) -> frozenset[StreamId]:
    """All streams that Airbyte names of a job."""
    return frozenset(job.streams or ()) | (job.enabled_streams or frozenset())


def _names(tables: Collection[StreamId], named: Collection[StreamId]) -> dict[StreamId, StreamId]:
    return {theirs: own for own, theirs in match(tables, named).pairs.items()}


def _by_name(streams: Iterable[StreamId]) -> defaultdict[str, list[StreamId]]:
    by_name: defaultdict[str, list[StreamId]] = defaultdict(list)
    for stream in streams:
        by_name[stream.name].append(stream)
    return by_name


def _lacks(own: Iterable[StreamId], theirs: Iterable[StreamId]) -> bool:
    """Whether one side has namespaces and the other has none."""
    has = {bool(stream.namespace) for stream in own}
    lacks = {not stream.namespace for stream in theirs}
    return has == lacks and len(has) == 1


def _may_be_one_of(stream: StreamId, tables: Iterable[StreamId]) -> bool:
    return any(bool(table.namespace) != bool(stream.namespace) for table in tables)
