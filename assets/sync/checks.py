"""A check for each table that shows how its last sync ended."""

from collections.abc import Iterator, Sequence

import dagster as dg

from dagster_airbyte_sync.assets.events.sync_events import CHECK_NAME, Verdict, verdict
from dagster_airbyte_sync.assets.sync.definitions import op_names, workspace_resource
from dagster_airbyte_sync.assets.sync.outputs import output_names
from dagster_airbyte_sync.assets.tables.current_tables import as_synced_now
from dagster_airbyte_sync.assets.tables.names import clean_name
from dagster_airbyte_sync.assets.tables.table import Table, group_by_connection, table_of_spec
from dagster_airbyte_sync.resources import AirbyteClient, Job


def build_airbyte_sync_checks(
    specs: Sequence[dg.AssetSpec], resource_key: str = "airbyte"
) -> Sequence[dg.AssetChecksDefinition]:
    """One check a table: failed if its connection's last sync failed or was cancelled, a warning
    if it succeeded without a row although the stream is read in full.

    The sensor reports the check with each sync. Run by hand, it asks Airbyte for the last one.
    A table that Dagster cannot name a check after ("Order Lines", "class", the second one of
    "order-lines" and "order_lines") is left without one.
    """
    names = output_names([spec.key for spec in specs])
    nameable = (spec for spec in specs if names[spec.key] == spec.key.to_python_identifier())
    tables = [table for spec in nameable if (table := table_of_spec(spec))]
    groups = group_by_connection(tables)
    ops = op_names(groups, prefix=f"{clean_name(resource_key)}_check")
    return [
        _checks(ops[connection_id], group, resource_key) for connection_id, group in groups.items()
    ]


def _checks(name: str, tables: Sequence[Table], resource_key: str) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(
        name=name,
        specs=[
            dg.AssetCheckSpec(
                CHECK_NAME, asset=table.key, description="How the last Airbyte sync ended."
            )
            for table in tables
        ],
        can_subset=True,
        required_resource_keys={resource_key},
    )
    def check_connection(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        client = workspace_resource(context.resources, resource_key).get_client()
        job = last_finished_job(client, tables[0].connection_id)
        selected = {check.asset_key for check in context.selected_asset_check_keys}
        asked = [table for table in tables if table.key in selected]
        # A definition does not know how Airbyte reads its stream.
        yield from check_results(job, as_synced_now(client.connection, asked, context.log))

    return check_connection


def last_finished_job(client: AirbyteClient, connection_id: str) -> Job | None:
    """The connection's newest job that has ended, with its counts by stream."""
    ended = (job for job in client.newest_jobs(connection_id) if job.is_finished)
    newest = next(ended, None)
    return client.job(newest.id) if newest else None


def check_results(job: Job | None, tables: Sequence[Table]) -> Iterator[dg.AssetCheckResult]:
    for table in tables:
        result = verdict(job, table) if job else _NEVER_SYNCED
        yield dg.AssetCheckResult(
            asset_key=table.key,
            check_name=CHECK_NAME,
            passed=result.passed,
            severity=result.severity,
            description=result.reason,
        )


_NEVER_SYNCED = Verdict(True, "The connection has never synced")
