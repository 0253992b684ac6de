"""The metadata keys this package writes and reads; one place, so that writer and reader agree."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone

import dagster as dg

# What this package puts under a key; a part of what Dagster accepts.
Entry = (
    str
    | int
    | float
    | dg.TimestampMetadataValue
    | dg.UrlMetadataValue
    | dg.DagsterRunMetadataValue
    | dg.MarkdownMetadataValue
)

# The check that shows how a table's last sync ended.
CHECK_NAME = "airbyte_sync"

CONNECTION_ID = "dagster-airbyte/connection_id"
# Of an instance, which may have several workspaces.
WORKSPACE_ID = "dagster-airbyte/workspace_id"
WORKSPACE_NAME = "dagster-airbyte/workspace_name"
CONNECTION_STATUS = "dagster-airbyte/connection_status"
CONNECTION_NAME = "dagster-airbyte/connection_name"
CONNECTION_URL = "dagster-airbyte/connection_url"
CONNECTION_CREATED_AT = "dagster-airbyte/connection_created_at"
# A list of the names of its tags in Airbyte, where it has any.
CONNECTION_TAGS = "dagster-airbyte/connection_tags"
# What it reads from, where Airbyte says so.
SOURCE_NAME = "dagster-airbyte/source_name"
SOURCE_ID = "dagster-airbyte/source_id"
SOURCE_URL = "dagster-airbyte/source_url"
SOURCE_TYPE = "dagster-airbyte/source_type"
STREAM_NAME = "dagster-airbyte/stream_name"
STREAM_NAMESPACE = "dagster-airbyte/stream_namespace"
STREAM_PREFIX = "dagster-airbyte/stream_prefix"
CATALOG_READ_AT = "dagster-airbyte/catalog_read_at"
JOB_ID = "dagster-airbyte/job_id"
JOB_CREATED_AT = "dagster-airbyte/job_created_at"
AIRBYTE_VERSION = "dagster-airbyte/airbyte_version"
# In the event of a job that is reported late: the newest job that was reported before it.
HIGHEST_JOB_ID = "dagster-airbyte/highest_job_id"
HIGHEST_JOB_CREATED_AT = "dagster-airbyte/highest_job_created_at"
HIGHEST_JOB_ENDED_AT = "dagster-airbyte/highest_job_ended_at"
JOB_TYPE = "dagster-airbyte/job_type"
JOB_STATUS = "dagster-airbyte/job_status"
JOB_URL = "dagster-airbyte/job_url"
ATTEMPTS = "dagster-airbyte/attempts"
RECORDS_SYNCED = "dagster-airbyte/records_synced"
BYTES_SYNCED = "dagster-airbyte/bytes_synced"
RECORDS_REJECTED = "dagster-airbyte/records_rejected"
SYNC_STARTED_AT = "dagster-airbyte/sync_started_at"
SYNC_ENDED_AT = "dagster-airbyte/sync_ended_at"
SYNC_DURATION = "dagster-airbyte/sync_duration_seconds"
TRIGGERED_BY = "dagster-airbyte/triggered_by"
STARTED_BY_RUN = "dagster-airbyte/started_by_run"
# Who started the job, in words for people; `TRIGGERED_BY` has one of two words for programs.
STARTED_BY = "dagster-airbyte/started_by"
# Of materializations that a sensor reports: its code location and name.
REPORTED_BY = "dagster-airbyte/reported_by"
FAILURE_REASON = "dagster-airbyte/failure_reason"
FAILURE_ORIGIN = "dagster-airbyte/failure_origin"
FAILURE_TYPE = "dagster-airbyte/failure_type"
# Of evaluations: a word for what the check says, and since when syncs fail.
VERDICT = "dagster-airbyte/verdict"
FAILING_SINCE = "dagster-airbyte/failing_since"
FAILURES_IN_A_ROW = "dagster-airbyte/failures_in_a_row"
# How many rows the last syncs moved, newest first: what the next one is compared with.
RECENT_ROWS = "dagster-airbyte/recent_rows"
# How many seconds the last syncs took, newest first: what one that runs is compared with.
RECENT_DURATIONS = "dagster-airbyte/recent_durations"
# Since when a connection is in the state that a check found.
SINCE = "dagster-airbyte/since"
# When Airbyte syncs a connection by itself, in words and to compare with, and since when, if that
# was seen to begin.
SCHEDULE = "dagster-airbyte/schedule"
TIMETABLE = "dagster-airbyte/timetable"
SCHEDULED_SINCE = "dagster-airbyte/scheduled_since"
# The last lines of the log of a job that failed or was cancelled.
FAILURE_LOG = "dagster-airbyte/failure_log"
# True in the event of a table that is complete although its job failed or was cancelled.
PARTIAL = "dagster-airbyte/partial"

# A tag of the assets that stand for streams of sources, to select them by.
SOURCE_TAG = "dagster-airbyte/source"

# A tag of runs that start syncs and leave it to the sensor to report them.
STARTS_SYNCS_TAG = "dagster-airbyte/starts_syncs"
# Of these, the runs that wait for places in Airbyte, and those that start what has waited.
QUEUE_TAG = "dagster-airbyte/queue"
QUEUE_WAITS, QUEUE_STARTS = "waits", "starts"
# How many syncs may run in Airbyte for one of them to start another, and how many seconds it waits
# for that: in a job's tags, and where a run writes down that a sync waits.
MAX_RUNNING = "dagster-airbyte/max_running"
WAIT_LIMIT = "dagster-airbyte/wait_limit_seconds"
# The workspace, the key of its resource, and the code location: whose sensor is to start it.
WAITS_IN = "dagster-airbyte/waits_in"
QUEUE_RESOURCE = "dagster-airbyte/queue_resource"
QUEUE_LOCATION = "dagster-airbyte/queue_location"

# In the specs of a connection's tables: what made them, so that a run can do the same for a stream
# that is newer. dagster-airbyte has it under the same key.
TRANSLATOR = "dagster-airbyte/dagster_airbyte_translator"
# And which streams the connection had then: what has no asset though it is one of these was left
# out on purpose, or is defined in another code location.
KNOWN_STREAMS = "dagster-airbyte/known_streams"

# Dagster's own keys; the constants are private there, the names are documented.
TABLE_NAME = "dagster/table_name"
COLUMN_SCHEMA = "dagster/column_schema"
COLUMN_LINEAGE = "dagster/column_lineage"
STORAGE_KIND = "dagster/storage_kind"
DATA_VERSION_TAG = "dagster/data_version"


def int_in(metadata: Mapping[str, object], key: str) -> int | None:
    """The whole number stored under `key`, or None.

    Numbers that nobody wants to see plotted are stored as text.
    """
    value = _plain(metadata.get(key))
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def float_in(metadata: Mapping[str, object], key: str) -> float | None:
    """The number stored under `key` (a timestamp is one), or None."""
    value = _plain(metadata.get(key))
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and isinstance(value, int | float) else None


def time_in(metadata: Mapping[str, object], key: str) -> datetime | None:
    """The time stored under `key`, or None."""
    seconds = float_in(metadata, key)
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc)
    except (OverflowError, ValueError, OSError):
        return None


def text_in(metadata: Mapping[str, object], key: str) -> str | None:
    """The text stored under `key`, or None."""
    value = _plain(metadata.get(key))
    return value if isinstance(value, str) else None


def texts_in(metadata: Mapping[str, object], key: str) -> list[str]:
    """The texts in the list stored under `key`; none if there is no list."""
    value = _plain(metadata.get(key))
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def lineage_in(metadata: Mapping[str, object]) -> dg.TableColumnLineage | None:
    """Which columns come from which, or None."""
    value = _plain(metadata.get(COLUMN_LINEAGE))
    return value if isinstance(value, dg.TableColumnLineage) else None


def timestamp(moment: datetime | None) -> dg.TimestampMetadataValue | None:
    """The time as it is stored."""
    return None if moment is None else dg.MetadataValue.timestamp(moment)


# Bytes of a code block: each table of a connection has it, and they share a tick's 8 MB.
_LONGEST_BLOCK = 4_000
_FENCE = "`" * 3


def code_block(lines: Iterable[str]) -> dg.MarkdownMetadataValue:
    """The last of the lines that fit into 4,000 bytes, as they are, in Markdown."""
    text = "\n".join(lines).encode()
    if len(text) > _LONGEST_BLOCK:
        # The first line that is left may be half a line, or half a letter.
        text = text[-_LONGEST_BLOCK:].partition(b"\n")[2] or text[-_LONGEST_BLOCK:]
    shown = text.decode(errors="ignore")
    fence = max([_FENCE, *(run + "`" for run in re.findall("`{3,}", shown))], key=len)
    return dg.MetadataValue.md(f"{fence}text\n{shown}\n{fence}")


def _plain(value: object) -> object:
    return value.value if isinstance(value, dg.MetadataValue) else value
