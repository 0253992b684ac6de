"""Runs beside ours that materialize tables without a job's number, as dagster-airbyte's own do."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import dagster as dg

from dagster_airbyte_sync.assets.sync.follow import PollOptions
from dagster_airbyte_sync.assets.sync.reporting import SyncEvent
from dagster_airbyte_sync.assets.tables.table import table_of_spec
from dagster_airbyte_sync.resources import BaseAirbyteWorkspace, Job
from helpers.model_jobs import EndedJob, Identity


@dataclass(frozen=True)
class Span:
    """A run materialized a table and did not say for which job: when it began and stored that."""

    table: str
    begun: datetime
    stored: datetime

    def has(self, job: EndedJob) -> bool:
        slack = timedelta(seconds=10)
        return self.begun - slack <= job.ended_really <= self.stored + slack


@dataclass
class UnnamedWork:
    """Starts a sync, waits for its end, and materializes all tables of the step.

    `jobs` are the syncs that were started, by connection.
    """

    jobs: dict[str, Identity] = field(default_factory=dict)

    def __call__(
        self,
        workspace: BaseAirbyteWorkspace,
        context: dg.AssetExecutionContext,
        options: PollOptions,
    ) -> Iterator[SyncEvent]:
        tables = [table for spec in context.assets_def.specs if (table := table_of_spec(spec))]
        client = workspace.get_client()
        job = client.start_sync(tables[0].connection_id)
        begun = self.jobs[job.connection_id] = _identity(job)
        while not job.is_finished:
            job = client.job_status(job.id)
        if not job.succeeded or _identity(job) != begun:
            raise dg.Failure("The sync did not succeed")
        for table in tables:
            yield dg.AssetMaterialization(asset_key=table.key)


def _identity(job: Job) -> Identity:
    assert job.created_at is not None
    return job.id, int(job.created_at.timestamp())
