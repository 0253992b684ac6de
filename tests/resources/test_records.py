"""Records: what Airbyte's words mean."""

from datetime import datetime, timedelta, timezone

import pytest

from dagster_airbyte_sync.resources import (
    Catalog,
    Connection,
    Destination,
    Job,
    JobStatus,
    JobType,
    Pages,
    Stream,
    StreamId,
    StreamStats,
    SyncSchedule,
)
from dagster_airbyte_sync.resources.api import configuration_api as configuration
from dagster_airbyte_sync.resources.api import public_api as public
from dagster_airbyte_sync.resources.records.jobs import JobFailure

NOON = datetime(2026, 8, 1, 12, tzinfo=timezone.utc)


def job(status: JobStatus = JobStatus.SUCCEEDED, **fields: datetime) -> Job:
    return Job(1, "c1", JobType.SYNC, status, **fields)  # type: ignore[arg-type]


# Statuses and types


@pytest.mark.parametrize("word", ["succeeded", "failed", "cancelled"])
def test_three_statuses_are_final(word: str) -> None:
    assert JobStatus(word).is_finished


@pytest.mark.parametrize("word", ["pending", "queued", "running", "incomplete", "paused", None, []])
def test_every_other_status_is_not_final_known_or_not(word: object) -> None:
    assert not JobStatus(word).is_finished


@pytest.mark.parametrize(
    ("word", "kind", "writes"),
    [
        ("sync", JobType.SYNC, True),
        ("refresh", JobType.REFRESH, True),
        ("clear", JobType.CLEAR, False),
        ("reset", JobType.CLEAR, False),
        ("reset_connection", JobType.CLEAR, False),
        ("check_connection", JobType.UNKNOWN, False),
        (None, JobType.UNKNOWN, False),
        ({}, JobType.UNKNOWN, False),
    ],
)
def test_only_syncs_and_refreshes_leave_fresh_rows(
    word: object, kind: JobType, writes: bool
) -> None:
    assert JobType(word) is kind
    assert kind.writes_tables is writes


# Jobs


def test_a_job_lasts_from_its_first_attempt_to_its_end() -> None:
    done = job(
        created_at=NOON,
        started_at=NOON + timedelta(minutes=1),
        updated_at=NOON + timedelta(minutes=3),
    )
    assert done.duration == timedelta(minutes=2)


def test_without_a_start_a_job_lasts_from_when_it_was_queued() -> None:
    assert job(created_at=NOON, updated_at=NOON + timedelta(minutes=3)).duration == timedelta(
        minutes=3
    )


def test_a_job_never_lasts_less_than_nothing() -> None:
    assert job(created_at=NOON, updated_at=NOON - timedelta(seconds=1)).duration == timedelta(0)


def test_a_job_that_has_not_ended_has_no_end() -> None:
    running = job(JobStatus.RUNNING, created_at=NOON, updated_at=NOON)
    assert running.ended_at is None
    assert running.duration is None


def test_a_job_s_page_is_that_of_airbyte_s_timeline() -> None:
    pages = Pages(lambda: "http://airbyte.test", {"c1": "w1"}.get)
    assert pages.job(job()) == (
        "http://airbyte.test/workspaces/w1/connections/c1/timeline?jobId=1&openLogs=true"
    )


def test_a_link_without_a_known_workspace_leads_to_airbyte() -> None:
    pages = Pages(lambda: "http://airbyte.test", {"c2": "w1"}.get)
    assert (pages.job(job()), pages.connection("c1")) == ("http://airbyte.test",) * 2


@pytest.mark.parametrize("raw", [{}, {"jobId": 1}, {"connectionId": "c"}, {"jobId": "x"}, None])
def test_a_job_without_an_id_or_a_connection_is_none(raw: object) -> None:
    assert public.read_job(raw) is None
    assert configuration.read_job({"job": raw}) is None


