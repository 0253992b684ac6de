"""Jobs of the past, and what becomes known about them late."""

from datetime import datetime, timedelta
from typing import Literal

from dagster_airbyte_sync.testing.clock import as_timedelta, aware
from dagster_airbyte_sync.testing.errors import SimulatorError
from dagster_airbyte_sync.testing.world.connections import SimulatedConnection
from dagster_airbyte_sync.testing.world.jobs import FinalStatus, JobType, SimulatedJob
from dagster_airbyte_sync.testing.world.lifecycle import committed, partial
from dagster_airbyte_sync.testing.world.streams import Counts, moved
from dagster_airbyte_sync.testing.world.world import World

StartedJob = Literal["sync", "refresh", "reset", "clear"]


class HistoryControls:
    """What a test can do to the past."""

    _world: World

    def add_finished_job(
        self,
        connection: SimulatedConnection,
        *,
        type: StartedJob = "sync",
        status: FinalStatus = "succeeded",
        created_at: datetime,
        updated_at: datetime | None = None,
        rows: Counts | None = None,
        scheduled: bool = True,
        visible_at: datetime | None = None,
    ) -> SimulatedJob:
        """Add a job of the past. If you pass `visible_at`, it seems to run until then."""
        start = aware(created_at)
        end = start + timedelta(seconds=connection.sync_seconds)
        with self._world.lock:
            job = self._world.create_job(connection, _stored(type), start, scheduled=scheduled)
            self._world.finish(
                job,
                aware(updated_at) if updated_at else end,
                status,
                committed(job, rows) if status == "succeeded" else partial(job, rows),
            )
            job.committed_at = aware(visible_at) if visible_at else None
            return job

    def burst(
        self,
        connection: SimulatedConnection,
        count: int,
        *,
        status: FinalStatus = "failed",
        at: datetime | None = None,
        apart: float | timedelta = 0.0,
        rows: Counts | None = None,
    ) -> list[SimulatedJob]:
        """Add jobs that end one after another, by default all at the same moment.

        Args:
            connection: Whose jobs.
            count: How many.
            status: How they end.
            at: When the first one ends. Default: so that the last one ends now.
            apart: The time between their ends. Each was created as long before its end as a sync of
                the connection takes, later ones later.
            rows: What each of them moved.
        """
        with self._world.lock:
            between = as_timedelta(apart)
            first = aware(at) if at else self._world.progress() - between * (count - 1)
            lead = timedelta(seconds=connection.sync_seconds)
            ends = [first + between * place for place in range(count)]
            return [
                self.add_finished_job(
                    connection,
                    status=status,
                    created_at=end - lead + timedelta(microseconds=place),
                    updated_at=end,
                    rows=rows,
                )
                for place, end in enumerate(ends)
            ]

    def commit_late(self, job: SimulatedJob | int, *, by: float | timedelta) -> None:
        """Make the end of a finished job visible only this long after its `updatedAt`."""
        with self._world.lock:
            job = self._world.job(job)
            if not job.is_finished:
                raise SimulatorError(f"Job {job.job_id} is {job.status}: nothing to commit yet.")
            job.committed_at = job.updated_at + as_timedelta(by)

    def prune(self, older_than: timedelta = timedelta(days=182)) -> None:
        """Remove jobs created longer ago, as Airbyte's nightly clean-up does since 2.0."""
        with self._world.lock:
            limit = self._world.progress() - older_than
            for job in [job for job in self._world.jobs.values() if job.created_at < limit]:
                self._world.forget_job(job)

    def correct_rows(self, job: SimulatedJob | int, rows: Counts) -> None:
        """Change the statistics of a finished job late. As in Airbyte, `updatedAt` stays."""
        with self._world.lock:
            job = self._world.job(job)
            if not job.attempts:
                raise SimulatorError(f"Job {job.job_id} has no attempt to count for.")
            job.attempts[-1].stats = moved(job.streams, rows)


def _stored(type: StartedJob) -> JobType:
    return "reset" if type == "clear" else type
