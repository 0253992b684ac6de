"""What the checks of a table say of a finished job, as events. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import dagster as dg

from dagster_airbyte_sync.assets.checks.check_settings import ROWS_CHECK, SYNC_CHECK, TableChecks
from dagster_airbyte_sync.assets.checks.last_evaluation import LastEvaluation, is_news
from dagster_airbyte_sync.assets.checks.row_history import RowHistory
from dagster_airbyte_sync.assets.checks.verdict import (
    NO_ROWS_YET,
    Verdict,
    evaluation,
    partial_verdict,
    rows_verdict,
    sync_verdict,
)
from dagster_airbyte_sync.assets.events.finished_sync import (
    FinishedSync,
    details_metadata,
    failure_metadata,
    job_metadata,
    stats_of,
)
from dagster_airbyte_sync.assets.events.ledger import Ledger
from dagster_airbyte_sync.assets.events.owed import Share
from dagster_airbyte_sync.assets.events.partial_success import partial_reason
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import (
    Job,
    JobType,
)


def rows_before(job: Job, table: Table, ledger: Ledger) -> RowHistory:
    """The counts of the table's syncs before this one, which may be reported already."""
    known = ledger.rows(table.key)
    if ledger.is_last(table.key, job) and job.type is JobType.SYNC:
        return known.without(stats_of(job, table).records_committed)
    return known


def verdicts(job: Job, table: Table, before: RowHistory, checks: TableChecks) -> dict[str, Verdict]:
    """What each of those checks of a table says of a finished job, by name.

    `before` are the counts of the syncs before it.
    """
    if not checks.names:
        return {}
    is_partial = table.stream in job.complete_streams
    said = {SYNC_CHECK: partial_verdict(partial_reason(job)) if is_partial else sync_verdict(job)}
    said[ROWS_CHECK] = (
        rows_verdict(
            job,
            stats_of(job, table),
            before,
            checks.settings,
            is_full_refresh=table.is_full_refresh,
        )
        if job.made_fresh(table.stream)
        else NO_ROWS_YET
    )
    return {name: verdict for name, verdict in said.items() if name in checks.names}


def evaluation_metadata(
    sync: FinishedSync, verdict: Verdict, last: LastEvaluation | None
) -> dict[str, keys.Entry]:
    """Which job the verdict is of, and of one that failed, why, and since when they fail."""
    job = sync.job
    known = job_metadata(sync)
    # Dagster plots each number of an evaluation, and not every sync has one.
    known.pop(keys.SYNC_DURATION, None)
    if not job.succeeded and verdict is not NO_ROWS_YET:
        about = details_metadata(sync.details)
        known = {**failure_metadata(job), **_failing(job, last), **known, **about}
    return {**known, keys.VERDICT: verdict.reason}


def _failing(job: Job, last: LastEvaluation | None) -> dict[str, keys.Entry]:
    since, failures = job.ended_at, 1
    if last is not None and last.failing_since is not None:
        since = last.failing_since
        failures = last.failures if last.counts(job) else last.failures + 1
    known = {keys.FAILING_SINCE: keys.timestamp(since), keys.FAILURES_IN_A_ROW: str(failures)}
    return {key: value for key, value in known.items() if value is not None}


def evaluations_of(
    sync: FinishedSync, share: Share, ledger: Ledger, now: float
) -> Iterator[dg.AssetCheckEvaluation]:
    job, table = sync.job, share.table
    said = ledger.evaluations.get(table.key, {})
    if ledger.is_late(table.key, job.ref):
        yield from _repeated(said, share)
        return
    before = rows_before(job, table, ledger)
    for check, verdict in verdicts(job, table, before, share.checks).items():
        last = said.get(check)
        if last is not None and last.is_of_later(job):
            # That one failed: it left no table fresh behind which this one would be late.
            yield from _repeated(said, replace(share, checks=share.checks.among([check])))
        # Beside no mark, it was left out where it ought to be.
        elif not share.marks or is_news(verdict, job, last, now):
            yield evaluation(table.key, check, verdict, evaluation_metadata(sync, verdict, last))


def _repeated(
    said: Mapping[str, LastEvaluation], share: Share
) -> Iterator[dg.AssetCheckEvaluation]:
    """What the checks said in a run of a later job: beside an event outside of runs, Dagster would
    not show it any more."""
    for check in sorted(share.checks.names):
        last = said.get(check)
        if last is not None and last.run_id and last.event is not None:
            yield said_again(last.event)


def said_again(
    said: dg.AssetCheckEvaluation, table: dg.AssetKey | None = None
) -> dg.AssetCheckEvaluation:
    """The same evaluation, of which Dagster has not noted which materialization it was for; also of
    another table of its connection."""
    return dg.AssetCheckEvaluation(
        asset_key=table or said.asset_key,
        check_name=said.check_name,
        passed=said.passed,
        severity=said.severity,
        description=said.description,
        metadata=said.metadata,
    )
