"""What a step of a run reports of a finished sync, and what it leaves to others. Stores nothing."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import dagster as dg
from cachetools import TTLCache, cached

from dagster_airbyte_sync.assets.event_log.claims import GRACE
from dagster_airbyte_sync.assets.events.event_log_facts import JobFacts
from dagster_airbyte_sync.assets.events.finished_sync import (
    FinishedSync,
    in_reporting_order,
    tables_of_job,
)
from dagster_airbyte_sync.assets.events.job_details import JobDetails
from dagster_airbyte_sync.assets.events.said_before import OwnJob, said_before
from dagster_airbyte_sync.assets.events.sync_events import as_result, materialization, observation
from dagster_airbyte_sync.assets.sync.follow import PollOptions
from dagster_airbyte_sync.assets.sync.outputs import passed_on
from dagster_airbyte_sync.assets.tables.matching import with_streams_of_tables
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import AirbyteClient, Job, TimeBudget

# An output stands for a table that is reported already: the steps after it go on. An observation is
# of a clear. Checks are evaluated where the definition carries any.
SyncEvent = (
    dg.MaterializeResult[object]
    | dg.AssetMaterialization
    | dg.AssetObservation
    | dg.Output[None]
    | dg.AssetCheckResult
)
"""What `sync_and_poll` yields: the results of tables, and what is noted of them besides."""

# How often, in seconds, a step looks whether its run still goes on.
_LOOK_EVERY = 1.0
# How long, in seconds, a step that fails goes on saying what was known: some hundred checks. The
# sensor says the rest.
_LAST_WORDS = 3.0


class RunIsOver(dg.Failure):
    """Raised in a step whose run Dagster holds for over: the sensor then reports its sync."""


@dataclass
class OwnRun:
    """The run of this step. It can be over while the step goes on: its main process was killed, or
    somebody marked it as failed or cancelled."""

    context: dg.AssetExecutionContext | dg.OpExecutionContext
    clock: Callable[[], float]
    looked_at: float | None = None

    def refuse_if_over(self) -> None:
        """Raise RunIsOver if it is over, as it stood a second ago at most."""
        now = self.clock()
        if self.looked_at is not None and now - self.looked_at < _LOOK_EVERY:
            return
        run = self.context.instance.get_run_by_id(self.context.run.run_id)
        if run is not None and run.is_finished:
            raise RunIsOver(
                description="This run is over in Dagster, but its step is still running. The step"
                " no longer starts or reports anything; the sensor reports the sync.",
                metadata={"run_status": run.status.value},
                allow_retries=False,
            )
        self.looked_at = now


@contextmanager
def said_again_on_failure(
    context: dg.AssetExecutionContext, tables: Sequence[Table]
) -> Iterator[None]:
    """If the step fails or is terminated within, its planned checks say again what is known."""
    try:
        yield
    except RunIsOver:
        raise
    except BaseException as error:
        # A termination is no Exception.
        say_again(context, tables, error)
        raise


def say_again(
    context: dg.AssetExecutionContext,
    tables: Sequence[Table],
    error: BaseException,
    failed: OwnJob | None = None,
) -> None:
    """Log what the planned checks of the tables said before, unless the step is tried again after
    that error. What the step fails for is the news: nothing is raised here."""
    if not _is_tried_again(context, error):
        say_of_planned(context, tables, failed)


def say_of_planned(
    context: dg.AssetExecutionContext, tables: Sequence[Table], own: OwnJob | None
) -> None:
    """Log what the checks say that the run has planned, and that no step evaluates any more."""
    budget = TimeBudget(_LAST_WORDS)
    try:
        for event in said_before(context.instance, context.run.run_id, tables, own):
            context.log_event(event)
            if budget.is_spent:
                context.log.warning(
                    "There was no time to repeat the last results of all checks: that is left to"
                    " the sensor"
                )
                return
    except Exception as error:
        # Each storage raises its own.
        context.log.warning("The results of the checks before this run cannot be read: %s", error)


def _is_tried_again(context: dg.AssetExecutionContext, error: BaseException) -> bool:
    """Whether this is not the last attempt: the next one evaluates its checks by itself."""
    is_final = isinstance(error, dg.Failure) and not error.allow_retries
    if is_final or not isinstance(error, Exception):
        return False
    step = context.op_execution_context
    policy = step.op_def.retry_policy or step.job_def.op_retry_policy
    return policy is not None and step.retry_number < policy.max_retries


def report(
    context: dg.AssetExecutionContext,
    client: AirbyteClient,
    job: Job,
    url: str,
    tables: Sequence[Table],
    options: PollOptions,
    run: OwnRun,
    details: JobDetails,
) -> Iterator[SyncEvent]:
    """An event for each table of the job that is owed one, in reporting order.

    Of a job that failed, its complete tables.
    """
    job = with_streams_of_tables([table.stream for table in tables], job)
    synced = in_reporting_order(tables_of_job(job, tables))
    if not job.succeeded:
        synced = [table for table in synced if job.made_fresh(table.stream)]
    claimed = next(table.key for table in tables if table.is_defined)
    facts = JobFacts.read(context.instance, context.run.run_id, job, synced, claimed)
    is_left = _is_left_to_another(context, facts, options)
    # A step may hang for so long that the sensor reports the rest in its place.
    owed_now = cached(TTLCache(1, GRACE, options.clock))(lambda: facts.owed(_skew(client)))
    sync = FinishedSync(job, url, facts.started_by, details)
    for table in synced:
        ledger, owed = owed_now()
        is_selected = table.key in context.selected_asset_keys
        if is_left or table.key not in owed:
            # By another run that follows the job, or by the sensor, which gave us up for dead.
            context.log.info("Airbyte job %s was already reported for %s", job.id, _name(table))
            if is_selected and job.made_fresh(table.stream):
                yield passed_on(context.assets_def, table.key)
            continue
        if not job.made_fresh(table.stream):
            # Of a clear: the steps after it must not take the table for fresh.
            run.refuse_if_over()
            yield observation(sync, table)
            continue
        event = materialization(sync, table, ledger)
        # At last: from here to the database it takes no longer than the sensor's grace.
        run.refuse_if_over()
        yield as_result(event) if is_selected else event
    if not job.succeeded:
        return
    missed = context.selected_asset_keys - {table.key for table in synced}
    for name in sorted(key.to_user_string() for key in missed):
        context.log.warning("Airbyte job %s had no stream for asset %s", job.id, name)


def _is_left_to_another(
    context: dg.AssetExecutionContext, facts: JobFacts, options: PollOptions
) -> bool:
    """Whether another run reports the job.

    The step of one that is over may be storing its last event: it is given time to look.
    """
    other = facts.other_reporter()
    if other is not None and other.is_over:
        context.log.info(
            "Run %s is over, but its step may still be storing events: waiting for it", other.run_id
        )
        options.sleep(GRACE)
        other = facts.other_reporter()
    if other is None or other.is_over:
        return False
    context.log.info(
        "Run %s follows Airbyte job %s as well, and reports it", other.run_id, facts.job.id
    )
    return True


def _skew(client: AirbyteClient) -> timedelta:
    return client.server_time() - datetime.now(timezone.utc)


def _name(table: Table) -> str:
    return table.key.to_user_string()
