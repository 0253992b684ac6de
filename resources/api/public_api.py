"""Airbyte's public API (`/api/public/v1`): which requests it takes and what its answers mean.

Nothing here sends anything. The addresses in `next` and `previous` are never used: they lose the
filters and name a host that need not be reachable (airbyte-platform, `JobsResponseMapper`).
"""

import re
from collections.abc import Sequence
from datetime import datetime, timezone

from dagster_airbyte_sync.resources.api.connection import (
    read_connection_with,
    read_mappers,
    read_selected_fields,
)
from dagster_airbyte_sync.resources.api.job_pages import JobQuery
from dagster_airbyte_sync.resources.api.paging import Page, read_page
from dagster_airbyte_sync.resources.errors import AirbyteSettingsError
from dagster_airbyte_sync.resources.http.settings import AirbyteSettings
from dagster_airbyte_sync.resources.http.transport import Call, Params
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
    Destination,
    Source,
    Stream,
    SyncSchedule,
    WorkspaceName,
)
from dagster_airbyte_sync.resources.records.job_request import JobRequest
from dagster_airbyte_sync.resources.records.jobs import Job, JobStatus, JobType

_YEARS = re.compile(r"[0-9*,/-]+")

# Many servers and proxies take addresses of 8 kB: an id has 36 letters.
_IDS_IN_AN_ADDRESS = 100
_UNUSED_CRON = "0 0 0 * * ?"

# Creating a job can take Airbyte over a minute (dagster#34172 saw 81 s).
START_TIMEOUT = 180.0


