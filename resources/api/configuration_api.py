"""Airbyte's Configuration API (`/api/v1`): which requests it takes and what its answers mean.

Nothing here sends anything. Shapes are those of airbyte-platform's `config.yaml`, 1.0 to 2.1.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from dagster_airbyte_sync.resources.api.connection import (
    read_connection_with,
    read_mappers,
    read_selected_fields,
)
from dagster_airbyte_sync.resources.api.credentials_in_text import without_credentials
from dagster_airbyte_sync.resources.api.job_pages import JobQuery
from dagster_airbyte_sync.resources.api.paging import Page, read_page
from dagster_airbyte_sync.resources.api.public_api import START_TIMEOUT
from dagster_airbyte_sync.resources.http.settings import AirbyteSettings
from dagster_airbyte_sync.resources.http.transport import Call
from dagster_airbyte_sync.resources.json_rows import parse_by_rows
from dagster_airbyte_sync.resources.json_values import (
    Json,
    as_datetime,
    as_int,
    as_text,
    object_at,
    objects_at,
    word_of,
)
from dagster_airbyte_sync.resources.records.catalog import (
    Connection,
    Stream,
    StreamId,
    SyncSchedule,
)
from dagster_airbyte_sync.resources.records.columns import SharedColumns
from dagster_airbyte_sync.resources.records.job_request import JobRequest
from dagster_airbyte_sync.resources.records.jobs import (
    FINAL_STATUSES,
    Job,
    JobFailure,
    JobStatus,
    JobType,
    StreamStats,
)

_CONNECTIONS = "connections"


class ConfigurationApi:
    """Builds the requests; `workspaces` are ids, of which each must be permitted."""

    def __init__(self, settings: AirbyteSettings) -> None:
        self._base_url = settings.configuration_api_base_url
        self.page_size = settings.max_items_per_page

    def connections(self, workspace_id: str) -> Call:
        """All connections of a workspace with their schemas, in one unpaged answer.

        Each is read as it is parsed: the answer has them as `Connection`, or None.
        """
        read = partial(read_connection, columns=SharedColumns())
        call = self._post("/connections/list", {"workspaceId": workspace_id})
        return replace(call, parse=partial(parse_by_rows, field=_CONNECTIONS, read=read))

    def connection(self, connection_id: str) -> Call:
        """One connection with its schemas, also if it was deleted."""
        return self._post("/connections/get", {"connectionId": connection_id})

    def finished_jobs(self, workspaces: Sequence[str], query: JobQuery) -> Call:
        """Finished jobs with all counts."""
        until = {} if query.until is None else {"updatedAtEnd": query.until.isoformat()}
        return self._jobs(
            workspaces,
            FINAL_STATUSES,
            {
                "updatedAtStart": query.since.isoformat(),
                **until,
                "orderByField": "createdAt" if query.only_second else "updatedAt",
                "pagination": {"pageSize": query.limit, "rowOffset": query.offset},
            },
        )

    def unfinished_jobs(
        self,
        workspaces: Sequence[str],
        statuses: Iterable[JobStatus],
        connection_id: str | None = None,
        since: datetime | None = None,
        offset: int = 0,
    ) -> Call:
        """A page of the jobs that have one of these statuses, the oldest first: of one connection,
        or of all, and of those created since a time."""
        page = {"pageSize": self.page_size, "rowOffset": offset}
        query: Json = {**_of_one(connection_id), "orderByField": "createdAt", "pagination": page}
        if since is not None:
            query = {**query, "createdAtStart": since.isoformat()}
        return self._jobs(workspaces, statuses, query)

    def _jobs(self, workspaces: Sequence[str], statuses: Iterable[JobStatus], query: Json) -> Call:
        return self._post(
            "/jobs/list_for_workspaces",
            {
                "workspaceIds": list(workspaces),
                "configTypes": ["sync", "reset_connection", "refresh", "clear"],
                "statuses": [status.value for status in statuses],
                "orderByMethod": "ASC",
                **query,
            },
        )

    def newest_jobs(
        self,
        workspaces: Sequence[str],
        since: datetime | None,
        until: datetime | None,
        limit: int,
        connection_id: str | None,
    ) -> Call:
        """Jobs of all statuses, the last change first: of one connection, or of all."""
        bounds = {"updatedAtStart": since, "updatedAtEnd": until}
        return self._post(
            "/jobs/list_for_workspaces",
            {
                "workspaceIds": list(workspaces),
                "configTypes": ["sync", "reset_connection", "refresh", "clear"],
                **_of_one(connection_id),
                **{name: at.isoformat() for name, at in bounds.items() if at is not None},
                "orderByField": "updatedAt",
                "orderByMethod": "DESC",
                "pagination": {"pageSize": limit, "rowOffset": 0},
            },
        )

    def job(self, job_id: int) -> Call:
        """One job with its counts by stream. (`/jobs/get` would load all its logs.)"""
        return self._post("/jobs/get_without_logs", {"id": job_id})

    def set_schedule(self, connection_id: str, schedule: SyncSchedule) -> Call:
        """Change a connection's schedule and nothing else: the endpoint patches."""
        body = {"connectionId": connection_id, "scheduleType": schedule.kind}
        return self._post("/connections/update", {**body, **_schedule_data(schedule)})

    def start(self, request: JobRequest) -> Call:
        """A refresh or a clear, of all streams or of some."""
        body: Json = {"connectionId": request.connection_id}
        if request.streams is not None:
            body = {**body, "streams": [_descriptor_of(each) for each in request.streams]}
        path = "/connections/clear" if request.streams is None else "/connections/clear/stream"
        if request.type is JobType.REFRESH:
            path = "/connections/refresh"
            body = {**body, "refreshMode": "Merge" if request.keep_records else "Truncate"}
        url = f"{self._base_url}{path}"
        return Call("POST", url, body=body, repeatable=False, timeout=START_TIMEOUT)

    def version_of_destination(self, destination_id: str) -> Call:
        """The version of a destination's connector, with what that can do."""
        path = "/actor_definition_versions/get_for_destination"
        return self._post(path, {"destinationId": destination_id})

    def _post(self, path: str, body: Json) -> Call:
        return Call("POST", f"{self._base_url}{path}", body=body)


