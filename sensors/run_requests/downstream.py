"""Which runs follow fresh tables: as few as their partitions allow."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime

import dagster as dg

from dagster_airbyte_sync.assets.tables.partitions import Window, window_of
from dagster_airbyte_sync.sensors.run_requests.arrival import (
    FOLLOWS_IN_PARTITION_TAG,
    FOLLOWS_TAG,
    Arrival,
    FollowedBefore,
    follows_tags,
    newest_of_each,
    run_key_of,
    tags_of,
)
from dagster_airbyte_sync.sensors.run_requests.partitions import Partitions, has_key
from dagster_airbyte_sync.sensors.run_requests.runnable import Runnable, names_of

Keys = Set[dg.AssetKey]
# What depends on the given tables, of what is to follow.
Reach = Callable[[Keys], Keys]
Exists = Callable[[Partitions, str], bool]


@dataclass(frozen=True)
class HistoryRead:
    """How far Airbyte's history is read (its clock), and was before: None for all there is.

    `followed` is what runs followed by now: it may be what this tick would ask for, if an earlier
    one died, or if the cursor was lost since.

    The run of a partition waits until history is read to the partition's end: more of its syncs may
    come. One without a partition waits for all of it.
    """

    up_to: datetime | None = None
    before: datetime | None = None
    followed: FollowedBefore = field(default_factory=FollowedBefore)

    def is_due(self, window: Window, arrival: Arrival) -> bool:
        """Whether the partition's run is due, and was not asked for in an earlier tick."""
        if self.up_to is not None and window.ends_at > self.up_to:
            return False
        was_due = self.before is not None and window.ends_at <= self.before
        if arrival.was_waiting and was_due:
            return False
        return not self.followed.has(arrival, window.partition_key)


@dataclass(frozen=True)
class Graph:
    """What may follow: `partitions` of each such asset, and which partitions there are."""

    reach: Reach
    partitions: Mapping[dg.AssetKey, Partitions | None]
    exists: Exists


@dataclass(frozen=True)
class DueRun:
    """Assets to run, and the syncs that they follow: those with the partition, and those without.

    With both, the run has one partition, and assets without partitions beside it.
    """

    keys: Keys
    plain: Sequence[Arrival] = ()
    partition_key: str | None = None
    of_partition: Sequence[Arrival] = ()

    @property
    def arrivals(self) -> Sequence[Arrival]:
        return self.plain or self.of_partition

    @property
    def tags(self) -> dict[str, str]:
        follows = {FOLLOWS_TAG: self.plain, FOLLOWS_IN_PARTITION_TAG: self.of_partition}
        read_again = [follows_tags(tag, arrivals) for tag, arrivals in follows.items()]
        return {**tags_of(newest_of_each(self.arrivals)), **read_again[0], **read_again[1]}


def due_runs(
    arrivals: Sequence[Arrival], graph: Graph, offset: int, history: HistoryRead
) -> list[DueRun]:
    """The runs that follow the arrivals, given in reporting order.

    Where only one partitioning is concerned, assets without partitions run with its newest
    partition, as they may depend on that.
    """
    partitions = graph.partitions
    wanted = graph.reach(_keys(arrivals))
    timed = {each for key in wanted if (each := _in_time(partitions[key])) is not None}
    runs = [
        run
        for each in sorted(timed, key=repr)
        for run in _runs_of(each, arrivals, graph, offset, history)
    ]
    due = [each for each in arrivals if history.up_to is None and not history.followed.has(each)]
    plain = {key for key in graph.reach(_keys(due)) if partitions[key] is None}
    if not plain:
        return runs
    if len(timed) == 1 and runs:
        return [*runs[:-1], replace(runs[-1], keys=runs[-1].keys | plain, plain=due)]
    return [*runs, DueRun(plain, due)]


def _runs_of(
    partitioning: dg.TimeWindowPartitionsDefinition,
    arrivals: Sequence[Arrival],
    graph: Graph,
    offset: int,
    history: HistoryRead,
) -> list[DueRun]:
    """A run for each partition in which syncs ended, the oldest first."""
    by_window: dict[Window, list[Arrival]] = {}
    for arrival in arrivals:
        if arrival.ended_at is not None:
            window = window_of(partitioning, arrival.ended_at, offset)
            if history.is_due(window, arrival):
                by_window.setdefault(window, []).append(arrival)
    runs = []
    for window in sorted(by_window, key=lambda window: window.ends_at):
        own = by_window[window]
        reached = graph.reach(_keys(own))
        keys = {key for key in reached if graph.partitions[key] == partitioning}
        if keys and graph.exists(partitioning, window.partition_key):
            runs.append(DueRun(keys, (), window.partition_key, own))
    return runs