class PublicApi:
    """Builds the requests; `page_size` is how many rows of a list to request.

    `workspaces` are ids, of which each must be permitted, at most as many as `groups_of_ids` gives.
    """

    def __init__(self, settings: AirbyteSettings) -> None:
        self._base_url = settings.rest_api_base_url
        self._other_url = settings.configuration_api_base_url
        self.page_size = settings.public_page_size

    def workspace(self, workspace_id: str) -> Call:
        return self._get(f"/workspaces/{workspace_id}")

    def workspaces(self, offset: int) -> Call:
        """A page of all workspaces that the credentials can see."""
        return self._page("/workspaces", offset)

    def connections(self, workspaces: Sequence[str], offset: int) -> Call:
        """A page of connections, in no order at all: pages may overlap and skip."""
        return self._page("/connections", offset, workspaceIds=_joined(workspaces))

    def destinations(self, workspaces: Sequence[str], offset: int) -> Call:
        """A page of destinations, in no order either."""
        return self._page("/destinations", offset, workspaceIds=_joined(workspaces))

    def sources(self, workspaces: Sequence[str], offset: int) -> Call:
        """A page of sources, in no order either."""
        return self._page("/sources", offset, workspaceIds=_joined(workspaces))

    def destination(self, destination_id: str) -> Call:
        return self._get(f"/destinations/{destination_id}")

    def jobs_since(
        self,
        workspaces: Sequence[str],
        query: JobQuery,
        job_type: JobType | None = None,
        status: JobStatus | None = None,
    ) -> Call:
        """Jobs that changed, of every status or of one; without a type, those listed by default."""
        return self._get(
            "/jobs",
            {
                "workspaceIds": _joined(workspaces),
                "updatedAtStart": _second(query.since),
                "updatedAtEnd": query.until.isoformat() if query.until else None,
                "orderBy": "createdAt|ASC" if query.only_second else "updatedAt|ASC",
                "limit": query.limit,
                "offset": query.offset,
                "jobType": job_type and job_type.value,
                "status": status and status.value,
            },
        )

    def unfinished_jobs(
        self,
        workspaces: Sequence[str],
        status: JobStatus,
        job_type: JobType | None = None,
        connection_id: str | None = None,
        since: datetime | None = None,
        offset: int = 0,
    ) -> Call:
        """A page of the jobs that have this status, the oldest first: of one connection, or of
        all, and of those created since a time."""
        return self._get(
            "/jobs",
            {
                "workspaceIds": _joined(workspaces),
                "connectionId": connection_id,
                "createdAtStart": _second(since),
                "orderBy": "createdAt|ASC",
                "limit": self.page_size,
                "offset": offset or None,
                "jobType": job_type and job_type.value,
                "status": status.value,
            },
        )

    def newest_jobs(self, connection_id: str, limit: int, job_type: JobType | None = None) -> Call:
        return self._get(
            "/jobs",
            {
                "connectionId": connection_id,
                "orderBy": "createdAt|DESC",
                "limit": limit,
                "jobType": job_type and job_type.value,
            },
        )

    def jobs_of_connection(self, connection_id: str, since: datetime | None, offset: int) -> Call:
        """A page of a connection's jobs of the types listed by default, the newest first: of all,
        or of those created since a time."""
        return self._get(
            "/jobs",
            {
                "connectionId": connection_id,
                "createdAtStart": _second(since),
                "orderBy": "createdAt|DESC",
                "limit": self.page_size,
                "offset": offset,
            },
        )

    def newest_jobs_of_all(
        self,
        workspaces: Sequence[str],
        since: datetime | None,
        until: datetime | None,
        limit: int,
        connection_id: str | None,
        job_type: JobType | None,
    ) -> Call:
        """Jobs of all statuses, the last change first: of one connection, or of all."""
        return self._get(
            "/jobs",
            {
                "workspaceIds": _joined(workspaces),
                "connectionId": connection_id,
                "updatedAtStart": _second(since),
                "updatedAtEnd": until.isoformat() if until else None,
                "orderBy": "updatedAt|DESC",
                "limit": limit,
                "jobType": job_type and job_type.value,
            },
        )

    def any_job(self, workspaces: Sequence[str]) -> Call:
        """As little as can be asked about all of them; refused if one of them may not be read."""
        return self._get("/jobs", {"workspaceIds": _joined(workspaces), "limit": 1})

    def connection(self, connection_id: str) -> Call:
        """One connection, also if it was deleted."""
        return self._get(f"/connections/{connection_id}")

    def job(self, job_id: int) -> Call:
        return self._get(f"/jobs/{job_id}")

    def start(self, request: JobRequest) -> Call:
        """A sync, or a clear of all streams: AirbyteSettingsError for what cannot be started here.

        Airbyte answers 422 to a refresh.
        """
        if request.type is JobType.REFRESH or request.streams is not None:
            what = "a refresh" if request.type is JobType.REFRESH else "a clear of single streams"
            raise AirbyteSettingsError(
                f"Airbyte's public API cannot start {what}, and its Configuration API at"
                f" {self._other_url} is closed. Open that for these credentials, or do it in"
                " Airbyte's UI."
            )
        return Call(
            "POST",
            f"{self._base_url}/jobs",
            body={"connectionId": request.connection_id, "jobType": request.type.value},
            repeatable=False,
            timeout=START_TIMEOUT,
        )

    def cancel(self, job_id: int) -> Call:
        """Cancels whatever runs on the job's connection, so never to be sent blindly."""
        return Call(
            "DELETE",
            f"{self._base_url}/jobs/{job_id}",
            repeatable=False,
            at_once=True,
            timeout=START_TIMEOUT,
        )

    def set_schedule(self, connection_id: str, schedule: SyncSchedule) -> Call:
        """Change a connection's schedule, to one that `takes_schedule`.

        Before 1.8 one without a cron counts as none given, also if it is manual
        (airbyte-platform, `AirbyteCatalogHelper.normalizeCronExpression`).
        """
        cron = _UNUSED_CRON if schedule.kind == "manual" else schedule.cron_expression
        return Call(
            "PATCH",
            f"{self._base_url}/connections/{connection_id}",
            body={"schedule": {"scheduleType": schedule.kind, "cronExpression": cron}},
        )

    def _page(self, path: str, offset: int, **params: str) -> Call:
        return self._get(path, {"limit": self.page_size, "offset": offset, **params})

    def _get(self, path: str, params: Params | None = None) -> Call:
        return Call("GET", f"{self._base_url}{path}", params=params)


def groups_of_ids(workspaces: Sequence[str]) -> list[Sequence[str]]:
    """The ids in parts that an address has room for: each is a request."""
    starts = range(0, len(workspaces), _IDS_IN_AN_ADDRESS)
    return [workspaces[start : start + _IDS_IN_AN_ADDRESS] for start in starts]


def _joined(workspaces: Sequence[str]) -> str:
    return ",".join(workspaces)


def _second(moment: datetime | None) -> str | None:
    """A time as this API takes it."""
    if moment is None:
        return None
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def takes_schedule(schedule: SyncSchedule) -> bool:
    """Whether this API can write the schedule: not an interval, and no zone but UTC.

    It stores every cron with the zone UTC (airbyte-platform, `ConnectionUpdateMapper`).
    """
    if schedule.kind == "cron":
        return schedule.cron_timezone in (None, "UTC")
    return schedule.kind == "manual"


