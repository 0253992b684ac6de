"""What a step of a Dagster run does to materialize a connection's tables: sync, follow, report."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

import dagster as dg

from dagster_airbyte_sync.assets.active_sync import start_or_attach
from dagster_airbyte_sync.assets.current_tables import as_synced_now
from dagster_airbyte_sync.assets.declarations import (
    declarations_of,
    other_reporter,
    starter_of,
)
from dagster_airbyte_sync.assets.events import (
    FinishedSync,
    as_result,
    declaration,
    materialization,
    tables_of_job,
)
from dagster_airbyte_sync.assets.following import (
    Following,
    cancelled_if_interrupted,
    follow,
    refuse_failed,
)
from dagster_airbyte_sync.assets.ledger import read_ledger, with_history
from dagster_airbyte_sync.assets.matching import in_words_of, match, streams_of
from dagster_airbyte_sync.assets.outputs import passed_on
from dagster_airbyte_sync.assets.specs import load_airbyte_asset_specs
from dagster_airbyte_sync.assets.tables import (
    ConnectionSelector,
    Table,
    table_of_spec,
    warn_of_unclear,
)
from dagster_airbyte_sync.assets.translator import DagsterAirbyteTranslator
from dagster_airbyte_sync.resources import AirbyteSettingsError, BaseAirbyteWorkspace, Job, job_url

# An output stands for a table that is told already: the steps after it go on.
SyncEvent = dg.MaterializeResult[object] | dg.AssetMaterialization | dg.Output[None]


def sync_and_poll(
    workspace: BaseAirbyteWorkspace,
    context: dg.AssetExecutionContext,
    how: Following | None = None,
) -> Iterator[SyncEvent]:
    """Sync the connection of the running asset definition and report each of its tables.

    Airbyte always syncs a whole connection, so tables outside of a subset selection are reported
    too. Of several runs that follow one sync, the first reports it. `how` is by default what the
    workspace says. Raises dg.Failure if the sync cannot start, fails, is cancelled, or takes longer
    than `poll_timeout`.
    """
    tables = tables_of_step(context)
    client, how = workspace.get_client(), how or Following.of(workspace)
    ui = client.ui_url()

    def link(job: Job) -> str:
        return job_url(ui, client.settings.workspace_id, job)

    job, started = start_or_attach(
        client,
        tables[0].connection_id,
        how,
        context.log,
        is_own=lambda running: _is_own(context, tables, running),
        link=link,
    )
    with cancelled_if_interrupted(client, job, how, context.log) if started else nullcontext():
        for table in tables:
            # The sensor reads from this which job is ours; until it is written it waits for us.
            context.log_event(declaration(job, table, link(job), started=started))
        context.log.info("Following Airbyte job %s: %s", job.id, link(job))
        job = follow(client, job, how, context.log)
    refuse_failed(job, link(job))
    if job.enabled_streams is None:
        # What took part is what the connection syncs: that may have changed since the definitions.
        tables = as_synced_now(client.connection, tables, context.log)
    yield from _report(context, job, link(job), tables)


def _is_own(context: dg.AssetExecutionContext, tables: Sequence[Table], running: Job) -> bool:
    """Whether this run, or one that it repeats, started the job: a retry goes on with it."""
    declared = declarations_of(context.instance, tables[0].key, [running])
    starter = starter_of(declared[running.id])
    run = context.run
    return starter is not None and starter in (run.run_id, run.parent_run_id, run.root_run_id)


def tables_of_step(context: dg.AssetExecutionContext) -> Sequence[Table]:
    """All tables of the asset definition that the step belongs to, selected or not.

    Raises AirbyteSettingsError unless they are tables of exactly one connection.
    """
    tables = [table for spec in context.assets_def.specs if (table := table_of_spec(spec))]
    if len({table.connection_id for table in tables}) != 1:
        raise AirbyteSettingsError(
            "sync_and_poll works in an asset definition that stands for one Airbyte connection;"
            f" this one has tables of {len({table.connection_id for table in tables})}."
            " Make it with @airbyte_assets or build_airbyte_assets_definitions."
        )
    return tables


def _report(
    context: dg.AssetExecutionContext, job: Job, url: str, tables: Sequence[Table]
) -> Iterator[SyncEvent]:
    streams = [table.stream for table in tables]
    warn_of_unclear(tables, match(streams, streams_of(job)).unclear, context.log)
    job = in_words_of(streams, job)
    synced = tables_of_job(job, tables)
    declared = declarations_of(context.instance, tables[0].key, [job])[job.id]
    other = other_reporter(context.instance, declared, context.run.run_id)
    ledger = read_ledger(context.instance, synced)
    ledger = with_history(context.instance, ledger, [(table, job) for table in synced])
    sync = FinishedSync(job, url, starter_of(declared))
    if other is not None:
        context.log.info("Run %s follows Airbyte job %s as well, and reports it", other, job.id)
    for table in synced:
        name, is_selected = table.key.to_user_string(), table.key in context.selected_asset_keys
        if other is not None or ledger.is_told(table.key, job.id):
            # By another run that follows the job, or by the sensor, which gave us up for dead.
            context.log.info("%s is left as it was told of job %s", name, job.id)
            if is_selected:
                yield passed_on(context.assets_def, table.key)
        else:
            event = materialization(sync, table, ledger)
            yield as_result(event) if is_selected else event
    missed = context.selected_asset_keys - {table.key for table in synced}
    for name in sorted(key.to_user_string() for key in missed):
        context.log.warning("Airbyte job %s had no stream for asset %s", job.id, name)


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
