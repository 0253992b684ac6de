"""What events say of jobs, for when it is asked whether and how they were reported. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from dagster_airbyte_sync.assets import Table
from dagster_airbyte_sync.assets.event_log.records import job_named_in
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.resources import Job, JobFailure, JobRef, JobStatus, JobType


@dataclass(frozen=True)
class Report:
    """An event that names a job: what it says of it. `run_id` is "" if a sensor stored it."""

    job: JobRef
    metadata: Mapping[str, object]
    run_id: str = ""


@dataclass(frozen=True)
class TableReports:
    """What the event log has of one table since a time.

    `unnamed` are the times (Dagster's clock, epoch seconds) at which runs materialized it without
    naming a job, as those of dagster-airbyte do. Evaluations that are older than `failures_since`
    (the same clock) were not read, as there are too many; None if all were.
    """

    reports: tuple[Report, ...] = ()
    unnamed: tuple[float, ...] = ()
    failures_since: float | None = None

    def of(self, job: JobRef) -> Report | None:
        """The report of that job."""
        own = self._by_number.get(job.id, ())
        return next((each for each in own if each.job.is_same(job)), None)

    @cached_property
    def _by_number(self) -> Mapping[int, Sequence[Report]]:
        found: dict[int, list[Report]] = {}
        for each in self.reports:
            found.setdefault(each.job.id, []).append(each)
        return found

    @cached_property
    def last_unnamed(self) -> float | None:
        return max(self.unnamed, default=None)


def report_in(table: Table, metadata: Mapping[str, object], run_id: str) -> Report | None:
    """What an event of the table says of a job; None if it names none of its connection."""
    job = job_named_in(metadata, table.connection_id)
    return None if job is None else Report(job, metadata, run_id)


def end_in(table: Table, metadata: Mapping[str, object], run_id: str) -> Report | None:
    """The same of an observation, if it is of a job's end; that a run follows a job is none."""
    is_end = keys.text_in(metadata, keys.JOB_TYPE) is not None
    return report_in(table, metadata, run_id) if is_end else None


def jobs_reported(connection_id: str, reports: Iterable[Report]) -> list[Job]:
    """The finished jobs that events name, each once, for when Airbyte does not answer.

    Without rows and bytes: those of a table are not those of its connection.
    """
    found: dict[object, Job] = {}
    for report in reports:
        job = job_of(connection_id, report)
        if job.is_finished:
            found.setdefault(job.identity, job)
    return list(found.values())


def job_of(connection_id: str, report: Report) -> Job:
    """The job as the event has it."""
    said = report.metadata
    return Job(
        id=report.job.id,
        connection_id=connection_id,
        type=JobType(keys.text_in(said, keys.JOB_TYPE)),
        status=JobStatus(keys.text_in(said, keys.JOB_STATUS)),
        created_at=report.job.created_at,
        started_at=keys.time_in(said, keys.SYNC_STARTED_AT),
        updated_at=report.job.ended_at,
        attempts=keys.int_in(said, keys.ATTEMPTS),
        failure=failure_in(said),
    )


def failure_in(said: Mapping[str, object]) -> JobFailure | None:
    """Why a job failed, as its check says."""
    message = keys.text_in(said, keys.FAILURE_REASON)
    if message is None:
        return None
    origin, kind = (keys.text_in(said, key) for key in (keys.FAILURE_ORIGIN, keys.FAILURE_TYPE))
    return JobFailure(message, origin, kind)
