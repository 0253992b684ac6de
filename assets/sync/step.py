"""What a step of a Dagster run does to materialize a connection's tables: sync, follow, report."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

import dagster as dg

from dagster_airbyte_sync.assets.events.claims import claims_of, starter_of
from dagster_airbyte_sync.assets.events.sync_claim import ClaimStatus, SyncClaim
from dagster_airbyte_sync.assets.events.sync_events import in_reporting_order
from dagster_airbyte_sync.assets.sync.busy_connection import start_or_attach
from dagster_airbyte_sync.assets.sync.follow import (
    PollOptions,
    cancelled_if_interrupted,
    follow,
    refuse_failed,
)
from dagster_airbyte_sync.assets.sync.reporting import OwnRun, SyncEvent, report
from dagster_airbyte_sync.assets.sync.step_tables import tables_of_step, tables_synced
from dagster_airbyte_sync.assets.tables.loading import load_airbyte_asset_specs
from dagster_airbyte_sync.assets.tables.table import ConnectionSelector, Table
from dagster_airbyte_sync.assets.tables.translator import DagsterAirbyteTranslator
from dagster_airbyte_sync.resources import BaseAirbyteWorkspace, Job, job_url


def sync_and_poll(
    workspace: BaseAirbyteWorkspace,
    context: dg.AssetExecutionContext,
    options: PollOptions | None = None,
) -> Iterator[SyncEvent]:
    """Sync the connection of the running asset definition and report each of its tables.

    Airbyte always syncs a whole connection, so tables outside of a subset selection are reported
    too. Of several runs that follow one sync, the first reports it. Without `options` the sync is
    polled as the workspace says. Raises dg.Failure if the sync cannot start, fails, is cancelled,
    or takes longer than `poll_timeout`.
    """
    tables = in_reporting_order(tables_of_step(context))
    client, options = workspace.get_client(), options or PollOptions.of(workspace)
    OwnRun(context, options.clock).refuse_if_over()
    ui, starts = client.ui_url(), SyncClaim(ClaimStatus.STARTING, tables[0].connection_id)

    def link(job: Job) -> str:
        return job_url(ui, client.settings.workspace_id, job)

    job, started = start_or_attach(
        client,
        tables[0].connection_id,
        options,
        context.log,
        is_own=lambda running: _is_own(context, tables, running),
        link=link,
        # The sensor holds for a while what ends before we can say that it is ours.
        before_late_start=lambda: context.log_event(starts.to_observation(tables[0].key)),
    )
    claim = SyncClaim.of_job(job, started=started)
    with cancelled_if_interrupted(client, job, options, context.log) if started else nullcontext():
        for table in tables:
            # The sensor reads from this which job is ours; until it is written it waits for us.
            context.log_event(claim.to_observation(table.key, link(job)))
        context.log.info("Following Airbyte job %s: %s", job.id, link(job))
        job = follow(client, job, options, context.log)
    refuse_failed(job, link(job))
    synced = tables_synced(context, client, job, tables)
    # Another look: the sync may have taken no second.
    run = OwnRun(context, options.clock)
    yield from report(context, client, job, link(job), synced, options, run)


def _is_own(context: dg.AssetExecutionContext, tables: Sequence[Table], running: Job) -> bool:
    """Whether this run, or one that it repeats, started the job: a retry goes on with it."""
    starter = starter_of(claims_of(context.instance, tables[0].key, [running])[running.id])
    run = context.run
    return starter is not None and starter in (run.run_id, run.parent_run_id, run.root_run_id)


class SyncsAssets(BaseAirbyteWorkspace):
    """What the public workspace classes add to the plain resource: the way into asset code."""

    def sync_and_poll(self, context: dg.AssetExecutionContext) -> Iterator[SyncEvent]:
        """Sync the connection of the running asset definition and report each of its tables.

        For use in a function decorated with `@airbyte_assets`:
        `yield from airbyte.sync_and_poll(context=context)`.
        """
        return sync_and_poll(self, context)

    def load_asset_specs(
        self,
        dagster_airbyte_translator: DagsterAirbyteTranslator | None = None,
        connection_selector_fn: ConnectionSelector | None = None,
        *,
        snapshot: Path | None = None,
    ) -> Sequence[dg.AssetSpec]:
        """The same as `load_airbyte_asset_specs` for this workspace."""
        return load_airbyte_asset_specs(
            self, dagster_airbyte_translator, connection_selector_fn, snapshot=snapshot
        )