def _keys(arrivals: Iterable[Arrival]) -> Keys:
    return {key for arrival in arrivals for key in arrival.keys}


def _in_time(partitions: Partitions | None) -> dg.TimeWindowPartitionsDefinition | None:
    return partitions if isinstance(partitions, dg.TimeWindowPartitionsDefinition) else None


class Downstream:
    """The assets of a selection that depend on tables of Airbyte, and the runs they are due."""

    def __init__(
        self,
        runnable: Runnable,
        selection: dg.AssetSelection,
        partition_offset: int,
        log: logging.Logger,
    ) -> None:
        self._runnable = runnable
        self._offset = partition_offset
        self._log = log
        self._selected = runnable.selected(selection, log)
        partitions = runnable.partitions_of(self._selected)
        self._graph = Graph(self.reach, partitions, self._exists)

    def reach(self, tables: Keys) -> Keys:
        """What of the selection depends on the tables, directly or not."""
        return self._runnable.downstream_of(tables) & self._selected

    def requests(
        self, arrivals: Sequence[Arrival], workspace_id: str, history: HistoryRead = HistoryRead()
    ) -> list[dg.RunRequest]:
        """One request for each partition and for what has none, and for what Dagster would take.

        What it would refuse is left out, with a line. Raises OutOfTime if that cannot be known.
        """
        self._warn_of_other_partitions(self.reach(_keys(arrivals)))
        due = due_runs(arrivals, self._graph, self._offset, history)
        requests = [each for run in due if (each := self._request(run, workspace_id))]
        return _with_different_keys(requests)

    def _exists(self, partitions: Partitions, key: str) -> bool:
        if has_key(partitions, key, self._runnable.instance):
            return True
        self._warn(
            f"Nothing of the partition {key} runs after Airbyte's syncs, because {partitions} does"
            " not have it. Dagster counts the current one only with end_offset=1;"
            " partition_offset=-1 of the sensor takes the one before that in which a sync ended."
        )
        return False

    def _warn(self, text: str) -> None:
        self._say(logging.WARNING, text)

    def _say(self, level: int, text: str) -> None:
        self._runnable.memory.say_once(self._log, level, text)

    def _warn_of_other_partitions(self, keys: Keys) -> None:
        partitions = self._graph.partitions
        partitioned = {key for key in keys if partitions[key] is not None}
        others = {key for key in partitioned if _in_time(partitions[key]) is None}
        if others:
            self._warn(
                "Left out of what follows Airbyte's syncs, because their partitions are not times:"
                f" {names_of(others)}. Let run_request_fn return a RunRequest with a partition_key"
                " for them.",
            )

    def _request(self, run: DueRun, workspace_id: str) -> dg.RunRequest | None:
        wanted = self._runnable.with_neighbours(run.keys)
        if wanted > run.keys:
            added = names_of(wanted - run.keys)
            self._say(logging.INFO, f"What follows Airbyte's syncs cannot be run without: {added}")
        refused = self._runnable.refused(wanted, run.partition_key)
        for reason, keys in _by_reason(refused).items():
            self._warn(
                f"Left out of what follows Airbyte's syncs: {names_of(keys)}. Dagster would refuse"
                f" it: {reason}",
            )
        kept = sorted(wanted - refused.keys())
        if not kept:
            return None
        key = run_key_of(workspace_id, newest_of_each(run.arrivals))
        request = dg.RunRequest(
            asset_selection=kept,
            partition_key=run.partition_key,
            run_key=f"{key}:{run.partition_key}" if run.partition_key else key,
            tags=run.tags,
        )
        if refused:
            # The parts were good one by one; all of them together must be, too.
            self._runnable.check(request)
        return request


def _by_reason(refused: Mapping[dg.AssetKey, Exception]) -> Mapping[str, Keys]:
    by_reason: dict[str, set[dg.AssetKey]] = {}
    for key, reason in refused.items():
        by_reason.setdefault(str(reason), set()).add(key)
    return by_reason


def _with_different_keys(requests: Sequence[dg.RunRequest]) -> list[dg.RunRequest]:
    """Two partitionings may have the same names for their partitions."""
    used: dict[str | None, int] = {}
    different = []
    for request in requests:
        place = used[request.run_key] = used.get(request.run_key, -1) + 1
        key = f"{request.run_key}:{place}" if place else request.run_key
        different.append(request.with_replaced_attrs(run_key=key))
    return different
