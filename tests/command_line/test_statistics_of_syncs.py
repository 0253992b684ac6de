"""What `report` counts, of few jobs, of cancelled ones, of none, and where a clock was set back."""

from datetime import datetime, timedelta, timezone

import pytest

from dagster_airbyte_sync.cli.health.history.rows import HistoryRow, totals
from dagster_airbyte_sync.cli.health.history.view import totals_lines
from dagster_airbyte_sync.cli.health.report.statistics import (
    ConnectionReport,
    LeftOut,
    reports_of,
    spread_of,
)
from dagster_airbyte_sync.cli.health.report.view import markdown, rate_text, report_lines
from dagster_airbyte_sync.cli.health.reported import Reported
from dagster_airbyte_sync.resources import Connection, Job, JobStatus, JobType, SyncSchedule

SINCE = datetime(2026, 1, 1, tzinfo=timezone.utc)
UNTIL = SINCE + timedelta(days=10)
DAILY = SyncSchedule("basic", units=1, time_unit="days")
SHOP = Connection("1", "shop", destination_id="d", schedule=DAILY)
HOUR = timedelta(hours=1)


def job(
    number: int,
    ended: timedelta,
    status: JobStatus = JobStatus.SUCCEEDED,
    kind: JobType = JobType.SYNC,
    queued: timedelta = timedelta(minutes=1),
    connection: Connection = SHOP,
) -> Job:
    """It waited, and then ran for an hour."""
    end = SINCE + ended
    return Job(
        number,
        connection.id,
        kind,
        status,
        created_at=end - HOUR - queued,
        started_at=end - HOUR,
        updated_at=end,
        rows=10,
    )


def report(*jobs: Job, connection: Connection = SHOP) -> ConnectionReport:
    rows = [HistoryRow(each, "shop", Reported.YES) for each in jobs]
    (made,) = reports_of(rows, {connection.id: connection}, SINCE, UNTIL)
    return made


@pytest.mark.parametrize(
    ("count", "p50", "p95"),
    [(1, 1, 1), (2, 1, 2), (3, 2, 3), (20, 10, 19), (21, 11, 20), (100, 50, 95)],
)
def test_percentiles_are_times_that_occurred(count: int, p50: int, p95: int) -> None:
    """Of few values the 95th is the longest. They come in any order."""
    spread = spread_of(timedelta(seconds=n) for n in range(count, 0, -1))
    assert spread is not None
    assert (spread.p50, spread.p95) == (timedelta(seconds=p50), timedelta(seconds=p95))
    assert spread.longest == timedelta(seconds=count)


def test_of_nothing_there_is_nothing_to_say() -> None:
    made = report()
    assert (made.syncs, made.success_rate, made.duration, made.queue) == (0, None, None, None)
    # All of the time went by without a success.
    assert made.longest_gap == timedelta(days=10)
    assert made.late == 1


def test_a_cancelled_sync_is_no_failure_and_a_clear_no_sync() -> None:
    day = timedelta(days=1)
    made = report(
        job(1, day),
        job(2, 2 * day, JobStatus.FAILED),
        job(3, 3 * day, JobStatus.CANCELLED),
        job(4, 4 * day, kind=JobType.CLEAR),
    )
    assert (made.syncs, made.succeeded, made.failed, made.cancelled) == (3, 1, 1, 1)
    assert made.success_rate == 0.5
    only_cancelled = report(job(3, day, JobStatus.CANCELLED))
    assert (only_cancelled.syncs, only_cancelled.success_rate) == (1, None)


def test_a_clock_that_was_set_back_makes_no_time_negative() -> None:
    made = report(job(2, timedelta(days=5), queued=-HOUR), job(1, timedelta(days=6)))
    assert made.queue is not None
    assert made.queue.p50 == timedelta(0)
    assert made.longest_gap == timedelta(days=5)


def test_late_is_each_gap_that_is_longer_than_the_schedule_allows() -> None:
    """A daily one may be a day and a half apart."""
    days = (0.5, 1.5, 2.9, 5, 6, 7, 8, 9)
    made = report(*(job(n, timedelta(days=day)) for n, day in enumerate(days)))
    assert made.late == 1
    assert made.latest == timedelta(days=2.1 - 1.5)
    assert made.longest_gap == timedelta(days=2.1)


def test_what_is_younger_or_paused_or_by_hand_is_not_late_for_the_rest_of_the_time() -> None:
    young = Connection("1", "shop", "d", schedule=DAILY, created_at=UNTIL - HOUR)
    assert report(connection=young).longest_gap == HOUR
    paused = Connection("1", "shop", "d", status="inactive", schedule=DAILY)
    made = report(job(1, HOUR), connection=paused)
    assert (made.late, made.longest_gap) == (None, HOUR)
    assert report(job(1, HOUR), connection=Connection("1", "shop", "d")).late is None


def test_the_worst_comes_first_and_what_has_no_syncs_last() -> None:
    by_hand = {
        name: Connection(name, name, "d") for name in ("good", "none", "half", "bad", "cancelled")
    }
    jobs = [
        job(1, HOUR, connection=by_hand["good"]),
        job(2, HOUR, connection=by_hand["half"]),
        job(3, 2 * HOUR, JobStatus.FAILED, connection=by_hand["half"]),
        job(4, HOUR, JobStatus.FAILED, connection=by_hand["bad"]),
        job(5, HOUR, JobStatus.CANCELLED, connection=by_hand["cancelled"]),
    ]
    rows = [HistoryRow(each, "") for each in jobs]
    made = reports_of(rows, by_hand, SINCE, UNTIL)
    names = [each.connection.name for each in made]
    assert names == ["bad", "half", "cancelled", "good", "none"]


def test_a_rate_is_never_rounded_to_all_or_nothing() -> None:
    rates = (None, 0.0, 1.0, 0.99999, 0.00001, 2 / 3)
    assert [rate_text(rate) for rate in rates] == ["-", "0%", "100%", "99.9%", "0.1%", "66.7%"]


def test_where_no_sync_has_ended_there_is_no_rate_and_no_time() -> None:
    (line,) = report_lines([report()], LeftOut(0, 0), SINCE, UNTIL)
    assert line.partition(": ")[2] == "0 syncs, 0 failed, 0 cancelled; 1 connection was late."
    (line,) = totals_lines(0, totals([]))
    assert line == "0 syncs; 0 rows, 0 B."


def test_a_name_does_not_break_the_markdown() -> None:
    named = Connection("1", "a|b\n<script>", "d", schedule=DAILY)
    text = markdown([report(connection=named)], LeftOut(0, 0), SINCE, UNTIL, ["a note"])
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 3
    assert {line.replace("\\|", "").count("|") for line in rows} == {12}
    assert "\\<script" in rows[2]
    assert text.endswith("- a note")


def test_totals_count_what_was_not_reported_and_what_has_no_counts() -> None:
    rows = [
        HistoryRow(job(1, HOUR), "shop", Reported.NO),
        HistoryRow(Job(2, "1", JobType.SYNC, JobStatus.FAILED), "shop", Reported.NOT_DUE),
        HistoryRow(job(3, HOUR, kind=JobType.CLEAR), "shop", Reported.UNKNOWN),
    ]
    made = totals(rows)
    assert made.outcomes == {"succeeded": 1, "failed": 1, "cleared": 1}
    assert (made.rows, made.duration, made.unreported) == (20, 2 * HOUR, 1)
