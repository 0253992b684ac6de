"""Definitions of checks for each table, beside assets that do not carry them."""

from collections.abc import Iterator, Sequence
from itertools import chain

import dagster as dg

from dagster_airbyte_sync.assets.checks.check_settings import AirbyteChecks
from dagster_airbyte_sync.assets.event_log.records import run_events
from dagster_airbyte_sync.assets.sync.definitions import op_names, workspace_resource
from dagster_airbyte_sync.assets.sync.evaluate import LEFT_TO_SENSOR, evaluated
from dagster_airbyte_sync.assets.tables.names import clean_name
from dagster_airbyte_sync.assets.tables.table import Table, group_by_connection, table_of_spec
from dagster_airbyte_sync.resources import AirbyteError, no_garbage_collected

# One of each kind for all: Dagster takes long to make them, and a workspace has thousands.
_AFTER_THE_TABLE = dg.In(dg.Nothing)
_ONE_OF_SOME = dg.Out(dg.Any, is_required=False)


@no_garbage_collected()
def build_airbyte_sync_checks(
    specs: Sequence[dg.AssetSpec],
    resource_key: str = "airbyte",
    checks: AirbyteChecks | None = None,
) -> Sequence[dg.AssetChecksDefinition]:
    """Build checks for tables whose assets carry none: one definition for each connection.

    They check whether the last sync of the table's connection succeeded and whether it moved about
    as many rows as earlier ones, and whatever else AirbyteChecks turns on. The sensor evaluates
    them with each sync, or every five minutes for those that watch connections; a run evaluates
    them for what it has materialized. When you run them by hand, they ask Airbyte for the last job,
    and for the state of the connections now.

    Args:
        specs: The specs of the tables, as `load_airbyte_asset_specs` returns them.
        resource_key: The key of the workspace among the resources of your definitions.
        checks: Which checks. Default: `AirbyteChecks()`.
    """
    checks = checks or AirbyteChecks()
    groups = group_by_connection(table for spec in specs if (table := table_of_spec(spec)))
    ops = op_names(groups, prefix=f"{clean_name(resource_key)}_check")
    return [
        _checks(ops[connection_id], group, resource_key, checks)
        for connection_id, group in groups.items()
    ]


def _checks(
    name: str, tables: Sequence[Table], resource_key: str, checks: AirbyteChecks
) -> dg.AssetChecksDefinition:
    # Numbered: a table may have any name, and Dagster makes names out of those of assets.
    made_of = (checks.specs_of(table.key, resource_key) for table in tables)
    specs = dict(enumerate(chain.from_iterable(made_of)))
    inputs = {f"table_{place}": table.key for place, table in enumerate(tables)}
    outputs = {f"check_{place}": spec for place, spec in specs.items()}

    @dg.op(
        name=name,
        ins=dict.fromkeys(inputs, _AFTER_THE_TABLE),
        out=dict.fromkeys(outputs, _ONE_OF_SOME),
        required_resource_keys={resource_key},
    )
    def check_connection(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        workspace = workspace_resource(context.resources, resource_key)
        try:
            yield from evaluated(context, workspace, tables, specs.values())
        except AirbyteError as error:
            if not _is_materialized_by(context, tables):
                raise
            # What the run was for is done.
            context.log.warning(LEFT_TO_SENSOR, error)

    made: dg.AssetChecksDefinition = dg.AssetChecksDefinition.create(
        keys_by_input_name=inputs,
        node_def=check_connection,
        check_specs_by_output_name=outputs,
        can_subset=True,
    )
    return made


def _is_materialized_by(context: dg.AssetCheckExecutionContext, tables: Sequence[Table]) -> bool:
    """Whether the run is one that materializes any of the tables, and not of their checks alone."""
    own = {table.key for table in tables}
    planned = {dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED}
    records = run_events(context.instance, context.run.run_id, planned)
    return any(record.asset_key in own for record in records)
