"""Which runs follow fresh tables: as few as their partitions allow."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256

import dagster as dg

from dagster_airbyte_sync.assets.tables.partitions import Window, window_of
from dagster_airbyte_sync.resources import OutOfTime
from dagster_airbyte_sync.sensors.run_requests.arrival import (
    FOLLOWS_IN_PARTITION_TAG,
    FOLLOWS_TAG,
    Arrival,
    follows_tags,
    newest_of_each,
    run_key_of,
    tags_of,
)
from dagster_airbyte_sync.sensors.run_requests.followed_before import FollowedBefore
from dagster_airbyte_sync.sensors.run_requests.jobs_in_tags import WORKSPACE_TAG
from dagster_airbyte_sync.sensors.run_requests.memory import Keys
from dagster_airbyte_sync.sensors.run_requests.partitions import Partitions, has_key
from dagster_airbyte_sync.sensors.run_requests.runnable import Runnable, names_of

# What depends on the given tables, of what is to follow.
Reach = Callable[[frozenset[dg.AssetKey]], Keys]
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
        return not (arrival.was_waiting and was_due)


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
    partitions: dg.TimeWindowPartitionsDefinition | None = None
    partition_key: str | None = None
    of_partition: Sequence[Arrival] = ()

    @property
    def newest(self) -> Sequence[Arrival]:
        return newest_of_each([*self.of_partition, *self.plain])

    @property
    def tags(self) -> dict[str, str]:
        return {
            **tags_of(self.newest),
            **follows_tags(FOLLOWS_TAG, self.plain),
            **follows_tags(FOLLOWS_IN_PARTITION_TAG, self.of_partition),
        }

    def run_key(self, workspace_id: str) -> str:
        key = run_key_of(workspace_id, self.newest)
        if self.partition_key is None:
            return key
        # Partitions of two kinds may have one name.
        kind = sha256(repr(self.partitions).encode()).hexdigest()[:6]
        return f"{key}:{self.partition_key}@{kind}"


def due_runs(
    arrivals: Sequence[Arrival], graph: Graph, offset: int, history: HistoryRead
) -> list[DueRun]:
    """The runs that follow the arrivals, given in reporting order.

    Where only one partitioning is concerned, assets without partitions run with its newest
    partition, as they may depend on that.
    """
    wanted = {key for arrival in arrivals for key in graph.reach(arrival.keys)}
    timed = {each for key in wanted if (each := _in_time(graph.partitions[key])) is not None}
    runs = [
        run
        for each in sorted(timed, key=repr)
        for run in _runs_of(each, arrivals, graph, offset, history)
    ]
    plain, due = _owed(arrivals if history.up_to is None else (), graph, history)
    if not plain:
        return runs
    if len(timed) == 1 and runs:
        return [*runs[:-1], replace(runs[-1], keys=runs[-1].keys | plain, plain=due)]
    return [*runs, DueRun(plain, due)]


def _runs_of(
    partitions: dg.TimeWindowPartitionsDefinition,
    arrivals: Sequence[Arrival],
    graph: Graph,
    offset: int,
    history: HistoryRead,
) -> list[DueRun]:
    """A run for each partition in which syncs ended, the oldest first."""
    by_window: dict[Window, list[Arrival]] = {}
    for arrival in arrivals:
        ended_at = arrival.ended_at
        window = window_of(partitions, ended_at, offset) if ended_at is not None else None
        if window is not None and history.is_due(window, arrival):
            by_window.setdefault(window, []).append(arrival)
    runs = []
    for window in sorted(by_window, key=lambda window: window.ends_at):
        key = window.partition_key
        keys, due = _owed(by_window[window], graph, history, partitions, key)
        if keys and graph.exists(partitions, key):
            runs.append(DueRun(keys, (), partitions, key, due))
    return runs


def _owed(
    arrivals: Sequence[Arrival],
    graph: Graph,
    history: HistoryRead,
    partitions: Partitions | None = None,
    partition_key: str | None = None,
) -> tuple[Keys, list[Arrival]]:
    """The assets with these partitions that have not run after the arrivals, and after which."""
    keys, due = set[dg.AssetKey](), list[Arrival]()
    for arrival in arrivals:
        own = {key for key in graph.reach(arrival.keys) if graph.partitions[key] == partitions}
        owed = own - history.followed.keys(arrival, partition_key, own)
        keys |= owed
        due += [arrival] if owed else []
    return keys, due


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
        self._reached: dict[frozenset[dg.AssetKey], Keys] = {}
        # Why something was left out, whether or not that was said before.
        self.left_out: list[str] = []

    def reach(self, tables: frozenset[dg.AssetKey]) -> Keys:
        """What of the selection depends on the tables, directly or not."""
        if tables not in self._reached:
            self._reached[tables] = self._runnable.downstream_of(tables) & self._selected
        return self._reached[tables]

    def requests(
        self, arrivals: Sequence[Arrival], workspace_id: str, history: HistoryRead = HistoryRead()
    ) -> list[dg.RunRequest]:
        """One request for each partition and for what has none, and for what Dagster would take.

        What it would refuse is left out, with a line. Raises OutOfTime if that cannot be known.
        """
        for tables in {arrival.keys for arrival in arrivals}:
            self._warn_of_other_partitions(self.reach(tables))
        due = due_runs(arrivals, self._graph, self._offset, history)
        return [each for run in due if (each := self._request(run, workspace_id))]

    def _exists(self, partitions: Partitions, key: str) -> bool:
        if has_key(partitions, key, self._runnable.instance):
            return True
        self._warn(
            f"Nothing runs for the partition {key} after Airbyte's syncs, because {partitions}"
            " does not have it. Dagster has the current one only with end_offset=1; with"
            " partition_offset=-1 the sensor uses the one before that in which a sync ended."
        )
        return False

    def _warn(self, text: str) -> None:
        self.left_out.append(text)
        self._say(logging.WARNING, text)

    def _say(self, level: int, text: str) -> None:
        self._runnable.memory.say_once(self._log, level, text)

    def _warn_of_other_partitions(self, keys: Keys) -> None:
        partitions = self._graph.partitions
        partitioned = {key for key in keys if partitions[key] is not None}
        others = {key for key in partitioned if _in_time(partitions[key]) is None}
        if others:
            self._warn(
                "Left out of the runs after Airbyte's syncs, because their partitions are not"
                f" times: {names_of(others)}. Let run_request_fn return a RunRequest with a"
                " partition_key for them.",
            )

    def _request(self, run: DueRun, workspace_id: str) -> dg.RunRequest | None:
        try:
            return self._checked(run, workspace_id)
        except OutOfTime:
            raise
        except Exception as reason:
            # Dagster may raise anything here, and nothing of it must stop the sensor's reports.
            self._warn(
                f"Not run after Airbyte's syncs: {names_of(run.keys)}. Dagster would"
                f" refuse it: {reason}"
            )
            return None

    def _checked(self, run: DueRun, workspace_id: str) -> dg.RunRequest | None:
        wanted = self._with_neighbours(run)
        refused = self._runnable.refused(wanted, run.partition_key)
        for reason, keys in _by_reason(refused).items():
            self._warn(
                f"Left out of the runs after Airbyte's syncs: {names_of(keys)}. Dagster would"
                f" refuse it: {reason}"
            )
        kept = sorted(wanted - refused.keys())
        if not kept:
            return None
        request = dg.RunRequest(
            asset_selection=kept,
            partition_key=run.partition_key,
            run_key=run.run_key(workspace_id),
            tags={**run.tags, WORKSPACE_TAG: workspace_id},
        )
        # Parts may be good one by one, and not all of them together.
        self._runnable.check(request)
        return request

    def _with_neighbours(self, run: DueRun) -> Keys:
        alone = self._runnable.without_mixed(run.keys, run.partitions)
        if run.keys > alone:
            self._warn(
                f"Left out of the runs after Airbyte's syncs: {names_of(run.keys - alone)}. It"
                " cannot be run without assets that have other partitions."
            )
        wanted = self._runnable.with_neighbours(alone)
        if wanted > alone:
            added = names_of(wanted - alone)
            self._say(
                logging.INFO,
                "Also run after Airbyte's syncs, because the others cannot"
                f" run without them: {added}",
            )
        return wanted


def _by_reason(refused: Mapping[dg.AssetKey, str]) -> Mapping[str, Keys]:
    by_reason: dict[str, set[dg.AssetKey]] = {}
    for key, reason in refused.items():
        by_reason.setdefault(reason, set()).add(key)
    return by_reason
