"""What runs followed by now: a tick may ask again for what an earlier one asked for.

That died before its cursor was stored, or the cursor was lost since. The same syncs may then come
with others, and so under another run key; or the sensor has another name, by which Dagster does not
know the run keys of the one before.
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
from dagster_airbyte_sync.sensors.run_requests.jobs_in_tags import (
    WORKSPACE_TAG,
    Mark,
    jobs_in_tags,
    mark_of,
)
from dagster_airbyte_sync.sensors.run_requests.memory import Keys
from dagster_airbyte_sync.sensors.run_requests.partitions import PARTITION_TAG

_PAGE = 50
# Which Dagster gives each run that a sensor asked for.
_SENSOR_TAG = "dagster/sensor_name"
_RUN_KEY_TAG = "dagster/run_key"

# A connection, and with which partition a run followed it; None for what has none.
Place = tuple[Mark, str | None]


@dataclass(frozen=True)
class Followed:
    """A job that a run followed, and the assets that it ran."""

    job: JobKey
    assets: Keys


@dataclass(frozen=True)
class FollowedBefore:
    """What the runs that sensors asked for followed, as far back as is of use: by connection and
    partition."""

    jobs: Mapping[Place, Sequence[Followed]] = field(default_factory=dict)

    @classmethod
    def read(
        cls,
        instance: dg.DagsterInstance,
        workspace_id: str,
        sensor_name: str,
        since: datetime | None,
        budget: TimeBudget,
    ) -> "FollowedBefore":
        """Of the workspace's runs that were created since then (Dagster's clock). Raises OutOfTime.

        Those of a sensor of another name count only if they were submitted: nobody does it now.
        """
        wanted = dg.RunsFilter(tags={WORKSPACE_TAG: workspace_id}, created_after=since)
        jobs: dict[Place, list[Followed]] = {}
        for run in _runs(instance, wanted, budget):
            if not (_is_submitted(run) or run.tags.get(_SENSOR_TAG) == sensor_name):
                continue
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


def without_those_of_others(
    instance: dg.DagsterInstance,
    workspace_id: str,
    sensor_name: str,
    requests: Sequence[dg.RunRequest],
) -> list[dg.RunRequest]:
    """Without what a sensor of another name has asked for: Dagster knows run keys by that name."""
    keys = [request.run_key for request in requests if request.run_key]
    if not keys:
        return list(requests)
    wanted = dg.RunsFilter(tags={_RUN_KEY_TAG: keys, WORKSPACE_TAG: workspace_id})
    runs = [record.dagster_run for record in instance.get_run_records(wanted)]
    others = [r for r in runs if _is_submitted(r) and r.tags.get(_SENSOR_TAG) != sensor_name]
    return [each for each in requests if not any(_is_asked_for(each, run) for run in others)]


def _is_asked_for(request: dg.RunRequest, run: dg.DagsterRun) -> bool:
    is_same_job = request.job_name in (None, run.job_name)
    selected = frozenset(request.asset_selection or ())
    is_same_work = is_same_job and selected == frozenset(run.asset_selection or ())
    return is_same_work and run.tags.get(_RUN_KEY_TAG) == request.run_key


def _is_submitted(run: dg.DagsterRun) -> bool:
    return run.status is not dg.DagsterRunStatus.NOT_STARTED


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
            raise OutOfTime("There was no time left to look up the runs that already exist.")
        records = instance.get_run_records(wanted, limit=_PAGE, cursor=cursor)
        yield from (record.dagster_run for record in records)
        if len(records) < _PAGE:
            return
        cursor = records[-1].dagster_run.run_id
