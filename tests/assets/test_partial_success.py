"""A table that is complete is fresh, although other streams of its job failed."""

from dataclasses import replace
from datetime import datetime, timezone

import dagster as dg
import pytest

from dagster_airbyte_sync import FinishedSync, Job, JobStatus, JobType, StreamId, StreamStats
from dagster_airbyte_sync.assets import Table
from dagster_airbyte_sync.assets.events.ledger import LastReported, Ledger
from dagster_airbyte_sync.assets.events.partial_success import (
    complete_tables,
    marked_partial,
    partial_reason,
    with_counts_of,
)
from dagster_airbyte_sync.assets.events.sync_events import materialization
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.resources import JobFailure, JobRef, StreamOutcome

BEGAN = datetime(2026, 8, 1, 1, 30, tzinfo=timezone.utc)
ORDERS = Table("c", StreamId("orders"), dg.AssetSpec("orders"))
USERS = Table("c", StreamId("users", "audit"), dg.AssetSpec("users"), is_full_refresh=True)
TABLES = [ORDERS, USERS]
DONE, LEFT = StreamOutcome(True, 0, BEGAN), StreamOutcome(False, 1)
BOTH_DONE = {ORDERS.stream: DONE, USERS.stream: DONE}

JOB = Job(
    7,
    "c",
    JobType.SYNC,
    JobStatus.FAILED,
    created_at=BEGAN,
    updated_at=BEGAN,
    rows=0,
    streams={
        ORDERS.stream: StreamStats(records_committed=0, records_emitted=0),
        USERS.stream: StreamStats(records_committed=0, bytes_committed=0, records_emitted=10),
    },
    failure=JobFailure("disk\nfull " + "x" * 500),
)


def test_only_what_airbyte_reports_complete_is_fresh() -> None:
    assert complete_tables(JOB, TABLES, BOTH_DONE) == TABLES
    assert complete_tables(JOB, TABLES, {ORDERS.stream: LEFT, USERS.stream: DONE}) == [USERS]
    assert complete_tables(JOB, TABLES, {StreamId("other"): DONE}) == []
    assert complete_tables(JOB, TABLES, None) == []


@pytest.mark.parametrize(
    "job",
    [
        replace(JOB, type=JobType.CLEAR),
        replace(JOB, status=JobStatus.INCOMPLETE),
        replace(JOB, status=JobStatus.SUCCEEDED),
    ],
    ids=["a clear", "a job that may be retried", "a success"],
)
def test_other_jobs_are_no_partial_success(job: Job) -> None:
    assert complete_tables(job, TABLES, BOTH_DONE) == []


def test_a_full_read_without_a_row_makes_nothing_fresh() -> None:
    none = StreamStats(records_committed=0, records_emitted=0)
    job = replace(JOB, streams={ORDERS.stream: none, USERS.stream: none})
    assert complete_tables(job, TABLES, BOTH_DONE) == [ORDERS]


def test_a_stream_that_may_be_of_either_of_two_namespaces_makes_nothing_fresh() -> None:
    bare = replace(USERS, stream=StreamId("users"))
    outcomes = {StreamId("users", "audit"): DONE, StreamId("users", "sales"): LEFT}
    assert complete_tables(JOB, [bare], outcomes) == []
    assert complete_tables(JOB, [bare], {StreamId("users", "audit"): DONE}) == [bare]


def test_the_event_is_marked_and_names_its_job_and_claims_no_rows_that_nobody_counted() -> None:
    job = with_counts_of(JOB, [USERS])
    known = Ledger(last={USERS.key: LastReported(JobRef(6), JobRef(6), "6")})
    plain = materialization(FinishedSync(job, "https://airbyte.example/job"), USERS, known)
    event = marked_partial(plain, job)
    assert event.metadata[keys.PARTIAL] == dg.MetadataValue.bool(True)
    assert keys.int_in(event.metadata, keys.JOB_ID) == 7
    assert keys.RECORDS_SYNCED not in event.metadata
    # It read rows, so the table has changed.
    assert (event.tags or {})[keys.DATA_VERSION_TAG] == JOB.ref.name
    assert (event.asset_key, event.partition) == (plain.asset_key, plain.partition)
    assert with_counts_of(JOB, [ORDERS]) is JOB


def test_the_reason_is_one_short_line() -> None:
    reason = partial_reason(JOB)
    start = "Airbyte reports this table as complete, although the sync failed: disk full xxx"
    assert reason.startswith(start)
    assert (len(reason) < 300, "\n" in reason) == (True, False)
    bare = replace(JOB, failure=None, status=JobStatus.CANCELLED, type=JobType.REFRESH)
    assert partial_reason(bare).endswith("although the refresh was cancelled")
