"""What users of dagster-airbyte call on its client: the answers that they know.

Each warns with the method of ours that answers in typed records.
"""

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, NoReturn, SupportsIndex, overload

from typing_extensions import Self

from dagster_airbyte_sync.resources.access.access import Access
from dagster_airbyte_sync.resources.api.configuration_api import ConfigurationApi
from dagster_airbyte_sync.resources.api.paging import Page, read_page, read_unordered
from dagster_airbyte_sync.resources.api.public_api import groups_of_ids
from dagster_airbyte_sync.resources.errors import AirbyteSettingsError
from dagster_airbyte_sync.resources.json_values import Json, as_datetime, as_int, as_text, object_at
from dagster_airbyte_sync.resources.records.catalog import Catalog, Connection, Destination
from dagster_airbyte_sync.resources.records.job_request import JobRequest

# What answers in place of each, as Markdown.
FORMER_CALLS = {
    "start_sync_job": "`start_sync(connection_id)`, which returns the `Job`",
    "get_job_details": "`job(job_id)`, which returns the `Job`",
    "cancel_job": "`cancel(job_id)`",
    "get_connections": "`catalog().connections`, by id and with their streams",
    "get_jobs_for_connection": "`newest_jobs(connection_id)`, which returns `Job`s",
    "get_connection_details": "`catalog().connections[connection_id]`, with its streams",
    "get_destination_details": "`catalog().destinations[destination_id]`",
    "validate_workspace_id": "`check_workspace()`",
    "fetch_airbyte_workspace_data": "`fetch_catalog()`, with connections and destinations by id",
}

NO_SYNC_BY_ID = (
    "sync_and_poll(connection_id) was removed: it takes the context of an asset, whose tables it"
    " reports. Sync a connection in a job with build_airbyte_start_job, or with"
    " dg.define_asset_job of its assets; the polling sensor reports any other sync."
)


class LegacyWarning(FutureWarning):
    """A name of dagster-airbyte was used that has a better one here.

    A FutureWarning, because Python hides a DeprecationWarning of every module but the main one,
    and a code location is never that.
    """


@dataclass(frozen=True)
class AirbyteJob:
    """A job as dagster-airbyte has it, from Airbyte's public API. `Job` has more.

    Attributes:
        id: The job's id.
        status: Its status, in the API's words.
        type: Its type, in the API's words.
        connection_id: The id of its connection.
        start_time: When it started.
        last_updated_at: When it last changed.
        duration: As in ISO 8601, such as PT6M30S.
        bytes_synced: What Airbyte says. (dagster-airbyte's is always None.)
        rows_synced: What Airbyte says.
    """

    id: int
    status: str
    type: str
    connection_id: str | None = None
    start_time: datetime | None = None
    last_updated_at: datetime | None = None
    duration: str | None = None
    bytes_synced: int | None = None
    rows_synced: int | None = None

    @classmethod
    def from_job_details(cls, job_details: Mapping[str, object]) -> "AirbyteJob":
        """Read an answer of `start_sync_job` or `get_job_details`; KeyError if it has no id."""
        job_id = as_int(job_details.get("jobId"))
        if job_id is None:
            raise KeyError("jobId")
        return cls(
            id=job_id,
            status=as_text(job_details.get("status")) or "",
            type=as_text(job_details.get("jobType")) or "",
            connection_id=as_text(job_details.get("connectionId")),
            start_time=as_datetime(job_details.get("startTime")),
            last_updated_at=as_datetime(job_details.get("lastUpdatedAt")),
            duration=as_text(job_details.get("duration")),
            bytes_synced=as_int(job_details.get("bytesSynced")),
            rows_synced=as_int(job_details.get("rowsSynced")),
        )


class FormerRows(list[Json]):
    """Rows as a list, as dagster-airbyte answers; its earlier versions had them under "data"."""

    @overload
    def __getitem__(self, key: SupportsIndex) -> Json: ...
    @overload
    def __getitem__(self, key: slice) -> list[Json]: ...
    @overload
    def __getitem__(self, key: Literal["data"]) -> Self: ...
    def __getitem__(
        self, key: SupportsIndex | slice | Literal["data"]
    ) -> "Json | list[Json] | FormerRows":
        return self if isinstance(key, str) else super().__getitem__(key)


class FormerWorkspaceData(NamedTuple):
    """What a workspace contains, as dagster-airbyte's `fetch_airbyte_workspace_data` answers."""

    connections_by_id: Mapping[str, Connection]
    destinations_by_id: Mapping[str, Destination]


