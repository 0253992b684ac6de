"""Jobs, attempts and stream statuses as the Configuration API writes them."""

from dagster_airbyte_sync.testing.configuration_api.log_records import log_read
from dagster_airbyte_sync.testing.wire.payload import Json, JsonObject
from dagster_airbyte_sync.testing.wire.times import epoch_milliseconds, epoch_seconds
from dagster_airbyte_sync.testing.wire.versions import Version
from dagster_airbyte_sync.testing.world.jobs import SimulatedAttempt, SimulatedJob
from dagster_airbyte_sync.testing.world.streams import (
    StatsByStream,
    StreamKey,
    StreamStats,
)

CONFIG_TYPES = {"sync": "sync", "refresh": "refresh", "reset": "reset_connection"}


def job_read(job: SimulatedJob, version: Version, *, with_stats: bool) -> JsonObject:
    """`startedAt` is in the description and never written."""
    named = [_descriptor(key) for key in job.named]
    return {
        "id": job.job_id,
        "configType": job.unheard_type or CONFIG_TYPES[job.type],
        "configId": job.connection_id,
        "enabledStreams": [_descriptor(key) for key in job.enabled],
        "createdAt": epoch_seconds(job.created_at),
        "updatedAt": epoch_seconds(job.updated_at),
        "status": job.unheard_status or job.status,
        "resetConfig": {"streamsToReset": named} if job.type == "reset" else None,
        "refreshConfig": {"streamsToRefresh": named} if job.type == "refresh" else None,
        "aggregatedStats": _totals(job.total, version) if with_stats else None,
        "streamAggregatedStats": _by_stream(job.stats, version) if with_stats else None,
    }


def job_with_attempts(job: SimulatedJob, version: Version) -> JsonObject:
    """As the listings return it: all statistics."""
    attempts: list[Json] = [attempt_read(each, version) for each in job.attempts]
    return {"job": job_read(job, version, with_stats=True), "attempts": attempts}


def job_info(job: SimulatedJob, version: Version, *, logs: bool = False) -> JsonObject:
    """With logs the job has no statistics, and without logs its streams lose their namespaces."""
    attempts: list[Json] = [
        {
            "attempt": attempt_read(each, version, namespaces=logs),
            **(log_read(each, version) if logs else {}),
        }
        for each in job.attempts
    ]
    return {"job": job_read(job, version, with_stats=not logs), "attempts": attempts}


def attempt_read(
    attempt: SimulatedAttempt, version: Version, *, namespaces: bool = True
) -> JsonObject:
    total = sum(attempt.stats.values(), start=StreamStats())
    return {
        "id": attempt.number,
        "status": attempt.status,
        "createdAt": epoch_seconds(attempt.created_at),
        "updatedAt": epoch_seconds(attempt.updated_at),
        "endedAt": epoch_seconds(attempt.ended_at) if attempt.ended_at else None,
        "bytesSynced": total.bytes_emitted,
        "recordsSynced": total.records_emitted,
        "totalStats": _attempt_stats(total, version),
        "streamStats": [
            {
                "streamName": name,
                "streamNamespace": namespace if namespaces else None,
                "stats": _attempt_stats(stats, version),
            }
            for (name, namespace), stats in attempt.stats.items()
        ],
        "failureSummary": _failure_summary(attempt),
    }


def _failure_summary(attempt: SimulatedAttempt) -> JsonObject | None:
    failure = attempt.failure
    if failure is None:
        return None
    reason: JsonObject = {
        "failureOrigin": failure.origin,
        "failureType": failure.type,
        "externalMessage": failure.reason,
        "internalMessage": failure.reason,
        "retryable": failure.type != "config_error",
        "timestamp": epoch_milliseconds(attempt.updated_at),
    }
    return {"failures": [reason], "partialSuccess": bool(attempt.stats)}


def _totals(stats: StreamStats, version: Version) -> dict[str, Json]:
    return {
        "recordsEmitted": stats.records_emitted,
        "bytesEmitted": stats.bytes_emitted,
        "recordsCommitted": stats.records_committed,
        "bytesCommitted": stats.bytes_committed,
        "recordsRejected": stats.records_rejected if version.since(1, 8) else None,
    }


def _attempt_stats(stats: StreamStats, version: Version) -> JsonObject:
    """Airbyte leaves the committed bytes out here."""
    return {**_totals(stats, version), "bytesCommitted": None}


def _by_stream(stats: StatsByStream, version: Version) -> list[Json]:
    return [
        {"streamName": name, "streamNamespace": namespace, **_totals(each, version)}
        for (name, namespace), each in stats.items()
    ]


def _descriptor(key: StreamKey) -> JsonObject:
    return {"name": key[0], "namespace": key[1]}
