"""Which of several things that are wrong with a connection `status` shows, and what stays open."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import dagster as dg
import pytest
from rich.text import Text

from dagster_airbyte_sync.assets import Table
from dagster_airbyte_sync.assets.checks.last_evaluation import LastEvaluation
from dagster_airbyte_sync.assets.events.ledger import LastReported, Ledger
from dagster_airbyte_sync.cli.health.reported import Known, Reported, reported_last
from dagster_airbyte_sync.cli.health.status.rows import Seen, State, StatusRow, status_rows
from dagster_airbyte_sync.cli.health.status.view import status_table, summary
from dagster_airbyte_sync.resources import (
    Connection,
    Job,
    JobStatus,
    JobType,
    StreamId,
    SyncSchedule,
)

NOW = datetime(2026, 1, 15, 12, tzinfo=timezone.utc)
HOURLY = SyncSchedule("basic", units=1, time_unit="hours")
OLD = NOW - timedelta(days=9)
DONE, FAILED = JobStatus.SUCCEEDED, JobStatus.FAILED


def job(
    number: int,
    ago: timedelta,
    status: JobStatus = DONE,
    kind: JobType = JobType.SYNC,
    rows: int = 5,
) -> Job:
    at = NOW - ago
    return Job(number, "c", kind, status, created_at=at, started_at=at, updated_at=at, rows=rows)


def tables(*names: str) -> list[Table]:
    return [Table("c", StreamId(name), dg.AssetSpec(name)) for name in names]


def row(
    *jobs: Job,
    status: str = "active",
    known: Known | None = None,
    own: Sequence[Table] = (),
    is_unknown: bool = False,
    as_of: datetime | None = NOW,
    schedule: SyncSchedule = HOURLY,
) -> StatusRow:
    connection = Connection("c", "shop", "d", status=status, schedule=schedule, created_at=OLD)
    unknown = frozenset({"c"}) if is_unknown else frozenset()
    (made,) = status_rows(Seen(NOW, {"c": connection}, jobs, unknown, {"c": own}, known, as_of))
    return made


MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
RUNNING = job(9, MINUTE, JobStatus.RUNNING)


@pytest.mark.parametrize(
    ("jobs", "status", "state"),
    [
        ([job(1, MINUTE)], "active", State.GOOD),
        ([job(1, DAY)], "active", State.LATE),
        ([job(1, DAY)], "inactive", State.PAUSED),
        ([job(1, DAY), job(2, MINUTE, FAILED)], "active", State.FAILED),
        # Airbyte itself pauses what fails again and again.
        ([job(1, DAY, FAILED)], "inactive", State.FAILED),
        ([job(1, MINUTE, FAILED), RUNNING], "active", State.FAILED),
        ([job(1, MINUTE), RUNNING], "active", State.RUNNING),
        ([job(1, DAY), RUNNING], "active", State.LATE),
        ([job(1, MINUTE, rows=0)], "active", State.WARNED),
        ([job(1, MINUTE), job(2, MINUTE, kind=JobType.CLEAR)], "active", State.WARNED),
        ([], "inactive", State.PAUSED),
        # It was created nine days ago.
        ([], "active", State.LATE),
    ],
)
def test_the_worst_that_fits_is_shown(jobs: list[Job], status: str, state: State) -> None:
    assert row(*jobs, status=status).state is state


def test_what_is_shown_names_the_rest_besides() -> None:
    made = row(job(1, DAY), job(2, 2 * MINUTE, FAILED), job(3, MINUTE, FAILED), RUNNING)
    assert made.remarks == ("failing for 2 min", "late by 22 h", "job 9 runs for 1 min")


@pytest.mark.parametrize(
    ("timetable", "ago", "state"),
    [
        ("1 basic 1 hours", 30 * MINUTE, State.GOOD),
        ("1 basic 1 hours", 3 * 60 * MINUTE, State.LATE),
        # That is another schedule: one that Dagster has taken over, or that is newer.
        ("1 manual", 30 * MINUTE, State.LATE),
        # Stored by another version of this package.
        ("", 30 * MINUTE, State.GOOD),
    ],
)
def test_one_whose_check_saw_its_schedule_begin_is_late_from_then_on(
    timetable: str, ago: timedelta, state: State
) -> None:
    last = job(1, DAY)
    active = LastEvaluation(True, "active", timetable=timetable, scheduled_since=NOW - ago)
    seen = known(last, active, check="airbyte_connection")
    assert row(last, known=seen, own=tables("orders")).state is state


def test_a_table_of_which_no_sync_has_succeeded_is_not_odd_beside_one_that_has_synced() -> None:
    last = job(1, MINUTE)
    none = known(last, LastEvaluation(passed=False, reason="no_rows_yet"))
    assert row(last, known=none, own=tables("orders")).state is State.GOOD


def test_of_one_that_only_fails_nobody_knows_how_late_it_is() -> None:
    assert row(job(1, DAY, FAILED)).late is None


def test_a_connection_that_nobody_was_asked_about_is_unknown_and_not_late() -> None:
    assert row(is_unknown=True).state is State.UNKNOWN


def known(last: Job, said: LastEvaluation | None = None, check: str = "airbyte_rows") -> Known:
    orders = dg.AssetKey("orders")
    ledger = Ledger({orders: LastReported(last.ref, last.ref)})
    return Known(ledger, {orders: {check: said}} if said else {})


def test_the_checks_know_better_than_a_count_whether_no_row_is_odd() -> None:
    empty = job(1, MINUTE, rows=0)
    usual = known(empty, LastEvaluation(passed=True, reason="often_empty"))
    odd = known(empty, LastEvaluation(passed=False, reason="empty"))
    own = tables("orders")
    assert row(empty, known=usual, own=own).state is State.GOOD
    assert row(empty, known=odd, own=own).reason == "no rows, which is not usual"
    # They have not judged what was not reported.
    before = known(job(0, DAY), LastEvaluation(passed=True, reason="usual"))
    assert row(empty, known=before, own=own).state is State.WARNED


def test_without_airbyte_the_last_report_stands_for_the_last_sync() -> None:
    own, done, failed = tables("orders"), job(1, MINUTE), job(2, MINUTE, FAILED)
    good = row(known=Known(jobs={"c": done}), own=own, is_unknown=True)
    assert (good.state, good.is_as_reported) == (State.GOOD, True)
    assert "as reported to Dagster" in good.remarks[0]
    bad = row(known=Known(jobs={"c": failed}), own=own, is_unknown=True)
    assert (bad.state, bad.reported) == (State.FAILED, Reported.YES)
    partial = Known(known(failed).ledger, jobs={"c": failed})
    assert row(known=partial, own=own, is_unknown=True).state is State.PARTIAL
    # What Airbyte says is newer.
    assert row(done, known=Known(jobs={"c": failed}), own=own).state is State.GOOD


@pytest.mark.parametrize("as_of", [None, NOW - 5 * MINUTE])
@pytest.mark.parametrize(
    ("ago", "schedule", "state"),
    [
        (10 * MINUTE, HOURLY, State.GOOD),
        # Late by now, and in time when Airbyte last answered.
        (122 * MINUTE, HOURLY, State.UNKNOWN),
        # By hand, or not known.
        (10 * MINUTE, SyncSchedule(), State.UNKNOWN),
    ],
)
def test_without_an_answer_only_what_cannot_be_due_yet_is_good_and_nothing_is_green(
    ago: timedelta, schedule: SyncSchedule, state: State, as_of: datetime | None
) -> None:
    made = row(job(1, ago), as_of=as_of, schedule=schedule)
    assert made.state is state
    assert shown(made) == [(state.value, "dim")]
    assert row(job(1, ago), schedule=schedule).is_current


def test_with_an_answer_good_is_green() -> None:
    assert shown(row(job(1, MINUTE))) == [("good", "green")]


def shown(made: StatusRow) -> list[tuple[str, str]]:
    """The state and its style, as the table has them."""
    (column, *_) = status_table([made], NOW, 80).columns
    return [(cell.plain, str(cell.style)) for cell in column.cells if isinstance(cell, Text)]


def test_a_summary_counts_in_whole_words() -> None:
    empty = row(job(1, MINUTE, rows=0))
    assert summary([empty, empty]) == "2 connections: 2 warnings."
    assert summary([empty]) == "1 connection: 1 warning."


def test_a_sync_that_is_reported_for_some_of_its_tables_is_reported_in_part() -> None:
    own, last = tables("orders", "users"), job(1, MINUTE)
    assert reported_last(last, own, known(last)) is Reported.PARTLY
    assert reported_last(last, own[:1], known(last)) is Reported.YES
    assert reported_last(last, own[1:], known(last)) is Reported.NO
    assert reported_last(last, own, None) is Reported.UNKNOWN
    assert reported_last(last, [], known(last)) is Reported.NOT_DUE


def test_a_failure_is_due_only_where_a_check_shows_it() -> None:
    own, failed = tables("orders"), job(2, MINUTE, FAILED)
    before = known(job(1, DAY))
    assert reported_last(failed, own, before) is Reported.NO
    unchecked = Known(before.ledger, checked=frozenset())
    assert reported_last(failed, own, unchecked) is Reported.NOT_DUE
