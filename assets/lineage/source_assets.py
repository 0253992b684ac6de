"""External assets for the streams of Airbyte's sources, above the tables that are read from them.

They never have an event. A condition of a table that waits for what is above it would wait for
ever, so what is made here has conditions that do not look at them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias, cast
from weakref import WeakValueDictionary

import dagster as dg

from dagster_airbyte_sync.assets.lineage.table_columns import lineage_of, schema_of, table_columns
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.assets.tables.translator import (
    AirbyteConnectionTableProps,
    as_spec,
    calling,
    column_schema,
    plain,
)
from dagster_airbyte_sync.resources import AirbyteSettingsError

SourceAssetFn = Callable[[AirbyteConnectionTableProps], dg.AssetSpec]

SourceAssets: TypeAlias = bool | SourceAssetFn
"""Whether the streams of sources have assets; or a function that makes them."""

_FIRST_PART = "airbyte_sources"


def airbyte_source_asset(props: AirbyteConnectionTableProps) -> dg.AssetSpec:
    """Return the external asset for the stream of a source that a table is read from.

    Its key is `airbyte_sources/<source>/<namespace>/<stream>`, its group the source, and its kind
    the source's type. Tables whose props give the same key share one asset. Change it by passing a
    function as `source_assets` that calls this one.
    """
    workspace, source = props.workspace_group, props.source_group or "source"
    namespace = props.stream_namespace
    before = [_FIRST_PART, *([workspace] if workspace else []), source]
    known = {
        keys.SOURCE_ID: props.source_id,
        keys.SOURCE_NAME: props.source_name,
        keys.SOURCE_TYPE: props.source_type,
        keys.SOURCE_URL: dg.MetadataValue.url(props.source_url) if props.source_url else None,
        keys.STREAM_NAME: props.stream_name,
        keys.STREAM_NAMESPACE: namespace,
        keys.COLUMN_SCHEMA: column_schema(props.json_schema),
    }
    return dg.AssetSpec(
        key=dg.AssetKey([*before, *([namespace] if namespace else []), props.stream_name]),
        group_name=source,
        description=_description(props),
        metadata={key: value for key, value in known.items() if value is not None},
        tags={keys.SOURCE_TAG: ""},
        kinds={props.source_type} if props.source_type else set(),
    )


def _description(props: AirbyteConnectionTableProps) -> str:
    name = plain(props.source_name or props.source_id or "")
    linked = f"[{name}]({props.source_url})" if props.source_url else name
    within = f" of {plain(props.stream_namespace)}" if props.stream_namespace else ""
    return f"{plain(props.stream_name)}{within}, which Airbyte reads from {linked}."


def with_sources(tables: Sequence[Table], source_assets: SourceAssets) -> list[Table]:
    """The tables below the assets of what they are read from, with the lineage of their columns.

    Raises AirbyteSettingsError if a function of the user raises, or if such an asset would have the
    key of a table.
    """
    if not source_assets:
        return list(tables)
    make = airbyte_source_asset if source_assets is True else source_assets
    made = [(table, _spec(table.props, make)) for table in tables]
    _refuse_keys_of_tables(tables, made)
    sources = _joined(made)
    return [_below(table, sources[spec.key]) if spec else table for table, spec in made]


def source_specs(tables: Iterable[Table]) -> list[dg.AssetSpec]:
    """The assets above the tables, each once."""
    return list({each.source.key: each.source for each in tables if each.source}.values())


# Dagster refuses two definitions of an asset, but takes the same one twice.
_DEFINITIONS: WeakValueDictionary[dg.AssetKey, dg.AssetsDefinition] = WeakValueDictionary()


def source_definitions(tables: Iterable[Table]) -> list[dg.AssetsDefinition]:
    """Definitions of the assets above the tables; where another call in this process has made an
    asset alike, that definition, so that a code location can have what both return."""
    return [_definition_of(spec) for spec in source_specs(tables)]


def _definition_of(spec: dg.AssetSpec) -> dg.AssetsDefinition:
    made = dg.AssetsDefinition(specs=[spec])
    known = _DEFINITIONS.get(spec.key)
    # Dagster completes specs: what has no group gets one.
    if known is None or [*known.specs] != [*made.specs]:
        known = _DEFINITIONS[spec.key] = made
    return known


_Made = list[tuple[Table, dg.AssetSpec | None]]


_FUNCTION = "The function given as source_assets"


def _spec(props: AirbyteConnectionTableProps | None, make: SourceAssetFn) -> dg.AssetSpec | None:
    if props is None or props.source_id is None:
        return None
    of = f"the stream {props.stream_name!r} of the source {props.source_name or props.source_id!r}"
    with calling(_FUNCTION, of):
        made = make(props)
    return as_spec(made, _FUNCTION, of)


def _refuse_keys_of_tables(tables: Iterable[Table], made: _Made) -> None:
    taken = {table.key: table for table in tables}
    for _, source in made:
        if source and source.key in taken:
            raise AirbyteSettingsError(
                f"The asset key {source.key.to_user_string()!r} would stand for a stream of a"
                " source and for the table of connection"
                f" {keys.text_in(taken[source.key].spec.metadata, keys.CONNECTION_NAME)!r}: give"
                " source_assets a function that returns airbyte_source_asset(props) with another"
                " key."
            )


def _joined(made: _Made) -> Mapping[dg.AssetKey, dg.AssetSpec]:
    """Each source asset once, with the columns that any of its connections knows.

    Also of those connections that are not selected here: Dagster refuses definitions put together
    of several whose assets of one key differ.
    """
    sources: dict[dg.AssetKey, dg.AssetSpec] = {}
    columns = defaultdict[dg.AssetKey, dict[str, list[dg.TableSchema]]](lambda: defaultdict(list))
    for table, spec in made:
        if spec is None:
            continue
        sources.setdefault(spec.key, spec)
        own = spec.metadata.get(keys.COLUMN_SCHEMA)
        if isinstance(own, dg.TableSchema):
            known = columns[spec.key]
            known[table.connection_id].append(own)
            for connection_id, schema in table.schemas_elsewhere.items():
                known[connection_id].append(column_schema(schema))
    return {
        key: spec.merge_attributes(metadata={keys.COLUMN_SCHEMA: _all_columns(columns[key])})
        if sum(map(len, columns[key].values())) > 1
        else spec
        for key, spec in sources.items()
    }


def _all_columns(by_connection: Mapping[str, Sequence[dg.TableSchema]]) -> dg.TableSchema:
    """Where the types of a column differ, the same one counts whatever is selected."""
    schemas = [schema for _, own in sorted(by_connection.items()) for schema in own]
    every = {column.name: column for schema in schemas for column in schema.columns}
    return dg.TableSchema([every[name] for name in sorted(every)])


def _has_usual_columns(metadata: Mapping[str, object], props: AirbyteConnectionTableProps) -> bool:
    return metadata.get(keys.COLUMN_SCHEMA) == column_schema(props.json_schema)


def _below(table: Table, source: dg.AssetSpec) -> Table:
    spec, metadata = table.spec, dict(table.spec.metadata)
    columns = table_columns(table.props) if table.props else None
    if columns and table.props:
        is_changed = table.props.mappers or table.props.selected_fields is not None
        if is_changed and _has_usual_columns(metadata, table.props):
            metadata[keys.COLUMN_SCHEMA] = schema_of(columns)
        metadata[keys.COLUMN_LINEAGE] = lineage_of(columns, source.key)
    spec = spec.replace_attributes(
        deps=[*spec.deps, source.key],
        metadata=metadata,
        automation_condition=without_waiting(
            cast("_Condition | None", spec.automation_condition), source.key
        ),
    )
    return replace(table, spec=spec, source=source)


_Condition = dg.AutomationCondition[dg.AssetKey]


def without_waiting(condition: _Condition | None, source: dg.AssetKey) -> _Condition | None:
    """The condition, which does not look at the source: as if that was not above it."""
    # Conditions of Dagster that look at dependencies have it, as all that combine others.
    ignore = getattr(condition, "ignore", None)
    if not callable(ignore):
        return condition
    return cast(_Condition, ignore(dg.AssetSelection.assets(source)))
