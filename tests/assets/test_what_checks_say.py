"""What the checks say of a job, and when it is news."""

from dataclasses import replace

import dagster as dg
import pytest

from dagster_airbyte_sync import JobStatus, JobType, StreamStats
from dagster_airbyte_sync.assets.checks.check_settings import AirbyteChecks, checks_by_table
from dagster_airbyte_sync.assets.checks.last_evaluation import LastEvaluation, is_news
from dagster_airbyte_sync.assets.checks.row_history import RowHistory
from dagster_airbyte_sync.assets.checks.verdict import Verdict, rows_verdict, sync_verdict
from dagster_airbyte_sync.resources import AirbyteSettingsError
from dagster_airbyte_sync.resources.records.jobs import JobFailure
from helpers.finished_jobs import job

STEADY = RowHistory((1000, 1100, 900, 1050, 1000, 900, 1100))
OFTEN_EMPTY = RowHistory((50, 0, 0, 60, 0, 70))
ALWAYS_EMPTY = RowHistory((), 8)
HISTORIES = [STEADY, OFTEN_EMPTY, ALWAYS_EMPTY, RowHistory(), RowHistory((3,), 2)]
DAY = 24 * 3600.0


def sync_event(text: str) -> dg.AssetCheckEvaluation:
    key = dg.AssetKey("orders")
    return dg.AssetCheckEvaluation(
        asset_key=key, check_name="airbyte_rows", passed=False, metadata={}, description=text
    )


def of_rows(
    rows: int | None,
    before: RowHistory = STEADY,
    *,
    rejected: int = 0,
    job_type: JobType = JobType.SYNC,
    is_full_refresh: bool = False,
    **settings: float,
) -> Verdict:
    stats = StreamStats(records_committed=rows, records_rejected=rejected)
    return rows_verdict(
        replace(job(1, 1), type=job_type),
        stats,
        before,
        AirbyteChecks(**settings),  # type: ignore[arg-type]
        is_full_refresh=is_full_refresh,
    )


@pytest.mark.parametrize(
    ("rows", "before", "reason", "passed"),
    [
        (1000, STEADY, "usual", True),
        (301, STEADY, "usual", True),
        (299, STEADY, "few", False),
        (3300, STEADY, "usual", True),
        (3301, STEADY, "many", False),
        (0, STEADY, "empty", False),
        (0, OFTEN_EMPTY, "often_empty", True),
        (0, RowHistory((5, 6)), "no_rows", True),
        (7, RowHistory((5, 6)), "first", True),
        (None, STEADY, "not_counted", True),
    ],
)
def test_a_sync_is_compared_with_the_last_ones_of_its_stream(
    rows: int | None, before: RowHistory, reason: str, *, passed: bool
) -> None:
    said = of_rows(rows, before)

    assert (said.reason, said.passed) == (reason, passed)
    assert passed or said.severity is dg.AssetCheckSeverity.WARN


def test_the_words_have_what_was_moved_and_what_is_usual() -> None:
    assert of_rows(299).text == "Only 299 rows; recent syncs moved 900 to 1,100"
    assert of_rows(1, RowHistory((9,) * 5)).text == "Only 1 row; recent syncs moved 9"
    assert of_rows(5, rejected=1200).text == "The destination rejected 1,200 rows"


def test_what_was_far_from_usual_does_not_become_so_at_once() -> None:
    history, said = RowHistory((100,) * 20), []
    for _ in range(6):
        said.append(of_rows(20, history).reason)
        history = history.after(20)

    # A fifth of the last twenty is a new level.
    assert said == ["few"] * 5 + ["usual"]


def test_how_far_is_far_and_how_many_rejected_rows_are_none_is_a_setting() -> None:
    assert of_rows(100, rows_factor=10).passed
    assert not of_rows(1000, rejected=1).passed
    assert of_rows(1000, rejected=500, rejected_rows=500).passed


def test_a_stream_that_is_read_in_full_warns_without_rows_unless_it_never_has_any() -> None:
    assert not of_rows(0, RowHistory(), is_full_refresh=True).passed
    assert not of_rows(0, RowHistory((), 4), is_full_refresh=True).passed
    assert of_rows(0, ALWAYS_EMPTY, is_full_refresh=True).passed


