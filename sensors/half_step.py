"""A project that moves over from dagster-airbyte may have added the sensor before it moved its
assets: their runs do not say which syncs they followed."""

import logging

from dagster_airbyte_sync.resources import Job

# What this process has said; ticks begin with nothing else in their hands.
_warned: set[str] = set()


def warn_of_half_step(job: Job, run_id: str, log: logging.Logger) -> None:
    """Say that a run may have reported the job as well; once for each connection in a process."""
    if job.connection_id in _warned:
        return
    _warned.add(job.connection_id)
    log.warning(
        "Airbyte job %s of connection %s may be reported twice: run %s materialized its tables as"
        " well, without saying which sync it followed, and began after that. Runs of"
        " dagster-airbyte's assets do so, while only the sensor has been moved over. Move the"
        " assets, too: import them from dagster_airbyte_sync in place of dagster_airbyte. (This is"
        " said once for each connection.)",
        job.id,
        job.connection_id,
        run_id,
    )
