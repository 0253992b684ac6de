"""What a step of a Dagster run does to materialize a connection's tables: sync, follow, report."""

from collections.abc import Iterator, Sequence

import dagster as dg

from dagster_airbyte_sync.assets.events import (
    FinishedSync,
    as_result,
    declaration,
    materialization,
    tables_of_job,
)
from dagster_airbyte_sync.assets.following import (
    Following,
    follow,
    refuse_failed,
    start_or_attach,
)
from dagster_airbyte_sync.assets.ledger import read_ledger, with_history
from dagster_airbyte_sync.assets.specs import load_airbyte_asset_specs
from dagster_airbyte_sync.assets.tables import ConnectionSelector, Table, table_of_spec
from dagster_airbyte_sync.assets.translator import DagsterAirbyteTranslator
from dagster_airbyte_sync.resources import AirbyteSettingsError, BaseAirbyteWorkspace, job_url

SyncEvent = dg.MaterializeResult[object] | dg.AssetMaterialization


def sync_and_poll(
    workspace: BaseAirbyteWorkspace, context: dg.AssetExecutionContext
) -> Iterator[SyncEvent]:
    """Sync the connection of the running asset definition and report each of its tables.

    Airbyte always syncs a whole connection, so tables outside of a subset selection are reported
    too. Raises dg.Failure if the sync fails, is cancelled, or takes longer than `poll_timeout`.
    """
    tables = tables_of_step(context)
    client = workspace.get_client()
    ui = client.ui_url()
    how = Following.of(workspace)
    job, started = start_or_attach(client, tables[0].connection_id, how.attach)
    url = job_url(ui, workspace.workspace_id, job)
    for table in tables:
        # The sensor reads from this which job is ours; until it is written it waits for this run.
        context.log_event(declaration(job, table, url, started=started))
    context.log.info("Following Airbyte job %s: %s", job.id, url)
    job = follow(client, job, how, context.log)
    refuse_failed(job, url)
    started_by = context.run.run_id if started else None
    yield from _report(context, FinishedSync(job, url, started_by), tables)


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
    context: dg.AssetExecutionContext, sync: FinishedSync, tables: Sequence[Table]
) -> Iterator[SyncEvent]:
    synced = tables_of_job(sync.job, tables)
    ledger = read_ledger(context.instance, synced)
    ledger = with_history(context.instance, ledger, [(table, sync.job) for table in synced])
    for table in synced:
        if ledger.is_told(table.key, sync.job.id):
            # The sensor gave this run up for dead and told the job in its place.
            context.log.info("%s is already told of job %s", table.key, sync.job.id)
            continue
        event = materialization(sync, table, len(synced), ledger)
        yield as_result(event) if table.key in context.selected_asset_keys else event
    missed = context.selected_asset_keys - {table.key for table in synced}
    for key in sorted(missed, key=lambda missed_key: missed_key.to_user_string()):
        context.log.warning("Airbyte job %s had no stream for asset %s", sync.job.id, key)


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
    ) -> Sequence[dg.AssetSpec]:
        """The same as `load_airbyte_asset_specs` for this workspace."""
        return load_airbyte_asset_specs(self, dagster_airbyte_translator, connection_selector_fn)
