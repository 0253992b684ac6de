"""What a finished job means for its tables: the one place that decides it."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import dagster as dg
import pytest

from dagster_airbyte_sync import FinishedSync, Job, JobStatus, JobType, StreamId, StreamStats
from dagster_airbyte_sync.assets import Table
from dagster_airbyte_sync.assets.checks.check_settings import CHECKS_OF_SYNCS, TableChecks
from dagster_airbyte_sync.assets.events.finished_sync import tables_of_job
from dagster_airbyte_sync.assets.events.ledger import LastReported, Ledger
from dagster_airbyte_sync.assets.events.owed import owed_by
from dagster_airbyte_sync.assets.events.sync_events import as_result, events_of, materialization
from dagster_airbyte_sync.resources import JobRef
from dagster_airbyte_sync.resources.records.jobs import JobFailure

BEGAN = datetime(2026, 8, 1, 1, 30, tzinfo=timezone.utc)

ORDERS = Table("c", StreamId("orders"), dg.AssetSpec("orders"))
USERS = Table("c", StreamId("users", "audit"), dg.AssetSpec("users"), is_full_refresh=True)
TABLES = [ORDERS, USERS]
CHECKED = {table.key: TableChecks(frozenset(CHECKS_OF_SYNCS)) for table in TABLES}
NOW = (BEGAN + timedelta(minutes=3)).timestamp()

JOB = Job(
    id=7_000_000_000,
    connection_id="c",
    type=JobType.SYNC,
    status=JobStatus.SUCCEEDED,
    created_at=BEGAN - timedelta(minutes=1),
    started_at=BEGAN,
    updated_at=BEGAN + timedelta(minutes=2),
    attempts=2,
    rows=10,
    bytes=1000,
    streams={
        StreamId("orders"): StreamStats(records_committed=10, bytes_committed=1000),
        StreamId("users", "audit"): StreamStats(records_committed=0, bytes_committed=0),
    },
)


VERSION = f"{JOB.id}-{int((BEGAN - timedelta(minutes=1)).timestamp())}"


def sync(job: Job = JOB) -> FinishedSync:
    return FinishedSync(job, "https://airbyte.example/job")


def events(job: Job = JOB, ledger: Ledger | None = None) -> list[object]:
    known = ledger or Ledger()
    shares = owed_by(job, TABLES, known, CHECKED, most=10).shares
    return [event for share in shares for event in events_of(sync(job), share, known, NOW)]


def kinds(job: Job) -> list[type]:
    return [type(event) for event in events(job)]


def value(event: dg.AssetMaterialization, key: str) -> object:
    return getattr(event.metadata[key], "value", None)


def test_a_tables_checks_come_before_its_materialization_which_marks_the_job_as_reported() -> None:
    """So a tick may end behind any table: what is marked lacks nothing."""
    one_table = [dg.AssetCheckEvaluation, dg.AssetCheckEvaluation, dg.AssetMaterialization]
    assert kinds(JOB) == one_table * 2


@pytest.mark.parametrize("job_type", [JobType.SYNC, JobType.REFRESH])
def test_syncs_and_refreshes_make_fresh(job_type: JobType) -> None:
    assert dg.AssetMaterialization in kinds(replace(JOB, type=job_type))


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELLED])
def test_failed_and_cancelled_jobs_are_failing_checks_and_nothing_else(status: JobStatus) -> None:
    failed = replace(JOB, status=status, failure=JobFailure("disk full", "destination", "system"))

    found = [event for event in events(failed) if isinstance(event, dg.AssetCheckEvaluation)]

    assert kinds(failed) == [dg.AssetCheckEvaluation] * 4
    assert [event.passed for event in found] == [False] * 4
    (said, rows), origin = found[:2], "dagster-airbyte/failure_origin"
    assert "disk full" in (said.description or "")
    assert said.metadata[origin].value == "destination"
    # Nothing was said of rows before; why the job failed is said by the other check.
    assert (rows.severity, origin in rows.metadata) == (dg.AssetCheckSeverity.WARN, False)


def test_clears_and_unknown_types_are_observations() -> None:
    for job_type in (JobType.CLEAR, JobType.UNKNOWN):
        assert kinds(replace(JOB, type=job_type))[2::3] == [dg.AssetObservation] * 2


def test_success_without_a_row_warns_only_where_a_row_was_to_be_expected() -> None:
    none = {table.stream: StreamStats(records_committed=0) for table in TABLES}
    found = [
        event
        for event in events(replace(JOB, streams=none, rows=0))
        if isinstance(event, dg.AssetCheckEvaluation)
    ]

    assert [(event.asset_key, event.check_name) for event in found if not event.passed] == [
        (USERS.key, "airbyte_rows")
    ]
    assert found[-1].severity is dg.AssetCheckSeverity.WARN


def test_no_check_event_has_a_partition() -> None:
    checks = [event for event in events() if isinstance(event, dg.AssetCheckEvaluation)]

    assert [check.partition for check in checks] == [None] * 4


def test_counts_are_those_of_the_stream_and_not_of_the_job() -> None:
    event = materialization(sync(), ORDERS, Ledger({}))

    assert value(event, "dagster-airbyte/records_synced") == 10
    assert value(event, "dagster-airbyte/sync_duration_seconds") == 120.0
    assert value(event, "dagster-airbyte/sync_started_at") == BEGAN.timestamp()
    assert value(event, "dagster-airbyte/attempts") == "2"
    assert value(event, "dagster-airbyte/job_id") == "7000000000"


def test_totals_stand_for_a_table_only_if_its_connection_syncs_no_other_stream() -> None:
    public = replace(JOB, streams=None)

    alone = materialization(sync(public), replace(ORDERS, is_alone=True), Ledger({}))
    one_of_two = materialization(sync(public), ORDERS, Ledger({}))

    assert value(alone, "dagster-airbyte/records_synced") == 10
    assert "dagster-airbyte/records_synced" not in one_of_two.metadata


def test_where_a_job_names_its_streams_the_connection_of_today_says_nothing_of_totals() -> None:
    orders = replace(JOB, streams=None, enabled_streams=frozenset({ORDERS.stream}))
    both = replace(orders, enabled_streams=frozenset({ORDERS.stream, USERS.stream}))

    of_one = materialization(sync(orders), ORDERS, Ledger({}))
    of_two = materialization(sync(both), replace(ORDERS, is_alone=True), Ledger({}))

    assert value(of_one, "dagster-airbyte/records_synced") == 10
    assert "dagster-airbyte/records_synced" not in of_two.metadata


def test_a_stream_without_counts_has_none_rather_than_zero() -> None:
    event = materialization(sync(replace(JOB, streams={})), ORDERS, Ledger({}))

    assert "dagster-airbyte/records_synced" not in event.metadata


def test_the_data_version_is_the_last_job_that_moved_rows() -> None:
    before = Ledger({USERS.key: LastReported(JobRef(5), JobRef(5), data_version="3")})

    moved = materialization(sync(), ORDERS, Ledger({}))
    not_moved = materialization(sync(), USERS, before)
    first_ever = materialization(sync(), USERS, Ledger({}))

    assert moved.tags == {"dagster/data_version": VERSION}
    assert not_moved.tags == {"dagster/data_version": "3"}
    assert first_ever.tags == {"dagster/data_version": VERSION}


@pytest.mark.parametrize("before", ["5-1785000000", "5"])
def test_rows_that_are_reported_late_after_an_empty_sync_are_a_new_data_version(
    before: str,
) -> None:
    """The newer sync moved nothing, and so kept the version of one before both."""
    newer = JobRef(JOB.id + 1, BEGAN + timedelta(hours=1))
    empty = Ledger({ORDERS.key: LastReported(newer, newer, data_version=before)})

    assert materialization(sync(), ORDERS, empty).tags == {"dagster/data_version": VERSION}


def test_rows_that_are_reported_late_do_not_replace_the_version_of_newer_rows() -> None:
    newer = JobRef(JOB.id + 1, BEGAN + timedelta(hours=1))
    version = f"{newer.id}-{int((BEGAN + timedelta(hours=1)).timestamp())}"
    moved = Ledger({ORDERS.key: LastReported(newer, newer, data_version=version)})

    assert materialization(sync(), ORDERS, moved).tags == {"dagster/data_version": version}


def test_a_data_version_that_names_no_job_is_kept_by_what_is_reported_late() -> None:
    newer = JobRef(JOB.id + 1, BEGAN + timedelta(hours=1))
    foreign = Ledger({ORDERS.key: LastReported(newer, newer, data_version="by-hand")})

    assert materialization(sync(), ORDERS, foreign).tags == {"dagster/data_version": "by-hand"}


def test_a_number_that_comes_again_after_a_restore_is_another_data_version() -> None:
    restored = replace(JOB, created_at=BEGAN + timedelta(days=1), updated_at=None)

    again = materialization(sync(restored), ORDERS, Ledger())

    assert again.tags != materialization(sync(), ORDERS, Ledger()).tags


def test_a_long_failure_is_cut_as_each_table_of_the_connection_gets_it() -> None:
    long = replace(JOB, status=JobStatus.FAILED, failure=JobFailure("x" * 200_000))

    check = events(long)[0]

    assert isinstance(check, dg.AssetCheckEvaluation)
    assert len(dg.serialize_value(check)) < 8_000
    assert (check.description or "").endswith("see job_url for the rest)")


def test_a_late_job_remembers_the_newest_one_reported_before_it() -> None:
    end = BEGAN + timedelta(hours=1)
    newer = JobRef(JOB.id + 5, BEGAN + timedelta(minutes=50), end)
    before = Ledger({ORDERS.key: LastReported(newer, newer, "1")})

    late = materialization(sync(), ORDERS, before)
    in_order = materialization(sync(), ORDERS, Ledger({}))

    assert value(late, "dagster-airbyte/highest_job_id") == str(newer.id)
    assert value(late, "dagster-airbyte/highest_job_ended_at") == end.timestamp()
    assert "dagster-airbyte/highest_job_id" not in in_order.metadata


def test_a_run_yields_the_same_event() -> None:
    event = materialization(sync(), ORDERS, Ledger({}))
    result = as_result(event)

    assert result.asset_key == ORDERS.key
    assert result.metadata == event.metadata
    assert result.data_version == dg.DataVersion(VERSION)


def test_only_streams_that_took_part_are_reported() -> None:
    partial = replace(JOB, enabled_streams=frozenset({StreamId("orders")}))

    assert tables_of_job(partial, TABLES) == [ORDERS]
    assert tables_of_job(JOB, TABLES) == TABLES


def test_a_run_that_started_the_job_is_named() -> None:
    started = FinishedSync(JOB, "https://airbyte.example/job", started_by_run="run-1")
    event = materialization(started, ORDERS, Ledger({}))

    assert value(event, "dagster-airbyte/triggered_by") == "dagster"
    assert value(event, "dagster-airbyte/started_by_run") == "run-1"