def health(base_url: str) -> Call:
    """Whether an API is there, which is open to all: the public one answers in plain text."""
    return Call("GET", f"{base_url}/health", at_once=True)


def instance(base_url: str) -> Call:
    """Version and UI address, open to all, of self-managed servers only; never retried."""
    return Call("GET", f"{base_url}/instance_configuration", repeatable=False)


def _descriptor_of(stream: StreamId) -> Json:
    namespace = {} if stream.namespace is None else {"streamNamespace": stream.namespace}
    return {"streamName": stream.name, **namespace}


def _of_one(connection_id: str | None) -> Json:
    """The filter of jobs by their connection; None is for all."""
    return {} if connection_id is None else {"configId": connection_id}


def _schedule_data(schedule: SyncSchedule) -> Json:
    if schedule.kind == "manual":
        return {}
    if schedule.kind == "cron":
        zone = schedule.cron_timezone or "UTC"
        cron = {"cronExpression": schedule.cron_expression, "cronTimeZone": zone}
        return {"scheduleData": {"cron": cron}}
    basic = {"units": schedule.units, "timeUnit": schedule.time_unit}
    return {"scheduleData": {"basicSchedule": basic}}


def read_connections(answer: object) -> Page[Connection] | None:
    """The page in an answer to `connections`, whose rows were read as they were parsed."""
    return read_page(answer, _CONNECTIONS, lambda row: row if isinstance(row, Connection) else None)


def read_connection(raw: object, columns: SharedColumns | None = None) -> Connection | None:
    """A `ConnectionRead`; None without an id, by which everything else is found."""
    read_streams = partial(_read_streams, columns=columns or SharedColumns())
    return read_connection_with(raw, _read_schedule, read_streams)


