"""What is known of a job beside the job: stream statuses, and the timeline of its connection."""

import uuid
from collections.abc import Iterable

from dagster_airbyte_sync.testing.wire.payload import JsonObject
from dagster_airbyte_sync.testing.wire.times import epoch_milliseconds, epoch_seconds
from dagster_airbyte_sync.testing.world.jobs import SimulatedAttempt, SimulatedJob, StreamState
from dagster_airbyte_sync.testing.world.streams import SimulatedStream, StreamKey
from dagster_airbyte_sync.testing.world.timeline import SimulatedUser, TimelineEvent


def stream_statuses(job: SimulatedJob, workspace_id: str) -> Iterable[JsonObject]:
    """The newest state of each stream in each attempt.

    What was complete when an attempt failed is not read again, and has no row in the next ones.
    """
    done: set[StreamKey] = set()
    for attempt in job.attempts:
        for stream in job.streams:
            state = _run_state(attempt, stream.key, stream.key in done)
            if state is not None:
                yield _stream_status(job, attempt, stream, state, workspace_id)
        done |= attempt.completed


def _run_state(attempt: SimulatedAttempt, key: StreamKey, is_done: bool) -> StreamState | None:
    if key in attempt.states:
        return attempt.states[key]
    if attempt.status == "succeeded" or key in attempt.completed:
        return "COMPLETE"
    if is_done:
        return None
    if attempt.status == "running" or _died(attempt):
        return "RUNNING"
    return "INCOMPLETE"


def _died(attempt: SimulatedAttempt) -> bool:
    """Whether nobody was left to write down how its streams ended."""
    failure = attempt.failure
    kind = None if failure is None else (failure.origin, failure.type)
    return kind == ("airbyte_platform", "system_error")


def _stream_status(
    job: SimulatedJob,
    attempt: SimulatedAttempt,
    stream: SimulatedStream,
    state: StreamState,
    workspace_id: str,
) -> JsonObject:
    text = f"{job.job_id} {attempt.number} {stream.key}"
    return {
        "id": str(uuid.uuid5(uuid.UUID(workspace_id), text)),
        "workspaceId": workspace_id,
        "connectionId": job.connection_id,
        "jobId": job.job_id,
        "jobType": "RESET" if job.type == "reset" else "SYNC",
        "attemptNumber": attempt.number,
        "streamName": stream.name,
        "streamNamespace": stream.namespace,
        "runState": state,
        "incompleteRunCause": _cause(attempt) if state == "INCOMPLETE" else None,
        "transitionedAt": epoch_milliseconds(attempt.updated_at),
    }


def _cause(attempt: SimulatedAttempt) -> str:
    by_hand = attempt.failure is not None and attempt.failure.type == "manual_cancellation"
    return "CANCELED" if by_hand else "FAILED"


def event_read(event: TimelineEvent) -> JsonObject:
    return {
        "id": event.event_id,
        "connectionId": event.connection_id,
        "eventType": event.type,
        "summary": event.summary,
        "createdAt": epoch_seconds(event.created_at),
        "user": None if event.user is None else _user(event.user),
    }


def _user(user: SimulatedUser) -> JsonObject:
    if user.is_deleted:
        return {"isDeleted": True}
    return {"id": user.user_id, "email": user.email, "name": user.name, "isDeleted": False}
