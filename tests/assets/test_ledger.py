"""The ledger's rule: what is reported, and when the history must be read to know."""

from datetime import datetime, timedelta, timezone

import dagster as dg
import pytest

from dagster_airbyte_sync import Job, JobStatus, JobType
from dagster_airbyte_sync.assets.checks.row_history import RowHistory
from dagster_airbyte_sync.assets.events.ledger import History, LastReported, Ledger, RunSpan

ROWS = RowHistory()
KEY = dg.AssetKey("orders")
NOON = datetime(2026, 8, 1, 12, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)


def job(number: int, minute: int | None = None) -> Job:
    """A sync of half a minute that ended so many minutes after noon: by default, its number."""
    ended = NOON + (number if minute is None else minute) * MINUTE
    return Job(
        id=number,
        connection_id="shop",
        type=JobType.SYNC,
        status=JobStatus.SUCCEEDED,
        created_at=ended - MINUTE / 2,
        updated_at=ended,
    )


def reported(last: Job, newest: Job | None = None, *, run_id: str = "") -> LastReported:
    return LastReported(last.ref, (newest or last).ref, str(last.id), run_id)


def ledger(last: LastReported | None, *history: Job, is_read: bool = False) -> Ledger:
    known = {KEY: History(tuple(each.ref for each in history))} if history or is_read else {}
    return Ledger({} if last is None else {KEY: last}, known)


FOREIGN = LastReported(run_id="a run", stored_at=(NOON + 8 * MINUTE).timestamp())


@pytest.mark.parametrize(
    ("known", "asked", "is_reported"),
    [
        (ledger(reported(job(5))), job(5), True),  # the last one reported
        (ledger(None), job(5), False),  # nothing ever was
        (ledger(reported(job(5))), job(6), False),  # a newer one
        (ledger(reported(job(5))), job(4), None),  # an older one only the history knows
        (ledger(reported(job(4), newest=job(7))), job(6), None),
        (ledger(FOREIGN), job(5), None),  # reported without a job's number, after the job's end
        (ledger(FOREIGN), job(10), False),  # and before it
        (ledger(None, is_read=True), job(5), False),
        (ledger(None, job(5)), job(5), True),  # stored, but not yet noted as the last one
        (ledger(reported(job(5)), job(3), job(5)), job(4), False),
        (ledger(reported(job(5)), job(3), job(5)), job(3), True),
        (ledger(reported(job(5)), job(3), job(5), job(6)), job(6), True),  # stored before an older
        (ledger(FOREIGN, job(3)), job(10), False),
    ],
)
def test_is_reported(known: Ledger, asked: Job, is_reported: bool | None) -> None:
    assert known.is_reported(KEY, asked) is is_reported


def test_after_a_restore_a_number_that_comes_again_is_another_job() -> None:
    known = ledger(reported(job(57, minute=0)))
    read = ledger(reported(job(57, minute=0)), job(57, minute=0))

    assert known.is_reported(KEY, job(57, minute=60)) is None, (
        "it is looked up, as numbers disagree"
    )
    assert read.is_reported(KEY, job(57, minute=60)) is False
    assert not known.is_late(KEY, job(57, minute=60).ref)
    assert not known.is_late(KEY, job(12, minute=60).ref), "numbers begin again, time does not"


def test_after_airbytes_clock_was_set_back_what_comes_is_not_late() -> None:
    known = ledger(reported(job(57, minute=60)))
    read = ledger(reported(job(57, minute=60)), job(57, minute=60))

    assert known.is_reported(KEY, job(58, minute=1)) is None, "it is looked up, as times disagree"
    assert read.is_reported(KEY, job(58, minute=1)) is False
    assert not known.is_late(KEY, job(58, minute=1).ref)


@pytest.mark.parametrize(
    ("begun", "stored", "is_reported"),
    [
        (-10, 8, True),  # it spans the job
        (-10, 4, False),  # it ended before the job
        (6, 8, False),  # it began after it
        (4.7, 8, False),  # it began while the job ran, and may have followed it
        (None, 8, False),  # nobody knows when it began
    ],
)
def test_a_run_that_names_no_job_has_reported_the_one_it_spans(
    begun: float | None, stored: float, is_reported: bool
) -> None:
    begun_at = None if begun is None else (NOON + begun * MINUTE).timestamp()
    span = RunSpan("a run", begun_at, (NOON + stored * MINUTE).timestamp())
    known = Ledger({KEY: FOREIGN}, {KEY: History(spans=(span,))})

    assert known.is_reported(KEY, job(5)) is is_reported


def test_of_the_jobs_that_a_run_spans_it_has_reported_the_newest() -> None:
    """Airbyte's own schedule may have run another meanwhile."""
    span = RunSpan("a run", (NOON - MINUTE).timestamp(), (NOON + 8 * MINUTE).timestamp())
    known = Ledger(history={KEY: History(spans=(span,))}, among={"shop": [job(3), job(5), job(9)]})

    assert known.is_reported(KEY, job(5)) is True
    assert known.is_reported(KEY, job(3)) is False


def test_a_run_that_names_no_job_is_compared_by_one_clock() -> None:
    hour = timedelta(hours=1)
    span = RunSpan("a run", (NOON - hour).timestamp(), (NOON - hour + 8 * MINUTE).timestamp())
    known = Ledger({KEY: FOREIGN}, {KEY: History(spans=(span,))}, skew=hour)

    assert known.is_reported(KEY, job(5)) is True
    assert known.is_reported(KEY, job(50)) is False


def test_what_is_reported_in_this_tick_counts_at_once() -> None:
    before = ledger(reported(job(5)), job(5))
    after = before.after(KEY, job(4).ref, "4", ROWS).after(KEY, job(7).ref, "7", ROWS)

    assert [after.is_reported(KEY, job(number)) for number in (4, 5, 6, 7, 8)] == [
        True,
        True,
        False,
        True,
        False,
    ]
    assert after.data_version(KEY) == "7"
    assert after.newest(KEY) == job(7).ref


def test_a_job_reported_late_leaves_the_newest_one_the_newest() -> None:
    after = ledger(reported(job(5))).after(KEY, job(4).ref, "5", ROWS)

    assert after.newest(KEY) == job(5).ref
