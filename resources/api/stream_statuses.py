"""The statuses of a job's streams (Configuration API, since 1.0), by attempt and in no order."""

from dagster_airbyte_sync.resources.api.paging import Page, read_page
from dagster_airbyte_sync.resources.http.settings import AirbyteSettings
from dagster_airbyte_sync.resources.http.transport import Call
from dagster_airbyte_sync.resources.json_values import as_datetime, as_int, as_text, object_at
from dagster_airbyte_sync.resources.records.catalog import StreamId
from dagster_airbyte_sync.resources.records.stream_outcome import StreamState, StreamStatus

# Airbyte has no limit of its own; each stream has a row for each attempt.
PAGE_SIZE = 2_000
# Twenty attempts, the most that Airbyte makes, of some hundred streams. Rows that are not read
# hide a stream's success, and never invent one.
MOST_PAGES = 4

_MILLISECONDS = 1_000


def statuses_of(settings: AirbyteSettings, workspace_id: str, job_id: int, page: int) -> Call:
    """One page, counted from 0. Airbyte wants a page, and its offset to be a multiple of it."""
    body = {
        "workspaceId": workspace_id,
        "jobId": job_id,
        "pagination": {"pageSize": PAGE_SIZE, "rowOffset": page * PAGE_SIZE},
    }
    url = f"{settings.configuration_api_base_url}/stream_statuses/list"
    return Call("POST", url, body=body, at_once=True)


def read_statuses(answer: object) -> Page[StreamStatus] | None:
    return read_page(answer, "streamStatuses", _read_status)


def _read_status(raw: object) -> StreamStatus | None:
    row = object_at(raw)
    name, attempt = as_text(row.get("streamName")), as_int(row.get("attemptNumber"))
    if name is None or attempt is None:
        return None
    moved = as_int(row.get("transitionedAt"))
    return StreamStatus(
        StreamId(name, as_text(row.get("streamNamespace"))),
        attempt,
        StreamState(row.get("runState")),
        None if moved is None else as_datetime(moved // _MILLISECONDS),
    )
