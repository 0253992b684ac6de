"""The tables of a step of a run: those of its definition, and what its connection syncs by now; and
the checks that they have."""

from collections.abc import Iterable, Sequence
from functools import cache

import dagster as dg

from dagster_airbyte_sync.assets.checks.check_settings import (
    CHECKS_OF_SYNCS,
    checks_by_table,
    checks_in,
)
from dagster_airbyte_sync.assets.events.owed import Checked
from dagster_airbyte_sync.assets.tables.current_tables import ReadConnection, as_synced_now
from dagster_airbyte_sync.assets.tables.matching import match
from dagster_airbyte_sync.assets.tables.new_tables import (
    NewTables,
    new_tables,
    newer_than,
    translator_of,
)
from dagster_airbyte_sync.assets.tables.storable import storable
from dagster_airbyte_sync.assets.tables.table import Table, table_of_spec, warn_of_unclear
from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteError,
    AirbyteSettingsError,
    Job,
    StreamId,
)


def tables_of_step(context: dg.AssetExecutionContext) -> Sequence[Table]:
    """All tables of the asset definition that the step belongs to, selected or not.

    Raises AirbyteSettingsError unless they are tables of exactly one connection.
    """
    named = (table for spec in context.assets_def.specs if (table := table_of_spec(spec)))
    tables = storable(named, context.log)
    if len({table.connection_id for table in tables}) != 1:
        raise AirbyteSettingsError(
            "sync_and_poll works in an asset definition that stands for one Airbyte connection;"
            f" this one has tables of {len({table.connection_id for table in tables})}."
            " Make it with @airbyte_assets or build_airbyte_assets_definitions."
        )
    return tables


def tables_synced(
    context: dg.AssetExecutionContext, client: AirbyteClient, job: Job, tables: Sequence[Table]
) -> Sequence[Table]:
    """The tables as they are now that the job has ended, with those newer than the definitions."""
    streams = job.enabled_streams
    if streams is None:
        # What took part is what the connection syncs: that may have changed since the definitions.
        connection_now = cache(client.connection)
        tables = as_synced_now(connection_now, tables, context.log)
        streams = _selected(connection_now, tables[0].connection_id)
    matched = match([table.stream for table in tables], streams)
    warn_of_unclear(tables, matched.unclear, context.log)
    if not matched.strange:
        return tables
    return [*tables, *_new_tables(context, client, tables).tables]


def _selected(read_connection: ReadConnection, connection_id: str) -> frozenset[StreamId]:
    try:
        return frozenset(stream.id for stream in read_connection(connection_id).selected_streams)
    except AirbyteError:
        # `as_synced_now` has said so.
        return frozenset()


def _new_tables(
    context: dg.AssetExecutionContext, client: AirbyteClient, tables: Sequence[Table]
) -> NewTables:
    """Of all streams that the connection syncs now, those without an asset."""
    translator = translator_of(tables)
    if translator is None:
        return NewTables()
    try:
        catalog = client.catalog(fresh=True)
    except AirbyteError as error:
        context.log.warning("What is new in Airbyte could not be read: %s", error)
        return NewTables()
    connection = catalog.connections.get(tables[0].connection_id)
    if connection is None:
        return NewTables()
    streams = [stream.id for stream in connection.selected_streams]
    unknown = match([table.stream for table in tables], streams).strange
    newer = newer_than(tables, unknown)
    new = new_tables(catalog, connection, translator, newer, _keys_here(context))
    new.warn(connection.name, context.log)
    return new


def _keys_here(context: dg.AssetExecutionContext) -> frozenset[dg.AssetKey]:
    """All asset keys of the code location; those of the step alone where there is no location."""
    if context.run.job_code_origin is None:
        return frozenset(context.assets_def.keys)
    return frozenset(context.repository_def.assets_defs_by_key)


def checks_here(context: dg.AssetExecutionContext) -> Checked:
    """The checks of syncs of the code location by table; those that the step carries alone where
    there is no location."""
    if context.run.job_code_origin is None:
        every: Iterable[dg.AssetCheckSpec] = context.assets_def.check_specs
    else:
        every = checks_in(context.repository_def)
    return checks_by_table(each for each in every if each.name in CHECKS_OF_SYNCS)
