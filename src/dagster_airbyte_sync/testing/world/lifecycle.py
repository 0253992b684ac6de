"""How jobs that run by themselves move on as time passes."""

from datetime import datetime

from dagster_airbyte_sync.testing.wire.times import java_time
from dagster_airbyte_sync.testing.world.connections import SimulatedConnection
from dagster_airbyte_sync.testing.world.jobs import FLUSH_EVERY, RETRY_AFTER, SimulatedJob
from dagster_airbyte_sync.testing.world.streams import (
    Counts,
    StatsByStream,
    moved,
    pick,
    so_far,
)


def next_change(job: SimulatedJob) -> datetime | None:
    """When this job changes next if nobody touches it; None if it waits for the test.

    The first attempt ends one attempt's length after the job was created, the second after two.
    A tenth of that length is spent waiting before each.
    """
    if job.is_finished:
        return None
    changed = job.updated_at + job.set_since_update
    if not job.unattended:
        return changed + RETRY_AFTER if job.status == "incomplete" else None
    if job.status == "running":
        return None if job.plan.outcome == "never" else job.attempts[-1].ends_at
    return changed + job.attempt_length / 10


def note_progress(job: SimulatedJob, now: datetime) -> None:
    """Write down what the running attempt of a job that runs by itself has moved so far.

    As in Airbyte, the numbers are as old as the last flush, and rows count as committed when the
    destination has acknowledged a checkpoint: a full refresh has none before its end.
    """
    if not job.unattended or job.status != "running" or job.type == "reset":
        return
    attempt, whole = job.attempts[-1], job.attempt_length.total_seconds()
    flushes = max((now - attempt.created_at) // FLUSH_EVERY, 0)
    if flushes and whole:
        share = min(flushes * FLUSH_EVERY.total_seconds() / whole, 1.0)
        at_end = moved(job.streams, job.plan.rows, job.plan.bytes, job.plan.rejected)
        attempt.stats = so_far(job.streams, at_end, share)


def note_states(connection: SimulatedConnection, job: SimulatedJob) -> None:
    """How far a job that succeeded has read its incremental streams; of a reset, not at all."""
    if job.status != "succeeded":
        return
    moved = job.stats
    for stream in job.streams:
        if job.type == "reset":
            connection.states.pop(stream.key, None)
        elif stream.sync_mode == "incremental" and stream.key in moved:
            connection.states[stream.key] = {"cursor": java_time(job.updated_at)}


def change(job: SimulatedJob, at: datetime) -> None:
    """Carry out the next change of a job that is due for one."""
    if job.status == "running":
        _end_attempt(job, at)
    else:
        job.begin(at)


def _end_attempt(job: SimulatedJob, at: datetime) -> None:
    failing = max(job.plan.failing_attempts, 1 if job.plan.outcome == "failed" else 0)
    if len(job.attempts) <= failing:
        _fail_attempt(job, at, last=len(job.attempts) == failing)
    elif job.plan.outcome == "cancelled":
        job.cancel(at)
    else:
        plan = job.plan
        job.succeed(at, committed(job, plan.rows, plan.bytes, plan.rejected))


def _fail_attempt(job: SimulatedJob, at: datetime, *, last: bool) -> None:
    completed = frozenset(stream.key for stream in pick(job.plan.completed, job.streams))
    job.fail_attempt(at, job.plan.failure, partial(job, job.plan.rows) or {}, completed)
    if last and job.plan.outcome == "failed":
        job.give_up(at)


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
