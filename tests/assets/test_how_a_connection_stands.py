"""What the checks say of a connection and of its schema, from what Airbyte lists now."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    Connection,
    Job,
    JobStatus,
    JobType,
    Stream,
    StreamId,
    SyncSchedule,
)
from dagster_airbyte_sync.assets.checks.duration_history import DurationHistory
from dagster_airbyte_sync.assets.checks.last_evaluation import LastEvaluation
from dagster_airbyte_sync.assets.look.connection_now import ConnectionNow, Said, connection_verdict
from dagster_airbyte_sync.assets.look.look import must_be_stored
from dagster_airbyte_sync.assets.look.schema_now import schema_verdicts
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.new_tables import KnownStreams
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.assets.tables.translator import column_types

NOON = datetime(2026, 1, 15, 12, tzinfo=timezone.utc)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# Usually some 10 minutes, at most 20.
USUAL = DurationHistory((600, 610, 590, 1200, 605))
HOURLY = SyncSchedule("basic", units=1, time_unit="hours")


def stream(name: str, **columns: object) -> Stream:
    properties = {name: {"type": kind} for name, kind in columns.items()}
    return Stream(name, json_schema={"properties": properties} if columns else {})


SHOP = Connection(
    "c1",
    "shop",
    "d1",
    created_at=NOON - 30 * DAY,
    all_streams=(stream("orders", id="integer", total=["null", "number"]), stream("users")),
)
USUALLY = ConnectionNow(SHOP, NOON, last_sync_end=NOON - HOUR / 2, durations=USUAL)


def running(
    began: timedelta, status: JobStatus = JobStatus.RUNNING, kind: JobType = JobType.SYNC
) -> Job:
    """A job that was created, and began, so long ago."""
    at = NOON - began
    return Job(7, "c1", kind, status, created_at=at - timedelta(minutes=1), started_at=at)


def said(now: ConnectionNow = USUALLY, **changes: object) -> tuple[str, str]:
    verdict = connection_verdict(replace(now, **changes)).verdict  # type: ignore[arg-type]
    return verdict.reason, "passed" if verdict.passed else verdict.severity.value


def test_an_active_connection_is_well_whatever_its_schedule() -> None:
    assert said() == ("active", "passed")
    assert said(connection=replace(SHOP, schedule=HOURLY)) == ("active", "passed")
    assert said(last_sync_end=None) == ("active", "passed")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": "inactive"}, ("paused", "WARN")),
        ({"status": "locked"}, ("locked", "ERROR")),
        ({"status": "deprecated"}, ("deleted", "ERROR")),
        ({"status": "resting"}, ("resting", "WARN")),
        ({"breaking_change": True}, ("schema_held", "ERROR")),
        ({"breaking_change": True, "status": "inactive"}, ("schema_held+paused", "ERROR")),
    ],
)
def test_each_state_has_a_word_of_its_own(
    changes: Mapping[str, object], expected: tuple[str, str]
) -> None:
    changed = replace(SHOP, schedule=HOURLY, **changes)  # type: ignore[arg-type]
    # Nobody waits for a sync of what is not active.
    assert said(connection=changed, last_sync_end=NOON - 9 * DAY)[0].startswith(expected[0])
    assert said(connection=changed) == expected


def test_the_reason_for_a_status_is_airbytes_own() -> None:
    locked = replace(SHOP, status="locked", status_reason="unpaid\ninvoice " + "x" * 900)
    text = connection_verdict(replace(USUALLY, connection=locked)).verdict.text
    assert text.startswith("Locked by Airbyte, which no longer syncs it: unpaid invoice xx")
    assert len(text) < 400


@pytest.mark.parametrize(
    ("began", "durations", "kind", "expected"),
    [
        # Three times what is usual, and half an hour more at least.
        (timedelta(minutes=59), USUAL, JobType.SYNC, "active"),
        (timedelta(minutes=61), USUAL, JobType.SYNC, "running_long"),
        (timedelta(minutes=30), DurationHistory((10,) * 5), JobType.SYNC, "active"),
        (timedelta(minutes=31), DurationHistory((10,) * 5), JobType.SYNC, "running_long"),
        # Nothing is known of how long it usually takes.
        (23 * HOUR, DurationHistory((10,) * 4), JobType.SYNC, "active"),
        (25 * HOUR, DurationHistory((10,) * 4), JobType.SYNC, "running_long"),
        (23 * HOUR, USUAL, JobType.REFRESH, "active"),
        (25 * HOUR, USUAL, JobType.CLEAR, "running_long"),
    ],
)
def test_a_job_is_stuck_that_takes_far_longer_than_the_connections_own_syncs(
    began: timedelta, durations: DurationHistory, kind: JobType, expected: str
) -> None:
    now = replace(USUALLY, unfinished=(running(began, kind=kind),), durations=durations)
    assert said(now)[0] == expected


def test_a_stuck_job_is_named_with_its_beginning_and_what_is_usual() -> None:
    found = connection_verdict(replace(USUALLY, unfinished=(running(3 * DAY),)))
    assert found.verdict.text == (
        "Job 7 (sync) has been running since 2026-01-12 12:00 UTC, although syncs usually take"
        " 20 min 0 s at most"
    )
    assert (found.since, found.job) == (NOON - 3 * DAY, running(3 * DAY))


@pytest.mark.parametrize("status", [JobStatus.PENDING, JobStatus.QUEUED])
def test_a_job_that_waits_too_long_is_told_from_one_that_runs(status: JobStatus) -> None:
    assert said(unfinished=(running(2 * HOUR, status),)) == ("waiting_long", "WARN")


@pytest.mark.parametrize(
    ("last", "began", "expected"),
    [
        (NOON - HOUR * 1.9, None, "active"),
        (NOON - HOUR * 2.1, None, "late"),
        # One is at it, and may take as long as that.
        (NOON - HOUR * 2.1, HOUR / 2, "active"),
        (NOON - HOUR * 9, HOUR * 3, "running_long+late"),
        (None, None, "never_synced"),
    ],
)
def test_an_hourly_connection_is_late_after_two_hours(
    last: datetime | None, began: timedelta | None, expected: str
) -> None:
    jobs = (running(began),) if began else ()
    hourly = replace(SHOP, schedule=HOURLY)
    assert said(connection=hourly, last_sync_end=last, unfinished=jobs)[0] == expected


def test_syncs_from_before_anybody_watched_are_not_missed() -> None:
    now = replace(USUALLY, connection=replace(SHOP, schedule=HOURLY), last_sync_end=None)
    assert said(now, watched_since=NOON - HOUR)[0] == "active"
    # Since then there should have been one, but nobody knows of those before.
    assert said(now, watched_since=NOON - HOUR * 3)[0] == "late"


def test_durations_are_read_back_from_any_text() -> None:
    history = DurationHistory()
    for seconds in range(30):
        history = history.after(timedelta(seconds=seconds))
    assert history.seconds == tuple(range(29, 9, -1))
    assert history.p95 == timedelta(seconds=28)
    assert DurationHistory.from_text(history.to_text()) == history
    assert DurationHistory.from_text("62 x") == DurationHistory()
    assert DurationHistory.from_text("9" * 400).p95 is None
    assert history.after(None) == history


# -- schemas --------------------------------------------------------------------------------------


def tables(connection: Connection = SHOP) -> list[Table]:
    """Those of the connection as it was when the definitions were loaded."""
    known = KnownStreams.of(connection)
    return [
        Table("c1", each.id, dg.AssetSpec(each.name, metadata={keys.KNOWN_STREAMS: known}))
        for each in connection.selected_streams
    ]


def schemas(connection: Connection | None, *, has_columns: bool = True) -> dict[str, Said]:
    now = ConnectionNow(connection, NOON, has_columns=has_columns)
    found = schema_verdicts(tables(), now)
    return {key.to_user_string(): each for key, each in found.items()}


def changes(connection: Connection | None, *, has_columns: bool = True) -> dict[str, str]:
    """What is said of the tables that have changed."""
    found = schemas(connection, has_columns=has_columns)
    return {
        name: each.verdict.text.removeprefix("Since the definitions were loaded: ").removesuffix(
            ". Reload the code location to pick this up"
        )
        for name, each in found.items()
        if not each.verdict.passed
    }


def with_streams(*streams: Stream) -> Connection:
    return replace(SHOP, all_streams=streams)


ORDERS, USERS = SHOP.all_streams


def test_columns_are_named_by_what_became_of_them_on_their_own_table() -> None:
    changed = stream("orders", id="string", total=["number", "null"], note="string")
    assert changes(with_streams(changed, USERS)) == {
        "orders": "new columns: note; columns of another type: id (integer to string)"
    }
    assert changes(with_streams(stream("orders", id="integer"), USERS)) == {
        "orders": "removed columns: total"
    }
    assert changes(SHOP) == {}
    # The public API has no columns.
    assert changes(with_streams(stream("orders"), USERS), has_columns=False) == {}


def test_a_stream_that_is_gone_is_said_of_its_table_and_a_new_one_of_the_first() -> None:
    assert changes(with_streams(ORDERS, stream("carts"), replace(USERS, selected=False))) == {
        "orders": "new streams: carts",
        "users": "stream that is no longer synced: users",
    }
    # The first that is still there says it.
    assert changes(with_streams(stream("carts"), USERS)) == {
        "orders": "stream that is no longer synced: orders",
        "users": "new streams: carts",
    }


def test_a_change_that_airbyte_holds_and_a_connection_that_is_gone_are_errors() -> None:
    held = schemas(replace(SHOP, breaking_change=True))
    assert {each.verdict.reason for each in held.values()} == {"schema_held"}
    assert {each.verdict.reason for each in schemas(None).values()} == {"deleted"}
    assert {each.verdict.severity.value for each in held.values()} == {"ERROR"}


def test_another_change_is_news_though_the_text_is_bounded() -> None:
    wide = {f"{number:03}" + "x" * 200: "string" for number in range(300)}
    first = schemas(with_streams(stream("orders", id="integer", total="number", **wide), USERS))
    wide["999"] = "string"
    second = schemas(with_streams(stream("orders", id="integer", total="number", **wide), USERS))

    one, other = first["orders"].verdict, second["orders"].verdict
    assert one.reason != other.reason
    assert len(one.text) < 2_000
    assert "and 290 more" in one.text


def test_types_are_compared_whatever_their_order_and_with_their_format() -> None:
    def of(**info: object) -> Mapping[str, str]:
        return column_types({"properties": {"at": info}})

    assert of(type=["null", "string"]) == of(type=["string", "null"])
    assert of(type="string", format="date") != of(type="string", format="date-time")
    assert of() == {"at": "unknown"}
    known = KnownStreams.of(SHOP)
    assert known.columns_of(StreamId("orders"))
    assert known.columns_of(StreamId("users")) is None


def test_what_a_run_at_work_has_planned_is_left_to_it() -> None:
    """An evaluation beside it would hide what the run says in the end."""
    paused = connection_verdict(replace(USUALLY, connection=replace(SHOP, status="inactive")))
    planned = LastEvaluation(passed=False, run_id="a run", is_live=True)

    assert not must_be_stored(paused, planned, None, NOON.timestamp())
    assert must_be_stored(paused, replace(planned, is_live=False), None, NOON.timestamp())