def _read_streams(raw: Json, columns: SharedColumns) -> tuple[Stream, ...]:
    read = (_read_stream(each, columns) for each in objects_at(raw, "syncCatalog", "streams"))
    return tuple(filter(None, read))


def _read_stream(entry: Json, columns: SharedColumns) -> Stream | None:
    stream, config = object_at(entry, "stream"), object_at(entry, "config")
    name = as_text(stream.get("name"))
    if name is None:
        return None
    return Stream(
        name=name,
        namespace=as_text(stream.get("namespace")),
        selected=config.get("selected") is True,
        json_schema=columns.of(object_at(stream, "jsonSchema")),
        sync_mode=as_text(config.get("syncMode")),
        selected_fields=(
            read_selected_fields(config) if config.get("fieldSelectionEnabled") is True else None
        ),
        mappers=read_mappers(config),
    )


def _read_schedule(raw: Json) -> SyncSchedule:
    kind = as_text(raw.get("scheduleType")) or ("basic" if raw.get("schedule") else "manual")
    cron = object_at(raw, "scheduleData", "cron")
    basic = object_at(raw, "scheduleData", "basicSchedule") or object_at(raw, "schedule")
    return SyncSchedule(
        kind=kind,
        cron_expression=as_text(cron.get("cronExpression")) if kind == "cron" else None,
        cron_timezone=as_text(cron.get("cronTimeZone")) if kind == "cron" else None,
        units=as_int(basic.get("units")) if kind == "basic" else None,
        time_unit=as_text(basic.get("timeUnit")) if kind == "basic" else None,
    )


def read_jobs(answer: object) -> Page[Job] | None:
    return read_page(answer, "jobs", read_job)


def read_job(entry: object) -> Job | None:
    """A `JobWithAttemptsRead` or `JobInfoRead`; None without an id or a connection."""
    raw, attempts = object_at(entry, "job"), objects_at(entry, "attempts")
    job_id, connection_id = as_int(raw.get("id")), as_text(raw.get("configId"))
    if job_id is None or connection_id is None:
        return None
    total = object_at(raw, "aggregatedStats")
    job_type, status = JobType(raw.get("configType")), JobStatus(raw.get("status"))
    streams = _read_stream_stats(raw)
    return Job(
        id=job_id,
        connection_id=connection_id,
        type=job_type,
        status=status,
        created_at=as_datetime(raw.get("createdAt")),
        started_at=_first_start(attempts),
        updated_at=as_datetime(raw.get("updatedAt")),
        attempts=len(attempts) or None,
        rows=as_int(total.get("recordsCommitted")),
        bytes=as_int(total.get("bytesCommitted")),
        streams=streams,
        enabled_streams=_read_enabled_streams(raw, job_type, streams or ()),
        named_streams=_read_named_streams(raw, job_type),
        failure=_read_failure(attempts),
        unknown_status=word_of(raw.get("status")) if status is JobStatus.UNKNOWN else None,
        unknown_type=word_of(raw.get("configType")) if job_type is JobType.UNKNOWN else None,
    )


@dataclass(frozen=True)
class Started:
    """What became of a request; without a `job` Airbyte has stored it for the next one."""

    job: Job | None = None


def read_started(answer: object) -> Started | None:
    """A `JobInfoRead`, or the `JobReadResponse` of a refresh, which is empty if none started."""
    if isinstance(answer, dict) and answer.get("job") is None:
        return Started()
    job = read_job(answer)
    return Started(job) if job else None


@dataclass(frozen=True)
class ConnectorVersion:
    supports_refreshes: bool


def read_version(answer: object) -> ConnectorVersion | None:
    """An `ActorDefinitionVersionRead`; None if it does not say whether it supports refreshes."""
    supports = object_at(answer).get("supportsRefreshes")
    return ConnectorVersion(supports) if isinstance(supports, bool) else None


