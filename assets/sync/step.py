"""What a step of a Dagster run does with a connection's tables: sync, follow, report."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from datetime import datetime, timezone
from pathlib import Path

import dagster as dg

from dagster_airbyte_sync.assets.asked.run_config import (
    AirbyteRunConfig,
    config_of,
    of_known_streams,
    refuse_unconfirmed,
    request_of,
)
from dagster_airbyte_sync.assets.asked.sent_before import answered, sent_before, stored_before
from dagster_airbyte_sync.assets.asked.time_ranges import refuse_other_partitions
from dagster_airbyte_sync.assets.asked.until_steady import UntilSteady
from dagster_airbyte_sync.assets.event_log.claims import (
    ClaimedBefore,
    claimed_before,
    claims_of,
    other_reporter,
    starter_of,
)
from dagster_airbyte_sync.assets.event_log.last_version import last_version
from dagster_airbyte_sync.assets.event_log.sync_claim import ClaimStatus, StoredClaim, SyncClaim
from dagster_airbyte_sync.assets.events.event_log_facts import JobFacts
from dagster_airbyte_sync.assets.events.finished_sync import (
    FinishedSync,
    in_reporting_order,
    tables_of_job,
)
from dagster_airbyte_sync.assets.events.job_details import PATIENCE, DetailsWanted
from dagster_airbyte_sync.assets.events.partial_success import Outcomes, with_complete_streams
from dagster_airbyte_sync.assets.events.said_before import OwnJob
from dagster_airbyte_sync.assets.lineage.asset_specs import load_airbyte_asset_specs
from dagster_airbyte_sync.assets.sync.busy_connection import start_or_attach, until_steady
from dagster_airbyte_sync.assets.sync.evaluate import LEFT_TO_SENSOR, evaluated
from dagster_airbyte_sync.assets.sync.follow import (
    PollOptions,
    cancelled_if_interrupted,
    follow,
    refuse_failed,
)
from dagster_airbyte_sync.assets.sync.reporting import (
    OwnRun,
    RunIsOver,
    SyncEvent,
    report,
    said_again_on_failure,
    say_again,
    say_of_planned,
)
from dagster_airbyte_sync.assets.sync.step_tables import (
    checks_here,
    tables_of_step,
    tables_synced,
)
from dagster_airbyte_sync.assets.tables.matching import with_streams_of_tables
from dagster_airbyte_sync.assets.tables.table import (
    ConnectionSelector,
    Table,
    connection_name,
    workspaces_of,
)
from dagster_airbyte_sync.assets.tables.translator import DagsterAirbyteTranslator
from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteError,
    BaseAirbyteWorkspace,
    Job,
    JobRequest,
    JobType,
    TimeBudget,
)


def sync_and_poll(
    workspace: BaseAirbyteWorkspace,
    context: dg.AssetExecutionContext,
    options: PollOptions | None = None,
    config: AirbyteRunConfig | None = None,
) -> Iterator[SyncEvent]:
    """Sync the connection of the running asset definition and report each of its tables; or refresh
    or clear what is selected of it, if the `config` (by default that of the step) says so.

    Airbyte always syncs a whole connection, so tables outside of a subset selection are reported
    too. Of several runs that follow one sync, the first reports it. Without `options` the sync is
    polled as the workspace says. Raises dg.Failure if the sync cannot start, fails, is cancelled,
    or takes longer than `poll_timeout`; with `partial_success`, complete tables of a job that
    failed are reported before that. It is raised, too, before anything is sent, for what the config
    does not confirm, and for partitions that a sync cannot be of.

    After a clear there is no materialization: what happened is an observation of each table.

    If the definition carries checks, those that are selected are evaluated after a sync that
    succeeded; where nothing else is selected, without a sync.
    """
    tables = in_reporting_order(tables_of_step(context))
    if not context.selected_asset_keys:
        yield from evaluated(context, workspace, tables, context.assets_def.check_specs)
        return
    options = options or PollOptions.of(workspace)
    with said_again_on_failure(context, tables):
        request = _confirmed(context, config or config_of(context), tables)
        client = workspace.get_client()
        client.expect_version(last_version(context.instance, tables[0].key))
        ready = until_steady(client, options, context.log)
        ready.wait()
        OwnRun(context, options.clock).refuse_if_over()
        refuse_other_partitions(context, client, tables)
        link = client.pages(known=workspaces_of(tables)).job
        job, started = _followed(context, ready, tables, request, options, link)
    wanted, budget = DetailsWanted.of(workspace), TimeBudget(PATIENCE)
    starter = context.run.run_id if started else _starter(context, tables, job)
    details = wanted.read(client, job, starter, budget)
    # Another look: the sync may have taken no second.
    run = OwnRun(context, options.clock)
    if job.succeeded:
        synced = tables_synced(context, client, job, tables)
        yield from report(context, client, job, link(job), synced, options, run, details)
        yield from _evaluated_too(context, workspace, tables, run)
        if not job.type.writes_tables:
            # The steps of other checks wait for outputs, and are skipped.
            cleared = FinishedSync(job, link(job), starter, details)
            say_of_planned(context, synced, OwnJob(cleared, checks_here(context)))
    else:
        outcomes = wanted.outcomes(client, job, TimeBudget(PATIENCE))
        complete, synced = _as_far_as_complete(context, client, outcomes, job, tables)
        if complete.complete_streams:
            yield from report(context, client, complete, link(job), synced, options, run, details)
        if details.failure_log:
            lines = "\n".join(details.failure_log)
            context.log.error("The log of Airbyte job %s ends with:\n%s", job.id, lines)
        sync = FinishedSync(complete, link(job), starter, details)
        try:
            refuse_failed(job, link(job), details)
        except dg.Failure as failure:
            # Where Airbyte may say later how far it came, so does the sensor.
            is_known = outcomes is not None or not wanted.may_say_more_of(job)
            own = OwnJob(sync, checks_here(context), is_known)
            say_again(context, synced, failure, own)
            raise


def _confirmed(
    context: dg.AssetExecutionContext, config: AirbyteRunConfig, tables: Sequence[Table]
) -> JobRequest:
    """What the run asks for; dg.Failure if that removes rows and is not confirmed."""
    request = request_of(config, tables, context.selected_asset_keys)
    if not config.confirm:
        given = {"keep_records": False} if request.type is JobType.REFRESH else {}
        needed = {"mode": config.mode, **given, "confirm": True}
        refuse_unconfirmed([(request, tables)], context.op_execution_context.op_def.name, needed)
    return of_known_streams(request, tables)


def _evaluated_too(
    context: dg.AssetExecutionContext,
    workspace: BaseAirbyteWorkspace,
    tables: Sequence[Table],
    run: OwnRun,
) -> Iterator[dg.AssetCheckResult]:
    """What the checks say of what was materialized. Nothing is synced again for want of that."""
    try:
        for said in evaluated(context, workspace, tables, context.assets_def.check_specs):
            # The sensor would evaluate in its place, and this would hide it.
            run.refuse_if_over()
            yield said
    except RunIsOver:
        raise
    except AirbyteError as error:
        context.log.warning(LEFT_TO_SENSOR, error)
    except Exception as error:
        # The sync is reported: a retry of the step would sync once more.
        context.log.exception(LEFT_TO_SENSOR, type(error).__name__)


def _followed(
    context: dg.AssetExecutionContext,
    ready: UntilSteady,
    tables: Sequence[Table],
    request: JobRequest,
    options: PollOptions,
    link: Callable[[Job], str],
) -> tuple[Job, bool]:
    """The job once it has ended, and whether it is known that this run started it."""
    job, started = _job_to_follow(context, ready, tables, request, options, link)
    client = ready.client
    claim = SyncClaim.of_job(job, started=started)
    with cancelled_if_interrupted(client, job, options, context.log) if started else nullcontext():
        for table in tables:
            # The sensor reads from this which job is ours; until it is written it waits for us.
            context.log_event(claim.to_observation(table.key, link(job), client.known_version()))
        context.log.info("Following Airbyte job %s: %s", job.id, link(job))
        return follow(client, job, options, context.log), started


def _as_far_as_complete(
    context: dg.AssetExecutionContext,
    client: AirbyteClient,
    outcomes: Outcomes | None,
    job: Job,
    tables: Sequence[Table],
) -> tuple[Job, Sequence[Table]]:
    """A failed job with its complete streams, and the tables as they are now, if there are any."""
    if not outcomes:
        return job, tables
    synced = tables_synced(context, client, job, tables)
    job = with_streams_of_tables([table.stream for table in synced], job)
    return with_complete_streams(job, synced, outcomes), synced


def _job_to_follow(
    context: dg.AssetExecutionContext,
    ready: UntilSteady,
    tables: Sequence[Table],
    request: JobRequest,
    options: PollOptions,
    link: Callable[[Job], str],
) -> tuple[Job, bool]:
    """The job, and whether it is known that this run started it."""
    client = ready.client
    table, waiting = tables[0], OwnRun(context, options.clock)

    def say(status: ClaimStatus) -> None:
        if status is ClaimStatus.STARTING:
            # A run may be over by the end of its wait, and must not start anything then.
            waiting.refuse_if_over()
        # The sensor holds for a while what ends before we can say that it is ours, and if this
        # process dies before that, the next try looks for it.
        claim = SyncClaim(status, table.connection_id)
        context.log_event(claim.to_observation(table.key))

    is_sync = request.type is JobType.SYNC
    claimed = {} if is_sync else claimed_before(context.instance, context.run)
    before = claimed.get(request.connection_id, ClaimedBefore())
    instance, run = context.instance, context.run
    earlier = answered(ready, lambda: sent_before(instance, run, client, request, before))
    if earlier:
        context.log.info("Airbyte job %s was started by an earlier try", earlier[0].id)
        return earlier
    stored_after = answered(ready, lambda: stored_before(client, request, before))
    return start_or_attach(
        client,
        request,
        options,
        context.log,
        is_own=lambda running: _is_own(context, tables, running),
        link=link,
        name=connection_name(table),
        started_by=lambda running: _starter(context, tables, running),
        is_seen_to=lambda ended: _is_seen_to(context, client, tables, ended),
        say=say,
        stored_after=stored_after,
        ready=ready,
    )


def _is_own(context: dg.AssetExecutionContext, tables: Sequence[Table], running: Job) -> bool:
    """Whether this run, or one that it repeats, started the job: a retry goes on with it."""
    starter, run = _starter(context, tables, running), context.run
    return starter is not None and starter in (run.run_id, run.parent_run_id, run.root_run_id)


def _starter(
    context: dg.AssetExecutionContext, tables: Sequence[Table], running: Job
) -> str | None:
    return starter_of(claims_of(context.instance, tables[0].key, [running])[running.id])


def _is_seen_to(
    context: dg.AssetExecutionContext, client: AirbyteClient, tables: Sequence[Table], ended: Job
) -> bool:
    """Whether a run that follows the job still reports it, or all of it is reported.

    Otherwise a sensor that has not seen this run's claim may be about to.
    """
    job = with_streams_of_tables([table.stream for table in tables], client.job(ended.id))
    run_id, key = context.run.run_id, tables[0].key
    of_job = in_reporting_order(tables_of_job(job, tables))
    facts = JobFacts.read(context.instance, run_id, job, of_job, key)
    claim = SyncClaim.of_job(job, started=False)
    mine = StoredClaim(claim, key, run_id, None, storage_id=sys.maxsize, stored_at=time.time())
    other = other_reporter(context.instance, [*facts.claims, mine], run_id)
    skew = client.server_time() - datetime.now(timezone.utc)
    return (other is not None and not other.is_over) or not facts.owed(skew)[1]


class SyncsAssets(BaseAirbyteWorkspace):
    """What the public workspace classes add to the plain resource: the way into asset code."""

    def sync_and_poll(
        self, context: dg.AssetExecutionContext, *, config: AirbyteRunConfig | None = None
    ) -> Iterator[SyncEvent]:
        """Sync the connection of the running asset definition and report each of its tables.

        Call it in a function decorated with `@airbyte_assets`:
        `yield from airbyte.sync_and_poll(context=context)`. If the function takes a parameter
        `config: AirbyteRunConfig` and passes it on, its runs can also refresh or clear.
        """
        return sync_and_poll(self, context, config=config)

    def load_asset_specs(
        self,
        dagster_airbyte_translator: DagsterAirbyteTranslator | None = None,
        connection_selector_fn: ConnectionSelector | None = None,
        *,
        snapshot: Path | None = None,
    ) -> Sequence[dg.AssetSpec]:
        """Call `load_airbyte_asset_specs` for this workspace."""
        return load_airbyte_asset_specs(
            self, dagster_airbyte_translator, connection_selector_fn, snapshot=snapshot
        )
