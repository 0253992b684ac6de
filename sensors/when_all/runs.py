"""The tags of runs that a trigger has started, and what these say was counted."""

from collections.abc import Iterable, Mapping

import dagster as dg

from dagster_airbyte_sync.sensors.cursor.pending import JobKey, job_ref
from dagster_airbyte_sync.sensors.run_requests.arrival import tag_text
from dagster_airbyte_sync.sensors.run_requests.jobs_in_tags import (
    HIDDEN,
    WORKSPACE_TAG,
    Mark,
    jobs_in_tags,
    tags_of_jobs,
)
from dagster_airbyte_sync.sensors.run_requests.memory import Keys

WHEN_ALL_TAG = "dagster-airbyte/when_all"
MEMBERS_TAG = "dagster-airbyte/when_all_members"
MISSING_TAG = "dagster-airbyte/when_all_missing"
# What counted, for us to read.
COUNTED_TAG = f"{HIDDEN}airbyte_when_all_counted"

# Of names, in bytes: PostgreSQL can have no run with a tag of more than about 2,600.
_LONGEST = 2000
# Runs that were executed again have the tags of the first, so the newest may not say the most.
_MOST_RUNS = 25


def tags_of_start(
    name: str,
    workspace_id: str,
    members: Iterable[str],
    missing: Iterable[str],
    counted: Mapping[Mark, JobKey],
) -> dict[str, str]:
    """What a run shows of the start that it belongs to."""
    tags = {
        WHEN_ALL_TAG: name,
        WORKSPACE_TAG: workspace_id,
        MEMBERS_TAG: shortened(members),
        MISSING_TAG: shortened(missing),
        **tags_of_jobs(COUNTED_TAG, counted),
    }
    return {key: value for key, value in tags.items() if value}


def shortened(names: Iterable[str]) -> str:
    """The names, as far as they fit into a tag."""
    names, shown = list(map(tag_text, names)), ""
    for place, name in enumerate(names):
        longer = f"{shown}, {name}" if shown else name
        if len(longer.encode()) > _LONGEST:
            return f"{shown} and {len(names) - place} more".strip()
        shown = longer
    return shown


def counted_by_runs(
    instance: dg.DagsterInstance, sensor_name: str, workspace_id: str, executable: Keys
) -> Mapping[Mark, JobKey]:
    """The newest job of each member that runs of the trigger counted; empty without any run.

    `executable` are the assets of its code location: another one may have a sensor of this name.
    """
    own = dg.RunsFilter(tags={"dagster/sensor_name": sensor_name, WORKSPACE_TAG: workspace_id})
    records = instance.get_run_records(own, limit=_MOST_RUNS)
    runs = (record.dagster_run for record in records)
    return newest_counted(
        jobs_in_tags(COUNTED_TAG, run.tags)
        for run in runs
        if not executable.isdisjoint(run.asset_selection or ())
    )


def newest_counted(runs: Iterable[Mapping[Mark, JobKey]]) -> Mapping[Mark, JobKey]:
    """Of several runs, the newest first."""
    newest: dict[Mark, JobKey] = {}
    for counted in runs:
        for mark, job in counted.items():
            known = newest.setdefault(mark, job)
            if job_ref(known).precedes(job_ref(job)):
                newest[mark] = job
    return newest