def former_workspace_data(catalog: Catalog) -> FormerWorkspaceData:
    """The catalog in that shape, with a warning at the caller's caller."""
    _warn("fetch_airbyte_workspace_data", of="workspace", stacklevel=4)
    return FormerWorkspaceData(catalog.connections, catalog.destinations)


class FormerCalls(Access):
    """The calls. All raise AirbyteError and its children, where dagster-airbyte raises Failure."""

    def start_sync_job(self, connection_id: str) -> Json:
        """Start a sync and return Airbyte's `JobResponse`. `start_sync` returns a Job."""
        _warn("start_sync_job")
        return self._http.read(self._public.start(JobRequest(connection_id)), "a job", _read_object)

    def get_job_details(self, job_id: int) -> Json:
        """Return a job as Airbyte's `JobResponse`. `job` returns a Job."""
        _warn("get_job_details")
        return self._http.read(self._public.job(job_id), "a job", _read_object)

    def cancel_job(self, job_id: int) -> Json:
        """Cancel what runs on the job's connection and return Airbyte's `JobResponse`."""
        _warn("cancel_job")
        return object_at(self._http.send(self._public.cancel(job_id)))

    def get_connections(self) -> FormerRows:
        """Return all connections as Airbyte's `ConnectionResponse`s. `catalog` also has streams."""
        _warn("get_connections")
        groups = groups_of_ids(self._workspaces.ids())
        return FormerRows(row for group in groups for row in self._connections_of(group))

    def _connections_of(self, workspaces: Iterable[str]) -> list[Json]:
        ids, public = list(workspaces), self._public
        listing = read_unordered(
            self._http,
            "connections",
            public.page_size,
            lambda offset: public.connections(ids, offset),
            lambda answer: read_page(answer, "data", _read_row),
        )
        return [row.content for row in listing.rows.values()]

    def get_jobs_for_connection(
        self, connection_id: str, created_after: datetime | None = None
    ) -> list[AirbyteJob]:
        """Return the jobs of a connection, the newest first. `newest_jobs` returns Jobs."""
        _warn("get_jobs_for_connection")
        jobs: dict[int, AirbyteJob] = {}
        received = 0
        # Not up to a short page: a server may have a page size of its own.
        while page := self._page_of_jobs(connection_id, created_after, received):
            jobs.update((job.id, job) for job in page.rows)
            received += page.received
        return list(jobs.values())

    def _page_of_jobs(
        self, connection_id: str, since: datetime | None, offset: int
    ) -> Page[AirbyteJob] | None:
        call = self._public.jobs_of_connection(connection_id, since, offset)
        page = self._http.read(call, "jobs", lambda answer: read_page(answer, "data", _read_job))
        return page if page.received else None

    def get_connection_details(self, connection_id: str) -> Json:
        """Return a connection with its `syncCatalog`, from Airbyte's Configuration API.

        Raises AirbyteForbidden where that is closed, as on Cloud; `catalog` uses the public API
        then.
        """
        _warn("get_connection_details")
        call = ConfigurationApi(self.settings).connection(connection_id)
        return self._http.read(call, "a connection", _read_object)

    def get_destination_details(self, destination_id: str) -> Json:
        """Return a destination as Airbyte's `DestinationResponse`."""
        _warn("get_destination_details")
        call = self._public.destination(destination_id)
        return self._http.read(call, "a destination", _read_object)

    def validate_workspace_id(self) -> None:
        """Raise AirbyteSettingsError if there is no such workspace for these credentials."""
        _warn("validate_workspace_id")
        self.check_workspace()

    def sync_and_poll(self, connection_id: str) -> NoReturn:
        """Raise AirbyteSettingsError, which says how to sync a connection instead."""
        raise AirbyteSettingsError(NO_SYNC_BY_ID)


def _warn(name: str, *, of: str = "client", stacklevel: int = 3) -> None:
    instead = FORMER_CALLS[name].replace("`", "")
    text = f"{name} of a {of} is dagster-airbyte's. Here it is {instead}."
    warnings.warn(text, LegacyWarning, stacklevel=stacklevel)


class _Row(NamedTuple):
    id: str
    content: Json


def _read_row(raw: object) -> _Row | None:
    content = object_at(raw)
    connection_id = as_text(content.get("connectionId"))
    return _Row(connection_id, content) if connection_id else None


def _read_job(raw: object) -> AirbyteJob | None:
    content = object_at(raw)
    return None if as_int(content.get("jobId")) is None else AirbyteJob.from_job_details(content)


def _read_object(answer: object) -> Json | None:
    return object_at(answer) or None
