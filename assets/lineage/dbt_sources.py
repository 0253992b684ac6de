"""Tables with the keys of the dbt sources that they are, so that models lie below them."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import dagster as dg

from dagster_airbyte_sync.assets.lineage.dbt_manifest import (
    DbtManifest,
    DbtSource,
    default_source_key,
    sources_of,
)
from dagster_airbyte_sync.assets.lineage.warehouse_names import (
    ONE_SCHEMA,
    are_apart,
    folding,
    written_by_airbyte,
)
from dagster_airbyte_sync.assets.tables.translator import (
    DEFAULT_TRANSLATOR,
    AirbyteConnectionTableProps,
    DagsterAirbyteTranslator,
)
from dagster_airbyte_sync.resources import AirbyteSettingsError

_log = logging.getLogger("dagster_airbyte_sync")

DbtSourceKeyFn = Callable[[Mapping[str, Any]], dg.AssetKey]
"""The asset key of a source, of which it gets what the manifest says."""

# By schema and table, as a warehouse takes them: the databases, and the sources in them.
_Index = Mapping[tuple[str, str], Sequence[tuple[str | None, DbtSource]]]


class DbtSourcesTranslator(DagsterAirbyteTranslator):
    """Give each table that is a dbt source the asset key of that source.

        DbtSourcesTranslator(manifest=project.manifest_path)

    Models that read the source are then downstream of the table. All other tables, and all other
    attributes, stay as they are.

    A table is a source if both are the same relation in the warehouse: database, schema and
    identifier. If dbt or Airbyte does not say the database, schema and identifier are enough. Upper
    and lower case are compared as the warehouse does:

    - Snowflake and Oracle: as upper case, both what dbt does not quote and what Airbyte writes.
    - PostgreSQL: as written; what dbt does not quote, as lower case.
    - BigQuery, ClickHouse and MySQL: as written.
    - All others: case does not matter.

    If a table differs from a source only in its database or in case, the log warns once.

    Args:
        manifest: The path of dbt's `manifest.json`, its content, or a list of either. It is read
            when this translator is created. Compile it for the target that reads what Airbyte
            writes.
        base: The translator that makes the assets. Only the keys of sources are changed.
        asset_key_fn: Returns the asset key of a source, if your dbt translator does not give it the
            usual one: `MyDbtTranslator().get_asset_key`.

    Raises:
        AirbyteSettingsError: If a manifest cannot be read, or is not one; and, when definitions are
            loaded, if a table is several sources with different keys.
        DuplicateAssetKey: When definitions are loaded, if several tables are the same relation, and
            so the same source.
    """

    def __init__(
        self,
        manifest: DbtManifest | Sequence[DbtManifest],
        *,
        base: DagsterAirbyteTranslator = DEFAULT_TRANSLATOR,
        asset_key_fn: DbtSourceKeyFn = default_source_key,
    ) -> None:
        # Those of dagster-airbyte do, too.
        if isinstance(base, type) or not hasattr(base, "get_asset_spec"):
            raise AirbyteSettingsError(
                f"base is {base!r}: give an instance of a translator class, such as"
                " base=NamespacedTranslator()."
            )
        self._base = base
        self._asset_key_fn = asset_key_fn
        self._sources = sources_of(manifest)
        self._by_warehouse: dict[str | None, _Index] = {}
        self._alike = _by_letters(self._sources)
        self._warned: set[str] = set()

    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        spec = self._base.get_asset_spec(props)
        found = self._find(props)
        if not found:
            self._warn_of_alike(props)
            return spec
        by_key = {self._asset_key_fn(source.props): source for source in found}
        if len(by_key) > 1:
            raise AirbyteSettingsError(_several(props, by_key))
        return spec.replace_attributes(key=next(iter(by_key)))

    def _find(self, props: AirbyteConnectionTableProps) -> list[DbtSource]:
        warehouse, schema = props.destination_type, _schema_of(props)
        if schema is None:
            return []
        index = self._by_warehouse.get(warehouse)
        if index is None:
            index = self._by_warehouse[warehouse] = _index(self._sources, warehouse)
        seen = folding(warehouse)
        schemas, names = (
            [seen(each) for each in written_by_airbyte(warehouse, name)]
            for name in (schema, props.table_name)
        )
        rows = next(filter(None, (index.get(pair) for pair in product(schemas, names))), ())
        own = props.database and seen(written_by_airbyte(warehouse, props.database)[0])
        return [source for theirs, source in rows if own is None or theirs is None or own == theirs]

    def _warn_of_alike(self, props: AirbyteConnectionTableProps) -> None:
        table = props.fully_qualified_table_name or props.table_name
        alike = self._alike.get(_letters(_schema_of(props) or "", props.table_name))
        if alike is None or table in self._warned:
            return
        if are_apart(props.destination_type, alike.adapter_type):
            return
        self._warned.add(table)
        _log.warning(
            "The table %s of connection %r keeps its usual key: the dbt source %s is another"
            " relation in the warehouse, %s. Was its manifest compiled for the target that reads"
            " what Airbyte writes?",
            table,
            props.connection_name,
            alike.id,
            _written(alike),
        )


def _schema_of(props: AirbyteConnectionTableProps) -> str | None:
    """Where the warehouse has no schemas, such as MySQL, dbt calls the database so."""
    if (usual := ONE_SCHEMA.get(props.destination_type or "")) is not None:
        return props.schema or usual
    return props.table_schema or props.schema or props.database


def _index(sources: Iterable[DbtSource], warehouse: str | None) -> _Index:
    seen = folding(warehouse)
    index: dict[tuple[str, str], list[tuple[str | None, DbtSource]]] = defaultdict(list)
    for source in sources:
        if not are_apart(warehouse, source.adapter_type):
            relation = source.relation
            database = seen(relation.database) if relation.database else None
            index[seen(relation.schema), seen(relation.name)].append((database, source))
    return dict(index)


def _by_letters(sources: Iterable[DbtSource]) -> Mapping[tuple[str, str], DbtSource]:
    relations = ((source, source.relation) for source in sources)
    return {_letters(each.schema.text, each.name.text): source for source, each in relations}


def _letters(schema: str, name: str) -> tuple[str, str]:
    return schema.casefold(), name.casefold()


def _written(source: DbtSource) -> str:
    names = (source.relation.database, source.relation.schema, source.relation.name)
    return ".".join(f'"{each.text}"' if each.is_quoted else each.text for each in names if each)


def _several(props: AirbyteConnectionTableProps, by_key: Mapping[dg.AssetKey, DbtSource]) -> str:
    table = props.fully_qualified_table_name or props.table_name
    what = f"The table {table!r} of connection {props.connection_name!r}"
    seen = folding(props.destination_type)
    databases = [each.relation.database for each in by_key.values()]
    if props.database is None and len({each and seen(each) for each in databases}) > 1:
        named = " and ".join(
            f"{each.id} ({key.to_user_string()!r}, {_written(each)})"
            for key, each in by_key.items()
        )
        return (
            f"{what} may be several dbt sources, in different databases: {named}. Airbyte does not"
            " say which database it writes to. Say it in a subclass of DbtSourcesTranslator, whose"
            " get_asset_spec returns super().get_asset_spec(dataclasses.replace(props,"
            " database=...)), or leave all manifests out but one."
        )
    named = ", ".join(f"{each.id} ({key.to_user_string()!r})" for key, each in by_key.items())
    return (
        f"{what} is several dbt sources, with different asset keys: {named}."
        " Give them one key, with meta: {dagster: {asset_key: [...]}} in dbt or with asset_key_fn"
        " here, or leave out all manifests but one."
    )
