"""The rows that a test reports for a job."""

from dagster_airbyte_sync.testing.world.jobs import SimulatedJob
from dagster_airbyte_sync.testing.world.streams import Counts, StatsByStream, moved


def committed(
    job: SimulatedJob,
    rows: Counts | None,
    bytes: Counts | None = None,
    rejected: Counts | None = None,
) -> StatsByStream:
    """What a job that succeeded has moved; a reset moves nothing unless that is said."""
    if job.type == "reset" and rows is None:
        return {}
    return moved(job.streams, rows, bytes, rejected)


def partial(job: SimulatedJob, rows: Counts | None) -> StatsByStream | None:
    """What an attempt that did not succeed had moved; nothing unless that is said."""
    return None if rows is None else moved(job.streams, rows)