def test_a_job_of_the_configuration_api_is_read_whole() -> None:
    read = configuration.read_job(
        {
            "job": {
                "id": 2**40,
                "configId": "c1",
                "configType": "refresh",
                "status": "failed",
                "createdAt": 1785547800,
                "updatedAt": 1785547900,
                "aggregatedStats": {"recordsCommitted": 5, "bytesCommitted": 500},
                "streamAggregatedStats": [
                    {"streamName": "users", "streamNamespace": "audit", "recordsCommitted": 5,
                     "bytesCommitted": 500, "recordsEmitted": 6, "bytesEmitted": 600,
                     "recordsRejected": 1},
                    {"streamName": "orders"},
                    {"recordsCommitted": 1},
                ],
                "enabledStreams": [{"name": "users", "namespace": "audit"}, {"name": "orders"}],
            },
            "attempts": [{"createdAt": 1785547850}, {"createdAt": 1785547830}],
        }
    )  # fmt: skip
    assert read == Job(
        id=2**40,
        connection_id="c1",
        type=JobType.REFRESH,
        status=JobStatus.FAILED,
        created_at=datetime.fromtimestamp(1785547800, timezone.utc),
        started_at=datetime.fromtimestamp(1785547830, timezone.utc),
        updated_at=datetime.fromtimestamp(1785547900, timezone.utc),
        attempts=2,
        rows=5,
        bytes=500,
        streams={
            StreamId("users", "audit"): StreamStats(5, 500, 6, 600, 1),
            StreamId("orders"): StreamStats(),
        },
        enabled_streams=frozenset({StreamId("users", "audit"), StreamId("orders")}),
    )


def test_no_counts_by_stream_are_not_the_same_as_counts_of_no_stream() -> None:
    raw = {"id": 1, "configId": "c1"}
    silent = configuration.read_job({"job": raw})
    empty = configuration.read_job({"job": {**raw, "streamAggregatedStats": []}})
    assert silent is not None
    assert empty is not None
    assert (silent.streams, empty.streams) == (None, {})


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_failure_is_the_first_of_the_last_attempt_that_has_one(wrapped: bool) -> None:
    def attempt(*messages: str) -> dict[str, object]:
        failures = [{"externalMessage": text, "failureOrigin": "source"} for text in messages]
        plain: dict[str, object] = {"failureSummary": {"failures": failures}} if messages else {}
        return {"attempt": plain, "logs": {}} if wrapped else plain

    # Airbyte lists them in the order they occurred: what follows the first is its consequence.
    attempts = [attempt("earlier"), attempt("cause", "consequence"), attempt()]
    read = configuration.read_job({"job": {"id": 1, "configId": "c1"}, "attempts": attempts})
    assert read is not None
    assert read.failure == JobFailure("cause", "source")


def test_a_failure_without_words_says_so() -> None:
    attempts = [{"failureSummary": {"failures": [{"internalMessage": "", "failureType": "x"}]}}]
    read = configuration.read_job({"job": {"id": 1, "configId": "c1"}, "attempts": attempts})
    assert read is not None
    assert read.failure == JobFailure("Airbyte gave no reason", type="x")


# Schedules


@pytest.mark.parametrize(
    ("raw", "schedule"),
    [
        ({"scheduleType": "manual"}, SyncSchedule()),
        (
            {"scheduleType": "cron", "cronExpression": "0 0 12 * * ? America/New_York"},
            SyncSchedule("cron", "0 0 12 * * ?", "America/New_York"),
        ),
        ({"scheduleType": "cron"}, SyncSchedule("cron")),
        (
            {"scheduleType": "cron", "cronExpression": "0 0 12 * * ? 2026-2028 UTC"},
            SyncSchedule("cron", "0 0 12 * * ? 2026-2028", "UTC"),
        ),
        (
            {"scheduleType": "cron", "cronExpression": "0 0 12 * * ? 2026"},
            SyncSchedule("cron", "0 0 12 * * ? 2026"),
        ),
        (
            {"scheduleType": "cron", "cronExpression": "0 0 6 ? * MON-FRI"},
            SyncSchedule("cron", "0 0 6 ? * MON-FRI"),
        ),
        (
            {"scheduleType": "cron", "cronExpression": "0 0 12 * * ?"},
            SyncSchedule("cron", "0 0 12 * * ?"),
        ),
        (
            {"scheduleType": "basic", "basicTiming": "Every 24 HOURS"},
            SyncSchedule("basic", units=24, time_unit="hours"),
        ),
        ({"scheduleType": "basic"}, SyncSchedule("basic")),
    ],
    ids=str,
)
def test_a_public_schedule_is_read(raw: dict[str, str], schedule: SyncSchedule) -> None:
    connection = public.read_connection({"connectionId": "c1", "schedule": raw})
    assert connection is not None
    assert connection.schedule == schedule