def _attempt(entry: Json) -> Json:
    # `JobInfoRead` wraps each attempt once more, beside its logs.
    return object_at(entry, "attempt") or entry


def _first_start(attempts: Iterable[Json]) -> datetime | None:
    return min(
        filter(None, (as_datetime(_attempt(a).get("createdAt")) for a in attempts)), default=None
    )


def _stream_id(raw: Json, name: str, namespace: str) -> StreamId | None:
    stream = as_text(raw.get(name))
    return StreamId(stream, as_text(raw.get(namespace))) if stream else None


def _read_stream_stats(raw: Json) -> dict[StreamId, StreamStats] | None:
    if not isinstance(raw.get("streamAggregatedStats"), list):
        return None
    return {
        stream: _read_stats(row)
        for row in objects_at(raw, "streamAggregatedStats")
        if (stream := _stream_id(row, "streamName", "streamNamespace"))
    }


def _read_stats(row: Json) -> StreamStats:
    return StreamStats(
        records_committed=as_int(row.get("recordsCommitted")),
        bytes_committed=as_int(row.get("bytesCommitted")),
        records_emitted=as_int(row.get("recordsEmitted")),
        bytes_emitted=as_int(row.get("bytesEmitted")),
        records_rejected=as_int(row.get("recordsRejected")),
    )


def _read_enabled_streams(
    raw: Json, job_type: JobType, moved: Iterable[StreamId]
) -> frozenset[StreamId] | None:
    """The streams that took part, which the answer has in up to three places.

    `enabledStreams` of a clear are those of its streams that are still configured: empty if none is
    (airbyte-platform, `CatalogTransforms`). Of a refresh they are the whole catalog. Streams that a
    refresh does not name may sync along with it, and then have counts in `moved`.
    """
    enabled = _descriptors(raw, "enabledStreams")
    if job_type is JobType.CLEAR:
        named = _descriptors(object_at(raw, "resetConfig"), "streamsToReset")
        return enabled if named is None else named
    if job_type is JobType.REFRESH:
        # One that names none refreshes all (`JobConverter`).
        enabled = _descriptors(object_at(raw, "refreshConfig"), "streamsToRefresh") or enabled
    return None if enabled is None else enabled.union(moved)


def _read_named_streams(raw: Json, job_type: JobType) -> frozenset[StreamId] | None:
    """What a refresh or clear names; None for a refresh of all streams, too."""
    if job_type is JobType.CLEAR:
        return _descriptors(object_at(raw, "resetConfig"), "streamsToReset")
    if job_type is not JobType.REFRESH:
        return None
    named = _descriptors(object_at(raw, "refreshConfig"), "streamsToRefresh")
    whole = _descriptors(raw, "enabledStreams")
    return named if named and not (whole and named >= whole) else None


def _descriptors(raw: Json, field: str) -> frozenset[StreamId] | None:
    """The streams in a list; None if there is no list, or nothing in it can be read."""
    rows = raw.get(field)
    if not isinstance(rows, list):
        return None
    ids = (_stream_id(row, "name", "namespace") for row in objects_at(rows))
    streams = frozenset(filter(None, ids))
    return streams if streams or not rows else None


def _read_failure(attempts: Iterable[Json]) -> JobFailure | None:
    """The first failure of the last attempt that has any.

    Airbyte lists the failures of an attempt in the order they occurred: the first is the cause,
    the others follow from it.
    """
    by_attempt = (objects_at(_attempt(a), "failureSummary", "failures") for a in attempts)
    last = next(filter(None, reversed(list(by_attempt))), None)
    if last is None:
        return None
    cause = last[0]
    message = as_text(cause.get("externalMessage")) or as_text(cause.get("internalMessage"))
    return JobFailure(
        # Connectors put addresses with passwords into what they say.
        message=without_credentials(message) if message else "Airbyte gave no reason",
        origin=as_text(cause.get("failureOrigin")),
        type=as_text(cause.get("failureType")),
    )
