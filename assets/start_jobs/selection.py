"""Which connections a job or schedule is for, and all that is known of their tables."""

import logging
from collections.abc import Callable, Iterable, Sequence, Set
from functools import partial
from pathlib import Path

import dagster as dg

from dagster_airbyte_sync.assets.sync.definitions import syncing_assets
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.loading import load_tables
from dagster_airbyte_sync.assets.tables.table import (
    ConnectionSelector,
    Table,
    group_by_connection,
    table_of_spec,
)
from dagster_airbyte_sync.assets.tables.translator import DagsterAirbyteTranslator
from dagster_airbyte_sync.resources import AirbyteSettingsError, BaseAirbyteWorkspace

_log = logging.getLogger(__name__)

Asset = dg.AssetsDefinition | dg.AssetSpec | dg.AssetKey | str
ChosenAssets = dg.AssetSelection | Sequence[Asset]
# Reads all tables of the workspace.
ReadTables = Callable[[], Sequence[Table]]


def chosen_tables(
    workspace: BaseAirbyteWorkspace,
    translator: DagsterAirbyteTranslator | None = None,
    selector: ConnectionSelector | None = None,
    assets: ChosenAssets | None = None,
    snapshot: Path | None = None,
) -> list[Table]:
    """All tables of the connections that `selector` accepts or that `assets` belong to.

    Without either they are those of all active connections. A selector means paused ones only if
    all that it accepts are paused: Airbyte itself pauses what keeps failing, and among many that is
    no reason to fail. Definitions are taken as they are; keys, selections, and what a spec's
    connection has besides it are looked up in the workspace, or in the `snapshot` file. Raises
    AirbyteSettingsError for both, for none at all, and for what is no table of Airbyte.
    """
    if selector is not None and assets is not None:
        raise AirbyteSettingsError(
            "Give either connection_selector_fn or assets, not both: each alone selects what to"
            " sync."
        )
    if assets is None:
        tables = load_tables(
            workspace,
            translator,
            selector,
            include_inactive=selector is not None,
            snapshot=snapshot,
            warns_of_none=False,
        )
        tables = without_paused(tables)
    else:
        read_tables = partial(
            load_tables, workspace, translator, snapshot=snapshot, warns_of_none=False
        )
        tables = _tables_of(assets, read_tables)
    if not tables:
        raise AirbyteSettingsError(
            "There is nothing to sync: no connection of the workspace with selected streams"
            f" matches {_words(selector, assets)}."
        )
    return tables


def named_among(tables: Sequence[Table], assets: ChosenAssets) -> frozenset[dg.AssetKey]:
    """Of `chosen_tables`, those that `assets` name themselves: not what their connections have
    besides."""
    if isinstance(assets, dg.AssetSelection):
        return frozenset(assets.resolve(syncing_assets(tables, "airbyte")))
    listed = [assets] if isinstance(assets, str) else assets
    return frozenset(key for asset in listed for key in _keys_of(asset))


def _keys_of(asset: Asset) -> Iterable[dg.AssetKey]:
    if isinstance(asset, dg.AssetsDefinition):
        return asset.keys
    if isinstance(asset, dg.AssetSpec):
        return [asset.key]
    return [dg.AssetKey.from_user_string(asset) if isinstance(asset, str) else asset]


def without_paused(tables: list[Table]) -> list[Table]:
    """Those of connections that are not paused, unless there are none."""
    active = [table for table in tables if not table.was_paused]
    if not active:
        return tables
    for connection_id, paused in group_by_connection(
        [table for table in tables if table.was_paused]
    ).items():
        _log.warning(
            "Airbyte connection %r (%s) is not synced by this: it is paused in Airbyte",
            keys.text_in(paused[0].spec.metadata, keys.CONNECTION_NAME),
            connection_id,
        )
    return active


def _words(selector: ConnectionSelector | None, assets: ChosenAssets | None) -> str:
    if assets is not None:
        return "assets"
    return "connection_selector_fn" if selector is not None else "'all that are active'"


def _tables_of(assets: ChosenAssets, read_tables: ReadTables) -> list[Table]:
    if isinstance(assets, dg.AssetSelection):
        return _selected(read_tables(), assets)
    return _listed([assets] if isinstance(assets, str) else assets, read_tables)


def _selected(known: Sequence[Table], selection: dg.AssetSelection) -> list[Table]:
    # A selection by group or kind takes only assets that can be materialized.
    try:
        selected = selection.resolve(syncing_assets(known, "airbyte"))
    except dg.DagsterInvalidSubsetError as error:
        raise AirbyteSettingsError(
            "The selection given as assets names an asset that is not a table of the workspace:"
            f" {_first_sentence(error)}."
        ) from error
    return _whole_connections(known, selected)


def _listed(assets: Sequence[Asset], read_tables: ReadTables) -> list[Table]:
    definitions = [asset for asset in assets if isinstance(asset, dg.AssetsDefinition)]
    of_definitions = (spec for definition in definitions for spec in definition.specs)
    tables = [_table(spec) for spec in of_definitions if not _is_source(spec)]
    given = (asset for asset in assets if isinstance(asset, dg.AssetSpec))
    specs = [_table(spec) for spec in given if not _is_source(spec)]
    if specs:
        tables += _with_siblings(read_tables(), specs)
    named = {
        dg.AssetKey.from_user_string(asset) if isinstance(asset, str) else asset
        for asset in assets
        if isinstance(asset, dg.AssetKey | str)
    }
    if named:
        whole = _whole_connections(read_tables(), named)
        if unknown := named - {table.key for table in whole}:
            raise _no_tables(unknown)
        tables += whole
    return list({table.key: table for table in tables}.values())


def _with_siblings(known: Sequence[Table], given: Sequence[Table]) -> list[Table]:
    """These, whose specs users may have changed, and what else their connections sync."""
    connections = {table.connection_id for table in given}
    streams = {(table.connection_id, table.stream) for table in given}
    siblings = [
        table
        for table in known
        if table.connection_id in connections and (table.connection_id, table.stream) not in streams
    ]
    return [*given, *siblings]


def _is_source(spec: dg.AssetSpec) -> bool:
    """Whether it is the stream of a source: builders return them with the tables."""
    return keys.SOURCE_TAG in spec.tags


def _table(spec: dg.AssetSpec) -> Table:
    table = table_of_spec(spec)
    if table is None:
        raise _no_tables({spec.key})
    return table


def _no_tables(unknown: Set[dg.AssetKey]) -> AirbyteSettingsError:
    names = ", ".join(sorted(repr(key.to_user_string()) for key in unknown))
    return AirbyteSettingsError(
        f"assets has {names}, which is not a table of any Airbyte connection: check the spelling,"
        " and give the dagster_airbyte_translator that the assets were built with."
    )


def _whole_connections(known: Sequence[Table], named: Set[dg.AssetKey]) -> list[Table]:
    """Airbyte always syncs a whole connection."""
    wanted = {table.connection_id for table in known if table.key in named}
    return [table for table in known if table.connection_id in wanted]


def _first_sentence(error: Exception) -> str:
    return str(error).partition(". ")[0].rstrip(".")