@pytest.mark.parametrize(
    ("raw", "schedule"),
    [
        ({}, SyncSchedule()),
        (
            {"scheduleType": "cron", "scheduleData": {"cron": {"cronExpression": "0 0 12 * * ?",
                                                              "cronTimeZone": "UTC"}}},
            SyncSchedule("cron", "0 0 12 * * ?", "UTC"),
        ),
        (
            {"scheduleType": "basic",
             "scheduleData": {"basicSchedule": {"units": 2, "timeUnit": "days"}}},
            SyncSchedule("basic", units=2, time_unit="days"),
        ),
        ({"schedule": {"units": 5, "timeUnit": "minutes"}},
         SyncSchedule("basic", units=5, time_unit="minutes")),
    ],
    ids=str,
)  # fmt: skip
def test_a_configured_schedule_is_read(raw: dict[str, object], schedule: SyncSchedule) -> None:
    connection = configuration.read_connection({"connectionId": "c1", **raw})
    assert connection is not None
    assert connection.schedule == schedule


# Connections, streams, destinations


def test_a_connection_without_a_name_goes_by_its_id() -> None:
    connection = public.read_connection({"connectionId": "c1"})
    assert connection is not None
    assert (connection.name, connection.is_active) == ("c1", True)


@pytest.mark.parametrize("word", ["customformat", "custom_format"])
def test_a_custom_format_is_one_thing_under_two_names(word: str) -> None:
    raw = {"connectionId": "c1", "namespaceDefinition": word}
    connection = configuration.read_connection(raw)
    assert connection is not None
    assert connection.namespace_definition == "custom_format"


def test_streams_of_one_name_are_kept_apart_by_their_namespace() -> None:
    streams = (Stream("users", "crm"), Stream("users", "audit"), Stream("orders", "crm"))
    connection = Connection("c1", "shop", "d1", all_streams=streams)
    assert list(connection.streams) == ["crm.users", "audit.users", "orders"]


def test_only_what_is_selected_is_synced() -> None:
    raw = {
        "connectionId": "c1",
        "syncCatalog": {
            "streams": [
                {"stream": {"name": "orders"}, "config": {"selected": True}},
                {"stream": {"name": "users"}, "config": {"selected": False}},
                {"stream": {"name": "leads"}},
                {"config": {"selected": True}},
            ]
        },
    }
    connection = configuration.read_connection(raw)
    assert connection is not None
    assert [stream.name for stream in connection.selected_streams] == ["orders"]
    assert len(connection.all_streams) == 3


@pytest.mark.parametrize(
    ("setting", "database", "schema"),
    [
        ({"database": "dw", "schema": "public"}, "dw", "public"),
        ({"project_id": "p", "dataset_id": "d"}, "p", "d"),
        ({"project_id": "p", "dataset_id": "p:d"}, "p", "d"),
        ({}, None, None),
    ],
    ids=str,
)
def test_a_destination_s_database_and_schema_go_by_several_names(
    setting: dict[str, str], database: str | None, schema: str | None
) -> None:
    read = public.read_destination({"destinationId": "d1", "configuration": setting})
    assert read == Destination("d1", "", "", database, schema)


def test_a_destination_that_airbyte_did_not_list_has_no_type() -> None:
    catalog = Catalog("w1", {}, {}, NOON)
    assert catalog.destination_of(Connection("c1", "shop", "d9")) == Destination("d9", "", "")


def test_a_stream_s_id_is_written_with_its_namespace() -> None:
    assert [str(StreamId("users")), str(StreamId("users", "audit"))] == ["users", "audit.users"]
    ids = [StreamId("b"), StreamId("a", "z"), StreamId("a")]
    assert sorted(ids, key=StreamId.sort_key) == [StreamId("a"), StreamId("a", "z"), StreamId("b")]


def test_a_password_in_what_a_connector_says_is_hidden() -> None:
    said = "cannot reach postgresql://etl:S3cretPw@db:5432/shop"
    attempts = [{"failureSummary": {"failures": [{"externalMessage": said}]}}]
    read = configuration.read_job({"job": {"id": 1, "configId": "c1"}, "attempts": attempts})
    assert read is not None
    assert read.failure == JobFailure("cannot reach postgresql://***@db:5432/shop")