def test_a_refresh_is_not_compared_with_syncs_but_warns_without_rows() -> None:
    assert of_rows(10_000_000, job_type=JobType.REFRESH).passed
    assert not of_rows(0, job_type=JobType.REFRESH).passed


def test_a_stream_that_broke_stays_broken_however_many_syncs_move_no_rows() -> None:
    history = STEADY
    for _ in range(100):
        assert of_rows(0, history).reason == "empty"
        history = history.after(0)

    assert of_rows(1000, history).reason == "usual"
    # And is often empty once it moved rows again: so it went for a hundred syncs.
    assert history.after(1000).is_often_empty


@pytest.mark.parametrize(
    "history", [STEADY, OFTEN_EMPTY, ALWAYS_EMPTY, RowHistory(), RowHistory((3,), 2)]
)
@pytest.mark.parametrize("rows", [None, 0, 7])
def test_a_history_is_stored_as_text_and_knows_how_it_was_before(
    history: RowHistory, rows: int | None
) -> None:
    after = history.after(rows)

    assert RowHistory.from_text(after.to_text()) == after
    assert after.without(rows) == history


def test_a_history_is_bounded() -> None:
    history = RowHistory()
    for rows in range(1000):
        history = history.after(rows * 1_000_000_000)

    assert len(history.counts) == 20
    assert len(history.to_text()) < 300


@pytest.mark.parametrize("text", [None, "", "many", "1 2 x", "0xx 1", "-1", "1.5", "٣"])
def test_what_is_no_history_of_ours_is_none(text: str | None) -> None:
    assert RowHistory.from_text(text) == RowHistory()


def test_a_job_that_did_not_succeed_fails_its_check_with_airbytes_reason() -> None:
    failed = replace(job(1, 1), status=JobStatus.FAILED, failure=JobFailure("disk full"))
    cancelled = replace(job(1, 1), status=JobStatus.CANCELLED, type=JobType.REFRESH)

    assert sync_verdict(failed) == Verdict("failed", "The sync failed: disk full", passed=False)
    assert sync_verdict(cancelled).text == "The refresh was cancelled: Airbyte gave no reason"
    assert sync_verdict(job(1, 1)) == Verdict("succeeded", "The sync succeeded")


def test_what_a_check_says_is_stored_again_only_if_it_is_new_or_a_day_old() -> None:
    good, failed = sync_verdict(job(1, 1)), Verdict("failed", "…", passed=False)
    last = LastEvaluation(True, "succeeded", stored_at=1000.0)

    assert is_news(good, job(2, 2), None, 1000)
    assert is_news(failed, job(2, 2), last, 1001)
    assert not is_news(good, job(2, 2), last, 1000 + DAY - 1)
    assert is_news(good, job(2, 2), last, 1000 + DAY)
    few = Verdict("few", "Only 20 rows", passed=False)
    same, other = (sync_event(text) for text in ("Only 20 rows", "Only 1 row"))
    warned = LastEvaluation(False, "few", stored_at=1000.0)
    assert not is_news(few, job(2, 2), replace(warned, event=same), 1001)
    assert is_news(few, job(2, 2), replace(warned, event=other), 1001)
    # One of a run says nothing of a materialization outside of runs.
    assert is_news(good, job(2, 2), replace(last, run_id="run"), 1001)


@pytest.mark.parametrize(
    ("settings", "word"),
    [({"rows_factor": 1}, "rows_factor"), ({"rejected_rows": -1}, "rejected_rows")],
)
def test_settings_that_cannot_work_are_refused_with_their_name(
    settings: dict[str, int], word: str
) -> None:
    with pytest.raises(AirbyteSettingsError, match=word):
        AirbyteChecks(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "settings",
    [AirbyteChecks(), AirbyteChecks(rows=False), AirbyteChecks(rows_factor=7.5, rejected_rows=3)],
)
def test_a_checks_spec_carries_its_settings(settings: AirbyteChecks) -> None:
    table = dg.AssetKey("orders")
    foreign = dg.AssetCheckSpec("no_nulls", asset=table)

    found = checks_by_table([*settings.specs_of(table), foreign])[table]

    assert found.names == frozenset(settings.names)
    assert found.settings == settings
