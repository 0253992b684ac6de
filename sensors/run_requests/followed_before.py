"""What runs followed by now: a tick may ask again for what an earlier one asked for.

That died before its cursor was stored, or the cursor was lost since. The same syncs may then come
with others, and so under another run key.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import dagster as dg

from dagster_airbyte_sync.resources import JobRef, OutOfTime, TimeBudget
from dagster_airbyte_sync.sensors.cursor.pending import JobKey, job_ref
from dagster_airbyte_sync.sensors.run_requests.arrival import (
    FOLLOWS_IN_PARTITION_TAG,
    FOLLOWS_TAG,
    Arrival,
)
from dagster_airbyte_sync.sensors.run_requests.jobs_in_tags import Mark, jobs_in_tags, mark_of
from dagster_airbyte_sync.sensors.run_requests.memory import Keys
from dagster_airbyte_sync.sensors.run_requests.partitions import PARTITION_TAG

_PAGE = 50

# A connection, and with which partition a run followed it; None for what has none.
Place = tuple[Mark, str | None]


@dataclass(frozen=True)
class Followed:
    """A job that a run followed, and the assets that it ran."""

    job: JobKey
    assets: Keys


@dataclass(frozen=True)
class FollowedBefore:
    """What the runs of a sensor followed, as far back as is of use: by connection and partition."""

    jobs: Mapping[Place, Sequence[Followed]] = field(default_factory=dict)

    @classmethod
    def read(
        cls,
        instance: dg.DagsterInstance,
        sensor_name: str,
        since: datetime | None,
        budget: TimeBudget,
    ) -> "FollowedBefore":
        """Of the runs that were created since then (Dagster's clock). Raises OutOfTime."""
        tags = {"dagster/sensor_name": sensor_name}
        wanted = dg.RunsFilter(tags=tags, created_after=since)
        jobs: dict[Place, list[Followed]] = {}
        for run in _runs(instance, wanted, budget):
            for place, followed in _followed(run):
                jobs.setdefault(place, []).append(followed)
        return cls(jobs)

    def keys(self, arrival: Arrival, partition_key: str | None, among: Keys) -> Keys:
        """Those of the assets that ran, with that partition, after the job or a later one of its
        connection."""
        place = (mark_of(arrival.connection_id), partition_key) if self.jobs else (0, None)
        return frozenset(
            key
            for each in self.jobs.get(place, ())
            if _is_not_before(job_ref(each.job), arrival.job)
            for key in among & each.assets
        )


def _is_not_before(followed: JobRef, job: JobRef) -> bool:
    return followed.is_same(job) or job.precedes(followed)


def _followed(run: dg.DagsterRun) -> Iterable[tuple[Place, Followed]]:
    places = ((FOLLOWS_TAG, None), (FOLLOWS_IN_PARTITION_TAG, run.tags.get(PARTITION_TAG)))
    for tag, partition_key in places:
        for mark, job in jobs_in_tags(tag, run.tags).items():
            yield (mark, partition_key), Followed(job, run.asset_selection or frozenset())


def _runs(
    instance: dg.DagsterInstance, wanted: dg.RunsFilter, budget: TimeBudget
) -> Iterable[dg.DagsterRun]:
    """Page by page: a run of thousands of assets takes long to read."""
    cursor: str | None = None
    while True:
        if budget.is_spent:
            raise OutOfTime("There was no time left to look up the runs that are there already.")
        records = instance.get_run_records(wanted, limit=_PAGE, cursor=cursor)
        yield from (record.dagster_run for record in records)
        if len(records) < _PAGE:
            return
        cursor = records[-1].dagster_run.run_id