def read_workspaces(answer: object) -> Page[WorkspaceName] | None:
    return read_page(answer, "data", _read_workspace)


def _read_workspace(raw: object) -> WorkspaceName | None:
    fields = object_at(raw)
    workspace_id = as_text(fields.get("workspaceId"))
    return WorkspaceName(workspace_id, as_text(fields.get("name")) or "") if workspace_id else None


def read_connections(answer: object) -> Page[Connection] | None:
    return read_page(answer, "data", read_connection)


def read_connection(raw: object) -> Connection | None:
    """A `ConnectionResponse`: only selected streams, and no column types."""
    return read_connection_with(raw, _read_schedule, _read_streams)


def _read_streams(raw: Json) -> tuple[Stream, ...]:
    return tuple(
        Stream(
            name=name,
            namespace=as_text(row.get("namespace")),
            sync_mode=as_text(row.get("syncMode")),
            # All, if none is said.
            selected_fields=read_selected_fields(row) or None,
            mappers=read_mappers(row),
        )
        for row in objects_at(raw, "configurations", "streams")
        if (name := as_text(row.get("name"))) is not None
    )


def _read_schedule(raw: Json) -> SyncSchedule:
    schedule = object_at(raw, "schedule")
    kind = as_text(schedule.get("scheduleType")) or "manual"
    if kind == "cron":
        expression, zone = _read_cron(as_text(schedule.get("cronExpression")) or "")
        return SyncSchedule(kind, cron_expression=expression, cron_timezone=zone)
    # "Every 24 HOURS"
    basic = re.search(r"(\d+)\s+([A-Za-z]+)", as_text(schedule.get("basicTiming")) or "")
    if kind == "basic" and basic:
        return SyncSchedule(kind, units=int(basic.group(1)), time_unit=basic.group(2).lower())
    return SyncSchedule(kind)


def _read_cron(written: str) -> tuple[str | None, str | None]:
    # One string holds both: "0 0 12 * * ? America/New_York". A seventh field may be years, too.
    *fields, last = written.split() or [""]
    if len(fields) >= 6 and not _YEARS.fullmatch(last):
        return " ".join(fields), last
    return written.strip() or None, None


def read_destinations(answer: object) -> Page[Destination] | None:
    return read_page(answer, "data", read_destination)


def read_destination(raw: object) -> Destination | None:
    fields = object_at(raw)
    destination_id = as_text(fields.get("destinationId"))
    if destination_id is None:
        return None
    configuration = object_at(fields, "configuration")
    # BigQuery's may be `project:dataset`; Airbyte refuses another project there.
    dataset = (as_text(configuration.get("dataset_id")) or "").rpartition(":")[-1]
    return Destination(
        id=destination_id,
        name=as_text(fields.get("name")) or "",
        type=as_text(fields.get("destinationType")) or "",
        database=as_text(configuration.get("database")) or as_text(configuration.get("project_id")),
        schema=as_text(configuration.get("schema")) or dataset or None,
    )


def read_sources(answer: object) -> Page[Source] | None:
    return read_page(answer, "data", _read_source)


def _read_source(raw: object) -> Source | None:
    fields = object_at(raw)
    source_id, name = as_text(fields.get("sourceId")), as_text(fields.get("name"))
    kind = as_text(fields.get("sourceType"))
    return Source(source_id, name or "", kind or "") if source_id else None


def read_jobs(answer: object) -> Page[Job] | None:
    return read_page(answer, "data", read_job)


def read_job(raw: object) -> Job | None:
    """A `JobResponse`: totals only, and no attempts. None without an id or a connection."""
    fields = object_at(raw)
    job_id, connection_id = as_int(fields.get("jobId")), as_text(fields.get("connectionId"))
    if job_id is None or connection_id is None:
        return None
    job_type, status = JobType(fields.get("jobType")), JobStatus(fields.get("status"))
    return Job(
        id=job_id,
        connection_id=connection_id,
        type=job_type,
        status=status,
        created_at=as_datetime(fields.get("startTime")),
        updated_at=as_datetime(fields.get("lastUpdatedAt")),
        rows=as_int(fields.get("rowsSynced")),
        bytes=as_int(fields.get("bytesSynced")),
        unknown_status=word_of(fields.get("status")) if status is JobStatus.UNKNOWN else None,
        unknown_type=word_of(fields.get("jobType")) if job_type is JobType.UNKNOWN else None,
    )
