"""What the checks say of a finished job, whoever evaluates them."""

from collections.abc import Mapping
from dataclasses import dataclass

import dagster as dg

from dagster_airbyte_sync.assets.checks.check_settings import AirbyteChecks
from dagster_airbyte_sync.assets.checks.row_history import RowHistory
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.resources import Job, JobStatus, JobType, StreamStats

# So much of a failure's text is stored, in characters; Airbyte shows the rest. The same text goes
# to each table of a connection.
_LONGEST_TEXT = 2_000


@dataclass(frozen=True)
class Verdict:
    """What a check says. `reason` is a word, the same as long as nothing new is to be said."""

    reason: str
    text: str
    passed: bool = True
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR


def evaluation(
    table: dg.AssetKey, check: str, verdict: Verdict, metadata: Mapping[str, keys.Entry]
) -> dg.AssetCheckEvaluation:
    """The event of one check of one table.

    Never with a partition: Dagster stores only one evaluation for each partition outside of runs.
    """
    return dg.AssetCheckEvaluation(
        asset_key=table,
        check_name=check,
        passed=verdict.passed,
        severity=verdict.severity,
        description=verdict.text,
        metadata=metadata,
    )


def _warning(reason: str, text: str) -> Verdict:
    return Verdict(reason, text, passed=False, severity=dg.AssetCheckSeverity.WARN)


NEVER_SYNCED = _warning("never_synced", "Airbyte has not synced this connection yet")
NO_JOB = _warning("no_job", "None of the connection's last jobs says anything about this table")
NO_SYNC_YET = _warning("no_sync_yet", "This check has not seen a sync of the table end yet")
NO_ROWS_YET = _warning(
    "no_rows_yet", "This check has not seen a sync succeed yet, so there are no rows to count"
)


def sync_verdict(job: Job) -> Verdict:
    """Whether the job succeeded, and if not, why."""
    if not job.succeeded:
        why = shortened(job.failure.message) if job.failure else "Airbyte gave no reason"
        ended = "was cancelled" if job.status is JobStatus.CANCELLED else job.status.value
        return Verdict(job.status.value, f"The {job.type.value} {ended}: {why}", passed=False)
    if job.type is JobType.CLEAR:
        return _warning("cleared", "The table was cleared: it is empty until the next sync")
    return Verdict(job.status.value, f"The {job.type.value} succeeded")


def partial_verdict(reason: str) -> Verdict:
    """Of a table that is complete although its job did not succeed."""
    return _warning("partial", reason)


def rows_verdict(
    job: Job,
    stats: StreamStats,
    before: RowHistory,
    checks: AirbyteChecks,
    *,
    is_full_refresh: bool,
) -> Verdict:
    """Whether a sync moved as many rows as was to be expected after those `before` it."""
    rows, rejected = stats.records_committed, stats.records_rejected or 0
    if rejected > checks.rejected_rows:
        return _warning("rejected", f"The destination rejected {_rows(rejected)}")
    if rows is None:
        return Verdict("not_counted", "Airbyte does not say how many rows this stream moved")
    if not rows:
        return _of_empty(before, is_full_refresh=is_full_refresh)
    if job.type is not JobType.SYNC:
        # It reads what was read before once more.
        return Verdict("not_compared", f"Rows were moved; those of a {job.type.value} vary")
    if not before.is_known:
        return Verdict("first", "Rows were moved; there are too few earlier syncs to compare with")
    fewest, most = before.usual
    if rows * checks.rows_factor < fewest:
        return _warning("few", f"Only {_rows(rows)}; {_usually(fewest, most)}")
    if rows > most * checks.rows_factor:
        return _warning("many", f"{_rows(rows)}; {_usually(fewest, most)}")
    return Verdict("usual", "About as many rows as in earlier syncs")


def _of_empty(before: RowHistory, *, is_full_refresh: bool) -> Verdict:
    if before.is_often_empty:
        return Verdict("often_empty", "No rows, as is usual for this stream")
    if is_full_refresh:
        return _warning(
            "empty",
            "Airbyte reports success but no rows, although this stream is read in full each time",
        )
    if before.is_known:
        return _warning("empty", f"Airbyte reports success but no rows; {_usually(*before.usual)}")
    return Verdict("no_rows", "No rows, and too few earlier syncs to compare with")


def _usually(fewest: int, most: int) -> str:
    usual = f"{fewest:,}" if fewest == most else f"{fewest:,} to {most:,}"
    return f"recent syncs moved {usual}"


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"


def shortened(message: str) -> str:
    """The beginning of a long text; where the rest is, `job_url` beside it says."""
    if len(message) <= _LONGEST_TEXT:
        return message
    return f"{message[:_LONGEST_TEXT]} ... (shortened: see job_url for the rest)"
